"""Forms that were signed on paper: recording them with a scan, and who may read it."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.models import AuditEntry
from accounts.selectors import local_date
from clinic.clock import now
from forms_app import services
from forms_app.models import FormRequest, FormResponse, PaperScan
from forms_app.tests.builders import ask, fill, fired, make_template
from patients.models import Contact

RECORD = reverse("staff:paper-new")
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def picture(kind="PNG"):
    stored = BytesIO()
    Image.new("RGB", (30, 20), "white").save(stored, kind)
    return stored.getvalue()


@pytest.fixture
def consent(clinic):
    return make_template(clinic)


@pytest.fixture
def survey(clinic):
    return make_template(clinic, "pain", "survey")


def paper(patient, template, witness, content=PDF, name="consent.pdf", **more):
    return {
        "patient": patient.pk,
        "form": template.pk,
        "signed_on": local_date(patient.clinic, now()).isoformat(),
        "signed_by": "Maria Marin",
        "relation": "self",
        "witness": witness.pk,
        "scan": SimpleUploadedFile(name, content, "text/html"),
        **more,
    }


def test_the_way_leads_over_the_patient_and_the_form(patient, consent, survey, as_front_desk):
    assert f"?patient={patient.pk}" in as_front_desk.get(RECORD, {"q": "maria"}).content.decode()
    offered = as_front_desk.get(RECORD, {"patient": patient.pk}).content.decode()
    assert f"form={consent.pk}" in offered
    assert f"form={survey.pk}" in offered
    html = as_front_desk.get(RECORD, {"patient": patient.pk, "form": survey.pk}).content.decode()
    assert "How strong is your pain?" in html
    assert 'value="Maria Marin"' in html


@pytest.mark.parametrize(
    ("content", "name", "kind", "stored"),
    [
        (PDF, "consent.pdf", "pdf", "consent.pdf"),
        (picture(), "../../etc/passwd.html", "png", "passwd.png"),
        (picture("JPEG"), "photo.exe", "jpeg", "photo.jpg"),
    ],
    ids=["pdf", "png", "jpeg"],
)
def test_a_paper_consent_counts_as_signed_with_its_scan(
    patient, consent, front_desk, specialist, as_front_desk, content, name, kind, stored
):
    response = as_front_desk.post(RECORD, paper(patient, consent, specialist, content, name))
    row = FormRequest.objects.get()
    assert response["Location"] == reverse("staff:form", args=[row.pk])
    signed = FormResponse.objects.get()
    assert (row.status, signed.method, signed.witnessed_by, signed.ip) == ("signed", "paper", specialist, None)
    scan = PaperScan.objects.get()
    assert (scan.kind, scan.name, bytes(scan.content)) == (kind, stored, content)
    assert services.is_intact(signed)
    assert "form.signed" in fired()
    detail = AuditEntry.objects.get(action="form.signed").detail
    assert (detail["method"], detail["witness"]) == ("paper", specialist.pk)
    html = as_front_desk.get(response["Location"]).content.decode()
    for text in ("on paper", "Dr. Ioana Ionescu", "Scan of the paper"):
        assert text in html


def test_the_hash_holds_the_scan_and_who_saw_it(patient, consent, front_desk, as_front_desk):
    as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    signed = FormResponse.objects.get()
    signed.scan_hash = "0" * 64
    assert not services.is_intact(signed)
    signed = FormResponse.objects.get()
    signed.witnessed_by = None
    assert not services.is_intact(signed)


def test_an_open_request_is_the_one_that_is_signed(patient, consent, front_desk, as_front_desk):
    row = ask(patient, consent)
    as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    row.refresh_from_db()
    assert (row.status, FormRequest.objects.count()) == ("signed", 1)


def test_it_counts_from_the_day_on_the_paper(patient, consent, front_desk, as_front_desk):
    day = local_date(patient.clinic, now()) - timedelta(days=3)
    as_front_desk.post(RECORD, paper(patient, consent, front_desk, signed_on=day.isoformat()))
    assert local_date(patient.clinic, FormResponse.objects.get().signed_at) == day


def test_the_answers_on_the_paper_are_typed_and_checked(patient, survey, front_desk, as_front_desk):
    response = as_front_desk.post(RECORD, paper(patient, survey, front_desk))
    assert response.status_code == 422
    assert "Please answer this question." in response.content.decode()
    assert not FormRequest.objects.exists()

    as_front_desk.post(RECORD, paper(patient, survey, front_desk, **{"q-pain": "7", "q-smoker": "no"}))
    assert FormResponse.objects.get().answers == {"pain": 7, "smoker": False}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html><script>alert(1)</script></html>", "no PDF, PNG or JPEG"),
        (b"%PDF-1.4 cut off", "no PDF, PNG or JPEG"),
        (picture()[:40], "no PDF, PNG or JPEG"),
        (b"GIF89a" + b"0" * 40, "no PDF, PNG or JPEG"),
        (b"%PDF-" + b"0" * (10 * 1024 * 1024), "too big"),
    ],
    ids=["page", "cut-pdf", "cut-picture", "gif", "big"],
)
def test_a_file_that_is_something_else_is_refused(patient, consent, front_desk, as_front_desk, content, why):
    response = as_front_desk.post(RECORD, paper(patient, consent, front_desk, content))
    assert why in str(response.context["form"].errors["scan"])
    assert not FormRequest.objects.exists()


def test_a_day_ahead_and_a_form_that_is_signed_are_refused(patient, consent, front_desk, as_front_desk):
    day = local_date(patient.clinic, now()) + timedelta(days=1)
    response = as_front_desk.post(RECORD, paper(patient, consent, front_desk, signed_on=day.isoformat()))
    assert response.context["form"].errors == {"signed_on": ["This day is still ahead."]}

    fill(ask(patient, consent))
    response = as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    assert response.context["form"].non_field_errors() == ["The patient signed this form already."]
    assert FormResponse.objects.count() == 1


def test_who_may_not_sign_cannot_have_signed_on_paper(patient, consent, front_desk, as_front_desk):
    patient.birth_date = now().date() - timedelta(days=3000)
    patient.save()
    address = {"patient": patient.pk, "form": consent.pk}
    assert "nobody is named who may" in as_front_desk.get(RECORD, address).content.decode()
    Contact.objects.create(
        clinic=patient.clinic, patient=patient, name="Elena", relation="mother", may_sign=True, gets_messages=True
    )
    response = as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    assert "relation" in response.context["form"].errors
    as_front_desk.post(RECORD, paper(patient, consent, front_desk, relation="mother", signed_by="Elena"))
    assert FormResponse.objects.get().relation == "mother"


# --- the scan ---


def test_a_scan_is_handed_out_to_be_saved_and_never_run(patient, consent, front_desk, as_front_desk):
    as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    scan = PaperScan.objects.get()
    response = as_front_desk.get(reverse("staff:form-scan", args=[scan.pk]))
    assert (response.content, response["Content-Type"]) == (PDF, "application/pdf")
    assert response["Content-Disposition"] == 'attachment; filename="consent.pdf"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    entry = AuditEntry.objects.get(action="form.scan_read")
    assert (entry.patient_id, entry.actor_id) == (patient.pk, front_desk.user_id)


def test_a_stranger_finds_neither_scan_nor_form(
    patient, consent, front_desk, stranger, stranger_patient, as_front_desk, as_stranger
):
    as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    scan, signed = PaperScan.objects.get(), FormResponse.objects.get()
    assert as_stranger.get(reverse("staff:form-scan", args=[scan.pk])).status_code == 404
    assert as_stranger.get(reverse("staff:form-receipt", args=[signed.pk])).status_code == 404
    assert as_stranger.post(RECORD, paper(patient, consent, stranger)).status_code == 404
    assert as_stranger.post(RECORD, paper(stranger_patient, consent, stranger)).status_code == 404
    assert FormRequest.objects.count() == 1


def test_a_witness_works_at_the_clinic(patient, consent, stranger, as_front_desk):
    response = as_front_desk.post(RECORD, paper(patient, consent, stranger))
    assert "witness" in response.context["form"].errors
    assert not FormRequest.objects.exists()


def test_the_receipt_is_a_pdf_and_reading_it_is_on_record(patient, consent, front_desk, as_front_desk):
    as_front_desk.post(RECORD, paper(patient, consent, front_desk))
    signed = FormResponse.objects.get()
    response = as_front_desk.get(reverse("staff:form-receipt", args=[signed.pk]))
    assert response.content.startswith(b"%PDF-")
    assert response["Content-Disposition"] == f'attachment; filename="privacy-{signed.pk}.pdf"'
    assert AuditEntry.objects.get(action="form.receipt_read").patient_id == patient.pk
