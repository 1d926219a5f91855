"""`manage.py backtest --rule follow-up [--days 30] [--wording published]`: how often it would have run."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from automations.backtest import backtest
from automations.engine.problems import RuleInvalid
from automations.management.asking import Asking
from automations.supposing import WORDINGS, wording_of
from clinic.errors import ClinicError


class Command(Asking):
    """Ask a rule of the stored events of the last days."""

    help = "Count how often a rule would have run over the stored events of the last days. Nothing is written or sent."
    about_patient = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the rule and the days."""
        super().add_arguments(parser)
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--wording", choices=WORDINGS, default="draft")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the counts."""
        rule = self.rule_of(options)
        try:
            spec = wording_of(rule, options["wording"])
            found = backtest(rule, days=options["days"], spec=spec)
        except RuleInvalid as error:
            raise CommandError("\n".join(f"{one.path or '/'}: {one.message}" for one in error.errors)) from None
        except ClinicError as error:
            raise CommandError(f"--{error.path}: {error.message}") from None
        write = self.stdout.write
        write(f"{found.evaluated} events in {found.days} days: {found.matched} matched, {found.ran} would have run.")
        for code, count in sorted(found.suppressed.items()):
            write(f"  kept from running ({code}): {count}")
        types = {action.id: action.type for action in spec.actions}
        for action, count in found.steps.items():
            ended = f", {found.ended[action]} of them too late" if found.ended[action] else ""
            write(f"  step {action} ({types[action]}): {count}{ended}")
        write(f"  held by quiet hours: {found.held}; beyond the hourly limit: {found.capped}")
        write(f"  most for one patient: {found.most_per_patient}")
        for field, params in found.unknown_asks:
            write(f"  not known any more: {field} {params or ''}")
        for day, count in found.per_day.items():
            if count:
                write(f"  {day}: {count}")
