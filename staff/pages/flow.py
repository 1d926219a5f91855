"""What rules will do: which step, for whom, when, by which rule; and the buttons that hold, skip and send now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Clinic, Pause
from automations import interventions
from automations.engine.declare import catalog
from automations.models import Rule, Step
from automations.showing.steps import step_words
from automations.showing.trace import VERBS, trigger_label, verbs_of
from clinic.clock import now
from messaging.models import Delivery
from staff.frame import move, own, page, paged
from staff.pages.patient_forms import in_a_row

DAYS = 14
WAITING_MAX = 20
INTERVENTIONS: dict[str, Callable[[Step], Step]] = {
    "skip": interventions.skip,
    "hold": interventions.hold,
    "release": interventions.release,
    "run_now": interventions.run_now,
    "retry": interventions.retry,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A step for a list: what it does in words, what it waits for, why it stands as it does, its buttons."""

    step: Step
    words: str
    waiting: str
    why: str
    verbs: list[tuple[str, Any]]


def rows_of(request: Any, steps: Iterable[Step]) -> list[Row]:
    """Lay out steps (of `with_all`) with the buttons that this person's role may press."""
    steps = list(steps)
    said = step_words(request.desk.clinic.pk, steps)
    may_send = request.desk.role in interventions.SENDERS
    return [
        Row(
            step,
            said[step.pk],
            trigger_label(step.waiting_for) if step.waiting_for else "",
            step.reason_text or step.reason,
            verbs_of(step, may_send),
        )
        for step in steps
    ]


def steps_in(clinic: Clinic, *states: str) -> QuerySet[Step]:
    """Return the clinic's steps in these states, found through its rules: those that are done are never walked."""
    rules = Rule.objects.for_clinic(clinic).values("pk")
    return Step.objects.for_clinic(clinic).filter(rule__in=rules, state__in=states)


def with_all(steps: QuerySet[Step]) -> QuerySet[Step]:
    """Load steps with what a list of them shows."""
    rows = steps.select_related("patient", "rule", "run").order_by("due_at", "pk")
    return rows.defer("rule__draft", "run__verdict", "config", "result")


class FilterForm(forms.Form):
    """What narrows the list."""

    rule: Any = forms.ModelChoiceField(label=_("Rule"), required=False, queryset=None, empty_label=_("any rule"))
    action = forms.ChoiceField(label=_("What"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("any")), *((one, Step.State(one).label) for one in Step.OPEN)],
    )

    def __init__(self, data: Any, clinic: Clinic) -> None:
        super().__init__(data)
        rules = Rule.objects.for_clinic(clinic).exclude(mode=Rule.Mode.DRAFT).defer("draft")
        self.fields["rule"].queryset = rules.order_by("name")  # type: ignore[attr-defined]
        actions = sorted((str(one.label), one.key) for one in catalog.actions.values())
        self.fields["action"].choices = [("", _("anything")), *((key, label) for label, key in actions)]  # type: ignore[attr-defined]
        in_a_row(self)

    def narrow(self, rows: QuerySet[Step]) -> QuerySet[Step]:
        """Keep what is asked for; a filter that makes no sense keeps nothing."""
        if not self.is_valid():
            return rows.none()
        return rows.filter(**{name: value for name, value in self.cleaned_data.items() if value})

    @property
    def narrowed(self) -> bool:
        """Tell whether anything but the whole list is asked for."""
        return any(self.data.get(name) for name in self.fields)


@page(methods=("GET", "HEAD"))
def upcoming(request: Any) -> HttpResponse:
    """List what is planned for the next two weeks, the overdue and the held first in time."""
    clinic = request.desk.clinic
    form = FilterForm(request.GET, clinic)
    until = now() + timedelta(days=DAYS)
    steps = steps_in(clinic, *Step.OPEN).filter(due_at__lte=until)
    found = paged(request, with_all(form.narrow(steps)))
    waiting = [] if form.narrowed or found.has_previous else _waiting(clinic)
    audit.listed("step", [*found.rows, *waiting], clinic_id=clinic.pk)
    context = {
        "form": form,
        "paged": found,
        "rows": rows_of(request, found.rows),
        "waiting": waiting,
        "days": DAYS,
        "stops": list(Pause.objects.for_clinic(clinic).filter(ended_at=None).exclude(scope=Pause.Scope.PATIENT)),
        "show_patient": True,
    }
    return render(request, "staff/flow/upcoming.html", context)


def _waiting(clinic: Clinic) -> list[Delivery]:
    """Return messages that are written and wait for their moment: the end of quiet hours, the undo time, a retry."""
    rows = Delivery.objects.for_clinic(clinic).filter(state__in=Delivery.WAITING)
    rows = rows.select_related("patient", "template", "source_step__rule").order_by("not_before", "pk")
    return list(rows.defer("body_text", "body_html", "context", "source_step__rule__draft")[:WAITING_MAX])


@page(methods=("POST",))
def do_step(request: Any, pk: int, verb: str) -> HttpResponse:
    """Hold, release, skip, send now or retry a step, and go back to where the button was."""
    step = own(request, Step.objects.select_related("clinic"), pk=pk)
    verbs = {name: (call, _("Done: %s.") % VERBS[name]) for name, call in INTERVENTIONS.items()}
    return move(request, step, verbs, verb, reverse("staff:upcoming"))


urlpatterns = [
    path("staff/upcoming/", upcoming, name="upcoming"),
    path("staff/steps/<int:pk>/<slug:verb>/", do_step, name="step-do"),
]
