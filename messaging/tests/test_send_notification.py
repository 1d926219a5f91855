"""The action send_notification, and who sees what when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from automations.engine.declare import catalog
from automations.engine.values import EffectError
from clinic import clock
from messaging import selectors, services
from messaging.models import Notification
from messaging.tests.builders import make_step
from patients.models import Patient
from worklist.models import Task

pytestmark = pytest.mark.django_db
WORDS = {"title": "New patient: {{ patient.full_name }}", "body": "At {{ clinic.name }}."}


@pytest.fixture
def action():
    return catalog.actions["send_notification"]


def step(patient, role="specialist", params=None, **changes):
    return make_step("send_notification", patient, role=role, params={"to": role, **(params or WORDS)}, **changes)


def test_tells_the_specialist_and_links_to_the_summary(action, patient, specialist):
    Patient.objects.filter(pk=patient.pk).update(specialist=specialist)
    one = step(patient, params={**WORDS, "link": "patient_summary"})
    result = action.perform([one])
    note = Notification.objects.get()
    assert result == {one.id: {"notifications": [str(note.pk)]}}
    assert (note.recipient, note.title, note.body) == (specialist, "New patient: Maria Marin", "At North Clinic.")
    assert (note.link_kind, note.link_id, note.source_step_id) == ("patient_summary", patient.pk, one.id)
    assert list(selectors.unread_notifications(specialist)) == [note]
    services.mark_read(notification_ids=[note.pk], recipient=specialist)
    assert list(selectors.unread_notifications(specialist)) == []


def test_somebody_elses_notification_cannot_be_marked(action, patient, specialist, front_desk):
    Patient.objects.filter(pk=patient.pk).update(specialist=specialist)
    action.perform([step(patient)])
    assert services.mark_read(notification_ids=[Notification.objects.get().pk], recipient=front_desk) == 0
    assert Notification.objects.get().read_at is None


def test_a_patient_sees_it_after_the_undo_time_and_never_if_it_was_stopped(action, patient):
    soon = clock.now() + timedelta(minutes=1)
    kept, stopped = step(patient, role="patient", not_before=soon), step(patient, role="patient", not_before=soon)
    action.perform([kept, stopped])
    assert list(selectors.notifications_of_patient(patient)) == []
    action.withdraw([stopped.id])
    clock.advance_to(soon)
    action.withdraw([kept.id])  # too late: it can be seen
    [note] = selectors.notifications_of_patient(patient)
    assert (note.source_step_id, note.recipient) == (kept.id, None)


def test_a_template_is_read_in_the_readers_language(action, patient, clinic):
    Patient.objects.filter(pk=patient.pk).update(language="ro")
    services.save_template(
        clinic=clinic,
        slug="hello",
        name="Hello",
        inside_only=True,
        bodies=[services.Body("en", "Hello", "x"), services.Body("ro", "Salut, {{ patient.given_name }}", "y")],
    )
    action.perform([step(patient, role="patient", params={"template": "hello"})])
    assert Notification.objects.get().title == "Salut, Maria"


def test_links_to_the_task_that_the_same_run_made(action, patient, admin):
    one = step(patient, role="clinic_admins", params={**WORDS, "link": "task"})
    task = Task.objects.create(clinic=patient.clinic, patient=patient, title="Call", source_step_id=one.id)
    action.perform([one])
    assert (Notification.objects.get().link_kind, Notification.objects.get().link_id) == ("task", task.pk)


def test_without_such_a_thing_there_is_no_link(action, patient, admin):
    action.perform([step(patient, role="clinic_admins", params={**WORDS, "link": "appointment"})])
    assert (Notification.objects.get().link_kind, Notification.objects.get().link_id) == ("", None)


def test_nobody_of_the_role_is_a_refusal(action, patient):
    one = step(patient, role="clinic_admins")
    assert {pk: refusal.code for pk, refusal in action.guard([one]).items()} == {one.id: "no_address"}


@pytest.mark.parametrize("params", [{"template": "gone"}, {"title": "{{ appointment.starts_at }}"}])
def test_what_cannot_be_said_is_the_rules_fault(action, patient, admin, params):
    with pytest.raises(EffectError) as caught:
        action.perform([step(patient, role="clinic_admins", params=params)])
    assert (caught.value.permanent, caught.value.rule_error) == (True, True)
    assert Notification.objects.count() == 0


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "title"),
        ({"template": "x", "title": "y"}, "template"),
        ({"title": "{{ patient.nickname }}"}, "title"),
        ({"title": "x", "body": "{% include 'x' %}"}, "body"),
    ],
)
def test_settings_that_do_not_go_together_are_named(action, params, field):
    assert [name for name, _message in action.problems(params)] == [field]


def test_good_settings_have_no_problems(action):
    assert list(action.problems(action.example)) == []
    assert (action.category({"title": "x"}), action.category({"template": "x"})) == ("clinical", None)


def test_a_batch_takes_a_fixed_number_of_queries(action, clinic, specialist, django_assert_num_queries):
    people = [Patient.objects.create(clinic=clinic, given_name=f"P{n}", specialist=specialist) for n in range(20)]
    steps = [step(one) for one in people]
    with django_assert_num_queries(14):  # of which four are for the list of those too many, one for browsers
        action.perform(steps)
    assert Notification.objects.count() == 20
