"""Gather every text that can be translated into `locale/`, and compile what is translated: `make messages`.

The patients' form pages have catalogs of their own (forms_app/locale, in three languages); what stands in `locale/` is
the whole program's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREES = ("accounts", "appointments", "automations", "clinic", "fhir", "forms_app", "messaging", "patients", "portal",
         "segments", "staff", "treatments", "worklist", "templates")  # fmt: skip
LEFT_OUT = shutil.ignore_patterns("tests", "testing", "locale", "static", "fonts", "__pycache__")


def gather(into: Path, language: str) -> Path:
    """Write the catalog of all texts, none of them translated, below a folder, and return where it stands."""
    for tree in TREES:
        shutil.copytree(ROOT / tree, into / tree, ignore=LEFT_OUT)
    (into / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "-l", language, "--no-location"]
    no_settings = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=into, env=no_settings, check=True, capture_output=True)
    return into / "locale" / language / "LC_MESSAGES" / "django.po"


def update(language: str) -> None:
    """Bring the language's catalog up to date, keeping what is translated and in use, and compile it."""
    folder = ROOT / "locale" / language / "LC_MESSAGES"
    with tempfile.TemporaryDirectory() as place:
        fresh = gather(Path(place), language)
        kept = folder / "django.po"
        subprocess.run(
            ["msgmerge", "--no-fuzzy-matching", "--quiet", "-o", str(kept), str(kept), str(fresh)], check=True
        )
        subprocess.run(["msgattrib", "--no-obsolete", "-o", str(kept), str(kept)], check=True)
        subprocess.run(["msgfmt", "--check", "-o", str(folder / "django.mo"), str(kept)], check=True)


if __name__ == "__main__":
    for found in sorted((ROOT / "locale").iterdir()):
        update(found.name)
