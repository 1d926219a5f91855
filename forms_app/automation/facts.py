"""What conditions may ask of a form, of its answers, and of all the forms of a patient."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import JSONField, Subquery, TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, Param, register
from forms_app.models import FormRequest, FormResponse

SOURCES = ("forms_app.FormRequest",)
ANSWERED = ("form.signed", "form.withdrawn")
QUESTION = Param("question", "text", _("question"), required=True, max_length=50, help=_("The id of the question."))
FORM = Param("form", "reference", _("form"), required=True, reference="form")
DAY = timedelta(days=1)


def _days_late(view: Any) -> int | None:
    """Count whole days (24 hours) past the due moment; 0 in time, unknown without one."""
    due = view.new["due_at"]
    return None if due is None else max(0, (view.occurred_at - due) // DAY)


def _answer(ctx: Any, question: str) -> Any:
    """Read the answer as it stood at the event: a correction made since is not in it."""
    rows = FormResponse.objects.filter(request_id=ctx.outer(ctx.subject_id), signed_at__lte=ctx.outer(ctx.now))
    newest = rows.order_by("-number").annotate(answer=KeyTransform(question, "answers"))
    return Subquery(newest.values("answer")[:1], output_field=JSONField())


def _newest(ctx: Any, form: str, part: Any, output: Any) -> Any:
    """Read a part of the newest response to a form, by the time of signing."""
    rows = FormResponse.objects.filter(
        patient_id=ctx.outer_patient_id,
        template__slug=form,
        request__status__in=FormRequest.FILLED,
        signed_at__lte=ctx.outer(ctx.now),
    )
    return Subquery(rows.order_by("-signed_at", "-pk").annotate(part=part).values("part")[:1], output_field=output)


def _slugs(ctx: Any, statuses: tuple[str, ...]) -> Any:
    rows = FormRequest.objects.filter(patient_id=ctx.outer_patient_id, status__in=statuses)
    return ArraySubquery(rows.order_by("template__slug").values_list("template__slug", flat=True).distinct())


register(
    Fact(
        key="form.template",
        label=_("Form"),
        type=FactType.reference,
        doc=_("Which form it is."),
        example={"field": "form.template", "op": "is_any_of", "value": ["satisfaction-survey"]},
        subject="form",
        reference="form",
        value=lambda view: view.new["template_id"],
    )
)
register(
    Fact(
        key="form.days_late",
        label=_("Days late"),
        type=FactType.number,
        doc=_("Whole days, of 24 hours, past the due time; 0 if in time; unknown if nothing was due."),
        example={"field": "form.days_late", "op": "gte", "value": 3},
        subject="form",
        value=_days_late,
    )
)
register(
    Fact(
        key="form.answer",
        label=_("Answer"),
        type=FactType.any,
        doc=_("The answer to a question; the operator says whether a number, a text, a date … is meant."),
        example={"field": "form.answer", "op": "gte", "value": 7, "question": "pain"},
        subject="form",
        triggers=ANSWERED,
        params=(QUESTION,),
        sensitive=True,
        sources=SOURCES,
        history=True,
        expression=_answer,
    )
)
register(
    Fact(
        key="patient.form_answer",
        label=_("Newest answer"),
        type=FactType.any,
        doc=_("What the patient last answered to a question of a form; a consent that was withdrawn does not count."),
        example={"field": "patient.form_answer", "op": "gte", "value": 7, "form": "pain-diary", "question": "pain"},
        params=(FORM, QUESTION),
        sensitive=True,
        sources=SOURCES,
        expression=lambda ctx, form, question: _newest(ctx, form, KeyTransform(question, "answers"), JSONField()),
        folded=lambda ctx, form, question: _newest(ctx, form, KeyTextTransform(question, "folded"), TextField()),
    )
)
register(
    Fact(
        key="patient.outstanding_forms",
        label=_("Outstanding forms"),
        type=FactType.list,
        doc=_("Forms that the patient was asked for and has not filled yet."),
        example={"field": "patient.outstanding_forms", "op": "has_any_of", "value": ["privacy-policy-consent"]},
        reference="form",
        sources=SOURCES,
        expression=lambda ctx: _slugs(ctx, FormRequest.OPEN),
    )
)
register(
    Fact(
        key="patient.signed_forms",
        label=_("Signed forms"),
        type=FactType.list,
        doc=_("Forms that the patient signed or submitted; a consent that was withdrawn no longer counts."),
        example={"field": "patient.signed_forms", "op": "has_all_of", "value": ["privacy-policy-consent"]},
        reference="form",
        sources=SOURCES,
        expression=lambda ctx: _slugs(ctx, FormRequest.FILLED),
    )
)
