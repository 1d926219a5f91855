"""Every way of writing a watched row."""

from datetime import UTC, datetime

from appointments.models import Appointment

LATER = datetime(2027, 1, 5, 9, 0, tzinfo=UTC)


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
