"""A drawn signature: read from what a browser posts, judged by its content, and kept as a small grey picture."""

from __future__ import annotations

import base64
import binascii
import io
import warnings

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from forms_app.questions import Problem

MAX_BYTES = 200_000
MAX_SIDE = 3000
PREFIX = "data:image/png;base64,"
INK = 20
"""How many dark points make a signature; fewer are a slip of the finger."""


class NotADrawing(Exception):
    """What was posted is no picture of a signature; `problem` says why to the person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.problem = Problem("/drawing", code, message)


def from_data_url(posted: str) -> bytes:
    """Return the picture of a data URL, as it is to be kept. Raises NotADrawing."""
    if not posted.startswith(PREFIX):
        raise NotADrawing("type", _("The drawing cannot be read. Please draw again, or write your name."))
    if len(posted) > len(PREFIX) + MAX_BYTES * 4 // 3 + 4:
        raise _too_big()
    try:
        content = base64.b64decode(posted[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotADrawing("type", _("The drawing cannot be read. Please draw again, or write your name.")) from error
    return clean_png(content)


def clean_png(content: bytes) -> bytes:
    """Return a PNG drawn anew in shades of grey on white: nothing that hid in the file is kept. Raises NotADrawing."""
    if len(content) > MAX_BYTES:
        raise _too_big()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                if max(picture.size) > MAX_SIDE:
                    raise _too_big()
                picture.load()
                drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        raise NotADrawing("type", _("The drawing cannot be read. Please draw again, or write your name.")) from error
    paper = Image.new("RGBA", drawn.size, "white")
    grey = Image.alpha_composite(paper, drawn).convert("L")
    if sum(grey.histogram()[:128]) < INK:
        raise NotADrawing("required", _("Draw your signature, or write your name."))
    kept = io.BytesIO()
    grey.save(kept, "PNG", optimize=True)
    return kept.getvalue()


def _too_big() -> NotADrawing:
    return NotADrawing("too_big", _("The drawing is too big. Please draw again, or write your name."))
