"""Who calls: a program with a token, or a person in a browser session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts import tokens
from accounts.models import ApiToken

REALM = 'Bearer realm="clinic"'
MAX_SECRET = 200


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        """Return the token, or None if the header is not there. Raises for one that is of no use."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _space, secret = header.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret or len(secret) > MAX_SECRET:
            raise exceptions.AuthenticationFailed(_("Send “Authorization: Bearer <token>”."), code="malformed_header")
        token = tokens.find_token(secret)
        if token is None:
            raise exceptions.AuthenticationFailed(_("There is no such token."), code="unknown_token")
        if token.revoked_at is not None:
            raise exceptions.AuthenticationFailed(_("This token was revoked."), code="token_revoked")
        if not tokens.is_good(token):
            raise exceptions.AuthenticationFailed(_("This token has expired; rotate it."), code="token_expired")
        tokens.note_use(token)
        return AnonymousUser(), token

    def authenticate_header(self, request: Request) -> str:
        """Name the way in, so that a refusal is 401."""
        return REALM


class SessionAuthentication(authentication.SessionAuthentication):
    """A person who is signed in to the staff's pages; unsafe methods need the CSRF token."""


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe tokens in the schema."""

    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A clinic's token: `manage.py apitoken create --clinic SLUG --name NAME --scopes read`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """Describe browser sessions in the schema."""

    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A signed-in member of staff; unsafe methods send X-CSRFToken, who works at several "
            "clinics sends X-Clinic.",
        }
