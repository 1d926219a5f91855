"""Watched rows: every way of writing them locks, announces one change, raises the revision, refuses stale copies."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg.errors
import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import AuditEntry
from appointments.models import Appointment, Service
from clinic.clock import now
from clinic.db import current_origin, lock_patients, muted_reason, origin, records_changed, silently
from clinic.errors import ClinicError, StaleRecord
from patients.models import Patient

LATER = datetime(2027, 1, 5, 9, 0, tzinfo=UTC)


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


@pytest.fixture
def service(clinic):
    return Service.objects.create(clinic=clinic, slug="eval", name="Evaluation")


@pytest.fixture
def visit(patient, service):
    return unsaved(patient, service, save=True)


def unsaved(patient, service, *, save=False):
    row = Appointment(clinic=patient.clinic, patient=patient, service=service, starts_at=LATER)
    if save:
        row.save()
    return Appointment.objects.get(pk=row.pk) if save else row


def by_save(row):
    row.status = "confirmed"
    row.save()


def by_save_of_one_field(row):
    row.status = "confirmed"
    row.save(update_fields=["status"])


def by_bulk_update(row):
    row.status = "confirmed"
    Appointment.objects.bulk_update([row], ["status"])


def by_update(row):
    Appointment.objects.filter(pk=row.pk).update(status="confirmed")


def by_update_from_the_patient(row):
    row.patient.appointments.update(status="confirmed")


WRITES = [by_save, by_save_of_one_field, by_bulk_update, by_update, by_update_from_the_patient]
COPIES = [by_save, by_save_of_one_field, by_bulk_update]


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


# --- the patient lock, on two real connections ---


@contextmanager
def another_connection():
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def is_locked(patient):
    with another_connection() as other, other.cursor() as cursor:
        try:
            cursor.execute("SELECT 1 FROM patients_patient WHERE id = %s FOR NO KEY UPDATE NOWAIT", [patient.pk])
        except OperationalError as error:
            assert isinstance(error.__cause__, psycopg.errors.LockNotAvailable)  # noqa: PT017
            return True
    return False


def accepts_a_reference(patient):
    """Tell whether another connection may insert a row that points to the patient, without waiting."""
    with another_connection() as other, other.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
        cursor.execute("SELECT 1 FROM patients_patient WHERE id = %s FOR KEY SHARE", [patient.pk])
        return cursor.fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "write",
    [*WRITES, lambda row: unsaved(row.patient, row.service).save(), lambda row: row.patient.save()],
)
def test_a_write_holds_the_patients_lock_until_it_commits(visit, write):
    with transaction.atomic():
        write(visit)
        assert is_locked(visit.patient)
        assert accepts_a_reference(visit.patient)

    assert not is_locked(visit.patient)


@pytest.mark.django_db(transaction=True)
def test_inserting_in_bulk_holds_the_lock_of_every_patient(clinic, patient, service):
    second = Patient.objects.create(clinic=clinic, given_name="Ion")
    with transaction.atomic():
        Appointment.objects.bulk_create([unsaved(one, service) for one in (second, patient)])
        assert is_locked(patient)
        assert is_locked(second)


@pytest.mark.django_db(transaction=True)
def test_another_patient_stays_free(clinic, visit):
    second = Patient.objects.create(clinic=clinic, given_name="Ion")
    with transaction.atomic():
        by_save(visit)
        assert not is_locked(second)


def test_patients_are_locked_in_id_order_and_missing_ones_left_out(clinic, patient):
    second = Patient.objects.create(clinic=clinic, given_name="Ion")

    with transaction.atomic():
        assert lock_patients([second.pk, 999_999, None, patient.pk, patient.pk]) == [patient.pk, second.pk]


def test_locking_nobody_asks_nothing(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert lock_patients([None]) == []


# --- the audit trail ---


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("UPDATE accounts_auditentry SET action = 'x'", "never changed or removed"),
        ("DELETE FROM accounts_auditentry", "never changed or removed"),
        ("TRUNCATE accounts_auditentry", "never changed or removed"),
    ],
)
def test_the_audit_trail_only_grows(db, sql, refused):
    AuditEntry.objects.create(actor_kind="system", action="test.written")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER append_only_table")

    with pytest.raises(Exception, match=refused), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)

    assert AuditEntry.objects.get().action == "test.written"
