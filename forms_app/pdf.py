"""The receipt of what was signed or submitted, as a PDF: wording, answers, who, when, which version, and the hash."""

from __future__ import annotations

import io
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from clinic.languages import spoken
from forms_app.models import FormResponse, SignatureDrawing
from forms_app.pages import FormPage
from forms_app.reading import answered
from forms_app.signing import SELF, is_intact
from messaging.times import say_moment

FONTS = Path(__file__).parent / "fonts"
FONT = "DejaVu"
GREY = (90, 98, 110)


class _Paper(FPDF):
    """A4 with our font, and a foot with the page's number and the hash."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self.add_font(FONT, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FONT, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.set_margin(20)
        self.set_auto_page_break(True, margin=25)
        self.add_page()

    def footer(self) -> None:
        """Write the foot of each page."""
        self.set_y(-18)
        self.set_font(FONT, "", 7)
        self.set_text_color(*GREY)
        self.cell(0, 4, self._foot, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(0, 4, _("Page %(number)d of {nb}") % {"number": self.page_no()}, align="R")

    def say(self, text: str, size: float = 10, style: str = "", after: float = 2, quiet: bool = False) -> None:
        """Write a paragraph."""
        self.set_font(FONT, style, size)
        self.set_text_color(*(GREY if quiet else (0, 0, 0)))
        self.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(after)

    def line_of(self, label: str, value: str) -> None:
        """Write what something is called, and below it what it is."""
        self.say(label, 8, after=0, quiet=True)
        self.say(value or "—", 10, after=2)


def receipt(response: FormResponse) -> bytes:
    """Make the receipt of a response, in the patient's language where we have words in it, else the clinic's.

    The same response gives the same bytes: its dates are those of the signature.
    """
    patient, clinic = response.patient, response.clinic
    languages = (patient.language or clinic.language, clinic.language)
    with translation.override(spoken(*languages)):
        paper = _Paper(f"SHA-256 {response.content_hash}")
        title = FormPage.title_of(response.version, languages)
        paper.set_title(title)
        paper.set_author(clinic.name)
        paper.set_creation_date(response.signed_at.astimezone(UTC))
        paper.say(clinic.name, 9, quiet=True)
        paper.say(title, 16, "B", after=3)
        _who(paper, response)
        _what(paper, response, languages)
        _proof(paper, response)
        return bytes(paper.output())


def receipt_file(response: FormResponse) -> HttpResponse:
    """Answer a request with the receipt, as a file to keep."""
    answer = HttpResponse(receipt(response), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{response.template.slug}-{response.pk}.pdf"'
    answer["Cache-Control"] = "no-store"
    return answer


def _who(paper: _Paper, response: FormResponse) -> None:
    patient = response.patient
    born = "" if patient.birth_date is None else f" ({patient.birth_date.isoformat()})"
    paper.line_of(_("Patient"), f"{patient}{born}")
    relation = _("the patient") if response.relation == SELF else response.relation
    paper.line_of(_("Signed by"), f"{response.signed_by} ({relation})")
    paper.line_of(_("When"), _moment(response))
    if response.witnessed_by is not None:
        paper.line_of(_("How"), str(response.get_method_display()))
        paper.line_of(_("Witnessed by"), response.witnessed_by.name)


def _moment(response: FormResponse) -> str:
    zone = ZoneInfo(response.clinic.time_zone)
    words = say_moment(response.signed_at, zone=zone, clinic_zone=zone, language=get_language() or "en")
    return f"{words} ({response.signed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"


def _what(paper: _Paper, response: FormResponse, languages: tuple[str, str]) -> None:
    text = FormPage.text_of(response.version, languages)
    if text:
        paper.ln(2)
        paper.say(text, after=4)
    for one in answered(response, languages):
        if one.is_display:
            paper.say(one.question, after=3)
        else:
            paper.line_of(one.question, one.answer)


def _proof(paper: _Paper, response: FormResponse) -> None:
    drawing = SignatureDrawing.objects.filter(response=response).first()
    if drawing is not None:
        paper.ln(2)
        paper.say(_("Signature"), 8, after=0, quiet=True)
        paper.image(io.BytesIO(bytes(drawing.png)), w=70, h=30, keep_aspect_ratio=True)
        paper.ln(3)
    paper.ln(2)
    version, number = response.version.number, response.number
    paper.line_of(_("Version of the form"), str(version) if number == 1 else f"{version} (#{number})")
    if response.ip:
        paper.line_of(_("From the address"), response.ip)
    paper.line_of(_("Hash of all that was signed (SHA-256)"), response.content_hash)
    if not is_intact(response):
        paper.say(_("Attention: what is stored now is not what was signed."), style="B")
