"""What if the rule asked for another number: counted, and nothing stored."""

from datetime import date

import pytest

from accounts.models import AuditEntry
from automations.models import Event, Rule, RuleVersion
from automations.tests.builders import published
from clinic.errors import ClinicError
from patients.models import Patient
from staff.whatif import what_if

pytestmark = pytest.mark.django_db
AGE = {"field": "patient.age", "op": "gte", "value": 65}
SPECIALIST = {"field": "appointment.specialist", "op": "is_not_empty"}


@pytest.fixture
def people(clinic):
    for given_name, year in (("Ana", 1963), ("Ion", 1949), ("Mia", 2014)):
        Patient.objects.create(clinic=clinic, given_name=given_name, birth_date=date(year, 6, 12))


def rule_asking(clinic, *items, match="all", trigger="patient.onboarded"):
    return published(clinic, trigger, conditions={"match": match, "items": list(items)})


def test_the_count_moves_with_the_number(clinic, people):
    rule = rule_asking(clinic, AGE)

    as_it_is, younger = what_if(rule, {}), what_if(rule, {"n0": "60"})

    assert [(one.name, one.label, one.value) for one in as_it_is.fields] == [("n0", "Age ≥", "65")]
    assert (as_it_is.count, as_it_is.of) == (1, 3)
    assert (younger.count, younger.fields[0].value) == (2, "60")


def test_nothing_is_stored_but_that_somebody_asked(clinic, people):
    rule = rule_asking(clinic, AGE)
    before = (Rule.objects.get().draft, RuleVersion.objects.count(), Event.objects.count())

    what_if(rule, {"n0": "1"})

    assert (Rule.objects.get().draft, RuleVersion.objects.count(), Event.objects.count()) == before
    assert AuditEntry.objects.filter(action="rule.asked_what_if", object_id=str(rule.pk)).count() == 1


@pytest.mark.parametrize("text", ["", "old", "1e9", "nan", "inf", "6" * 400])
def test_what_is_no_number_is_refused_at_its_field(clinic, people, text):
    with pytest.raises(ClinicError, match="Write a number") as refused:
        what_if(rule_asking(clinic, AGE), {"n0": text})
    assert refused.value.path == "n0"


def test_what_is_asked_of_the_event_is_left_out_and_said_to_be(clinic, people):
    found = what_if(rule_asking(clinic, AGE, SPECIALIST, trigger="appointment.booked"), {})

    assert (found.count, found.left_out) == (1, True)


def test_a_group_of_alternatives_is_left_out_as_a_whole(clinic, people):
    either = {"field": "group", "match": "any", "items": [AGE, SPECIALIST]}

    found = what_if(rule_asking(clinic, either, trigger="appointment.booked"), {})

    assert (found.count, found.of, found.left_out) == (3, 3, True)


def test_numbers_in_groups_have_names_of_their_own(clinic, people):
    child = {"field": "patient.age", "op": "lt", "value": 18}
    rule = rule_asking(clinic, {"field": "group", "match": "any", "items": [AGE, child]})

    found = what_if(rule, {"n0-1": "10"})

    assert [(one.name, one.value) for one in found.fields] == [("n0-0", "65"), ("n0-1", "10")]
    assert found.count == 1


def test_patients_of_another_clinic_are_not_counted(clinic, other_clinic, people):
    Patient.objects.create(clinic=other_clinic, given_name="Grace", birth_date=date(1940, 1, 1))

    assert what_if(rule_asking(clinic, AGE), {}).of == 3
