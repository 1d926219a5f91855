"""What conditions may ask of a plan, and of all that a patient does at home."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, Param, register
from treatments.automation import measures

WEEKS = (("last", _("the last closed week")), ("previous", _("the week before it")))
OF_A_WEEK = ("treatment.adherence_dropped", "treatment.adherence_recovered")

register(
    Fact(
        key="treatment.plan",
        label=_("Program"),
        type=FactType.reference,
        doc=_("The treatment program that the plan follows; empty for a plan of its own."),
        example={"field": "treatment.plan", "op": "is_any_of", "value": ["knee-rehabilitation"]},
        subject="treatment",
        reference="program",
        value=lambda view: view.new["program_id"],
    )
)
register(
    Fact(
        key="treatment.specialist",
        label=_("Specialist of the plan"),
        type=FactType.reference,
        doc=_("Who answers for the plan; empty if nobody is named."),
        example={"field": "treatment.specialist", "op": "is_not_empty"},
        subject="treatment",
        reference="specialist",
        value=lambda view: view.new["specialist_id"],
    )
)
register(
    Fact(
        key="treatment.adherence",
        label=_("Adherence (%)"),
        type=FactType.number,
        doc=_("Sessions done of those prescribed in the week that closed, in percent, 100 at most."),
        example={"field": "treatment.adherence", "op": "lt", "value": 30},
        subject="treatment",
        triggers=OF_A_WEEK,
        sensitive=True,
        value=lambda view: view.data["adherence"],
    )
)
register(
    Fact(
        key="treatment.previous_adherence",
        label=_("Adherence of the week before (%)"),
        type=FactType.number,
        doc=_("The same of the week evaluated before it; empty for the first week."),
        example={"field": "treatment.previous_adherence", "op": "gte", "value": 80},
        subject="treatment",
        triggers=OF_A_WEEK,
        sensitive=True,
        value=lambda view: view.data["previous_adherence"],
    )
)
register(
    Fact(
        key="treatment.pain",
        label=_("Pain in the session"),
        type=FactType.number,
        doc=_("From 0 to 10, as told in the session; empty if nothing was told."),
        example={"field": "treatment.pain", "op": "gte", "value": 8},
        subject="treatment",
        triggers=("treatment.session_logged",),
        sensitive=True,
        value=lambda view: view.data["pain"],
    )
)
register(
    Fact(
        key="patient.pain_score",
        label=_("Pain"),
        type=FactType.number,
        doc=_("The latest pain, from 0 to 10: told in a session, measured or imported; empty if none was told then."),
        example={"field": "patient.pain_score", "op": "gte", "value": 7, "window": {"amount": 90, "unit": "days"}},
        params=(Param("window", "window", _("in the last")),),
        sensitive=True,
        sources=("treatments.PainScore",),
        time_dependent=True,
        history=True,
        expression=measures.pain_score,
    )
)
register(
    Fact(
        key="patient.active_plan",
        label=_("Follows a treatment plan"),
        type=FactType.boolean,
        doc=_("A plan was assigned that has not ended and is not paused."),
        example={"field": "patient.active_plan", "op": "is", "value": True},
        sources=("treatments.TreatmentPlan",),
        expression=measures.active_plan,
    )
)
register(
    Fact(
        key="patient.plan_ends_on",
        label=_("Last day of the plan"),
        type=FactType.date,
        doc=_("Of the plan assigned last, cancelled ones left out; empty if it has no end."),
        example={"field": "patient.plan_ends_on", "op": "in_next", "value": {"amount": 2, "unit": "weeks"}},
        sources=("treatments.TreatmentPlan",),
        expression=measures.plan_ends_on,
    )
)
register(
    Fact(
        key="patient.last_session_at",
        label=_("Last session"),
        type=FactType.date,
        doc=_("When the patient last did an exercise of a plan."),
        example={"field": "patient.last_session_at", "op": "more_than_ago", "value": {"amount": 30, "unit": "days"}},
        sources=("treatments.ExerciseSession",),
        history=True,
        expression=measures.last_session_at,
    )
)
register(
    Fact(
        key="patient.adherence",
        label=_("Adherence (%)"),
        type=FactType.number,
        doc=_("Of the patient's last evaluated week, or of the one before it in the same plan; empty before that."),
        example={"field": "patient.adherence", "op": "lt", "value": 50, "week": "last"},
        params=(Param("week", "choice", _("of"), choices=WEEKS, default="last"),),
        sensitive=True,
        sources=("treatments.WeeklyAdherence",),
        history=True,
        expression=measures.adherence,
    )
)
