"""What a segment may ask, what is refused and where, and what can change its answer."""

from __future__ import annotations

import pytest

from automations.engine.conditions import parse_group
from automations.engine.declare import Fact, FactType
from automations.engine.problems import RuleInvalid
from automations.tests.worlds import declared
from segments import definition
from segments.models import Segment
from segments.tests.builders import dynamic, tagged

pytestmark = pytest.mark.django_db


def refused(clinic, *items, match="all"):
    """Return (place, code) of all that is wrong with conditions."""
    with pytest.raises(RuleInvalid) as error:
        definition.check(clinic, {"match": match, "items": list(items)})
    return [(problem.path, problem.code) for problem in error.value.errors]


def test_which_segments_a_patient_is_in_cannot_be_asked(clinic):
    asked = {"field": "patient.segments", "op": "has_any_of", "value": ["vips"]}
    inside = {"field": "group", "match": "any", "items": [asked]}
    assert refused(clinic, asked, inside) == [
        ("/conditions/items/0/field", "segment_in_segment"),
        ("/conditions/items/1/items/0/field", "segment_in_segment"),
    ]


def test_what_belongs_to_an_event_cannot_be_asked(clinic):
    asked = {"field": "appointment.series_position", "op": "eq", "value": 1}
    assert refused(clinic, asked) == [("/conditions/items/0/field", "unknown_field")]


def test_a_row_that_the_clinic_does_not_have_is_refused_by_its_place(clinic):
    count = {"field": "patient.appointment_count", "op": "gte", "value": 1, "services": ["massage"]}
    assert refused(clinic, count) == [("/conditions/items/0/services/0", "unknown_reference")]


def test_what_the_database_cannot_answer_is_refused_in_words(clinic):
    odd = Fact("patient.odd", "Odd", FactType.any, "Odd.", {}, expression=lambda ctx: ctx.patient_id)
    with declared([odd]):
        assert refused(clinic, {"field": "patient.odd", "op": "contains", "value": "x"}) == [
            ("/conditions", "not_in_sql")
        ]


@pytest.mark.parametrize("junk", [[], "x", 7, {"match": "all"}, {"match": "all", "items": [[[]]]}, {"items": 3}])
def test_junk_is_refused_and_nothing_is_stored(clinic, junk):
    with pytest.raises(RuleInvalid):
        dynamic(clinic, junk)
    assert Segment.objects.count() == 0


def test_conditions_a_thousand_deep_are_refused(clinic):
    deep: dict = {"match": "all", "items": []}
    for _ in range(1_000):
        deep = {"match": "all", "items": [{"field": "group", **deep}]}
    with pytest.raises(RuleInvalid):
        dynamic(clinic, deep)


def group_of(*items):
    return parse_group({"match": "all", "items": list(items)}, definition.offered())


AGE = {"field": "patient.age", "op": "gte", "value": 65}
CITY = {"field": "patient.city", "op": "is", "value": "Cluj"}
RECENT = {"field": "patient.registered_at", "op": "in_last", "value": {"amount": 3, "unit": "days"}}
SINCE = {"field": "patient.registered_at", "op": "after", "value": "2026-01-01"}
NEXT = {"field": "patient.next_appointment_at", "op": "is_empty"}


@pytest.mark.parametrize(
    ("item", "depends"), [(AGE, True), (CITY, False), (RECENT, True), (SINCE, False), (NEXT, True)]
)
def test_time_changes_what_a_fact_or_an_operator_counts_from_now(item, depends):
    assert definition.depends_on_time(group_of(item)) is depends


def test_the_sources_are_those_of_its_facts_and_the_patient():
    assert definition.sources(group_of(NEXT)) == {"patients.Patient", "appointments.Appointment"}
    assert definition.sources(group_of()) == {"patients.Patient"}


def test_a_fact_whose_source_announces_nothing_is_swept():
    quiet = Fact(
        "patient.quiet",
        "Quiet",
        FactType.number,
        "Quiet.",
        {},
        sources=("patients.Contact",),
        expression=lambda ctx: ctx.patient_id,
    )
    with declared([quiet]):
        assert definition.depends_on_time(group_of({"field": "patient.quiet", "op": "eq", "value": 1})) is True


def test_it_is_stored_with_every_default_written_out(clinic):
    assert dynamic(clinic, tagged("vip")).conditions == tagged("vip")
