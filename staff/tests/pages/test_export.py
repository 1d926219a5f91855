"""Exporting patients and appointments: safe to open, fit to be imported again, and on record."""

import csv
import io
from datetime import date

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import AuditEntry
from appointments.models import Appointment, Service
from patients.models import Patient
from staff.sheets.escaping import escape, unescape
from staff.tests.pages.test_sheets import checked

pytestmark = pytest.mark.django_db

PATIENTS = reverse("staff:export", args=["patients"])
VISITS = reverse("staff:export", args=["appointments"])


def rows_of(answer, delimiter=","):
    """Return the rows of a downloaded CSV file."""
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


@pytest.fixture
def visit(patient, specialist):
    service = Service.objects.create(clinic=patient.clinic, slug="eval", name="Evaluation")
    return Appointment.objects.create(
        clinic=patient.clinic,
        external_id="V-1",
        patient=patient,
        service=service,
        specialist=specialist,
        starts_at="2026-11-30T07:00:00Z",
    )


@pytest.mark.parametrize("text", ["=1+1", "+40712345678", "-5", "@SUM(A1)", "\tx", "\rx"])
def test_what_looks_like_a_formula_is_marked_and_the_mark_comes_off_again(text):
    assert escape(text) == "'" + text
    assert unescape(escape(text)) == text


@pytest.mark.parametrize("text", ["", "Ana", "'quoted'", "a=b", "1957-03-02"])
def test_everything_else_stays_as_it_is(text):
    assert unescape(escape(text)) == escape(text) == text


def test_patients_are_exported_as_csv_and_who_they_were_is_on_record(as_admin, admin, patient, specialist):
    Patient.objects.filter(pk=patient.pk).update(phone="+40712345678", city="=HYPERLINK(1)", specialist=specialist)
    answer = as_admin.post(PATIENTS, {"kind": "csv"})
    rows = rows_of(answer)
    assert answer["Content-Disposition"].startswith('attachment; filename="north-patients-')
    assert rows[0] == [
        "record number",
        "given name",
        "family name",
        "date of birth",
        "sex",
        "email",
        "phone",
        "language",
        "city",
        "source",
        "status",
        "specialist",
        "registered",
    ]
    assert rows[1][:12] == [
        "A-17",
        "Maria",
        "Marin",
        "1957-03-02",
        "female",
        "maria@patients.example",
        "'+40712345678",
        "en",
        "'=HYPERLINK(1)",
        "",
        "active",
        "dr-ionescu",
    ]
    entry = AuditEntry.objects.get(action="patient.exported")
    assert (entry.actor_id, entry.clinic_id) == (admin.user_id, patient.clinic_id)
    assert entry.detail == {"patients": [patient.pk], "records": 1}


def test_an_excel_file_holds_texts_that_no_program_takes_for_formulas(as_admin, patient):
    Patient.objects.filter(pk=patient.pk).update(phone="+40712345678", city="=1+1", source="bad\x07bell")
    answer = as_admin.post(PATIENTS, {"kind": "xlsx"})
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    cells = dict(zip((cell.value for cell in book.active[1]), book.active[2], strict=True))
    assert (cells["phone"].value, cells["phone"].data_type, cells["phone"].quotePrefix) == ("+40712345678", "s", True)
    assert (cells["city"].value, cells["city"].data_type) == ("=1+1", "s")
    assert cells["source"].value == "bad\ufffdbell"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_exported_is_imported_again_without_a_change(as_admin, patient, visit, kind):
    Patient.objects.filter(pk=patient.pk).update(phone="+40712345678", city="=1+1", family_name="-Marin")
    for noun, address in (("patients", PATIENTS), ("appointments", VISITS)):
        content = b"".join(as_admin.post(address, {"kind": kind}).streaming_content)
        sheet = checked(as_admin, content, noun=noun, name=f"back.{kind}")
        assert sheet.counts == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0}
    patient.refresh_from_db()
    assert (patient.phone, patient.city, patient.family_name) == ("+40712345678", "=1+1", "-Marin")


def test_appointments_have_the_times_of_the_clinics_clock(as_admin, visit):
    rows = rows_of(as_admin.post(VISITS, {"kind": "csv"}))
    assert rows[1][:8] == [
        "V-1",
        "A-17",
        "Maria Marin",
        "eval",
        "dr-ionescu",
        "2026-11-30 09:00",
        "30",
        "booked",
    ]
    assert AuditEntry.objects.get(action="appointment.exported").detail["patients"] == [visit.patient_id]


def test_filters_narrow_and_days_are_those_of_the_clinic(as_admin, visit, specialist):
    for given, count in (
        ({"since": "2026-11-30", "until": "2026-11-30"}, 1),
        ({"since": "2026-12-01"}, 0),
        ({"until": "2026-11-29"}, 0),
        ({"status": "booked", "service": visit.service_id, "specialist": specialist.pk}, 1),
        ({"status": "cancelled"}, 0),
    ):
        assert len(rows_of(as_admin.post(VISITS, {"kind": "csv", **given}))) == 1 + count


def test_nobody_of_another_clinic_is_exported(as_stranger, patient, stranger_patient):
    rows = rows_of(as_stranger.post(PATIENTS, {"kind": "csv"}))
    assert [row[1] for row in rows[1:]] == ["Sam"]


def test_another_clinics_specialist_is_no_filter(as_stranger, visit, specialist):
    answer = as_stranger.post(VISITS, {"kind": "csv", "specialist": specialist.pk})
    assert "Select a valid choice" in answer.content.decode()


def test_only_clinic_admins_export(as_front_desk, as_specialist, patient):
    for who in (as_front_desk, as_specialist):
        assert who.get(PATIENTS).status_code == 403
        assert who.post(PATIENTS, {"kind": "csv"}).status_code == 403
    assert not AuditEntry.objects.filter(action="patient.exported").exists()


def test_looking_at_the_page_exports_nothing(as_admin, patient):
    html = as_admin.get(PATIENTS).content.decode()
    assert "This clinic has 1 record of this kind" in html
    assert not AuditEntry.objects.filter(action="patient.exported").exists()
    assert as_admin.get("/staff/exports/anything/").status_code == 404


def test_a_romanian_clinics_spreadsheet_parts_cells_by_semicolons(as_admin, clinic, patient):
    clinic.language = "ro"
    clinic.save()
    assert rows_of(as_admin.post(PATIENTS, {"kind": "csv"}), ";")[1][:2] == ["A-17", "Maria"]


def test_many_are_read_a_thousand_at_a_time(as_admin, clinic, django_assert_num_queries):
    Patient.objects.bulk_create([Patient(clinic=clinic, given_name=f"P{number}") for number in range(1_001)])
    answer = as_admin.post(PATIENTS, {"kind": "csv"})
    with django_assert_num_queries(2):
        rows = rows_of(answer)
    assert len(rows) == 1_002
    assert [row[1] for row in rows[1:]] == [f"P{number}" for number in range(1_001)]
    assert date.fromisoformat(rows[1][12][:10])
