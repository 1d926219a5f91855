"""`manage.py explain --rule follow-up --patient A-17`: why the rule ran, or did not run, for this patient."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from automations.engine.problems import RuleInvalid
from automations.explain import LATEST, explain
from automations.management.asking import Asking
from automations.seen import moment


class Command(Asking):
    """Explain a rule's answers to what happened to one patient."""

    help = "Say why a rule ran, or did not run, for a patient: from what was recorded, with the values that it met."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the rule, the patient and what if."""
        super().add_arguments(parser)
        parser.add_argument("--what-if", metavar="JSON", help="conditions on the wire: would it have run with these?")
        parser.add_argument("--last", type=int, default=LATEST, help=f"how many events to look at ({LATEST})")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say it, then event by event."""
        rule = self.rule_of(options)
        patient = self.patient_of(rule, options["patient"])
        try:
            conditions = json.loads(options["what_if"]) if options["what_if"] else None
            found = explain(rule, patient, conditions=conditions, limit=min(max(options["last"], 1), 500))
        except RuleInvalid as error:
            raise CommandError(
                "\n".join(f"--what-if {one.path or '/'}: {one.message}" for one in error.errors)
            ) from None
        except (ValueError, RecursionError):
            raise CommandError("--what-if: this is no JSON.") from None
        self.stdout.write(found.text)
        for one in found.events:
            at = moment(one.event.occurred_at, rule.clinic.time_zone)
            said = "" if one.reason is None else f": {one.reason.text}"
            self.stdout.write(f"\n{at}  {one.event}  {one.outcome}{said}")
            if one.would is not None:
                self.stdout.write(
                    "  with these conditions: " + ("it would run" if one.would.result else "it would not run")
                )
                self.say_verdict(rule, one.would, "    ")
