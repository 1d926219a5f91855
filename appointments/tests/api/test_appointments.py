"""Appointments over HTTP: booked, moved along their life-cycle, and refused with the place that is wrong."""

from __future__ import annotations

import pytest

from appointments.models import Appointment, Service, VisitSummary
from appointments.tests.builders import make_visit
from automations.models import Event
from forms_app.tests.builders import ask, make_template

pytestmark = pytest.mark.django_db
START = "2030-11-30T09:00:00+02:00"


@pytest.fixture
def service(clinic):
    return Service.objects.create(clinic=clinic, slug="initial-evaluation", name="Initial Evaluation", minutes=45)


def booking(patient, **more):
    return {"patient": str(patient.pk), "service": "initial-evaluation", "starts_at": START, **more}


def faults(answer):
    return [(one["path"], one["code"]) for one in answer.json()["errors"]]


def triggers():
    return list(Event.objects.exclude(trigger="patient.onboarded").order_by("pk").values_list("trigger", flat=True))


def test_a_visit_is_booked_with_the_services_minutes(api, patient, specialist, service):
    answer = api.post("appointments/", booking(patient, specialist="dr-ionescu", external_id="V-9"))
    assert answer.status_code == 201, answer.content
    visit = Appointment.objects.get()
    body = answer.json()
    assert body.pop("created_at")
    assert body == {
        "id": str(visit.pk),
        "external_id": "V-9",
        "patient": str(patient.pk),
        "service": "initial-evaluation",
        "specialist": "dr-ionescu",
        "starts_at": START,
        "minutes": 45,
        "status": "booked",
        "location": None,
        "join_url": None,
        "series": None,
        "series_position": None,
    }
    assert api.get(f"appointments/{visit.pk}/").json()["starts_at"] == START
    assert triggers() == ["appointment.booked"]


def test_the_patient_may_be_named_by_external_id(api, patient, service):
    answer = api.post("appointments/", {**booking(patient), "patient": {"external_id": "A-17"}})
    assert answer.json()["patient"] == str(patient.pk)


