"""Form templates: the list, one with its versions, the builder, and how a patient will see it."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django import forms
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django_htmx.http import HttpResponseClientRedirect

from accounts import audit
from accounts.permissions import Role
from clinic.errors import ClinicError
from clinic.languages import spoken
from clinic.pages import spoken_language
from clinic.slugs import with_letter
from forms_app import services
from forms_app.fields import build_fields
from forms_app.models import FormRequest, FormTemplate
from forms_app.questions import check_questions
from staff.form_boxes import Shown
from staff.form_builder import Wording, as_arguments, of_template, of_version, posted
from staff.form_editing import press
from staff.frame import attempt, attempt_form, own, page, paged

TEMPLATES = FormTemplate.objects.select_related("clinic")
ADMIN = Role.CLINIC_ADMIN
LANGUAGES = ("en", "ro", "es", "ar", "de", "fr", "it", "hu", "uk", "ru", "tr")
"""What is suggested where a language is added; any other code is taken too."""


@page(methods=("GET", "HEAD"))
def templates_list(request: Any) -> HttpResponse:
    """List the clinic's forms with their newest version and how many wait for an answer."""
    clinic = request.desk.clinic
    archived = request.GET.get("archived") == "yes"
    rows = FormTemplate.objects.for_clinic(clinic).filter(archived_at__isnull=not archived)
    waiting = Count("requests", filter=Q(requests__status__in=FormRequest.OPEN), distinct=True)
    shown = paged(request, rows.annotate(newest=Max("versions__number"), waiting=waiting).order_by("name", "pk"))
    audit.record("form_template.listed", clinic_id=clinic.pk)
    context = {"paged": shown, "archived": archived, "may_build": request.desk.role == ADMIN}
    return render(request, "staff/forms/templates.html", context)


