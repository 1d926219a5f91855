"""What is signed at the clinic, on its tablet or on paper: who of the staff saw it, and the scan of the paper."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from accounts.models import Membership
from clinic.errors import ClinicError, Refused
from forms_app.models import FormResponse, PaperScan

MAX_BYTES = 10 * 1024 * 1024
MAX_POINTS = 100_000_000
MIME = {"pdf": "application/pdf", "png": "image/png", "jpeg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Scan:
    """A scanned paper that was looked into: what it is, what it is called, and its bytes."""

    kind: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class InPerson:
    """How something was signed at the clinic, and the member of staff who saw it; a paper has its scan."""

    method: str
    witness: Membership
    scan: Scan | None = None


def witness(response: FormResponse, in_person: InPerson) -> None:
    """Write into a response that is not stored yet how it was signed. Raises Refused for a witness from elsewhere."""
    member = in_person.witness
    if member.clinic_id != response.clinic_id or not member.is_active:
        raise Refused(_("Nobody of that name works at this clinic now."), code="not_found", path="witness")
    response.method, response.witnessed_by = in_person.method, member
    if in_person.scan is not None:
        response.scan_hash = hashlib.sha256(in_person.scan.content).hexdigest()
    if in_person.method == FormResponse.Method.PAPER:
        response.ip = None  # a sheet of paper comes from no address


def keep_scan(response: FormResponse, scan: Scan) -> None:
    """Store the scan of a response."""
    row = PaperScan(clinic_id=response.clinic_id, response=response, kind=scan.kind, name=scan.name)
    row.content = scan.content
    row.save(force_insert=True)


def circumstances(response: FormResponse) -> dict[str, Any]:
    """Give what a signature in person adds to what was signed; nothing for one from the patient's own device."""
    if response.method == FormResponse.Method.ONLINE:
        return {}
    found = {"method": str(response.method), "witness": response.witnessed_by_id}
    return found | ({"scan": response.scan_hash} if response.scan_hash else {})


def scan_is_intact(response: FormResponse) -> bool:
    """Tell whether the scan, if there was one, still is what it was."""
    if not response.scan_hash:
        return True
    row = PaperScan.objects.filter(response=response).first()
    return row is not None and hashlib.sha256(bytes(row.content)).hexdigest() == response.scan_hash


def checked_scan(content: bytes, name: str) -> Scan:
    """Look into an uploaded file: a PDF, PNG or JPEG of at most 10 MB, whatever it is called. Raises ClinicError."""
    if len(content) > MAX_BYTES:
        raise ClinicError(_("The scan is too big; use at most 10 MB."), code="too_big", path="scan")
    kind = _kind(content)
    if kind is None:
        message = _("This is no PDF, PNG or JPEG that can be read.")
        raise ClinicError(message, code="type", path="scan")
    stem = re.sub(r"[^\w -]", "", name.rpartition(".")[0] or name).strip()[:80] or "scan"
    return Scan(kind, f"{stem}.{'jpg' if kind == 'jpeg' else kind}", content)


def _kind(content: bytes) -> str | None:
    if content.startswith(b"%PDF-"):
        return "pdf" if b"%%EOF" in content[-2048:] else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as picture:
                if picture.width * picture.height > MAX_POINTS:
                    return None
                kind = str(picture.format).lower()
                picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError):
        return None
    return kind
