"""The known answer of a public synthetic data set, asked as a segment: of the SQL reader and of the evaluator."""

from __future__ import annotations

from django.core.management import call_command

from automations.engine.conditions import evaluate
from automations.engine.values import EventFacts
from automations.facts import read_patients
from fhir.tests.test_synthea import DATA, DAY
from fhir.tests.test_synthea import pytestmark as needs_the_data
from segments import definition, selectors

pytestmark = needs_the_data
FILES = [str(DATA / f"{name}.ndjson.gz") for name in ("Encounter", "Patient", "Practitioner")]
OLD = {"field": "patient.age", "op": "gte", "value": 65}
QUIET = {"field": "patient.appointment_count", "op": "eq", "value": 0, "window": {"amount": 3, "unit": "months"}}


def asked_one_by_one(clinic, conditions):
    """Return how many patients the evaluator finds, over facts read in Python."""
    group = definition.parse(conditions)
    asks = [(one.field, one.params) for one in group.conditions()]
    read = read_patients(list(selectors.living(clinic, DAY).values_list("pk", flat=True)), asks, DAY)
    zone = definition.ZoneInfo(clinic.time_zone)
    return sum(evaluate(group, EventFacts("synthea", DAY, zone, facts)).result is True for facts in read.values())


def test_age_65_and_no_visit_in_three_months_is_56_of_96_of_497(clinic):
    clinic.time_zone = "UTC"
    clinic.save()
    call_command("import_fhir", "--clinic", clinic.slug, *FILES)
    for items, count in (([OLD], 96), ([OLD, QUIET], 56)):
        conditions = {"match": "all", "items": items}
        found = selectors.preview(clinic, conditions, as_of=DAY)
        assert (found.count, found.of) == (count, 497)
        assert asked_one_by_one(clinic, conditions) == count
