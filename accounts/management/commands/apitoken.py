"""`manage.py apitoken create --clinic north --name booking --scopes read,write,rules,events`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import tokens
from accounts.models import ApiToken
from accounts.selectors import clinic_by_slug
from clinic.errors import ClinicError


class Command(BaseCommand):
    """Make, list, rotate and revoke the API tokens of a clinic."""

    help = "Make, list, rotate and revoke API tokens. A new token is printed once, alone, on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a token and print it")
        create.add_argument("--name", required=True, help="what it is for, for example “booking system”")
        create.add_argument("--scopes", default="read", help=f"some of {','.join(tokens.SCOPES)} (read)")
        rotate = verbs.add_parser("rotate", help="make a token's successor and print it")
        rotate.add_argument("--id", required=True, type=int)
        rotate.add_argument("--overlap-hours", type=int, default=24, help="how long the old one stays good (24)")
        revoke = verbs.add_parser("revoke", help="end a token now")
        revoke.add_argument("--id", required=True, type=int)
        for verb in (create, rotate):
            verb.add_argument("--days", type=int, default=tokens.DEFAULT_DAYS, help="1 to 365 (90)")
        for verb in (create, rotate, revoke, verbs.add_parser("list", help="show the tokens that are good")):
            verb.add_argument("--clinic", required=True, help="the clinic's slug")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say what is wrong."""
        verbs = {"create": self._create, "rotate": self._rotate, "revoke": self._revoke, "list": self._list}
        try:
            verbs[options["verb"]](clinic_by_slug(options["clinic"]), options)
        except ClinicError as error:
            where = f"--{error.path}: " if error.path in options else ""
            raise CommandError(f"{where}{error.message}") from None

    def _create(self, clinic: Any, options: dict[str, Any]) -> None:
        scopes = options["scopes"].split(",")
        _token, secret = tokens.create_token(clinic=clinic, name=options["name"], scopes=scopes, days=options["days"])
        self.stdout.write(secret)

    def _rotate(self, clinic: Any, options: dict[str, Any]) -> None:
        overlap = timedelta(hours=options["overlap_hours"])
        _new, secret = tokens.rotate_token(self._named(clinic, options), overlap=overlap, days=options["days"])
        self.stdout.write(secret)

    def _revoke(self, clinic: Any, options: dict[str, Any]) -> None:
        token = tokens.revoke_token(self._named(clinic, options))
        self.stderr.write(f"{token} is revoked.")

    def _list(self, clinic: Any, options: dict[str, Any]) -> None:
        for token in tokens.standing_tokens(clinic):
            self.stdout.write(f"{token.pk}\t{token}\t{','.join(token.scopes)}\tuntil {token.expires_at:%Y-%m-%d}")

    def _named(self, clinic: Any, options: dict[str, Any]) -> ApiToken:
        token = ApiToken.objects.for_clinic(clinic).filter(pk=options["id"]).first()
        if token is None:
            raise ClinicError("The clinic has no such token; `apitoken list` shows those there are.", path="id")
        return token
