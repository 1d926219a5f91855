"""Import patients, their visits, plans, pain scores and questionnaires from FHIR R4 files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from accounts.models import Clinic
from fhir.batches import Report
from fhir.importing import import_files
from fhir.reading import UnreadableFile


class Command(BaseCommand):
    help = (
        "Import Patient, Encounter, CarePlan, Questionnaire and pain Observation resources "
        "(NDJSON or Bundle, plain or .gz) into a clinic. "
        "Importing again changes only what the files say otherwise. Silent unless --fire."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clinic", required=True, metavar="SLUG", help="the clinic that the patients belong to")
        parser.add_argument("--fire", action="store_true", help="let rules answer what the files tell of")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = Clinic.objects.filter(slug=options["clinic"]).first()
        if clinic is None:
            known = ", ".join(Clinic.objects.order_by("slug").values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"There is no clinic {options['clinic']!r}. Clinics: {known}.")
        try:
            report = import_files(clinic=clinic, paths=options["files"], fire=options["fire"], progress=self._progress)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        self._tell(report)

    def _progress(self, items: Any, **shown: Any) -> Any:
        return tqdm(items, **shown, unit="", leave=False, file=sys.stderr, disable=None)

    def _tell(self, report: Report) -> None:
        for problem in report.problems:
            self.stderr.write(f"{problem.place}: {problem.text}. Skipped.")
        for note in report.notes:
            self.stderr.write(f"{note.place}: {note.text}")
        for noun, outcomes in report.counts.items():
            told = ", ".join(f"{outcomes[name]} {name}" for name in ("created", "updated", "unchanged", "refused"))
            self.stdout.write(f"{noun}: {told}")
        for kind, count in sorted(report.ignored.items()):
            self.stdout.write(f"{kind}: {count} left out, this import does not read them")
        if report.problems:
            self.stdout.write(f"{len(report.problems)} problems, listed above with file and line")
