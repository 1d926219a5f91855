"""`manage.py recipes list`; `manage.py recipes install onboarding --clinic north --mode on` (or `--all`)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.selectors import clinic_by_slug
from automations import recipes
from automations.engine.schema import RuleInvalid
from automations.recipes.installing import DRAFT, MODES
from clinic.errors import ClinicError


class Command(BaseCommand):
    """Show the shipped rules, or give them to a clinic."""

    help = "List the shipped rules, or install them with the forms, messages and services that they need."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `list` and `install`."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="show the shipped rules")
        install = verbs.add_parser("install", help="give a clinic shipped rules; what it has already is left alone")
        install.add_argument("slugs", nargs="*", metavar="SLUG", help="a recipe; several may be named")
        install.add_argument("--all", action="store_true", help="every recipe")
        install.add_argument("--clinic", required=True, help="the clinic's slug")
        install.add_argument("--mode", choices=MODES, default=DRAFT, help="draft: a person publishes it later")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, or say what is wrong."""
        if options["verb"] == "list":
            self._list()
            return
        chosen = self._chosen(options["slugs"], options["all"])
        try:
            clinic = clinic_by_slug(options["clinic"])
            with transaction.atomic():  # several are one wish: all of them, or none
                done = [recipes.set_up(clinic=clinic, slug=slug, mode=options["mode"]) for slug in chosen]
        except RuleInvalid as error:
            raise CommandError("\n".join(f"{one.path or '/'}: {one.message}" for one in error.errors)) from None
        except ClinicError as error:
            raise CommandError(f"Nothing was installed. {error.message}") from None
        for one in done:
            self._report(one)

    def _chosen(self, slugs: list[str], every: bool) -> tuple[str, ...]:
        if every == bool(slugs):
            raise CommandError("Name the recipes to install, or give --all. `manage.py recipes list` shows them.")
        return recipes.slugs() if every else tuple(dict.fromkeys(slugs))

    def _list(self) -> None:
        width = max(len(slug) for slug in recipes.slugs())
        for one in recipes.recipes():
            self.stdout.write(f"{one.slug:<{width}}  {one.description}")

    def _report(self, done: recipes.Installed) -> None:
        what = "installed" if done.created else "was there and is left alone"
        self.stdout.write(f"{done.rule.slug}: {what} ({done.rule.get_mode_display()})")
        for need in done.needs:
            self.stdout.write(f"  {need.kind} {need.slug}: {'made' if need.created else 'was there'}")
