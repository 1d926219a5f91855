"""The receipt of a signed form, and the drawn signature on it."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from django.db import DatabaseError, connection, transaction
from PIL import Image, ImageDraw

from forms_app import services
from forms_app.drawing import MAX_BYTES, NotADrawing, clean_png, from_data_url
from forms_app.models import FormResponse, SignatureDrawing
from forms_app.pdf import receipt
from forms_app.tests.builders import ask, fill, make_template


def drawn(size: tuple[int, int] = (400, 160)) -> bytes:
    """A signature as the pad gives it: dark lines on nothing."""
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(20, 20), (200, 140), (380, 30)], fill=(0, 0, 0, 255), width=4)
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


def data_url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


@pytest.mark.django_db
def test_the_receipt_names_hash_time_and_version_and_is_the_same_each_time(patient):
    request = fill(ask(patient, make_template(patient.clinic, "pain", "questionnaire")), ip="192.0.2.7")
    response = request.responses.get()
    made = receipt(response)
    assert made[:5] == b"%PDF-"
    assert receipt(FormResponse.objects.get()) == made
    assert len(made) < 100_000


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "ro", "ar"])
def test_a_receipt_can_be_made_in_every_language(patient, language):
    patient.language = language
    patient.save()
    request = fill(ask(patient, make_template(patient.clinic, text="Ș, ț and a long text. " * 400)))
    assert receipt(request.responses.get())[:5] == b"%PDF-"


@pytest.mark.django_db
def test_a_drawn_signature_is_part_of_what_was_signed_and_stays(patient):
    request = ask(patient, make_template(patient.clinic))
    fill(request, drawing=clean_png(drawn()))
    response = FormResponse.objects.get()
    assert services.is_intact(response)
    assert b"/Image" in receipt(response)
    for sql in ("UPDATE forms_app_signaturedrawing SET png = ''", "DELETE FROM forms_app_signaturedrawing"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    response.drawing_hash = "0" * 64
    assert not services.is_intact(response)
    assert SignatureDrawing.objects.get().response == response


def test_a_drawing_is_kept_small_and_grey():
    kept = from_data_url(data_url(drawn()))
    picture = Image.open(io.BytesIO(kept))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (400, 160))
    assert picture.getpixel((0, 0)) == 255
    assert len(kept) < 10_000


def blank() -> bytes:
    kept = io.BytesIO()
    Image.new("RGBA", (400, 160), (0, 0, 0, 0)).save(kept, "PNG")
    return kept.getvalue()


def jpeg() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (40, 40)).save(kept, "JPEG")
    return kept.getvalue()


def bomb() -> bytes:
    """Return a PNG of a few bytes that calls itself 60,000 pixels wide and high."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(
    ("posted", "code"),
    [
        ("hello", "type"),
        (data_url(bomb()), "type"),
        ("data:image/svg+xml;base64,AAAA", "type"),
        ("data:image/png;base64,!!!", "type"),
        (data_url(b"\x89PNG\r\n\x1a\n" + b"0" * 100), "type"),
        (data_url(drawn()[:-30]), "type"),
        (data_url(jpeg()), "type"),
        (data_url(blank()), "required"),
        (data_url(b"0" * (MAX_BYTES + 1)), "too_big"),
        (data_url(drawn((3001, 20))), "too_big"),
    ],
)
def test_what_is_no_drawing_is_refused_by_its_content(posted, code):
    with pytest.raises(NotADrawing) as refused:
        from_data_url(posted)
    assert (refused.value.problem.path, refused.value.problem.code) == ("/drawing", code)
