"""From FHIR elements to the house's fields; pure."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir.mapping import ALIVE, SOMETIME, map_encounter, map_patient, map_practitioner, slug_of
from fhir.reading import BadResource
from fhir.tests.builders import encounter, patient
from fhir.values import Days, days, moment, reference_id

ZONE = ZoneInfo("Europe/Bucharest")


def test_a_patient_is_read_whole():
    data = map_patient(patient())
    assert data.values == {
        "given_name": "Ana Maria",
        "family_name": "Marin",
        "birth_date": date(1957, 3, 2),
        "sex": "female",
        "email": "ana@patients.example",
        "phone": "+40 721 000 000",
        "city": "Iași",
        "language": "ro",
    }
    assert (data.id, data.deceased, data.notes) == ("p1", None, ())


def test_what_is_absent_is_not_told():
    bare = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Ana Marin"}]}
    assert map_patient(bare).values == {"given_name": "Ana Marin", "family_name": ""}


@pytest.mark.parametrize(
    ("names", "given", "family"),
    [
        ([{"family": "Prince"}], "Prince", ""),
        ([{"given": ["Ana", None, " "]}], "Ana", ""),
        ([{"use": "nickname", "given": ["Annie"]}, {"family": "Marin", "given": ["Ana"]}], "Ana", "Marin"),
        ([{"use": "usual", "given": ["Usual"]}, {"use": "official", "given": ["Official"]}], "Official", ""),
    ],
)
def test_the_official_name_wins(names, given, family):
    values = map_patient(patient(name=names)).values
    assert (values["given_name"], values["family_name"]) == (given, family)


@pytest.mark.parametrize("text", ["1957", "1957-03"])
def test_an_incomplete_birth_date_is_unknown(text):
    assert "birth_date" not in map_patient(patient(birthDate=text)).values


@pytest.mark.parametrize(
    ("element", "value", "deceased"),
    [
        ("deceasedDateTime", "2019-05-31T23:30:00-05:00", Days(date(2019, 5, 31), date(2019, 5, 31))),
        ("deceasedDateTime", "2019-02", Days(date(2019, 2, 1), date(2019, 2, 28))),
        ("deceasedDateTime", "2019", Days(date(2019, 1, 1), date(2019, 12, 31))),
        ("deceasedBoolean", True, SOMETIME),
        ("deceasedBoolean", False, ALIVE),
    ],
)
def test_death_is_a_span_of_days(element, value, deceased):
    assert map_patient(patient(**{element: value})).deceased == deceased


def test_a_bad_address_is_left_out_and_told():
    data = map_patient(patient(telecom=[{"system": "email", "value": "not an address"}]))
    assert "email" not in data.values
    assert data.notes == ("telecom[0].value is no email address; left out.",)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"id": "no spaces"}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"name": None}, "name"),
        ({"name": []}, "name"),
        ({"name": "Ana"}, "name"),
        ({"name": ["Ana"]}, "name[0]"),
        ({"name": [{"given": "Ana"}]}, "name.given"),
        ({"name": [{"given": [1]}]}, "name.given"),
        ({"name": [{"given": ["x" * 201]}]}, "name.given"),
        ({"birthDate": "02.03.1957"}, "birthDate"),
        ({"birthDate": "1957-02-30"}, "birthDate"),
        ({"birthDate": "0957-01-01"}, "birthDate"),
        ({"birthDate": 1957}, "birthDate"),
        ({"gender": "f"}, "gender"),
        ({"gender": {}}, "gender"),
        ({"telecom": {}}, "telecom"),
        ({"telecom": [{"system": "phone", "value": 40}]}, "telecom[0].value"),
        ({"address": [{"city": 1}]}, "address[0].city"),
        ({"address": [{"city": "x" * 201}]}, "address[0].city"),
        ({"communication": [{"language": "ro"}]}, "communication.language"),
        ({"deceasedBoolean": "yes"}, "deceasedBoolean"),
        ({"active": 1}, "active"),
    ],
)
def test_a_wrong_element_of_a_patient_is_named(changes, path):
    with pytest.raises(BadResource) as caught:
        map_patient(patient(**changes))
    assert caught.value.path == path
    assert caught.value.reason


def test_an_encounter_is_read_whole():
    data = map_encounter(encounter(participant=[{"individual": {"reference": "urn:uuid:dr-1"}}]), ZONE)
    assert (data.id, data.patient_id, data.status, data.minutes) == ("e1", "p1", "completed", 45)
    assert data.starts_at == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert data.ends_at == datetime(2026, 3, 2, 7, 45, tzinfo=UTC)
    assert (data.service.code, data.service.slug, data.service.name) == (
        "185349003",
        "encounter-for-check-up",
        "Encounter for check up",
    )
    assert data.practitioner_id == "dr-1"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("planned", "booked"),
        ("arrived", "in_progress"),
        ("triaged", "in_progress"),
        ("in-progress", "in_progress"),
        ("finished", "completed"),
        ("cancelled", "cancelled"),
        ("entered-in-error", "entered_in_error"),
    ],
)
def test_states(word, status):
    assert map_encounter(encounter(status=word), ZONE).status == status


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"status": None}, "status"),
        ({"status": "unknown"}, "status"),
        ({"status": ["finished"]}, "status"),
        ({"subject": None}, "subject.reference"),
        ({"subject": {"reference": "Group/1"}}, "subject.reference"),
        ({"subject": {"reference": "#p"}}, "subject.reference"),
        ({"subject": "Patient/1"}, "subject"),
        ({"period": None}, "period.start"),
        ({"period": {"start": "2026-03"}}, "period.start"),
        ({"period": {"start": "2026-03-02T09:00:00"}}, "period.start"),
        ({"period": {"start": "2026-03-02T25:00:00Z"}}, "period.start"),
        ({"period": {"start": "9026-03-02T09:00:00Z"}}, "period.start"),
        ({"period": {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T08:00:00Z"}}, "period.end"),
        ({"type": [{"text": "x" * 201}]}, "type[0].text"),
        ({"type": [{"coding": "x"}]}, "type[0].coding"),
        ({"participant": [{"individual": {"reference": "Practitioner/a b"}}]}, "participant[0].individual.reference"),
    ],
)
def test_a_wrong_element_of_an_encounter_is_named(changes, path):
    with pytest.raises(BadResource) as caught:
        map_encounter(encounter(**changes), ZONE)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("kind", "slug", "name"),
    [
        ({"type": [{"text": "Encounter for 'check-up'"}]}, "encounter-for-check-up", "Encounter for 'check-up'"),
        ({"type": [{"coding": [{"code": "A1", "display": "Visit (finding)"}]}]}, "visit", "Visit"),
        ({"type": [{"coding": [{"code": "A1"}]}]}, "a1", "A1"),
        ({"type": None}, "amb", "AMB"),
        ({"type": None, "class": {"code": "AMB", "display": "Ambulatory"}}, "ambulatory", "Ambulatory"),
        ({"type": None, "class": None}, "visit", "Visit"),
    ],
)
def test_the_kind_of_visit(kind, slug, name):
    service = map_encounter(encounter(**kind), ZONE).service
    assert (service.slug, service.name) == (slug, name)


def test_slugs_fit_and_tell_apart_what_they_cut():
    long = ["Physiotherapy of the lower back with assessment of the " + side for side in ("left", "right")]
    slugs = {slug_of(text) for text in [*long, "تقييم", "متابعة"]}
    assert len(slugs) == 4
    assert all(0 < len(slug) <= 50 for slug in slugs)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("urn:uuid:018f428e-34f6", "018f428e-34f6"),
        ("Patient/7", "7"),
        ("https://fhir.example/r4/Patient/7/_history/2", "7"),
    ],
)
def test_references(text, found):
    assert reference_id(text, "Patient", "x") == found


@pytest.mark.parametrize("text", ["", "7", "Practitioner/7", "Patient?identifier=7", "#7", "urn:uuid:", "Patient/a b"])
def test_other_references_are_refused(text):
    with pytest.raises(BadResource):
        reference_id(text, "Patient", "x")


def test_a_bare_date_is_the_start_of_the_clinics_day():
    assert moment("2026-07-01", "x", ZONE) == datetime(2026, 6, 30, 21, tzinfo=UTC)


def test_a_leap_day_exists_in_its_year_only():
    assert days("2024-02-29", "x").whole == date(2024, 2, 29)
    with pytest.raises(BadResource):
        days("2023-02-29", "x")


def test_a_practitioner_is_known_by_id_identifier_and_name():
    resource = {
        "id": "Dr-1",
        "identifier": [{"value": "160"}],
        "name": [{"family": "Hilpert", "given": ["Sharyl"], "prefix": ["Dr."]}],
    }
    assert map_practitioner(resource).words == {"dr-1", "160", "sharyl-hilpert", "dr-sharyl-hilpert"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["2026-03-02T09:00:00Z", "1957", "Patient/1", "finished", "official", "email"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(
        ["name", "birthDate", "gender", "telecom", "address", "communication", "deceasedDateTime", "active"]
    ),
    JSON,
    st.sampled_from(["status", "subject", "period", "type", "class", "participant", "id"]),
    JSON,
)
def test_whatever_stands_in_an_element_is_used_or_refused(of_patient, one, of_encounter, two):
    for call in (
        lambda: map_patient(patient(**{of_patient: one})),
        lambda: map_encounter(encounter(**{of_encounter: two}), ZONE),
    ):
        with suppress(BadResource):  # and nothing else
            call()
