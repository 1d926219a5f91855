"""The admin pages of appointments: what people click, and what they are told when it cannot be."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment, Service, VisitSummary
from appointments.tests.builders import at, make_service, make_visit, service_of
from forms_app.tests.builders import ask, make_template

pytestmark = pytest.mark.django_db
CHANGELIST = reverse("admin:appointments_appointment_changelist")
ADD = reverse("admin:appointments_appointment_add")


def page(visit: Any) -> str:
    return reverse(f"admin:appointments_{visit._meta.model_name}_change", args=[visit.pk])


def posted(client: Client, visit: Appointment, **more: Any) -> dict[str, Any]:
    """Post the form of a visit as its page shows it, with what the person changed or pressed."""
    form = client.get(page(visit)).context["adminform"].form
    data = {"read_revision": form.instance.revision}
    for name in form.fields:
        value = form.initial.get(name)
        if name == "starts_at":
            local = value.astimezone(ZoneInfo(visit.clinic.time_zone))
            data |= {"starts_at_0": local.strftime("%Y-%m-%d"), "starts_at_1": local.strftime("%H:%M:%S")}
        elif value is not None:
            data[name] = value
    return data | more


def press(verb: str) -> dict[str, str]:
    return {f"appointments_appointment_press_{verb}": "1"}


def told(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_a_visit_is_booked_in_the_clinics_own_time(as_front_desk, patient, specialist):
    response = as_front_desk.post(
        ADD,
        {
            "patient": patient.pk,
            "service": service_of(patient.clinic).pk,
            "specialist": specialist.pk,
            "starts_at_0": "2027-01-04",
            "starts_at_1": "09:00",
            "minutes": "",
            "location": "Room 2",
            "join_url": "",
            "override_reason": "",
        },
    )
    assert response.status_code == 302, response.context["adminform"].form.errors
    visit = Appointment.objects.get()
    assert visit.starts_at == at("2027-01-04T09:00:00+02:00")
    assert (visit.minutes, visit.status, visit.clinic_id) == (45, "booked", patient.clinic_id)
    assert "09:00" in as_front_desk.get(page(visit)).content.decode()
    assert AuditEntry.objects.filter(action="appointment.booked").count() == 1


def test_a_blocking_form_is_told_at_the_patient_and_overridden_with_a_reason(as_front_desk, patient):
    ask(patient, make_template(patient.clinic), blocking=True)
    data = {
        "patient": patient.pk,
        "service": service_of(patient.clinic).pk,
        "specialist": "",
        "starts_at_0": "2027-01-04",
        "starts_at_1": "09:00",
        "minutes": "30",
        "location": "",
        "join_url": "",
        "override_reason": "",
    }
    response = as_front_desk.post(ADD, data)
    assert response.status_code == 200
    assert "blocks booking" in str(response.context["adminform"].form.errors["patient"])
    assert not Appointment.objects.exists()
    assert as_front_desk.post(ADD, data | {"override_reason": "Emergency"}).status_code == 302
    assert Appointment.objects.count() == 1


def test_only_those_who_can_take_a_visit_are_offered(as_admin, front_desk, specialist, patient):
    gone = services.archive_service(make_service(patient.clinic, "massage"))
    form = as_admin.get(ADD).context["adminform"].form
    assert list(form.fields["specialist"].queryset) == [specialist]
    assert gone not in form.fields["service"].queryset
    specialist.is_active = False
    specialist.save()
    visit = make_visit(patient, specialist=specialist, service=gone)  # what is chosen already stays on offer
    form = as_admin.get(page(visit)).context["adminform"].form
    assert list(form.fields["specialist"].queryset) == [specialist]
    assert gone in form.fields["service"].queryset


@pytest.mark.parametrize(
    ("verb", "state"),
    [("confirm", "confirmed"), ("start", "in_progress"), ("complete", "completed"), ("no_show", "no_show")],
)
def test_a_button_takes_the_visit_on_and_stays_on_the_page(as_front_desk, patient, verb, state):
    visit = make_visit(patient)
    response = as_front_desk.post(page(visit), posted(as_front_desk, visit, **press(verb)), follow=True)
    assert response.redirect_chain == [(page(visit), 302)]
    assert Appointment.objects.get(pk=visit.pk).status == state


def test_buttons_are_those_that_lead_on(as_admin, patient):
    visit = make_visit(patient, "completed")
    names = [one.action_name for one in as_admin.get(page(visit)).context["actions_submit_line"]]
    assert names == ["appointments_appointment_press_reopen", "appointments_appointment_press_enter_in_error"]


def test_a_reason_is_kept_with_what_was_cancelled(as_front_desk, patient):
    visit = make_visit(patient)
    as_front_desk.post(page(visit), posted(as_front_desk, visit, reason="Snow", **press("cancel")))
    assert AuditEntry.objects.get(action="appointment.cancelled").detail == {"from": "booked", "reason": "Snow"}


def test_two_clicks_on_confirm_are_one(as_front_desk, patient):
    visit = make_visit(patient)
    data = posted(as_front_desk, visit, **press("confirm"))
    for _ in range(2):
        assert as_front_desk.post(page(visit), data).status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("confirmed", 2)
    assert AuditEntry.objects.filter(action="appointment.confirmed").count() == 1


def test_a_form_gone_stale_is_refused_and_says_so(as_front_desk, patient):
    visit = make_visit(patient)
    data = posted(as_front_desk, visit, location="Room 7")
    services.cancel(visit)
    for pressed in ({}, press("confirm")):
        response = as_front_desk.post(page(visit), data | pressed)
        assert response.status_code == 200
        assert "somebody else" in str(response.context["adminform"].form.errors)
    visit.refresh_from_db()
    assert (visit.status, visit.location) == ("cancelled", "")


def test_a_stale_second_click_writes_back_nothing_else(as_front_desk, patient):
    visit = make_visit(patient)
    data = posted(as_front_desk, visit, **press("confirm"))
    services.change(services.confirm(visit), location="Room 3")
    response = as_front_desk.post(page(visit), data | {"location": "Room 7"})
    assert response.status_code == 200
    assert "somebody else" in str(response.context["adminform"].form.errors)
    visit.refresh_from_db()
    assert visit.location == "Room 3"


def test_what_a_service_refuses_is_a_message_and_no_crash(as_front_desk, patient):
    visit = make_visit(patient, "completed")
    data = posted(as_front_desk, visit)
    response = as_front_desk.post(page(visit), data | press("confirm"))  # a button that the page did not show
    assert response.status_code == 200
    assert "cannot become confirmed" in str(response.context["adminform"].form.errors)
    response = as_front_desk.post(page(visit), data | press("reopen"))  # not for the front desk
    assert response.status_code == 200
    assert "role" in str(response.context["adminform"].form.errors)
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("completed", 1)


def test_a_new_time_is_a_reschedule(as_front_desk, patient):
    visit = make_visit(patient)
    data = posted(as_front_desk, visit, starts_at_0="2027-01-05", starts_at_1="10:30:00")
    assert as_front_desk.post(page(visit), data).status_code == 302
    visit.refresh_from_db()
    assert visit.starts_at == at("2027-01-05T10:30:00+02:00")
    assert AuditEntry.objects.filter(action="appointment.rescheduled").count() == 1


def test_saving_without_a_change_changes_nothing(as_front_desk, patient):
    visit = make_visit(patient)
    assert as_front_desk.post(page(visit), posted(as_front_desk, visit)).status_code == 302
    visit.refresh_from_db()
    assert visit.revision == 1


def test_the_list_takes_several_on_and_names_the_one_it_cannot(as_front_desk, patient):
    visits = [make_visit(patient), make_visit(patient), make_visit(patient, "cancelled")]
    data = {"action": "confirm_selected", "_selected_action": [visit.pk for visit in visits]}
    response = as_front_desk.post(CHANGELIST, data, follow=True)
    assert "2 visits changed" in told(response)
    assert "cannot become confirmed" in told(response)
    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["cancelled", "confirmed", "confirmed"]


def test_another_clinics_visits_are_not_there(as_stranger, patient):
    visit = make_visit(patient)
    assert as_stranger.get(page(visit)).status_code in (302, 404)
    as_stranger.post(page(visit), press("confirm"))
    as_stranger.post(CHANGELIST, {"action": "confirm_selected", "_selected_action": [visit.pk]})
    visit.refresh_from_db()
    assert visit.status == "booked"
    assert str(patient) not in as_stranger.get(CHANGELIST).content.decode()


def test_nothing_is_deleted(as_admin, patient):
    visit = make_visit(patient)
    assert as_admin.post(reverse("admin:appointments_appointment_delete", args=[visit.pk])).status_code == 403
    assert Appointment.objects.filter(pk=visit.pk).exists()


def test_a_number_that_is_none_is_no_crash(as_admin, clinic):
    assert as_admin.get(reverse("admin:appointments_appointment_change", args=["abc"])).status_code in (302, 404)


@pytest.mark.parametrize("key", ["abc", "4\x00", "-1", "9" * 30, "٣"])
def test_a_patient_that_cannot_be_is_refused_at_its_field(as_front_desk, clinic, key):
    response = as_front_desk.post(ADD, {"patient": key, "service": service_of(clinic).pk})
    assert response.status_code == 200
    assert "patient" in response.context["adminform"].form.errors
    assert not Appointment.objects.exists()


# --- summaries ---


def test_a_summary_is_written_released_and_then_read_only(as_specialist, patient):
    visit = make_visit(patient, "completed")
    add = reverse("admin:appointments_visitsummary_add")
    assert as_specialist.post(add, {"appointment": visit.pk, "text": "Went well."}).status_code == 302
    summary = VisitSummary.objects.get()
    assert (summary.text, summary.status, summary.patient) == ("Went well.", "draft", patient)

    data = {"text": "Went very well.", "read_revision": summary.revision}
    pressed = {"appointments_visitsummary_press_release": "1"}
    assert as_specialist.post(page(summary), data | pressed).status_code == 302
    summary.refresh_from_db()
    assert (summary.text, summary.status) == ("Went very well.", "released")

    as_specialist.post(page(summary), {"text": "Else.", "read_revision": summary.revision})
    summary.refresh_from_db()
    assert summary.text == "Went very well."
    assert as_specialist.get(page(summary)).status_code == 200


def test_the_front_desk_reads_no_summaries(as_front_desk, patient):
    visit = make_visit(patient, "completed")
    summary = services.write_summary(visit, text="Private.")
    assert as_front_desk.get(page(summary)).status_code in (302, 403, 404)
    assert as_front_desk.get(reverse("admin:appointments_visitsummary_changelist")).status_code == 403


# --- services ---


def test_a_service_is_made_archived_and_offered_again(as_admin, clinic):
    add = reverse("admin:appointments_service_add")
    assert as_admin.post(add, {"name": "Massage", "slug": "massage", "minutes": 20}).status_code == 302
    service = Service.objects.get(clinic=clinic, slug="massage")
    changelist = reverse("admin:appointments_service_changelist")
    as_admin.post(changelist, {"action": "archive", "_selected_action": [service.pk]})
    service.refresh_from_db()
    assert service.archived_at is not None
    as_admin.post(changelist, {"action": "restore", "_selected_action": [service.pk]})
    service.refresh_from_db()
    assert service.archived_at is None


def test_the_front_desk_changes_no_service(as_front_desk, clinic):
    service = make_service(clinic)
    page_of = reverse("admin:appointments_service_change", args=[service.pk])
    assert as_front_desk.post(page_of, {"name": "Free", "slug": service.slug, "minutes": 5}).status_code == 403
    service.refresh_from_db()
    assert service.minutes == 45
