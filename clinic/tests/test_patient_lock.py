"""The patient lock, on two real connections, and the trail that only grows."""

from contextlib import contextmanager

import psycopg.errors
import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import AuditEntry
from appointments.models import Appointment
from clinic.db import lock_patients
from clinic.tests.writes import WRITES, by_save, unsaved
from patients.models import Patient


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
