"""What conditions may ask of every patient."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, Count, Exists, F, Func, IntegerField, Q, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.db.models.lookups import LessThan
from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Fact, FactType, Param, register
from patients.categories import OPT_IN, Category, Channel
from patients.grants import in_force
from patients.models import Consent, Feature, Patient

SOURCES = ("patients.Patient",)


class WholeYears(Func):
    """Whole calendar years from the second date to the first."""

    template = "EXTRACT(year FROM age(%(expressions)s))::integer"
    output_field = IntegerField()


def _age(ctx: Any) -> Any:
    """Return the age on the clinic's local date; unknown without a date of birth and before it."""
    born = ctx.path("birth_date")
    return Case(When(**{f"{born}__lte": ctx.today}, then=WholeYears(ctx.today, F(born))), output_field=IntegerField())


def _column(name: str) -> Any:
    return lambda ctx: F(ctx.path(name))


def _text(name: str) -> Any:
    """Read a text column in which nothing is written as an empty text; empty is unknown."""
    return lambda ctx: NullIf(F(ctx.path(name)), Value(""))


class Present(Func):
    """Those of some texts that are not null, as a list."""

    template = "array_remove(ARRAY[%(expressions)s]::text[], NULL)"
    output_field = ArrayField(TextField())


def _access(ctx: Any) -> Any:
    """List the features that the patient may use at the moment asked about."""
    rows = in_force(ctx.outer(ctx.now)).filter(patient_id=ctx.outer_patient_id)
    return ArraySubquery(rows.order_by("feature").values_list("feature", flat=True).distinct())


def _channels(ctx: Any, category: str | None = None) -> Any:
    """List the channels on which messages of the category, or of any, may be sent."""
    said = Consent.objects.filter(patient_id=ctx.outer_patient_id).order_by()
    return Present(
        *(
            Case(When(_agreed(said.filter(channel=channel), category), then=Value(channel)), output_field=TextField())
            for channel in sorted(Channel.values)
        )
    )


def _agreed(said: Any, category: str | None) -> Any:
    if category in OPT_IN:
        return Q(Exists(said.filter(category=category, granted=True)))
    if category is not None:
        return ~Q(Exists(said.filter(category=category, granted=False)))
    usual = [one for one in Category.values if one not in OPT_IN]
    refused = said.filter(category__in=usual, granted=False).values("patient_id").annotate(n=Count("pk")).values("n")
    count = Coalesce(Subquery(refused, output_field=IntegerField()), Value(0))
    return Q(Exists(said.filter(category__in=OPT_IN, granted=True))) | LessThan(count, Value(len(usual)))


register(
    Fact(
        key="patient.age",
        label=_("Age"),
        type=FactType.number,
        doc=_("Whole years on the clinic's calendar; born on 29 February, one ages on 1 March in a common year."),
        example={"field": "patient.age", "op": "gte", "value": 65},
        sources=SOURCES,
        time_dependent=True,
        history=True,
        said=_("%(who)s is %(value)s"),
        expression=_age,
    )
)
register(
    Fact(
        key="patient.birth_date",
        label=_("Date of birth"),
        type=FactType.date,
        doc=_("The whole date; one of which only the year is noted is unknown."),
        example={"field": "patient.birth_date", "op": "before", "value": "1961-01-01"},
        sources=SOURCES,
        expression=_column("birth_date"),
        yearly=True,
    )
)
register(
    Fact(
        key="patient.sex",
        label=_("Sex"),
        type=FactType.choice,
        doc=_("As registered."),
        example={"field": "patient.sex", "op": "is_any_of", "value": ["female"]},
        choices=Patient.Sex.choices,
        sources=SOURCES,
        expression=_column("sex"),
    )
)
register(
    Fact(
        key="patient.language",
        label=_("Language"),
        type=FactType.text,
        doc=_("The patient's language as a tag such as en or pt-BR; empty if none was noted."),
        example={"field": "patient.language", "op": "is_any_of", "value": ["en", "ro"]},
        sources=SOURCES,
        expression=_text("language"),
        folded=_text("language_folded"),
    )
)
register(
    Fact(
        key="patient.city",
        label=_("City"),
        type=FactType.text,
        doc=_("Where the patient lives; case and accents do not matter."),
        example={"field": "patient.city", "op": "is", "value": "Iași"},
        sources=SOURCES,
        expression=_text("city"),
        folded=_text("city_folded"),
    )
)
register(
    Fact(
        key="patient.source",
        label=_("Source"),
        type=FactType.choice,
        doc=_("How the patient came to the clinic, in the clinic's own words, such as website or referral."),
        example={"field": "patient.source", "op": "is_any_of", "value": ["website"]},
        sources=SOURCES,
        expression=_text("source"),
    )
)
register(
    Fact(
        key="patient.registered_at",
        label=_("Registered"),
        type=FactType.date,
        doc=_("When the patient was registered at the clinic."),
        example={"field": "patient.registered_at", "op": "in_last", "value": {"amount": 30, "unit": "days"}},
        sources=SOURCES,
        expression=_column("registered_at"),
    )
)
register(
    Fact(
        key="patient.tags",
        label=_("Tags"),
        type=FactType.list,
        doc=_("The words that staff pinned to the patient, exactly as written."),
        example={"field": "patient.tags", "op": "has_any_of", "value": ["vip"]},
        sources=SOURCES,
        expression=_column("tags"),
    )
)
register(
    Fact(
        key="patient.specialist",
        label=_("Specialist"),
        type=FactType.reference,
        doc=_("Who looks after the patient; empty if nobody is named."),
        example={"field": "patient.specialist", "op": "is_any_of", "value": ["dr-ionescu"]},
        reference="specialist",
        sources=SOURCES,
        expression=_column("specialist__slug"),
    )
)
register(
    Fact(
        key="patient.access",
        label=_("Access"),
        type=FactType.list,
        doc=_("What the patient may use now; what ran out or was revoked is left out."),
        example={"field": "patient.access", "op": "has_any_of", "value": ["telerehab"]},
        choices=Feature.choices,
        sources=("patients.FeatureGrant",),
        time_dependent=True,
        expression=_access,
    )
)
register(
    Fact(
        key="patient.consent",
        label=_("Consent to messages"),
        type=FactType.list,
        doc=_(
            "The ways on which the patient may be sent messages of a category (none named: of any). Marketing needs a "
            "yes; the others leave until the patient says no."
        ),
        example={"field": "patient.consent", "op": "has_any_of", "value": ["email"], "category": "marketing"},
        params=(Param("category", "choice", _("category"), choices=Category.choices),),
        choices=Channel.choices,
        sources=("patients.Consent",),
        expression=_channels,
    )
)
