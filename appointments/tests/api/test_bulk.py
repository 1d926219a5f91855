"""Bulk appointments: a line is an upsert, told line by line; what is refused undoes no neighbour."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from appointments.models import Appointment
from appointments.tests.builders import make_service
from automations.models import Event
from clinic.clock import now
from forms_app.tests.builders import ask, make_template
from patients.models import Patient

pytestmark = pytest.mark.django_db
START = "2030-11-30T09:00:00+02:00"


def send(api, path, lines, **headers):
    body = "".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in lines)
    answer = api.post(path, body, content_type="application/x-ndjson", **headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/x-ndjson"
    return [json.loads(one) for one in answer.content.splitlines()]


def outcomes(answers):
    return [one["outcome"] for one in answers]


def faults(answers):
    return [(one["line"], error["path"], error["code"]) for one in answers for error in one.get("errors", [])]


def triggers(noun="appointment"):
    rows = Event.objects.filter(muted="", trigger__startswith=noun)
    return list(rows.order_by("pk").values_list("trigger", flat=True))


def visit(number=1, **more):
    return {"external_id": f"V-{number}", "patient": "A-17", "service": "initial-evaluation", "starts_at": START} | more


@pytest.fixture
def service(clinic):
    return make_service(clinic)


def test_people_and_their_visits_come_in_and_the_same_again_changes_nothing(api, service):
    people = [{"external_id": f"P-{n}", "given_name": f"Pat{n}", "language": "ro"} for n in range(30)]
    visits = [visit(n, patient=f"P-{n}") for n in range(30)]
    for path, lines, model in (("patients/bulk/", people, Patient), ("appointments/bulk/", visits, Appointment)):
        first = send(api, f"{path}?fire=true", lines)
        assert set(outcomes(first)) == {"created"}
        assert [one["line"] for one in first] == list(range(1, 31))
        assert {one["id"] for one in first} == {str(pk) for pk in model.objects.values_list("pk", flat=True)}
        fired, audited = Event.objects.count(), AuditEntry.objects.count()
        again = send(api, f"{path}?fire=true", lines)
        assert set(outcomes(again)) == {"unchanged"}
        assert [one["id"] for one in again] == [one["id"] for one in first]
        assert (Event.objects.count(), AuditEntry.objects.count()) == (fired, audited)
    assert (len(triggers("patient")), len(triggers("appointment"))) == (30, 30)
    assert AuditEntry.objects.filter(action="appointment.booked").exclude(patient_id=None).count() == 30


def test_without_fire_no_rule_hears_of_it(api, service, patient):
    assert outcomes(send(api, "appointments/bulk/", [visit()])) == ["created"]
    assert outcomes(send(api, "appointments/bulk/", [visit(status="completed")])) == ["updated"]
    assert triggers() == []


def test_a_status_that_differs_is_that_transition_at_its_moment(api, service, patient):
    send(api, "appointments/bulk/", [visit(1), visit(2)])
    before = (now() - timedelta(hours=3)).replace(microsecond=0)
    lines = [visit(1, status="completed", occurred_at=before.isoformat()), {"external_id": "V-2", "status": "no_show"}]
    assert outcomes(send(api, "appointments/bulk/?fire=true", lines)) == ["updated", "updated"]
    assert triggers() == ["appointment.completed", "appointment.no_show"]
    assert Event.objects.get(trigger="appointment.completed").occurred_at == before


def test_another_start_or_specialist_is_a_move_and_null_clears(api, service, patient, specialist):
    send(api, "appointments/bulk/", [visit(specialist="dr-ionescu")])
    moved = {"external_id": "V-1", "starts_at": "2030-12-01T09:00:00+02:00", "specialist": None}
    assert outcomes(send(api, "appointments/bulk/?fire=true", [moved])) == ["updated"]
    assert sorted(triggers()) == ["appointment.reassigned", "appointment.rescheduled"]
    assert Appointment.objects.get().specialist is None


def test_one_visit_may_come_twice_in_a_file_and_moves_on(api, service, patient):
    lines = [visit(), visit(status="confirmed"), visit(status="completed"), visit(status="completed")]
    answers = send(api, "appointments/bulk/?fire=true", lines)
    assert outcomes(answers) == ["created", "updated", "updated", "unchanged"]
    assert triggers() == ["appointment.booked", "appointment.confirmed", "appointment.completed"]


REFUSED = {
    "no json": ('{"external_id": \n', ("", "not_json")),
    "nul": (visit(9, location="a\0"), ("/location", "nul")),
    "no name": ({"patient": "A-17"}, ("/external_id", "required")),
    "unknown member": (visit(9, colour="red"), ("/colour", "unknown_field")),
    "naive": (visit(9, starts_at="2030-11-30T09:00:00"), ("/starts_at", "moment")),
    "status": (visit(9, status="gone"), ("/status", "invalid_choice")),
    "no such patient": (visit(9, patient="?"), ("/patient", "not_found")),
    "no such service": (visit(9, service="surgery"), ("/service", "not_found")),
    "no such specialist": (visit(9, specialist="dr-who"), ("/specialist", "not_found")),
    "new without start": (
        {"external_id": "V-9", "patient": "A-17", "service": "initial-evaluation"},
        ("/starts_at", "required"),
    ),
    "to come": (visit(9, occurred_at="2190-01-01T00:00:00Z"), ("/occurred_at", "future")),
    "leaving the end": (visit(1, status="booked"), ("/status", "impossible_transition")),
    "moving the past": (
        {"external_id": "V-1", "starts_at": "2030-12-01T09:00:00Z"},
        ("/starts_at", "impossible_transition"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_line_is_refused_with_its_place_and_its_neighbours_stand(api, service, patient, case):
    send(api, "appointments/bulk/", [visit(1, status="completed")])
    line, (path, code) = REFUSED[case]
    answers = send(api, "appointments/bulk/?fire=true", [visit(2), line, visit(3)])
    assert outcomes(answers) == ["created", "refused", "created"]
    assert faults(answers) == [(2, path, code)]
    assert Appointment.objects.count() == 3
    assert triggers() == ["appointment.booked"] * 2


def test_who_may_not_be_booked_is_refused_but_what_happened_is_recorded(api, service, patient):
    ask(patient, make_template(patient.clinic), blocking=True)
    answers = send(api, "appointments/bulk/", [visit(1), visit(2, status="completed")])
    assert (outcomes(answers), faults(answers)) == (["refused", "created"], [(1, "/patient", "blocking_form")])
    Patient.objects.update(status="archived")
    assert faults(send(api, "appointments/bulk/", [visit(1)])) == [(1, "/patient", "patient_inactive")]


def test_another_clinics_records_do_not_exist(api, stranger_api, service, patient, other_clinic):
    send(api, "appointments/bulk/", [visit(1)])
    make_service(other_clinic)
    assert faults(send(stranger_api, "appointments/bulk/", [visit(1)])) == [(1, "/patient", "not_found")]
    assert Appointment.objects.count() == 1


def test_people_are_changed_by_what_a_line_says_and_null_clears(api, patient):
    lines = [{"external_id": "A-17", "email": None, "city": "Cluj"}, {"external_id": "B", "email": "b@x.example"}]
    answers = send(api, "patients/bulk/", lines)
    assert (outcomes(answers), faults(answers)) == (["updated", "refused"], [(2, "/given_name", "required")])
    changed = Patient.objects.get()
    assert (changed.email, changed.city, changed.city_folded, changed.given_name) == ("", "Cluj", "cluj", "Maria")


def test_blank_lines_are_skipped_and_the_others_keep_their_numbers(api, service, patient):
    lines = [json.dumps(visit(1)), "", "   \r", json.dumps(visit(2)), ""]
    answer = api.post("appointments/bulk/", "\n".join(lines), content_type="application/x-ndjson")
    answers = [json.loads(line) for line in answer.content.splitlines()]
    assert [(one["line"], one["outcome"]) for one in answers] == [(1, "created"), (4, "created")]
    blank = api.post("appointments/bulk/", "\n \n", content_type="application/x-ndjson")
    assert (blank.status_code, blank.json()["errors"][0]["code"]) == (400, "no_lines")


def test_what_the_clinic_does_not_have_is_named(api, service, patient):
    lines = [visit(1, service="surgery"), visit(2, specialist="dr-who"), visit(3, patient="Z-99")]
    told = [one["errors"][0]["message"] for one in send(api, "appointments/bulk/", lines)]
    assert told == [f"This clinic has no “{name}” of that kind." for name in ("surgery", "dr-who", "Z-99")]


def test_another_kind_of_body_is_told_the_right_one(api, service):
    answer = api.post("patients/bulk/", "{}")
    assert answer.json()["detail"] == "Send the body as application/x-ndjson, not as application/json."
    answer = api.post("patients/", "a=b", content_type="text/plain")
    assert answer.json()["detail"] == "Send the body as application/json, not as text/plain."


def test_a_key_makes_the_whole_file_safe_to_send_again(api, service, patient):
    first = send(api, "appointments/bulk/", [visit(1)], **{"Idempotency-Key": "k"})
    assert outcomes(first) == ["created"]
    assert send(api, "appointments/bulk/", [visit(1)], **{"Idempotency-Key": "k"}) == first


@pytest.mark.parametrize(
    ("kind", "path", "body", "status"),
    [
        ("application/json", "patients/bulk/", "{}", 415),
        ("application/x-ndjson", "patients/bulk/", "", 400),
        ("application/x-ndjson", "patients/bulk/?fire=yes", "{}", 422),
        ("application/x-ndjson", "patients/bulk/", "{}\n" * 10_001, 413),
        ("application/x-ndjson", "patients/bulk/", "x" * (16 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_none_is_refused_as_a_whole(api, kind, path, body, status):
    answer = api.post(path, body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert Patient.objects.count() == 0
