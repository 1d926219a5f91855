"""Long work about rules: how often one would have run, and starting one for patients who were there before it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from automations import enrolling
from automations.backtest import Backtest, check_days, walk
from automations.models import Enrolment, Rule
from clinic.clock import now
from clinic.errors import ClinicError
from staff.jobs import Held, Kind, Lost, State, ask
from staff.models import Job

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def ask_backtest(rule: Rule, *, days: int) -> Job:
    """Ask how often the rule's draft would have run in the last `days` days. Raises ClinicError for other days."""
    check_days(days)
    title = _("Back-test of “%(rule)s”, %(days)s days") % {"rule": rule.name, "days": days}
    return ask(clinic=rule.clinic, kind="backtest", title=title, rule=rule.pk, days=days, language=get_language())


def _backtest(held: Held) -> bool:
    """Walk over the stored events to the end: what it counts cannot be put down in between."""
    job = held.job
    rule = _rule(job)
    for done, total, found in walk(rule, days=job.params["days"]):
        job.done, job.total, job.result = done, total, _as_result(found)
        held.note()
    return True


def _as_result(found: Backtest) -> dict[str, Any]:
    return {
        "days": found.days,
        "evaluated": found.evaluated,
        "matched": found.matched,
        "ran": found.ran,
        "most": found.most_per_patient,
        "held": found.held,
        "capped": found.capped,
        "suppressed": dict(found.suppressed),
        "per_day": [[day.isoformat(), count] for day, count in found.per_day.items()],
    }


@transaction.atomic
def ask_enrolment(rule: Rule, *, per_minute: int = 60, everybody: bool = False, **groups: Any) -> Job:
    """Start the rule for patients who were there before it, so many a minute; see `automations.enrolling.enrol`."""
    enrolment = enrolling.enrol(rule, everybody=everybody, per_minute=per_minute, **groups)
    return ask(
        clinic=rule.clinic,
        kind="enrolment",
        title=_("Start “%(rule)s” for patients") % {"rule": rule.name},
        total=len(enrolment.patient_ids),
        enrolment=enrolment.pk,
        rule=rule.pk,
        language=get_language(),
    )


def _enrolment(held: Held) -> datetime | bool:
    """Follow the enrolment; the engine gives the patients their turn."""
    job = held.job
    enrolment = _look(job)
    held.note(attempts=0)
    if enrolment.state == Enrolment.State.CANCELLED:
        held.write(state=State.CANCELLED, finished_at=now(), lease_until=None)
        raise Lost
    if enrolment.state == Enrolment.State.DONE:
        return True
    paused = enrolment.rule.mode == Rule.Mode.PAUSED
    return now() + HOUR if paused else max(enrolment.next_at, now()) + SECOND


def _look(job: Job) -> Enrolment:
    rows = Enrolment.objects.select_related("rule__clinic").filter(clinic_id=job.clinic_id)
    enrolment: Enrolment = rows.get(pk=job.params["enrolment"])
    job.done, job.total = enrolment.position, len(enrolment.patient_ids)
    job.result = {"started": enrolment.started, "per_minute": enrolment.per_minute}
    return enrolment


def _show(job: Job) -> None:
    _look(job)


def _cancel_enrolment(job: Job) -> None:
    enrolment = _look(job)
    if enrolment.state != Enrolment.State.DONE:
        enrolling.cancel(enrolment)


def _rule(job: Job) -> Rule:
    rule = Rule.objects.select_related("clinic").filter(clinic_id=job.clinic_id, pk=job.params["rule"]).first()
    if rule is None:
        raise ClinicError(_("The rule is no longer there."), code="not_found")
    return rule


KINDS = (
    Kind("backtest", gettext_lazy("Back-test"), _backtest),
    Kind("enrolment", gettext_lazy("Start for patients"), _enrolment, look=_show, cancelled=_cancel_enrolment),
)
