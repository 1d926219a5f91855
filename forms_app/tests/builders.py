"""Forms for the tests: one of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from automations.engine.values import StepContext
from automations.models import Event
from clinic import clock
from forms_app import services
from forms_app.links import make_token
from forms_app.models import FormRequest, FormTemplate
from worklist.tests.builders import due_step

QUESTIONS: list[dict[str, Any]] = [
    {"id": "intro", "type": "display", "text": "Please answer for the last seven days."},
    {
        "id": "pain",
        "type": "scale",
        "text": {"en": "How strong is your pain?", "ro": "Cât de puternică este durerea?"},
        "required": True,
        "min_text": "none",
        "max_text": "the worst",
    },
    {"id": "smoker", "type": "boolean", "text": "Do you smoke?"},
    {"id": "steps", "type": "integer", "text": "Steps a day", "min": 0, "max": 100000},
    {"id": "weight", "type": "number", "text": "Weight in kg", "min": 1.5, "max": 400},
    {"id": "goal", "type": "text", "text": "Your goal", "max_length": 40},
    {"id": "history", "type": "long_text", "text": "Your history"},
    {"id": "since", "type": "date", "text": "Since when?", "max": "2030-12-31"},
    {
        "id": "side",
        "type": "choice",
        "text": "Which side?",
        "choices": [{"value": "left", "text": "Left"}, {"value": "right", "text": "Right"}],
    },
    {
        "id": "places",
        "type": "multiple_choice",
        "text": "Where does it hurt?",
        "choices": [{"value": one, "text": one.title()} for one in ("neck", "back", "knee")],
    },
]
ANSWERS = {"pain": 7, "smoker": False, "side": "left", "places": ["knee", "neck"], "since": "2026-11-01"}


def make_template(clinic: Any, slug: str = "privacy", kind: str = "consent", **content: Any) -> FormTemplate:
    """Make a template with one published version."""
    template = services.create_template(clinic=clinic, slug=slug, name=slug.title(), kind=kind)
    if not content:
        content = {"text": "I agree."} if kind == "consent" else {"questions": QUESTIONS}
    services.publish_template_version(template, **content)
    return template


def ask(patient: Any, template: FormTemplate, **settings: Any) -> FormRequest:
    """Ask the patient for the form."""
    return services.request_form(clinic=patient.clinic, patient=patient, template=template, **settings).request


def fill(request: FormRequest, answers: Any = None, **settings: Any) -> FormRequest:
    """Sign or submit the request as the patient."""
    if answers is None:
        answers = {} if request.template.kind == "consent" else ANSWERS
    return services.sign(request, answers=answers, signed_by="Maria Marin", **settings)


def born(patient: Any) -> dict[str, str]:
    """Give the patient's date of birth as the page of a link asks for it."""
    day = patient.birth_date
    return {} if day is None else {"day": str(day.day), "month": str(day.month), "year": str(day.year)}


def opened(client: Any, patient: Any, contact: Any = None, **settings: Any) -> str:
    """Make a link, open it in this browser, and return its address."""
    url = f"/f/{make_token(patient, contact, **settings)}/"
    answer = client.post(url, born(patient))
    assert (answer.status_code, answer["Location"]) == (303, url)
    return url


def require_step(
    patient: Any, form: str, *, about: tuple[str, int] | None = None, rule: str = "rule", **params: Any
) -> StepContext:
    """Store a step that requires a form, due now, and return what the action gets to see."""
    step = due_step(patient, "require_form", {"form": form, **params}, role="patient", now=clock.now(), rule=rule)
    return step if about is None else replace(step, subject_type=about[0], subject_id=about[1])


def fired() -> list[str]:
    """Return the triggers of the events about forms so far, oldest first."""
    return list(Event.objects.filter(subject_type="form").order_by("pk").values_list("trigger", flat=True))