REFUSED = {
    "naive": ({"starts_at": "2030-11-30T09:00:00"}, ("/starts_at", "moment")),
    "no service": ({"service": "surgery"}, ("/service", "not_found")),
    "service by number": ({"service": 5}, ("/service", "invalid")),
    "no patient": ({"patient": "123456"}, ("/patient", "not_found")),
    "patient by number": ({"patient": 1}, ("/patient", "type")),
    "patient by name": ({"patient": {"name": "Maria"}}, ("/patient", "type")),
    "unknown external id": ({"patient": {"external_id": "?"}}, ("/patient", "not_found")),
    "no specialist": ({"specialist": "dr-who"}, ("/specialist", "not_found")),
    "status": ({"status": "done"}, ("/status", "invalid_choice")),
    "minutes": ({"minutes": 0}, ("/minutes", "min_value")),
    "too many minutes": ({"minutes": 10**15}, ("/minutes", "max_value")),
    "link": ({"join_url": "javascript:alert(1)"}, ("/join_url", "invalid")),
    "location": ({"location": "x" * 201}, ("/location", "max_length")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_422_at_its_place(api, patient, service, case):
    change, place = REFUSED[case]
    answer = api.post("appointments/", {**booking(patient), **change})
    assert (answer.status_code, faults(answer)) == (422, [place])
    assert (Appointment.objects.count(), triggers()) == (0, [])


def test_an_external_id_is_there_once(api, patient, service):
    api.post("appointments/", booking(patient, external_id="V-9"))
    answer = api.post("appointments/", booking(patient, external_id="V-9"))
    assert (answer.status_code, faults(answer)) == (422, [("/external_id", "unique")])


def test_a_form_that_blocks_booking_is_409_unless_overridden(api, patient, service):
    ask(patient, make_template(patient.clinic), blocking=True)
    answer = api.post("appointments/", booking(patient))
    assert (answer.status_code, faults(answer)) == (409, [("/patient", "blocking_form")])
    assert Appointment.objects.count() == 0
    assert api.post("appointments/", booking(patient, override_reason="An emergency.")).status_code == 201


MOVES = [
    ("booked", "confirm", "confirmed"),
    ("confirmed", "start", "in_progress"),
    ("in_progress", "complete", "completed"),
    ("booked", "cancel", "cancelled"),
    ("confirmed", "no-show", "no_show"),
    ("completed", "reopen", "booked"),
    ("booked", "entered-in-error", "entered_in_error"),
]


@pytest.mark.parametrize(("status", "verb", "becomes"), MOVES)
def test_a_verb_moves_it_and_the_same_again_does_nothing(api, patient, status, verb, becomes):
    visit = make_visit(patient, status)
    assert api.post(f"appointments/{visit.pk}/{verb}/").json()["status"] == becomes
    seen = triggers()
    again = api.post(f"appointments/{visit.pk}/{verb}/", {})
    assert (again.status_code, again.json()["status"], triggers()) == (200, becomes, seen)


@pytest.mark.parametrize("verb", ["confirm", "start", "complete", "cancel", "no-show", "reopen"])
def test_an_impossible_move_is_409_and_nothing_happens(api, patient, verb):
    visit = make_visit(patient, "entered_in_error")
    answer = api.post(f"appointments/{visit.pk}/{verb}/")
    assert (answer.status_code, faults(answer)[0][1]) == (409, "impossible_transition")
    assert Appointment.objects.get().status == "entered_in_error"


def test_it_is_moved_to_another_time_and_another_specialist(api, patient, specialist):
    visit = make_visit(patient)
    moved = api.post(f"appointments/{visit.pk}/reschedule/", {"starts_at": START})
    given = api.post(f"appointments/{visit.pk}/reassign/", {"specialist": "dr-ionescu"})
    assert (moved.json()["starts_at"], given.json()["specialist"]) == (START, "dr-ionescu")
    assert triggers()[-2:] == ["appointment.rescheduled", "appointment.reassigned"]
    assert api.post(f"appointments/{visit.pk}/reassign/", {"specialist": None}).json()["specialist"] is None


def test_where_it_takes_place_changes_by_patch(api, patient):
    visit = make_visit(patient)
    answer = api.patch(f"appointments/{visit.pk}/", {"location": "Room 2", "minutes": 20})
    assert (answer.json()["location"], answer.json()["minutes"]) == ("Room 2", 20)
    assert api.patch(f"appointments/{visit.pk}/", {"location": None}).json()["location"] is None
    assert api.patch(f"appointments/{visit.pk}/", {"status": "completed"}).status_code == 422


def test_a_summary_is_written_and_released_once(api, patient):
    visit = make_visit(patient, "completed")
    path = f"appointments/{visit.pk}/summary/"
    assert api.get(path).status_code == 404
    assert api.send("PUT", path, {"text": "All is well."}).json()["status"] == "draft"
    released = api.post(f"{path}release/").json()
    assert (released["status"], released["text"]) == ("released", "All is well.")
    assert api.post(f"{path}release/").json() == released
    assert api.send("PUT", path, {"text": "Not so well."}).status_code == 409
    assert VisitSummary.objects.get().text == "All is well."
    assert triggers().count("appointment.summary_released") == 1


def test_lists_are_filtered_and_paged(api, patient, service, specialist):
    visits = [make_visit(patient, "booked" if n % 2 else "completed") for n in range(5)]
    first = api.get("appointments/?limit=2&ordering=id").json()
    assert [one["id"] for one in first["results"]] == [str(one.pk) for one in visits[:2]]
    assert first["previous"] is None
    second = api.get(first["next"]).json()
    assert [one["id"] for one in second["results"]] == [str(one.pk) for one in visits[2:4]]
    assert api.get(second["previous"]).json()["results"] == first["results"]
    done = api.get(f"appointments/?status=completed,no_show&patient={patient.pk}&patient_external_id=A-17").json()
    assert len(done["results"]) == 3
    assert api.get("appointments/?patient=999").json()["results"] == []
    assert api.get("appointments/?specialist=dr-ionescu").json()["results"] == []


def test_a_service_is_offered_changed_and_named_by_slug_or_id(api):
    made = api.post("services/", {"slug": "physio", "name": "Physiotherapy"}).json()
    assert made == {"id": made["id"], "slug": "physio", "name": "Physiotherapy", "minutes": 30, "archived": False}
    for name in ("physio", made["id"]):
        assert api.patch(f"services/{name}/", {"minutes": 50}).json()["minutes"] == 50
        assert api.get(f"services/{name}/").json()["name"] == "Physiotherapy"
    assert faults(api.post("services/", {"slug": "physio", "name": "Again"})) == [("/slug", "taken")]
    assert faults(api.post("services/", {"slug": "12", "name": "Twelve"})) == [("/slug", "number")]
    assert faults(api.patch("services/physio/", {"slug": "other"})) == [("/slug", "fixed")]
    assert api.patch("services/physio/", {"archived": True}).json()["archived"] is True
    assert api.get("services/?archived=false").json()["results"] == []
