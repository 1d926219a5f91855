"""Importing a spreadsheet by hand: upload, columns, a look at what would change, the import."""

import io

import pytest
from openpyxl import load_workbook

from accounts.models import AuditEntry
from appointments.models import Appointment, Service
from automations.models import Event
from automations.ticking import drain_all
from forms_app.tests.builders import ask, make_template
from patients.models import Patient
from staff.models import Job, Sheet, SheetHabit
from staff.tests.pages.importing import checked, columns, page, send, uploaded
from staff.tests.sheets.files import workbook

pytestmark = pytest.mark.django_db


def test_the_columns_are_guessed_and_shown_with_examples(as_front_desk, patient):
    sheet = uploaded(as_front_desk)
    assert sheet.columns == [
        "external_id",
        "family_name",
        "given_name",
        "birth_date",
        "sex",
        "email",
        "phone",
        "city",
    ]
    html = as_front_desk.get(page(sheet)).content.decode()
    assert "A-17 · A-18 · A-19" in html
    assert '<option value="birth_date" selected>' in html
    assert "What comes first" not in html


def test_the_preview_counts_and_names_what_is_refused_and_writes_nothing(as_front_desk, patient):
    sheet = checked(as_front_desk)
    assert (sheet.state, sheet.counts) == ("checked", {"created": 1, "updated": 1, "unchanged": 0, "refused": 1})
    html = as_front_desk.get(page(sheet)).content.decode()
    assert "What would be done" in html
    assert "stefan@" in html
    assert '<td data-label="Line">4</td><td data-label="Column">Email</td>' in html
    assert "Enter a valid email address." in html
    patient.refresh_from_db()
    assert (Patient.objects.count(), patient.phone) == (1, "")
    assert not AuditEntry.objects.filter(action__startswith="patient.").exists()


def test_the_import_writes_silently_in_the_name_of_who_asked(as_front_desk, front_desk, patient):
    Event.objects.all().delete()
    sheet = checked(as_front_desk)
    html = as_front_desk.post(page(sheet, "sheet-import"), follow=True).content.decode()

    assert "What was done" in html
    assert "The rules were not told" in html
    patient.refresh_from_db()
    ana = Patient.objects.get(external_id="A-18")
    assert (patient.phone, patient.city) == ("+40712345678", "Iași")
    assert (ana.given_name, ana.family_name, str(ana.birth_date), ana.sex) == ("Ana", "Pop", "1963-01-05", "female")
    assert not Event.objects.filter(muted="").exists()
    assert AuditEntry.objects.get(action="patient.registered").actor_id == front_desk.user_id
    assert AuditEntry.objects.get(action="spreadsheet.imported").detail == {
        "told": False,
        "created": 1,
        "updated": 1,
        "unchanged": 0,
        "refused": 1,
    }


def test_the_same_file_twice_changes_nothing(as_front_desk, patient):
    for _time in range(2):
        sheet = checked(as_front_desk)
        as_front_desk.post(page(sheet, "sheet-import"))
        sheet.refresh_from_db()
    assert sheet.counts == {"created": 0, "updated": 0, "unchanged": 2, "refused": 1}
    assert Patient.objects.count() == 2


def test_once_imported_only_the_refused_rows_are_kept(as_front_desk, patient):
    sheet = checked(as_front_desk)
    as_front_desk.post(page(sheet, "sheet-import"))
    assert [row[0] for part in sheet.parts.all() for row in part.rows] == [4]


