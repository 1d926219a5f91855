"""Watched rows: every way of writing them locks, announces one change, raises the revision, refuses stale copies."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from appointments.models import Appointment
from clinic.clock import now
from clinic.db import current_origin, muted_reason, origin, records_changed, silently
from clinic.errors import ClinicError, StaleRecord
from clinic.tests.writes import COPIES, LATER, WRITES, by_save, unsaved
from patients.models import Patient


@contextmanager
def listening():
    """Collect the changes that are announced meanwhile."""
    heard = []

    def hear(sender, changes, **_):
        heard.extend(changes)

    records_changed.connect(hear, weak=False)
    try:
        yield heard
    finally:
        records_changed.disconnect(hear)


# --- one change, one revision ---


@pytest.mark.parametrize("write", WRITES)
def test_a_transition_is_announced_once_and_raises_the_revision(visit, write):
    with listening() as heard:
        write(visit)

    assert len(heard) == 1
    change = heard[0]
    assert (change.model, change.created, change.instance.pk) == ("appointments.Appointment", False, visit.pk)
    assert (change.old["status"], change.new["status"]) == ("booked", "confirmed")
    assert change.old["starts_at"] == change.new["starts_at"] == LATER
    assert change.became("status", "confirmed")
    assert not change.moved("starts_at")
    assert change.instance.revision == 2
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("confirmed", 2)


@pytest.mark.parametrize("write", WRITES)
def test_writing_the_same_again_announces_nothing(visit, write):
    write(visit)
    visit.refresh_from_db()

    with listening() as heard:
        write(visit)

    assert heard == []
    visit.refresh_from_db()
    assert visit.revision == 2


def test_what_nobody_watches_is_no_transition(visit):
    with listening() as heard:
        visit.external_id = "V-2"
        visit.save()
        Appointment.objects.filter(pk=visit.pk).update(external_id="V-3")
        visit.external_id = "V-4"
        Appointment.objects.bulk_update([visit], ["external_id"])

    assert heard == []
    visit.refresh_from_db()
    assert (visit.external_id, visit.revision) == ("V-4", 1)


def test_a_field_that_is_not_written_is_not_announced(visit):
    visit.status = "confirmed"
    visit.starts_at = LATER + timedelta(days=1)

    with listening() as heard:
        visit.save(update_fields=["starts_at"])

    assert [(c.old["status"], c.new["status"]) for c in heard] == [("booked", "booked")]
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_a_copy_that_was_read_in_part_writes_that_part(visit):
    part = Appointment.objects.only("status", "revision", "patient_id").get(pk=visit.pk)
    Appointment.objects.filter(pk=visit.pk).update(external_id="V-9")
    part.status = "confirmed"

    part.save()

    visit.refresh_from_db()
    assert (visit.status, visit.external_id) == ("confirmed", "V-9")


@pytest.mark.parametrize("count", [1, 3, 40])
def test_creating_is_announced_once_a_row(patient, service, count):
    with listening() as heard:
        rows = Appointment.objects.bulk_create([unsaved(patient, service) for _ in range(count)])

    assert [change.instance.pk for change in heard] == [row.pk for row in rows]
    assert {change.created for change in heard} == {True}
    assert {change.old == {} for change in heard} == {True}
    assert heard[0].became("status", "booked")
    assert Appointment.objects.count() == count


def test_an_update_tells_each_row_its_own_transition(patient, service):
    first, second = (unsaved(patient, service, save=True) for _ in range(2))
    Appointment.objects.filter(pk=second.pk).update(status="confirmed")

    with listening() as heard:
        Appointment.objects.update(status="cancelled")

    assert [(c.instance.pk, c.old["status"], c.instance.revision) for c in heard] == [
        (first.pk, "booked", 2),
        (second.pk, "confirmed", 3),
    ]


# --- stale copies ---


@pytest.mark.parametrize("write", COPIES)
@pytest.mark.parametrize("overtake", WRITES)
def test_a_stale_copy_is_refused_and_nothing_is_written(visit, write, overtake):
    copy = Appointment.objects.get(pk=visit.pk)
    overtake(visit)
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled")

    with listening() as heard, pytest.raises(StaleRecord):
        write(copy)

    assert heard == []
    assert copy.revision == 1
    visit.refresh_from_db()
    assert (visit.status, visit.revision) == ("cancelled", 3)


def test_one_stale_row_refuses_the_whole_bulk_update(patient, service):
    fresh, stale = (unsaved(patient, service, save=True) for _ in range(2))
    Appointment.objects.filter(pk=stale.pk).update(status="cancelled")
    for row in (fresh, stale):
        row.status = "confirmed"

    with pytest.raises(StaleRecord):
        Appointment.objects.bulk_update([fresh, stale], ["status"])

    assert sorted(Appointment.objects.values_list("status", flat=True)) == ["booked", "cancelled"]
    assert fresh.revision == 1


def test_a_copy_goes_on_after_its_own_writes(visit):
    for status in ("confirmed", "in_progress", "completed"):
        visit.status = status
        visit.save()

    visit.refresh_from_db()
    assert visit.revision == 4


def test_a_write_that_failed_leaves_the_copy_fresh(visit):
    def fail(sender, changes, **_):
        raise RuntimeError("no")

    records_changed.connect(fail, weak=False)
    try:
        visit.status = "confirmed"
        with pytest.raises(RuntimeError):
            visit.save()
    finally:
        records_changed.disconnect(fail)

    visit.refresh_from_db(fields=["revision"])
    assert visit.revision == 1
    visit.save()
    assert visit.revision == 2


# --- what is refused ---


def test_a_record_stays_with_its_patient(visit, clinic):
    other = Patient.objects.create(clinic=clinic, given_name="Ion")
    visit.patient = other

    for write in (
        visit.save,
        lambda: Appointment.objects.bulk_update([visit], ["patient"]),
        lambda: Appointment.objects.filter(pk=visit.pk).update(patient=other),
        lambda: Appointment.objects.filter(pk=visit.pk).update(patient_id=other.pk),
    ):
        with pytest.raises(ClinicError) as refusal:
            write()
        assert refusal.value.code == "patient_fixed"

    assert Appointment.objects.get().patient_id != other.pk


def test_a_record_is_never_deleted(visit):
    for delete in (visit.delete, Appointment.objects.all().delete):
        with pytest.raises(ClinicError) as refusal:
            delete()
        assert refusal.value.code == "never_deleted"

    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("option", [{"ignore_conflicts": True}, {"update_conflicts": True, "unique_fields": ["id"]}])
def test_conflicts_are_errors_never_ignored(patient, service, option):
    with pytest.raises(ClinicError) as refusal:
        Appointment.objects.bulk_create([unsaved(patient, service)], **option)

    assert refusal.value.code == "conflicts"
    assert not Appointment.objects.exists()


# --- the circumstances ---


@pytest.mark.parametrize("write", WRITES)
def test_a_silent_write_is_announced_as_muted(visit, write):
    with listening() as heard, silently("import"):
        write(visit)

    assert [change.muted for change in heard] == ["import"]
    assert muted_reason() == ""


def test_silence_needs_a_reason():
    with pytest.raises(ValueError, match="needs a reason"), silently(""):
        pass


@pytest.mark.parametrize("write", WRITES)
def test_a_change_says_where_it_came_from(visit, write):
    with listening() as heard, origin("session"):
        write(visit)

    assert [change.origin for change in heard] == ["session"]
    assert current_origin() == "system"


def test_an_unknown_origin_is_refused():
    with pytest.raises(ValueError, match="'web' is not an origin"), origin("web"):
        pass


def test_a_change_occurred_now_unless_it_says_when(visit):
    before = now()
    with listening() as heard:
        by_save(visit)
        visit.occurred_at_hint = LATER
        visit.status = "completed"
        visit.save()

    assert before <= heard[0].occurred_at <= now()
    assert heard[0].occurred_at == heard[0].at
    assert heard[1].occurred_at == LATER
    assert heard[1].at < LATER


def test_a_change_names_the_step_that_caused_it(visit):
    visit.caused_by_step_id = 77
    with listening() as heard, silently("no step 77 is stored"):
        by_save(visit)

    assert heard[0].caused_by_id == 77


def test_a_snapshot_holds_what_the_model_lets_out(patient, visit):
    with listening() as heard:
        patient.tags = ["vip"]
        patient.save()
        by_save(visit)

    assert heard[0].snapshot() == {"status": "active", "specialist_id": None}
    assert heard[1].snapshot()["status"] == "confirmed"
    assert "location" not in heard[1].snapshot()


# --- folded columns ---


def test_the_folded_column_follows_its_text_on_every_way_of_writing(patient):
    assert patient.city_folded == "iasi"

    patient.city = "Timișoara"
    patient.save(update_fields=["city"])
    assert Patient.objects.get().city_folded == "timisoara"

    Patient.objects.filter(pk=patient.pk).update(city="Cluj")
    assert Patient.objects.get().city_folded == "cluj"

    fresh = Patient.objects.get()
    fresh.city = "ORĂȘTIE"
    Patient.objects.bulk_update([fresh], ["city"])
    assert Patient.objects.get().city_folded == "orastie"
