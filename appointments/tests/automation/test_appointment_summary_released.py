"""The trigger appointment.summary_released: about the visit, fired by its summary."""

import pytest

from appointments.models import VisitSummary
from appointments.tests.builders import changes_of, fired_by, make_visit
from automations.engine.declare import catalog

pytestmark = pytest.mark.django_db
KEY = "appointment.summary_released"


def draft(patient, **fields):
    visit = make_visit(patient, "completed")
    return VisitSummary(clinic=patient.clinic, patient=patient, appointment=visit, text="Words.", **fields)


def _save(row: VisitSummary) -> None:
    row.status = "released"
    row.save()


def _bulk_update(row: VisitSummary) -> None:
    row.status = "released"
    VisitSummary.objects.bulk_update([row], ["status"])


def _update(row: VisitSummary) -> None:
    VisitSummary.objects.filter(pk=row.pk).update(status="released")


@pytest.mark.parametrize("release", [_save, _bulk_update, _update])
def test_a_draft_does_not_fire_it_and_its_release_does_by_every_path(patient, release):
    row = draft(patient)
    assert fired_by(row.save) == []
    assert fired_by(lambda: release(row)) == [KEY]


def test_one_recorded_as_released_fires_it(patient):
    assert fired_by(draft(patient, status="released").save) == [KEY]
    row = draft(patient, status="released")
    assert fired_by(lambda: VisitSummary.objects.bulk_create([row])) == [KEY]


def test_rewriting_the_draft_does_not_fire_it(patient):
    row = draft(patient)
    row.save()
    row.text = "Other words."
    assert fired_by(row.save) == []


def test_its_subject_is_the_visit_and_its_event_has_no_words(patient, specialist):
    row = draft(patient, status="released")
    (change,) = changes_of(row.save)
    trigger = catalog.triggers[KEY]
    assert trigger.subject_id(change) == row.appointment_id
    assert trigger.snapshot(change) == {
        "starts_at": row.appointment.starts_at,
        "specialist_id": None,
        "service_id": row.appointment.service_id,
        "series_position": None,
    }
