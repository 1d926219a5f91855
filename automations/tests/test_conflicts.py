"""What is said before a rule is published; for each warning, the near misses that deserve none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from automations import lifecycle, recipes
from automations.conflicts import conflicts_of
from automations.engine.declare import catalog
from automations.engine.schema import parse_rule
from automations.models import Rule
from automations.tests.builders import Jot, document, published, service
from forms_app.models import FormTemplate
from messaging import services
from segments.models import Segment

pytestmark = pytest.mark.django_db


class Echo(Jot):
    """Lead to another form being signed, as requiring one does."""

    key = "echo"
    label = "Echo"

    def causes(self, params: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Lead to the form named in the title."""
        return {"form.signed": {"form.template": params["title"]}}


class Letter(Jot):
    """A message to whoever the title names."""

    key = "letter"
    label = "Letter"
    message: ClassVar[bool] = True

    def role(self, params: Mapping[str, Any]) -> str:
        """Go to the one in the title."""
        return str(params["title"])

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """Tell whether that is the patient."""
        return self.role(params) == "patient"


@pytest.fixture(autouse=True)
def _offered():
    for action in (Echo(), Letter()):
        catalog.actions[action.key] = action
    yield
    for key in ("echo", "letter"):
        del catalog.actions[key]


def found(clinic, trigger="appointment.completed", *actions, **more) -> list[tuple[str, str]]:
    """Return (code, place) of what is said about a rule that is not stored."""
    rule = Rule(clinic=clinic, slug="mine", name="Mine")
    spec = parse_rule(document(trigger, *actions, **more), catalog)
    return [(one.code, one.path) for one in conflicts_of(rule, spec)]


def every(*items):
    return {"match": "all", "items": list(items)}


def age(op, value):
    return {"field": "patient.age", "op": op, "value": value}


def form(*slugs):
    return {"field": "form.template", "op": "is_any_of", "value": list(slugs)}


def echo(slug, **more):
    return {"type": "echo", "title": slug, **more}


def letter(to, **more):
    return {"type": "letter", "title": to, **more}


@pytest.fixture
def forms(clinic):
    for slug in ("consent", "survey"):
        FormTemplate.objects.create(clinic=clinic, slug=slug, name=slug.title(), kind="survey")


# --- it may trigger itself ---


def test_a_form_that_leads_back_to_the_rule(clinic, forms):
    assert found(clinic, "form.signed", echo("survey")) == [("loop", "/actions/0")]
    assert found(clinic, "form.signed", echo("survey"), conditions=every(form("survey"))) == [("loop", "/actions/0")]
    assert found(clinic, "form.signed", echo("survey"), config={"form": "survey"}) == [("loop", "/actions/0")]


def test_another_form_a_switched_off_step_and_once_per_patient_do_not(clinic, forms):
    assert found(clinic, "form.signed", echo("survey"), conditions=every(form("consent"))) == []
    assert found(clinic, "form.signed", echo("survey"), config={"form": "consent"}) == []
    off = [echo("survey", disabled=True), {"type": "jot", "title": "x"}]
    assert found(clinic, "form.signed", *off) == []
    once = {"reentry": {"mode": "once_per_patient"}}
    assert found(clinic, "form.signed", echo("survey"), settings=once) == []
    assert found(clinic, "appointment.completed", echo("survey")) == []


def test_a_loop_through_another_rule_is_named(clinic, forms):
    published(clinic, "form.signed", echo("survey"), name="Other", conditions=every(form("consent")))
    rule = Rule(clinic=clinic, slug="mine", name="Mine")
    spec = parse_rule(document("form.signed", echo("consent"), conditions=every(form("survey"))), catalog)
    (conflict,) = conflicts_of(rule, spec)
    assert conflict.code == "loop"
    assert conflict.text == ("It may trigger itself: its step “Echo” may start “Other”, which may start it again.")


def test_a_chain_that_does_not_come_back_is_none(clinic, forms):
    published(clinic, "form.signed", {"type": "jot", "title": "x"}, conditions=every(form("consent")))
    assert found(clinic, "form.signed", echo("consent"), conditions=every(form("survey"))) == []


def test_require_form_says_what_it_leads_to(clinic, forms):
    wanted = {"type": "require_form", "form": "survey"}
    assert found(clinic, "form.declined", wanted) == [("loop", "/actions/0")]
    assert found(clinic, "form.declined", wanted, config={"form": "consent"}) == []


# --- through a segment ---


def segment(clinic, slug, *items):
    kind = "dynamic" if items else "manual"
    return Segment.objects.create(clinic=clinic, slug=slug, name=slug, kind=kind, conditions=every(*items))