class NewForm(forms.Form):
    """What a form is called, and what it is."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=FormTemplate.Kind.choices,
        widget=forms.RadioSelect,
        initial=FormTemplate.Kind.QUESTIONNAIRE,
        help_text=gettext_lazy("A consent is signed; a questionnaire and a survey are submitted. It stays what it is."),
    )
    slug = forms.CharField(
        label=gettext_lazy("Short name for rules"),
        max_length=50,
        required=False,
        help_text=gettext_lazy("Lower-case letters, digits, - and _. Left empty, it is made of the name."),
    )


@page(ADMIN)
def template_new(request: Any) -> HttpResponse:
    """Begin a form."""
    form = NewForm(request.POST or None)
    made: list[FormTemplate] = []

    def create() -> None:
        given = form.cleaned_data
        slug = given["slug"].strip() or with_letter(slugify(given["name"])[:40].strip("-_"), given["kind"])
        new = services.create_template(clinic=request.desk.clinic, slug=slug, name=given["name"], kind=given["kind"])
        made.append(new)

    if request.method == "POST" and form.is_valid() and attempt_form(form, create):
        return redirect("staff:form-template-edit", made[0].pk)
    return render(request, "staff/forms/template_new.html", {"form": form}, status=422 if form.errors else 200)


@page(methods=("GET", "HEAD"))
def template(request: Any, pk: int) -> HttpResponse:
    """Show a form with its versions."""
    row = own(request, TEMPLATES, pk=pk)
    versions = list(row.versions.select_related("published_by").order_by("-number"))
    audit.record("form_template.read", obj=row)
    context = {"row": row, "versions": versions, "may_build": request.desk.role == ADMIN}
    return render(request, "staff/forms/template.html", context)


@page(ADMIN, methods=("POST",))
def template_move(request: Any, pk: int, verb: str) -> HttpResponse:
    """Put a form away, or use it again."""
    row = own(request, TEMPLATES, pk=pk)
    verbs = {
        "archive": (lambda: services.archive_template(row), _("It is asked of nobody from now on.")),
        "restore": (lambda: services.restore_template(row), _("It can be asked again.")),
    }
    if verb not in verbs:
        raise Http404
    attempt(request, *verbs[verb])
    return redirect("staff:form-template", pk)


# --- the builder ---


@csp_replace({"frame-src": [SELF]})
@page(ADMIN)
def template_edit(request: Any, pk: int) -> HttpResponse:
    """Write the next wording: each button posts all of it; keeping and publishing say what is wrong, and where."""
    row = own(request, TEMPLATES, pk=pk)
    if request.method != "POST":
        wording = of_template(row)
        if not wording.title.get(wording.languages[0]):
            wording.title[wording.languages[0]] = row.name
        return _builder(request, row, Shown(wording))
    wording, action = posted(row.clinic.language, request.POST), request.POST.get("action", "")
    if action not in ("save", "publish"):
        press(wording, action, request.POST)
        at = len(wording.questions) - 1
        focus = f"q{at}-text-{wording.languages[0]}" if action == "add" else ""
        return _builder(request, row, Shown(wording), focus=focus)
    verb = services.publish_template_version if action == "publish" else services.save_template_draft
    try:
        verb(row, **as_arguments(wording))
    except services.FormInvalid as invalid:
        return _builder(request, row, Shown(wording, invalid.problems), 422)
    except ClinicError as error:
        messages.error(request, error.message)
        return _builder(request, row, Shown(wording), 422)
    said = _("Published. It is asked in this wording from now on.") if action == "publish" else _("The draft is kept.")
    messages.success(request, said)
    name = "staff:form-template" if action == "publish" else "staff:form-template-edit"
    return _lead(request, reverse(name, args=[pk]))


def _builder(request: Any, row: FormTemplate, shown: Shown, status: int = 200, focus: str = "") -> HttpResponse:
    offered = [one for one in LANGUAGES if one not in shown.wording.languages]
    context = {"row": row, "shown": shown, "offered": offered, "focus": focus}
    return render(request, "staff/forms/builder.html", context, status=200 if request.htmx else status)


def _lead(request: Any, link: str) -> HttpResponse:
    return HttpResponseClientRedirect(link) if request.htmx else redirect(link)


# --- as a patient sees it ---


@csp_replace({"frame-ancestors": [SELF]})
@xframe_options_sameorigin
@page(ADMIN)
def template_preview(request: Any, pk: int) -> HttpResponse:
    """Show the wording that is being written as a patient will see it; nothing is kept."""
    row = own(request, TEMPLATES, pk=pk)
    wording = posted(row.clinic.language, request.POST) if request.method == "POST" else of_template(row)
    return _preview(request, row, wording)


@csp_replace({"frame-ancestors": [SELF]})
@xframe_options_sameorigin
@page(methods=("GET", "HEAD"))
def version_preview(request: Any, pk: int, number: int) -> HttpResponse:
    """Show a published version as patients see it."""
    row = own(request, TEMPLATES, pk=pk)
    version = row.versions.filter(number=number).first()
    if version is None:
        raise Http404
    return _preview(request, row, of_version(row, version))


def _preview(request: Any, row: FormTemplate, wording: Wording) -> HttpResponse:
    asked = request.POST.get("preview_language") or request.GET.get("language", "")
    language = asked if asked in wording.languages else wording.languages[0]
    arguments = as_arguments(wording)
    languages = [language, wording.languages[0]]
    with translation.override(spoken(*languages)):
        own_words = arguments["translations"].get(language, {})
        context = {
            "title": own_words.get("title") or arguments["title"] or row.name,
            "text": own_words.get("text") or arguments["text"],
            "fields": build_fields(_whole(arguments["questions"]), languages, {}),
            "is_consent": row.kind == FormTemplate.Kind.CONSENT,
            "clinic": row.clinic,
            **spoken_language(),
        }
        return render(request, "staff/forms/preview.html", context)


def _whole(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put a line in the place of each question that cannot be asked yet."""
    _clean, problems = check_questions(questions)
    broken = {problem.path.split("/")[2] for problem in problems if problem.path.count("/") > 1}
    clean, _none = check_questions([one for at, one in enumerate(questions) if str(at) not in broken])
    by_id = {one["id"]: one for one in clean}
    found = []
    for position, one in enumerate(questions):
        words = _("Question %(number)d is not complete yet.") % {"number": position + 1}
        missing = {"id": f"missing-{position}", "type": "display", "text": words}
        found.append(missing if str(position) in broken else by_id.get(one["id"], missing))
    return found


urlpatterns = [
    path("staff/forms/templates/", templates_list, name="form-templates"),
    path("staff/forms/templates/new/", template_new, name="form-template-new"),
    path("staff/forms/templates/<int:pk>/", template, name="form-template"),
    path("staff/forms/templates/<int:pk>/edit/", template_edit, name="form-template-edit"),
    path("staff/forms/templates/<int:pk>/preview/", template_preview, name="form-template-preview"),
    path("staff/forms/templates/<int:pk>/versions/<int:number>/", version_preview, name="form-version"),
    path("staff/forms/templates/<int:pk>/move/<slug:verb>/", template_move, name="form-template-move"),
]
