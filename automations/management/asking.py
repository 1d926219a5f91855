"""What the commands that ask about rules have in common: find the rule and the patient, say a verdict in lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from automations.engine.declare import catalog
from automations.engine.values import ConditionVerdict, Verdict
from automations.models import Rule
from automations.naming import names_of
from automations.seen import shown
from automations.wording import condition_words, group_label

MARKS = {True: "✓", False: "✗", None: "?"}


class Asking(BaseCommand):
    """Find a rule, and where wanted a patient, by what a person types."""

    about_patient = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare how rule and patient are named."""
        parser.add_argument("--rule", required=True, help="the rule's slug")
        parser.add_argument("--clinic", help="the clinic's slug; needed only where two clinics have such a rule")
        if self.about_patient:
            parser.add_argument("--patient", required=True, help="the patient's external id, or id")

    def rule_of(self, options: dict[str, Any]) -> Rule:
        """Return the rule. Raises CommandError, saying what there is."""
        rows = Rule.objects.select_related("clinic").defer("draft").filter(slug=options["rule"])
        if options["clinic"]:
            rows = rows.filter(clinic__slug=options["clinic"])
        found = list(rows[:2])
        if not found:
            there = Rule.objects.order_by("slug").values_list("slug", flat=True).distinct()[:20]
            raise CommandError(
                f"--rule: there is no rule {options['rule']!r}. There are: {', '.join(there) or 'none'}."
            )
        if len(found) > 1:
            raise CommandError("--clinic: several clinics have such a rule; name one.")
        return found[0]

    def patient_of(self, rule: Rule, named: str) -> Any:
        """Return the patient of the rule's clinic. Raises CommandError."""
        rows = apps.get_model("patients", "Patient").objects.filter(clinic_id=rule.clinic_id)
        row = rows.filter(external_id=named).first() if named else None
        if row is None and named.isascii() and named.isdigit() and len(named) < 19:
            row = rows.filter(pk=int(named)).first()
        if row is None:
            raise CommandError(f"--patient: {rule.clinic.name} has no patient {named!r}.")
        return row

    def moment_of(self, text: str | None) -> datetime | None:
        """Return a moment with its offset. Raises CommandError for one without."""
        if text is None:
            return None
        try:
            found = parse_datetime(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise CommandError("--at: write a moment with its offset, such as 2026-12-01T09:00+02:00.")
        return found

    def say_verdict(self, rule: Rule, verdict: Verdict, indent: str = "  ") -> None:
        """Write a verdict, a line a condition."""
        names = names_of(rule.clinic_id, [], [verdict])
        for line in _lines(verdict, names, indent):
            self.stdout.write(line)


def _lines(verdict: Verdict, names: Any, indent: str) -> Iterator[str]:
    for item in verdict.items:
        if isinstance(item, Verdict):
            yield f"{indent}{MARKS[item.result]} {group_label(item.match)}"
            yield from _lines(item, names, indent + "  ")
        else:
            yield f"{indent}{MARKS[item.result]} {_line(item, names)}"


def _line(item: ConditionVerdict, names: Any) -> str:
    fact = catalog.facts.get(item.condition.field)
    actual = shown(item.actual, fact, names) or "unknown"
    return f"{condition_words(item.condition, catalog, names)} (was {actual})"
