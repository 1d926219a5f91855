"""ETag and If-Match: so that nobody overwrites what they have not read."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request

from clinic.api.problems import ProblemError


def etag_of(*parts: Any) -> str:
    """Return the strong ETag of a state that these parts tell from every other."""
    text = "\0".join(str(part) for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def refuse_if_match(request: Request) -> None:
    """Refuse a condition (412) on what has no ETag: nobody could keep the promise. "*" asks only that it is there."""
    header = request.headers.get("If-Match", "")
    if header and header.strip() != "*":
        message = _("This address has no ETag to match; leave If-Match out. Rules have one.")
        raise ProblemError(412, message, code="no_etag")


def check_if_match(request: Request, etag: str, *, required: bool = False) -> None:
    """Refuse an edit of a state that the client has not read (412); where it is required, one that names none (428)."""
    header = request.headers.get("If-Match", "")
    if not header:
        if required:
            message = _("Send If-Match with the ETag that reading gave, so that nobody's edit is lost.")
            raise ProblemError(428, message, code="if_match_required")
        return
    named = [one.strip() for one in header.split(",")]
    if "*" not in named and etag not in named:
        message = _("It was changed since you read it. Read it again and repeat the change.")
        raise ProblemError(412, message, code="stale", headers={"ETag": etag})
