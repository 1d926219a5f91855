"""Message templates: their texts in each language, seen as a patient would read them while somebody types."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF
from csp.decorators import csp, csp_update
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts import audit
from accounts.permissions import Role
from automations.references import rules_naming
from clinic.api.fields import id_of
from clinic.clock import now
from clinic.errors import ClinicError
from messaging import templates
from messaging.models import MessageTemplate
from messaging.variables import variables
from patients.models import Patient
from staff.choosing import find_patients
from staff.frame import attempt, attempt_form, own, page, paged
from staff.message_preview import Preview, preview
from staff.pages.messages import MAIL_POLICY
from staff.pages.template_forms import FIELDS, Bodies, TemplateForm, typed_bodies

ADMIN = (Role.CLINIC_ADMIN,)
SEEN = "previewed"


@page(methods=("GET", "HEAD"))
def listed(request: Any) -> HttpResponse:
    """List the templates with their languages, those that are offered no longer at the end."""
    rows = MessageTemplate.objects.for_clinic(request.desk.clinic).prefetch_related("bodies")
    shown = paged(request, rows.order_by("archived_at", "name", "pk"))
    context = {"paged": shown, "may_change": request.desk.role in ADMIN}
    return render(request, "staff/messages/templates.html", context)


@csp_update({"frame-src": [SELF]})
@page(*ADMIN)
def new(request: Any) -> HttpResponse:
    """Write another template."""
    return _edit(request, None)


@csp_update({"frame-src": [SELF]})
@page()
def edit(request: Any, pk: int) -> HttpResponse:
    """Show a template, and let a clinic admin change it."""
    template = own(request, MessageTemplate.objects.select_related("clinic"), pk=pk)
    return _edit(request, template)


def _edit(request: Any, template: MessageTemplate | None) -> HttpResponse:
    posted = request.method == "POST"
    saving = posted and not {"add", "preview"} & set(request.POST)
    if saving and request.desk.role not in ADMIN:
        return render(request, "staff/denied.html", {"roles": ADMIN, "desk": request.desk}, status=403)
    if saving:
        form, bodies = TemplateForm(request.POST, template=template), Bodies(request.POST)
        if _valid(form, bodies) and _saved(request, template, form, bodies):
            messages.success(request, _("Saved. Rules that use it were looked at again."))
            return redirect("staff:message-templates")
        return _page(request, template, form, bodies, status=422)
    if posted:
        initial: dict[str, Any] = request.POST.dict()
        rows: list[Any] = typed_bodies(request.POST)
        initial["inside_only"] = "inside_only" in request.POST
    elif template is not None:
        rows = [*template.bodies.order_by("language").values(*FIELDS)]
        initial = {name: getattr(template, name) for name in ("name", "category", "inside_only")}
    else:
        rows, initial = [{"language": request.desk.clinic.language}], {}
    spare = 1 if "add" in request.POST or not rows else 0
    return _page(request, template, TemplateForm(initial=initial, template=template), Bodies(rows=rows, spare=spare))


def _valid(*parts: Any) -> bool:
    return False not in [part.is_valid() for part in parts]


def _saved(request: Any, template: MessageTemplate | None, form: TemplateForm, bodies: Bodies) -> bool:
    """Save it; a refusal is shown at the text and the lines that it is about."""
    taken: list[bool] = []

    def save() -> None:
        values = {**form.values(), "bodies": bodies.given()}
        try:
            if template is None:
                templates.create_template(clinic=request.desk.clinic, **values)
            else:
                templates.update_template(template, **values)
        except ClinicError as error:
            taken.append(bodies.take(error, inside_only=values["inside_only"]))
            if not taken[0]:
                raise

    return attempt_form(form, save) and not taken


def _page(request: Any, template: Any, form: Any, bodies: Bodies, status: int = 200) -> HttpResponse:
    inside_only = bool(form.data.get("inside_only") if form.is_bound else form.initial.get("inside_only"))
    known = {name: one for name, one in variables.known().items() if inside_only or not one.sensitive}
    rows = typed_bodies(form.data) if form.is_bound else [one.initial for one in bodies.formset if one.initial]
    context = {
        "template": template,
        "form": form,
        "bodies": bodies,
        "known": sorted((name, one.label) for name, one in known.items()),
        "used": rules_naming(template) if template else [],
        "may_change": request.desk.role in ADMIN,
        **_previews(request, rows),
    }
    return render(request, "staff/messages/template.html", context, status=status)


@page(*ADMIN, methods=("POST",))
def archive(request: Any, pk: int) -> HttpResponse:
    """Offer a template no longer, or again."""
    template = own(request, MessageTemplate.objects.all(), pk=pk)
    if "restore" in request.POST:
        attempt(request, lambda: templates.restore_template(template), _("Offered again."))
    else:
        attempt(request, lambda: templates.archive_template(template), _("Archived: rules that use it say so."))
    return redirect("staff:message-templates")


# --- how it reads ---


@page(methods=("POST",))
def previewed(request: Any) -> HttpResponse:
    """Show what was typed as the chosen patient would read it; asked again while somebody types."""
    return render(request, "staff/messages/_preview.html", _previews(request, typed_bodies(request.POST)))


@csp(MAIL_POLICY)
@xframe_options_sameorigin
@page(methods=("POST",))
def preview_html(request: Any, number: int) -> HttpResponse:
    """Give one of the typed texts as the HTML of its mail, for a frame."""
    rows = typed_bodies(request.POST)
    if number >= len(rows):
        raise Http404
    found = _preview(request.desk.clinic, rows[number], _reader(request))
    return HttpResponse(found.content.html if found.content else found.error)


def _previews(request: Any, rows: list[Any]) -> dict[str, Any]:
    """Return each text as it reads, for whom, and who else was meant by what was typed."""
    clinic, asked = request.desk.clinic, request.POST.get("preview_q", "").strip()
    reader = _reader(request)
    found = find_patients(clinic, asked) if asked and (reader is None or asked != str(reader)) else []
    if reader is None and len(found) == 1:
        reader = found[0]
    if reader is not None:
        _note(request, reader)
    return {
        "previews": [_preview(clinic, row, reader) for row in rows],
        "reader": reader,
        "readers": found,
        "asked": asked,
    }


def _preview(clinic: Any, row: Any, reader: Patient | None) -> Preview:
    return preview(clinic, row.get("language") or clinic.language, row.get("subject", ""), row.get("text", ""), reader)


def _reader(request: Any) -> Patient | None:
    """Return the patient who was chosen, if it is one of this clinic's."""
    chosen = id_of(request.POST.get("preview_patient"))
    if chosen is None:
        return None
    rows = Patient.objects.for_clinic(request.desk.clinic).select_related("clinic", "specialist")
    found: Any = rows.filter(pk=chosen).first()
    return found


def _note(request: Any, reader: Patient) -> None:
    """Put on record that the patient's data were looked at; once an hour, however much is typed."""
    mark = f"{reader.pk}@{now():%Y-%m-%dT%H}"
    if request.session.get(SEEN) != mark:
        request.session[SEEN] = mark
        audit.record("message.previewed", obj=reader)


urlpatterns = [
    path("staff/messages/templates/", listed, name="message-templates"),
    path("staff/messages/templates/new/", new, name="message-template-new"),
    path("staff/messages/templates/<int:pk>/", edit, name="message-template"),
    path("staff/messages/templates/<int:pk>/archive/", archive, name="message-template-archive"),
    path("staff/messages/templates/preview/", previewed, name="message-preview"),
    path("staff/messages/templates/preview/<int:number>/", preview_html, name="message-preview-html"),
]
