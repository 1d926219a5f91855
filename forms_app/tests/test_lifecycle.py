"""A request's life: which state leads where, and that repeating a wish changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.db import records_changed
from clinic.errors import ImpossibleTransition, Refused
from forms_app import selectors, services
from forms_app.models import FormRequest, FormResponse
from forms_app.tests.builders import ANSWERS, ask, fill, make_template

pytestmark = pytest.mark.django_db

VERBS = {
    "begin": services.begin,
    "sign": fill,
    "amend": lambda request: services.amend(
        request, answers={} if request.template.kind == "consent" else ANSWERS | {"pain": 2}, signed_by="Maria M. Marin"
    ),
    "decline": services.decline,
    "void": services.void,
    "expire": services.expire,
    "withdraw": services.withdraw,
}
# state → verb → the state it leads to; what is missing is impossible
CONSENT = {
    "required": {
        "begin": "in_progress", "sign": "signed", "decline": "declined", "void": "voided", "expire": "expired",
    },
    "in_progress": {
        "begin": "in_progress", "sign": "signed", "decline": "declined", "void": "voided", "expire": "expired",
    },
    "signed": {"sign": "signed", "amend": "amended", "withdraw": "withdrawn"},
    "amended": {"sign": "amended", "amend": "amended", "withdraw": "withdrawn"},
    "declined": {"decline": "declined"},
    "voided": {"void": "voided"},
    "expired": {"expire": "expired"},
    "withdrawn": {"withdraw": "withdrawn"},
}  # fmt: skip
WAY = {
    "required": [], "in_progress": ["begin"], "signed": ["sign"], "submitted": ["sign"], "amended": ["sign", "amend"],
    "declined": ["decline"], "voided": ["void"], "expired": ["expire"], "withdrawn": ["sign", "withdraw"],
}  # fmt: skip
QUESTIONNAIRE = {
    state.replace("signed", "submitted"): {
        verb: to.replace("signed", "submitted") for verb, to in verbs.items() if verb != "withdraw"
    }
    for state, verbs in CONSENT.items()
    if state != "withdrawn"
}
CASES = [
    pytest.param(kind, state, verb, table[state].get(verb), id=f"{kind}-{state}-{verb}")
    for kind, table in (("consent", CONSENT), ("questionnaire", QUESTIONNAIRE))
    for state in table
    for verb in VERBS
]


@pytest.fixture
def changes():
    """The transitions of form requests that the test causes."""
    seen = []

    def note(sender, changes, **_kwargs):
        seen.extend(changes)

    records_changed.connect(note, sender=FormRequest)
    yield seen
    records_changed.disconnect(note, sender=FormRequest)


@pytest.mark.parametrize(("kind", "state", "verb", "to"), CASES)
def test_the_life_cycle(patient, changes, kind, state, verb, to):
    request = ask(patient, make_template(patient.clinic, "form", kind))
    for step in WAY[state]:
        request = VERBS[step](request)
    assert request.status == state
    before, responses = FormRequest.objects.values().get(pk=request.pk), FormResponse.objects.count()
    changes.clear()
    if to is None:
        with pytest.raises((ImpossibleTransition, Refused)):
            VERBS[verb](request)
        assert FormRequest.objects.values().get(pk=request.pk) == before
        assert (changes, FormResponse.objects.count()) == ([], responses)
        return
    result = VERBS[verb](request)
    assert result.status == to == FormRequest.objects.get(pk=request.pk).status
    assert len(changes) == (0 if to == state else 1)
    if verb != "amend":
        assert (to == state) == (FormRequest.objects.values().get(pk=request.pk) == before)


def test_the_callers_stale_copy_decides_nothing(patient):
    request = ask(patient, make_template(patient.clinic))
    copy = FormRequest.objects.get(pk=request.pk)
    services.void(request, reason="not needed")
    with pytest.raises(ImpossibleTransition):
        fill(copy)
    assert FormResponse.objects.count() == 0


def test_a_draft_is_kept_without_what_is_wrong_and_goes_when_the_form_is_submitted(patient, changes):
    request = ask(patient, make_template(patient.clinic, "pain", "questionnaire"))
    request = services.save_draft(request, answers={"pain": 99, "goal": "run"})
    assert (request.status, request.draft_answers) == ("in_progress", {"goal": "run"})
    request = services.save_draft(request, answers={"goal": "walk"})
    assert request.draft_answers == {"goal": "walk"}
    request = fill(request)
    assert request.draft_answers == {}
    assert [change.new["status"] for change in changes] == ["required", "in_progress", "submitted"]


def test_voiding_what_is_about_a_record_spares_what_is_filled_and_what_is_about_others(patient):
    template = make_template(patient.clinic, "pain", "questionnaire")
    survey = make_template(patient.clinic, "survey", "survey")
    first = ask(patient, template, about_type="appointment", about_id=1)
    second = ask(patient, survey, about_type="appointment", about_id=1)
    other = ask(patient, template, about_type="appointment", about_id=2)
    fill(first)
    assert services.void_about("appointment", [1], reason="appointment cancelled") == [second]
    assert services.void_about("appointment", [1], reason="appointment cancelled") == []
    states = dict(FormRequest.objects.values_list("pk", "status"))
    assert states == {first.pk: "submitted", second.pk: "voided", other.pk: "required"}
    second.refresh_from_db()
    assert second.reason == "appointment cancelled"
    assert second.finished_at is not None


@pytest.mark.parametrize("gone", [{"status": "archived"}, {"status": "discharged"}, {"deceased_on": "2026-11-01"}])
def test_a_patient_who_leaves_takes_the_open_requests_along_in_the_same_transaction(patient, gone):
    consent, survey = make_template(patient.clinic), make_template(patient.clinic, "survey", "survey")
    signed, open_ = fill(ask(patient, consent)), ask(patient, survey)
    for name, value in gone.items():
        setattr(patient, name, value)
    patient.save()
    open_.refresh_from_db()
    signed.refresh_from_db()
    assert (open_.status, open_.reason, signed.status) == ("voided", "patient_inactive", "signed")
    patient.status, patient.deceased_on = "active", None
    patient.save()
    open_.refresh_from_db()
    assert open_.status == "voided"


def test_the_due_time_follows_the_appointment_over_a_clock_change(patient):
    template = make_template(patient.clinic, "pain", "questionnaire")
    starts = datetime(2027, 3, 29, 6, 0, tzinfo=UTC)  # 9:00 in Bucharest, the day after summer time began
    request = ask(patient, template, about_type="appointment", about_id=5, due_days_before=1, due_at=starts)
    moved = services.about_moved("appointment", {5: starts})
    assert [row.due_at for row in moved] == [datetime(2027, 3, 28, 6, 0, tzinfo=UTC)]
    moved = services.about_moved("appointment", {5: starts - timedelta(days=1)})
    assert [row.due_at for row in moved] == [datetime(2027, 3, 27, 7, 0, tzinfo=UTC)]
    assert services.about_moved("appointment", {5: starts - timedelta(days=1)}) == []
    fill(request)
    assert services.about_moved("appointment", {5: starts}) == []


def test_what_happened_earlier_is_dated_so(patient, changes):
    then = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    request = ask(patient, make_template(patient.clinic))
    request = services.sign(request, answers={}, signed_by="Maria Marin", occurred_at=then)
    assert request.finished_at == request.responses.get().signed_at == changes[-1].occurred_at == then


def test_only_the_clinics_staff_and_the_patient_may_act(patient, stranger, stranger_patient, front_desk):
    request = ask(patient, make_template(patient.clinic))
    outsiders = [
        Actor("user", user_id=stranger.user_id),
        Actor("patient", patient_id=stranger_patient.pk),
        Actor("anonymous"),
    ]
    for outsider in outsiders:
        with acting_as(outsider):
            for verb in ("begin", "sign", "decline", "void", "expire"):
                with pytest.raises(Refused):
                    VERBS[verb](request)
    request.refresh_from_db()
    assert (request.status, FormResponse.objects.count()) == ("required", 0)
    with acting_as(Actor("patient", patient_id=patient.pk)), pytest.raises(Refused):
        services.void(request)
    with acting_as(Actor("user", user_id=front_desk.user_id)):
        assert services.void(request).status == "voided"


def test_every_decision_is_in_the_audit_trail(patient):
    request = ask(patient, make_template(patient.clinic))
    with acting_as(Actor("patient", patient_id=patient.pk, ip="192.0.2.7")):
        fill(request)
    entry = AuditEntry.objects.get(action="form.signed")
    assert (entry.actor_kind, entry.actor_id, entry.ip) == ("patient", patient.pk, "192.0.2.7")
    assert (entry.patient_id, entry.object_id) == (patient.pk, str(request.pk))
    assert entry.detail == {"version": 1, "number": 1, "relation": "self"}


def test_what_is_open_is_listed_by_urgency_and_what_blocks_apart(patient):
    later = datetime(2026, 12, 1, tzinfo=UTC)
    no_date = ask(patient, make_template(patient.clinic, "a", "survey"))
    second = ask(patient, make_template(patient.clinic, "b"), due_at=later, blocking=True)
    first = ask(patient, make_template(patient.clinic, "c"), due_at=later - timedelta(days=1))
    fill(ask(patient, make_template(patient.clinic, "d"), blocking=True))
    assert list(selectors.open_requests(patient.pk)) == [first, second, no_date]
    assert list(selectors.blocking_forms(patient.pk)) == [second]
    fill(no_date)
    assert selectors.newest_answers(patient.pk) == {"a": ANSWERS | {"places": ["neck", "knee"]}, "d": {}}