def test_a_manual_segment_that_the_rule_itself_fills(clinic):
    segment(clinic, "calls")
    segment(clinic, "others")
    step = {"type": "add_to_segment", "segment": "calls"}
    assert found(clinic, "segment.entered", step, config={"segment": "calls"}) == [("loop", "/actions/0")]
    assert found(clinic, "segment.entered", step, config={"segment": "others"}) == []
    assert found(clinic, "segment.exited", step, config={"segment": "calls"}) == []


def test_a_dynamic_segment_that_asks_what_the_rule_changes(clinic):
    segment(clinic, "tagged", {"field": "patient.tags", "op": "has_any_of", "value": ["vip"]})
    segment(clinic, "older", age("gte", 65))
    step = {"type": "add_tag", "tag": "vip"}
    assert found(clinic, "segment.entered", step, config={"segment": "tagged"}) == [("loop", "/actions/0")]
    assert found(clinic, "segment.entered", step, config={"segment": "older"}) == []


# --- two rules, one person, one event ---


def test_two_rules_that_write_to_one_person(clinic):
    published(clinic, "appointment.completed", letter("patient"), name="Other")
    assert found(clinic, "appointment.completed", letter("patient")) == [("same_person", "")]


@pytest.mark.parametrize(
    "step", [letter("specialist"), letter("patient", disabled=True), {"type": "jot", "title": "patient"}]
)
def test_another_person_or_no_message_is_no_conflict(clinic, step):
    published(clinic, "appointment.completed", letter("patient"))
    assert found(clinic, "appointment.completed", step, {"type": "jot", "title": "x"}) == []


def test_another_event_or_others_by_their_conditions_are_none(clinic):
    service(clinic, "massage")
    wanted = [{"field": "appointment.service", "op": "is_any_of", "value": [slug]} for slug in ("massage",)]
    published(clinic, "appointment.completed", letter("patient"), conditions=every(age("gte", 65)))
    assert found(clinic, "appointment.confirmed", letter("patient")) == []
    assert found(clinic, "appointment.completed", letter("patient"), conditions=every(age("lt", 65))) == []
    assert found(clinic, "appointment.completed", letter("patient"), conditions=every(*wanted)) == [("same_person", "")]


def test_a_rule_out_of_service_and_the_rule_itself_do_not_count(clinic):
    lifecycle.archive(published(clinic, "appointment.completed", letter("patient"), name="Archived"))
    lifecycle.create_rule(clinic=clinic, name="Draft", document=document("appointment.completed", letter("patient")))
    mine = published(clinic, "appointment.completed", letter("patient"), name="Mine")
    assert conflicts_of(mine, parse_rule(mine.draft, catalog)) == []


def test_a_rule_of_another_clinic_does_not_count(clinic, other_clinic):
    published(other_clinic, "appointment.completed", letter("patient"))
    assert found(clinic, "appointment.completed", letter("patient")) == []


# --- conditions that cannot hold ---


def test_conditions_that_exclude_each_other(clinic):
    assert found(clinic, conditions=every(age("gte", 65), age("lt", 60))) == [("never", "/conditions")]
    assert found(clinic, conditions=every(age("gte", 65), age("lt", 66))) == []


def test_a_condition_that_the_triggers_settings_exclude(clinic, forms):
    asked = every(form("consent"))
    assert found(clinic, "form.signed", conditions=asked, config={"form": "survey"}) == [("never", "/conditions")]
    assert found(clinic, "form.signed", conditions=asked, config={"form": "consent"}) == []


def test_a_step_whose_own_conditions_cannot_hold(clinic):
    step = {"type": "jot", "title": "x", "only_if": every(age("gt", 90), age("lt", 18))}
    assert found(clinic, "appointment.completed", step) == [("never", "/actions/0/only_if")]
    fine = {"type": "jot", "title": "x", "only_if": every(age("gt", 18), age("lt", 90))}
    assert found(clinic, "appointment.completed", fine) == []


# --- limits that never come to anything ---


@pytest.mark.parametrize("reentry", [{"mode": "once_per_patient"}, {"mode": "once_per_days", "days": 90}])
def test_once_of_what_happens_once(clinic, reentry):
    settings = {"reentry": reentry}
    assert found(clinic, "patient.onboarded", settings=settings) == [("limit", "/settings/reentry")]
    assert found(clinic, "appointment.completed", settings=settings) == []
    assert found(clinic, "patient.onboarded", settings={"reentry": {"mode": "every_time"}}) == []


def test_a_step_that_is_stopped_by_what_it_waits_for(clinic):
    timing = {
        "mode": "wait_for",
        "trigger": "appointment.summary_released",
        "within": {"amount": 3, "unit": "days"},
        "otherwise": "task",
    }
    step = {"type": "jot", "title": "x", "timing": timing}
    stops = {"stop_on": ["appointment.summary_released"]}
    assert found(clinic, "appointment.completed", step, settings=stops) == [("limit", "/actions/0")]
    assert found(clinic, "appointment.completed", step) == []