def test_refused_rows_are_a_file_that_can_be_mended_and_imported(as_front_desk, patient):
    sheet = checked(as_front_desk)
    answer = as_front_desk.get(page(sheet, "sheet-refused-csv"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert answer["Content-Disposition"] == 'attachment; filename="list-refused.csv"'
    assert text.splitlines() == [
        "Nr fișă,Nume,Prenume,Data nașterii,Sex,Email,Telefon,Oraș,Line,Why it was refused",
        "A-19,Ionescu,Ștefan,31.12.2000,M,stefan@,,,4,Email: Enter a valid email address.",
    ]
    book = load_workbook(io.BytesIO(b"".join(as_front_desk.get(page(sheet, "sheet-refused-xlsx")).streaming_content)))
    assert [cell.value for cell in book.active[2]][:3] == ["A-19", "Ionescu", "Ștefan"]

    again = checked(as_front_desk, text.replace("stefan@", "stefan@patients.example"))
    assert again.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 0}
    assert AuditEntry.objects.filter(action="spreadsheet.refused_read").count() == 2


def test_the_rules_hear_only_if_an_admin_wants_it(as_admin, as_front_desk, patient):
    sheet = checked(as_front_desk)
    html = as_front_desk.post(page(sheet, "sheet-import"), {"tell_rules": "yes"}, follow=True).content.decode()
    assert "This takes the role clinic admin at this clinic." in html
    assert Patient.objects.count() == 1

    Event.objects.all().delete()
    as_admin.post(page(sheet, "sheet-import"), {"tell_rules": "yes"})
    drain_all()
    told = Event.objects.filter(trigger="patient.onboarded").values_list("muted", "origin")
    assert list(told) == [("", "import")]


def test_dates_that_can_be_read_in_two_ways_are_asked(as_front_desk, patient):
    text = "MRN,DOB\nA-17,03/02/1957\n"
    sheet = uploaded(as_front_desk, text)
    assert "What comes first in dates" in as_front_desk.get(page(sheet)).content.decode()
    refusal = as_front_desk.post(page(sheet), columns(sheet))
    assert refusal.status_code == 409
    assert "Say what comes first in dates like 03/04/2026" in refusal.content.decode()

    as_front_desk.post(page(sheet), {**columns(sheet), "day_first": "month"})
    sheet.refresh_from_db()
    assert sheet.counts == {"created": 0, "updated": 0, "unchanged": 1, "refused": 0}
    as_front_desk.post(page(sheet), {**columns(sheet), "day_first": "day"})
    as_front_desk.post(page(sheet, "sheet-import"))
    patient.refresh_from_db()
    assert str(patient.birth_date) == "1957-02-03"


def test_what_others_show_is_preselected(as_front_desk):
    sheet = uploaded(as_front_desk, "MRN,First name,DOB\n1,Ana,03/02/1957\n2,Bo,25/02/1957\n")
    assert '<option value="day" selected>' in as_front_desk.get(page(sheet)).content.decode()


def test_the_clinic_is_remembered_to_call_a_column_so(as_front_desk, clinic):
    sheet = uploaded(as_front_desk, "MRN,Spitzname\n1,Ana\n")
    as_front_desk.post(page(sheet), {"column-0": "external_id", "column-1": "given_name"})
    assert SheetHabit.objects.get(clinic=clinic).columns == {"mrn": "external_id", "spitzname": "given_name"}
    assert uploaded(as_front_desk, "MRN,Spitzname\n2,Bo\n").columns == ["external_id", "given_name"]


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"column-0": "", "column-1": "given_name"}, "Say which column is the record number"),
        ({"column-0": "external_id", "column-1": "external_id"}, "Two columns are the record number"),
        ({"column-0": "external_id", "column-1": ""}, "there is nothing to import"),
        ({"column-0": "external_id", "column-1": "status"}, "Choose for each column one of what is offered"),
    ],
)
def test_columns_that_make_no_sense_are_refused_in_words(as_front_desk, chosen, words):
    sheet = uploaded(as_front_desk, "MRN,Name\n1,Ana\n")
    answer = as_front_desk.post(page(sheet), chosen)
    assert answer.status_code == 409
    assert words in answer.content.decode()
    assert not Job.objects.exists()


def test_a_number_that_comes_twice_and_a_missing_name_are_refused_with_their_lines(as_front_desk):
    sheet = checked(as_front_desk, "MRN,First name,Last name\n1,Ana,Pop\n1,Bo,Pop\n2,,Pop\n,Cy,Pop\n")
    html = as_front_desk.get(page(sheet)).content.decode()
    assert sheet.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 3}
    for text in ("Line 2 has the same number.", "A new patient needs a given name.", "This field is required."):
        assert text in html


def test_a_file_that_is_none_is_refused_at_its_field(as_front_desk):
    answer = send(as_front_desk, b"\xd0\xcf\x11\xe0" + b"\0" * 100, name="old.xls")
    assert answer.status_code == 200
    assert "Save it as .xlsx or CSV." in answer.content.decode()
    assert not Sheet.objects.exists()


# --- appointments ---


@pytest.fixture
def visits(clinic, patient, specialist):
    Service.objects.create(clinic=clinic, slug="eval", name="Initial Evaluation", minutes=45)
    rows = [
        ["ID", "Fișă", "Serviciu", "Medic", "Data", "Ora", "Stare"],
        ["V-1", "A-17", "Initial evaluation", "Ioana Ionescu", "30.11.2026", "9:00", "confirmată"],
        ["V-2", "A-17", "eval", "", "29.03.2026", "03:30", ""],
        ["V-3", "Z-99", "eval", "dr-ionescu", "2026-12-01", "10:00", ""],
        ["V-4", "A-17", "Massage", "", "2026-12-01", "", ""],
    ]
    return workbook(*rows)


def test_appointments_come_in_with_names_and_the_clinics_clock(as_front_desk, visits, specialist):
    sheet = checked(as_front_desk, visits, noun="appointments", name="visits.xlsx")
    assert sheet.columns == ["external_id", "patient", "service", "specialist", "starts_on", "starts_time", "status"]
    assert sheet.counts == {"created": 1, "updated": 0, "unchanged": 0, "refused": 3}
    html = as_front_desk.get(page(sheet)).content.decode()
    for text in (
        "The clocks skip this time on that day.",
        "This clinic has no “Z-99” of that kind.",
        "This clinic has no service of that name.",
        "Date and time go together; this one is missing.",
    ):
        assert text in html
    as_front_desk.post(page(sheet, "sheet-import"))
    visit = Appointment.objects.get()
    assert (visit.external_id, visit.status, visit.minutes, visit.specialist) == ("V-1", "confirmed", 45, specialist)
    assert visit.starts_at.isoformat() == "2026-11-30T07:00:00+00:00"


def test_a_blocking_form_never_keeps_an_import_out(as_front_desk, visits, patient):
    ask(patient, make_template(patient.clinic), blocking=True)
    sheet = checked(as_front_desk, visits, noun="appointments", name="visits.xlsx")
    as_front_desk.post(page(sheet, "sheet-import"))
    assert Appointment.objects.count() == 1
