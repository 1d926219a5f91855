"""`manage.py dry_run --rule follow-up --patient A-17 [--at 2026-12-01T09:00+02:00]`: what the rule would do."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from automations.dryrun import dry_run
from automations.engine.problems import RuleInvalid
from automations.management.asking import Asking
from automations.seen import moment
from automations.supposing import WORDINGS, wording_of
from clinic.errors import ClinicError


class Command(Asking):
    """Try a rule on a patient."""

    help = "Say what a rule would do for a patient if its event happened at a moment. Nothing is written or sent."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the rule, the patient, the subject and the moment."""
        super().add_arguments(parser)
        parser.add_argument("--subject", help="the id of the visit, form … it is about; else the patient's newest")
        parser.add_argument("--at", help="when the event happens (now)")
        parser.add_argument("--wording", choices=WORDINGS, default="draft")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say the verdict and the steps."""
        rule = self.rule_of(options)
        patient = self.patient_of(rule, options["patient"])
        at = self.moment_of(options["at"])
        try:
            spec = wording_of(rule, options["wording"])
            found = dry_run(rule, patient, subject=options["subject"], at=at, spec=spec)
        except RuleInvalid as error:
            raise CommandError("\n".join(f"{one.path or '/'}: {one.message}" for one in error.errors)) from None
        except ClinicError as error:
            raise CommandError(f"--{error.path}: {error.message}") from None
        said = "" if found.reason is None else f": {found.reason.text}"
        self.stdout.write(f"{found.outcome}{said}")
        self.say_verdict(rule, found.verdict)
        for number, step in enumerate(found.steps, 1):
            due = moment(step.planned.due_at, rule.clinic.time_zone)
            why = f" ({step.planned.reason_text})" if step.planned.reason_text else ""
            self.stdout.write(f"{number}. {due}  {step.planned.action}: {step.planned.state}{why}")
