"""What is signed at the clinic: who may record it, what is kept, and that nothing of it can be changed."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.actor import Actor, acting_as
from accounts.selectors import local_date
from clinic.clock import now
from clinic.errors import ClinicError, Refused
from forms_app import services
from forms_app.models import FormRequest, FormResponse, PaperScan
from forms_app.pdf import receipt
from forms_app.signing import signed_content
from forms_app.tests.builders import ask, fill, make_template
from messaging.models import Delivery
from tests.cast import acting

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def consent(clinic):
    return make_template(clinic)


def record(patient, template, witness, **more):
    given = {"signed_on": local_date(patient.clinic, now()), "signed_by": "Maria Marin"} | more
    scan = services.checked_scan(PDF, "paper.pdf")
    return services.record_paper(
        clinic=patient.clinic, patient=patient, template=template, witness=witness, scan=scan, **given
    )


def test_staff_of_the_clinic_record_a_paper_and_nobody_else(patient, consent, front_desk, stranger):
    for actor in (Actor("anonymous"), Actor("patient", clinic_id=patient.clinic_id, patient_id=patient.pk)):
        with acting_as(actor), pytest.raises(Refused) as refused:
            record(patient, consent, front_desk)
        assert refused.value.code == "forbidden"
    with acting(stranger), pytest.raises(Refused):
        record(patient, consent, front_desk)
    assert not FormRequest.objects.exists()
    with acting(front_desk):
        assert record(patient, consent, front_desk).status == "signed"


def test_a_witness_who_left_or_works_elsewhere_has_seen_nothing(patient, consent, front_desk, stranger):
    front_desk.is_active = False
    for witness in (front_desk, stranger):
        with pytest.raises(Refused) as refused:
            record(patient, consent, witness)
        assert (refused.value.code, refused.value.path) == ("not_found", "witness")
    assert not FormRequest.objects.exists()


def test_neither_the_scan_nor_the_witness_can_be_changed(patient, consent, front_desk):
    record(patient, consent, front_desk)
    for change in (
        lambda: PaperScan.objects.update(content=b"other"),
        lambda: PaperScan.objects.all().delete(),
        lambda: FormResponse.objects.update(witnessed_by=None),
    ):
        with pytest.raises(ProgrammingError, match="never changed"), transaction.atomic():
            change()


def test_a_scan_that_somebody_changed_behind_our_back_is_found_out(patient, consent, front_desk):
    record(patient, consent, front_desk)
    signed = FormResponse.objects.get()
    assert services.is_intact(signed)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE forms_app_paperscan DISABLE TRIGGER append_only_rows")
        cursor.execute("UPDATE forms_app_paperscan SET content = 'x'")
    assert not services.is_intact(signed)


def test_what_was_signed_at_home_has_the_hash_that_it_always_had(patient, consent):
    fill(ask(patient, consent))
    signed = FormResponse.objects.get()
    assert (signed.method, signed.witnessed_by, signed.scan_hash) == ("online", None, "")
    assert "method" not in signed_content(signed)


def test_the_receipt_names_the_witness(patient, consent, front_desk):
    record(patient, consent, front_desk)
    assert receipt(FormResponse.objects.get()).startswith(b"%PDF-")


@pytest.mark.parametrize("name", ["", "....", "a\r\nb.pdf", "x" * 500 + ".pdf", '"; rm.pdf'])
def test_a_name_of_a_file_becomes_a_plain_one(name):
    kept = services.checked_scan(PDF, name).name
    assert kept.endswith(".pdf")
    assert len(kept) < 100
    assert not set(kept) & set('"/\\\r\n;')


def test_a_scan_is_read_by_staff_of_its_clinic_alone(patient, consent, front_desk, stranger):
    record(patient, consent, front_desk)
    scan = PaperScan.objects.get()
    with acting(stranger), pytest.raises(Refused):
        services.read_scan(scan)
    with acting(front_desk):
        assert services.read_scan(scan) == PDF


def test_a_day_long_ago_is_a_slip(patient, consent, front_desk):
    day = local_date(patient.clinic, now())
    with pytest.raises(ClinicError) as refused:
        record(patient, consent, front_desk, signed_on=day.replace(year=day.year - 30, day=1))
    assert (refused.value.code, refused.value.path) == ("past", "signed_on")


def test_only_staff_send_a_link_again(patient, consent, stranger, front_desk):
    row = ask(patient, consent)
    with acting(stranger), pytest.raises(Refused):
        services.send_again(row)
    assert not Delivery.objects.exists()
    with acting(front_desk):
        services.send_again(row)
    assert Delivery.objects.count() == 1


def test_nobody_is_reminded_who_left(patient, consent, front_desk):
    row = ask(patient, consent)
    type(patient).objects.filter(pk=patient.pk).update(deceased_on=local_date(patient.clinic, now()))
    with pytest.raises(Refused):
        services.send_again(row)
    assert not Delivery.objects.exists()
