"""Facts of every patient, as the rules read them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from automations.engine.declare import catalog
from automations.facts import read_patients
from clinic import clock
from patients import services
from patients.models import Patient
from patients.selectors import age

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def fact(patient, key, moment=NOON):
    return read_patients([patient.pk], [(key, {})], moment)[patient.pk][key]


BIRTHDAYS = [
    (date(1957, 3, 2), date(2026, 3, 1), 68),
    (date(1957, 3, 2), date(2026, 3, 2), 69),
    (date(2004, 2, 29), date(2023, 2, 28), 18),
    (date(2004, 2, 29), date(2023, 3, 1), 19),
    (date(2004, 2, 29), date(2024, 2, 28), 19),
    (date(2004, 2, 29), date(2024, 2, 29), 20),
    (date(2000, 12, 31), date(2026, 12, 30), 25),
    (date(2000, 12, 31), date(2026, 12, 31), 26),
    (date(2000, 1, 31), date(2026, 1, 30), 25),
    (date(2026, 11, 24), date(2026, 11, 24), 0),
    (date(2026, 11, 25), date(2026, 11, 24), None),
    (None, date(2026, 11, 24), None),
]


@pytest.mark.parametrize(("born", "on", "years"), BIRTHDAYS)
def test_age_is_whole_calendar_years_in_python_and_in_sql(patient, born, on, years):
    Patient.objects.filter(pk=patient.pk).update(birth_date=born)

    assert age(born, on) == years
    assert fact(patient, "patient.age", datetime(on.year, on.month, on.day, 12, tzinfo=UTC)) == years


def test_python_and_sql_agree_on_the_age_of_every_day_of_four_years(patient):
    on = datetime(2026, 2, 28, 12, tzinfo=UTC)
    for days in range(0, 4 * 366, 3):
        born = date(2000, 1, 1) + timedelta(days=days)
        Patient._base_manager.filter(pk=patient.pk).update(birth_date=born)
        assert fact(patient, "patient.age", on) == age(born, on.date())


def test_age_is_counted_on_the_clinics_local_date(patient, stranger_patient):
    """22:30 UTC on 1 March is 2 March in Bucharest and still 1 March in New York."""
    late = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    Patient.objects.filter(pk__in=[patient.pk, stranger_patient.pk]).update(birth_date=date(1957, 3, 2))

    assert fact(patient, "patient.age", late) == 69
    assert fact(stranger_patient, "patient.age", late) == 68


def test_texts_are_as_written_and_nothing_written_is_unknown(patient):
    assert fact(patient, "patient.language") == "en"
    assert fact(patient, "patient.city") == "Iași"
    assert fact(patient, "patient.source") is None

    services.update(patient, language="", city="", source="website")

    assert fact(patient, "patient.language") is None
    assert fact(patient, "patient.city") is None
    assert fact(patient, "patient.source") == "website"


def test_choice_list_and_date(patient):
    services.update(patient, tags=["vip", "Knee"])
    patient.refresh_from_db()

    assert fact(patient, "patient.sex") == "female"
    assert fact(patient, "patient.tags") == ["vip", "Knee"]
    assert datetime.fromisoformat(fact(patient, "patient.registered_at")) == patient.registered_at


def test_the_date_of_birth_is_a_plain_date_and_comes_round_every_year(patient):
    assert fact(patient, "patient.birth_date") == "1957-03-02"
    assert catalog.facts["patient.birth_date"].yearly is True
    services.update(patient, birth_date=None)
    assert fact(patient, "patient.birth_date") is None


def test_the_specialist_is_named_by_slug(patient, specialist):
    assert fact(patient, "patient.specialist") is None

    services.assign_specialist(patient, specialist=specialist)

    assert fact(patient, "patient.specialist") == "dr-ionescu"


def test_all_facts_of_many_patients_take_one_query(clinic, django_assert_num_queries):
    keys = ("age", "sex", "language", "city", "source", "registered_at", "tags", "specialist")
    people = Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{n}", tags=[str(n)]) for n in range(50)])

    with django_assert_num_queries(1):
        found = read_patients([p.pk for p in people], [(f"patient.{key}", {}) for key in keys], NOON)

    assert found[people[7].pk]["patient.tags"] == ["7"]
    assert len(found) == 50


def listed(patient, key, moment=None, **params):
    [value] = read_patients([patient.pk], [(key, params)], moment or clock.now())[patient.pk].values()
    return value


def test_access_lists_what_is_in_force_at_the_moment(patient):
    assert listed(patient, "patient.access") == []
    end = clock.now() + timedelta(days=30)
    services.grant_access(patient, feature="telerehab", until=end)
    services.grant_access(patient, feature="library")
    assert listed(patient, "patient.access") == ["library", "telerehab"]
    assert listed(patient, "patient.access", end) == ["library"]
    services.revoke_access(patient, feature="library")
    assert listed(patient, "patient.access") == ["telerehab"]
    assert listed(patient, "patient.access", end - timedelta(days=60)) == []


EVERY_WAY = ["email", "in_platform", "push"]


def test_consent_lists_the_ways_that_a_category_may_take(patient):
    assert listed(patient, "patient.consent", category="clinical") == EVERY_WAY
    assert listed(patient, "patient.consent", category="marketing") == []
    services.set_consents(
        patient,
        [
            {"category": "clinical", "channel": "email", "granted": False},
            {"category": "marketing", "channel": "push", "granted": True},
        ],
    )
    assert listed(patient, "patient.consent", category="clinical") == ["in_platform", "push"]
    assert listed(patient, "patient.consent", category="marketing") == ["push"]
    assert listed(patient, "patient.consent", category="survey") == EVERY_WAY


def test_without_a_category_a_way_counts_while_anything_may_take_it(patient):
    assert listed(patient, "patient.consent") == EVERY_WAY
    usual = ("transactional", "clinical", "survey")
    no_email = [{"category": category, "channel": "email", "granted": False} for category in usual]
    services.set_consents(patient, no_email[:2])
    assert listed(patient, "patient.consent") == EVERY_WAY
    services.set_consents(patient, no_email[2:])
    assert listed(patient, "patient.consent") == ["in_platform", "push"]
    services.set_consents(patient, [{"category": "marketing", "channel": "email", "granted": True}])
    assert listed(patient, "patient.consent") == EVERY_WAY
