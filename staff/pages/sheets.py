"""Importing a spreadsheet: upload it, say what its columns mean, look at what would change, have it written."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from clinic.errors import ClinicError
from staff.frame import attempt, attempt_form, own, page, paged
from staff.models import Job, Sheet
from staff.pages.jobs import begun
from staff.sheets import services
from staff.sheets.columns import targets
from staff.sheets.exporting import as_csv, as_xlsx
from staff.sheets.reading import ENCODINGS, MAX_BYTES
from staff.sheets.writing import IMPORTERS

SAMPLES = 3
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
State = Sheet.State


class UploadForm(forms.Form):
    """The file, and what it holds."""

    noun = forms.ChoiceField(
        label=gettext_lazy("What does it hold?"),
        choices=Sheet.Noun.choices,
        widget=forms.RadioSelect,
        initial="patients",
    )
    file = forms.FileField(
        label=gettext_lazy("CSV or Excel file"),
        help_text=gettext_lazy("Up to 16 MB. The first row names the columns. Of a workbook the first sheet is read."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,text/csv"}),
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Letters"),
        required=False,
        choices=[("", gettext_lazy("find out")), *((name, name.upper()) for name in ENCODINGS)],
        help_text=gettext_lazy("Choose one only if letters with accents came out wrong."),
    )

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 16 MB; split it."))
        return file


@page(*IMPORTERS)
def sheet_list(request: Any) -> HttpResponse:
    """Take a file, and list those that were brought before."""
    clinic = request.desk.clinic
    first = {"noun": request.GET.get("noun", Sheet.Noun.PATIENTS)}
    form = UploadForm(request.POST or None, request.FILES or None, initial=first)
    if request.method == "POST" and form.is_valid():
        made: list[Sheet] = []
        given = form.cleaned_data
        if attempt_form(form, lambda: made.append(_upload(clinic, given))):
            return redirect("staff:sheet", made[0].pk)
    rows = Sheet.objects.filter(clinic=clinic).select_related("uploaded_by").defer("headers", "columns", "reading")
    shown = paged(request, rows, size=20)
    return render(request, "staff/sheets/list.html", {"form": form, "paged": shown, "sheets": shown.rows})


def _upload(clinic: Any, given: dict[str, Any]) -> Sheet:
    file = given["file"]
    return services.upload(
        clinic=clinic, noun=given["noun"], name=file.name, content=file.read(), encoding=given["encoding"]
    )


def _sheet(request: Any, pk: int) -> Sheet:
    sheet: Sheet = own(request, Sheet.objects.select_related("clinic", "uploaded_by"), pk=pk)
    return sheet


@page(*IMPORTERS)
def sheet(request: Any, pk: int) -> HttpResponse:
    """Show a spreadsheet where it stands: its columns to be named, its progress, what would change, what was done."""
    found = _sheet(request, pk)
    job = Job.objects.filter(sheet=found, state__in=Job.OPEN).order_by("-pk").first()
    if job is not None:
        return redirect("staff:job", job.pk)
    if found.state == State.READ or (found.state == State.CHECKED and "columns" in request.GET):
        return _columns(request, found)
    if request.method == "POST":
        return _columns(request, found)
    return _answer(request, found)


def _columns(request: Any, found: Sheet) -> HttpResponse:
    """Have the columns named, then checked."""
    columns = list(found.columns)
    refusal = None
    if request.method == "POST":
        columns = [request.POST.get(f"column-{at}", "") for at in range(len(found.headers))]
        order = {"day": True, "month": False}.get(request.POST.get("day_first", ""))
        try:
            return redirect("staff:sheet", begun(services.choose_columns(found, columns, day_first=order)).sheet_id)
        except ClinicError as error:
            refusal = error
    context = {
        "sheet": found,
        "refusal": refusal,
        "ask_order": _order(request, found, columns, refusal),
        "columns": _shown(found, columns),
        "targets": targets(found.noun),
    }
    audit.record("spreadsheet.read", obj=found)
    return render(request, "staff/sheets/columns.html", context, status=409 if refusal else 200)


def _order(request: Any, found: Sheet, columns: list[str], refusal: ClinicError | None) -> dict[str, Any] | None:
    """Return what to ask of dates that can be read in two ways, with what others show preselected."""
    doubtful, shown = services.undecided_dates(found, columns)
    if not doubtful:
        return None
    chosen = request.POST.get("day_first") or {True: "day", False: "month", None: ""}[shown]
    return {"chosen": chosen, "wrong": refusal is not None and refusal.path == "day_first"}


def _shown(found: Sheet, columns: list[str]) -> list[dict[str, Any]]:
    first = found.parts.order_by("number").first()
    rows = [row for _line, row in first.rows] if first else []
    shown = []
    for at, header in enumerate(found.headers):
        cells = [row[at] for row in rows if at < len(row) and row[at]]
        shown.append({"header": header, "key": columns[at], "samples": list(dict.fromkeys(cells))[:SAMPLES]})
    return shown


def _answer(request: Any, found: Sheet) -> HttpResponse:
    """Show the counts and each refused line: of what would be, or of what was done."""
    shown = paged(request, services.faults(found))  # type: ignore[arg-type]
    last = Job.objects.filter(sheet=found).order_by("-pk").first()
    context = {"sheet": found, "counts": found.counts, "paged": shown, "faults": shown.rows, "job": last}
    audit.record("spreadsheet.read", obj=found)
    return render(request, "staff/sheets/answer.html", context)


@page(*IMPORTERS, methods=("POST",))
def sheet_import(request: Any, pk: int) -> HttpResponse:
    """Have the checked rows written."""
    found = _sheet(request, pk)
    made: list[Job] = []
    tell = request.POST.get("tell_rules") == "yes"
    if attempt(request, lambda: made.append(services.begin_import(found, tell_rules=tell))):
        begun(made[0])
    return redirect("staff:sheet", found.pk)


@page(*IMPORTERS, methods=("GET", "HEAD"))
def sheet_refused(request: Any, pk: int, kind: str) -> Any:
    """Give the refused rows as a file, with the reasons, to be mended and imported again."""
    found = _sheet(request, pk)
    audit.record("spreadsheet.refused_read", obj=found)
    rows = services.refused_rows(found)
    name = f"{found.name.rpartition('.')[0] or found.name}-{_('refused')}.{kind}"
    return download(rows, name, kind, found.clinic.language)


def download(rows: Any, name: str, kind: str, language: str) -> Any:
    """Give rows as a file of the kind "csv" or "xlsx", a piece at a time."""
    if kind == "xlsx":
        return FileResponse(as_xlsx(rows, name), as_attachment=True, filename=name, content_type=XLSX)
    answer = StreamingHttpResponse(as_csv(rows, language), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


urlpatterns = [
    path("staff/imports/", sheet_list, name="sheets"),
    path("staff/imports/<int:pk>/", sheet, name="sheet"),
    path("staff/imports/<int:pk>/import/", sheet_import, name="sheet-import"),
    path("staff/imports/<int:pk>/refused.csv", sheet_refused, {"kind": "csv"}, name="sheet-refused-csv"),
    path("staff/imports/<int:pk>/refused.xlsx", sheet_refused, {"kind": "xlsx"}, name="sheet-refused-xlsx"),
]
