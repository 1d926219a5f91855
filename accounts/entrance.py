"""How django-allauth works here: no sign-up, mail that may fail, encrypted secrets, and locks before passwords."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.views import LoginView
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.base.views import AuthenticateView, ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_lockout_response
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property

from accounts.mailing import MAIL_FAILED
from accounts.middleware import client_ip
from accounts.permissions import active_memberships
from accounts.second_factor import needs_second_factor
from accounts.sessions import ENDED

logger = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):
    """Accounts of people who were invited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Let nobody sign up."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the audit trail names too."""
        address = client_ip(request)
        if address is None:
            raise PermissionDenied
        return address

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again only if the last password or code is older than the timeout: whoever just signed in is known."""
        records = get_authentication_records(context.request, context.request.user)
        last = max((one["at"] for one in records), default=0.0)
        return time.time() - last >= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Lead to the first page; who works at no clinic, as an operator may, to the administration."""
        works_here = request.user.is_authenticated and active_memberships(request.user).exists()
        return reverse(settings.LOGIN_REDIRECT_URL if works_here else "admin:index")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Go back to one's own settings."""
        return reverse(settings.LOGIN_REDIRECT_URL)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Lead to the public address, whatever name the request came by."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "0", "key": "k"})
        return settings.PUBLIC_URL + path.replace("0-k", key)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a message of an account. A mail server that is away fails nobody's click; the log tells."""
        try:
            super().send_mail(template_prefix, email, context)
        except MAIL_FAILED:
            logger.exception("accounts.mail_failed")


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors: encrypted at rest, and kept where a clinic asks for one."""

    @cached_property
    def _box(self) -> MultiFernet:
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        digests = [hashlib.sha256(b"accounts.second_factor:" + key.encode()).digest() for key in keys]
        return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])

    def encrypt(self, text: str) -> str:
        """Encrypt a secret with a key made from SECRET_KEY."""
        return self._box.encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Read what `encrypt` wrote, also under a key of SECRET_KEY_FALLBACKS."""
        return self._box.decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """Keep it while a clinic of the person's asks for a second factor."""
        return not needs_second_factor(authenticator.user)


class SetUpForm(ActivateTOTPForm):
    """The first code of an authenticator app, which is spent by it as every later one is by signing in."""

    def clean_code(self) -> str:
        """Take the code, once."""
        code: str = super().clean_code()
        adapter = get_adapter()
        future = Authenticator(
            user=self.user, type=Authenticator.Type.TOTP, data={"secret": adapter.encrypt(self.secret)}
        )
        if not future.wrap().validate_code(code):
            raise adapter.validation_error("incorrect_code")
        return code


class SignIn(LoginView):
    """Email and password. A name that is locked for this address gets no try."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show what the lock says instead of the form."""
        if request.method == "POST" and not AxesProxyHandler.is_allowed(request):
            return get_lockout_response(request)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say why a session ended, once."""
        return super().get_context_data(**kwargs) | {"ended": self.request.session.pop(ENDED, "")}


class CodeAgain(ReauthenticateView):
    """The code before what lets people in. While the name is locked, a right one opens nothing either."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what the lock says instead of the form."""
        if not AxesProxyHandler.is_allowed(request, {"email": getattr(request.user, "email", "")}):
            return get_lockout_response(request)
        return super().post(request, *args, **kwargs)


class SecondStep(AuthenticateView):
    """The code after the password. Wrong ones count as wrong passwords do."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what the lock says instead of the form."""
        if not AxesProxyHandler.is_allowed(request, {"email": self.stage.login.user.email}):
            return get_lockout_response(request)
        return super().post(request, *args, **kwargs)