def test_a_step_that_would_always_come_too_late(clinic):
    def before(hours, **more):
        timing = {"mode": "relative", "amount": hours, "unit": "hours", "direction": "before"}
        return {"type": "jot", "title": "x", "timing": {**timing, "anchor": "appointment.starts_at", **more}}

    soon = every({"field": "appointment.lead_hours", "op": "lt", "value": 24})
    assert found(clinic, "appointment.booked", before(24), conditions=soon) == [("too_late", "/actions/0/timing")]
    assert found(clinic, "appointment.booked", before(23), conditions=soon) == []
    assert found(clinic, "appointment.booked", before(24, if_late="send_now"), conditions=soon) == []
    assert found(clinic, "appointment.booked", before(24)) == []


# --- what is gone ---


def test_an_archived_reference_is_named_with_its_place(clinic):
    massage = service(clinic, "massage")
    asked = every({"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation", "massage"]})
    service(clinic)
    assert found(clinic, conditions=asked) == []
    massage.archived_at = massage.created_at
    massage.save()
    assert found(clinic, conditions=asked) == [("reference", "/conditions/items/0/value/1")]


# --- texts that cannot be made ---

VISIT = "{{ appointment.starts_at }}"


def notify(title, **more):
    return {"type": "send_notification", "to": "specialist", "title": title, **more}


def template(clinic, *texts):
    bodies = [services.Body(language, "Hello", text) for language, text in zip(("en", "ro"), texts, strict=False)]
    services.save_template(clinic=clinic, slug="reminder", name="Appointment reminder", bodies=bodies)
    return {"type": "send_email", "template": "reminder"}


def told(clinic, trigger, *actions):
    rule = Rule(clinic=clinic, slug="mine", name="Mine")
    return [one.text for one in conflicts_of(rule, parse_rule(document(trigger, *actions), catalog))]


def test_a_title_about_a_visit_where_the_trigger_is_about_none(clinic):
    assert found(clinic, "manual", notify(f"q {VISIT}")) == [("blank", "/actions/0/title")]
    assert found(clinic, "manual", notify("q", body=VISIT)) == [("blank", "/actions/0/body")]
    assert found(clinic, "appointment.booked", notify(f"q {VISIT}", body=VISIT)) == []
    assert told(clinic, "manual", notify(f"q {VISIT}")) == [
        "“Staff start it” brings nothing for {{ appointment.starts_at }} in the step “Send a notification”, so its "
        "message cannot be made: write another text or choose another trigger."
    ]


def test_a_template_about_a_visit_is_named_with_the_step_the_variable_and_the_remedy(clinic):
    step = template(clinic, "See you.", f"{VISIT} {{{{ appointment.location }}}} {{{{ patient.given_name }}}}")
    assert told(clinic, "patient.onboarded", step) == [
        "“Patient onboarded” brings nothing for {{ appointment.location }}, {{ appointment.starts_at }} in the "
        "template “Appointment reminder” of the step “Send an email”, so its message cannot be made: choose another "
        "template or trigger."
    ]
    by_notification = {"type": "send_notification", "to": "patient", "template": "reminder"}
    assert found(clinic, "patient.onboarded", by_notification) == [("blank", "/actions/0/template")]
    assert found(clinic, "appointment.booked", step) == []


def test_what_only_plans_and_only_some_events_know(clinic):
    assert found(clinic, "appointment.booked", notify("{{ plan.ends_on }}")) == [("blank", "/actions/0/title")]
    assert found(clinic, "appointment.booked", notify("{{ appointment.lead_hours }}")) == []
    assert found(clinic, "manual", notify("{{ appointment.lead_hours }}")) == [("blank", "/actions/0/title")]
    assert found(clinic, "manual", notify("{{ patient.age }}, {{ specialist.name }}, {{ clinic.name }}")) == []


def test_a_text_that_gets_along_without_and_a_step_that_is_switched_off_are_none(clinic):
    around = "{% if patient.full_name == '' %}{{ appointment.starts_at }}{% endif %}Hello"
    assert found(clinic, "manual", notify(around)) == []
    assert found(clinic, "manual", notify(VISIT, disabled=True), {"type": "jot", "title": "x"}) == []


def test_no_shipped_recipe_has_a_blank(clinic):
    said = [
        one
        for rule in recipes.install_all(clinic=clinic)
        for one in conflicts_of(rule, parse_rule(rule.draft, catalog))
    ]
    assert [one for one in said if one.code == "blank"] == []
