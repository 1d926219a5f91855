"""Rules that cause each other, or themselves: they stop at the limit, say so, and slow nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from automations.models import Event, Run
from automations.suppression import MAX_DEPTH, MAX_RUNS_A_DAY
from automations.tests.builders import move, published, states, visit
from automations.ticking import drain_all
from forms_app.models import FormRequest
from forms_app.tests.builders import ask, fill, make_template
from patients.services import update
from segments import services as segments
from segments.tests.builders import dynamic, manual, tagged

pytestmark = pytest.mark.django_db(transaction=True)


def goes(key: str, segment: str) -> dict[str, Any]:
    return {"type": f"{key}_segment", "segment": segment}


def outcomes(rule: Any) -> list[tuple[str, str]]:
    """Return the outcomes of a rule's runs with their reasons, oldest first."""
    return list(Run.objects.filter(rule=rule).order_by("pk").values_list("outcome", "reason"))


def test_two_rules_that_send_a_patient_to_and_fro_stop_at_the_limit(clinic, patient):
    here, _there = manual(clinic, "here"), manual(clinic, "there")
    onward = published(
        clinic, "segment.entered", goes("add_to", "there"), goes("remove_from", "here"),
        config={"segment": "here"}, settings={"stop_on": []}, name="Onward",
    )  # fmt: skip
    back = published(
        clinic, "segment.entered", goes("add_to", "here"), goes("remove_from", "there"),
        config={"segment": "there"}, settings={"stop_on": []}, name="Back",
    )  # fmt: skip
    segments.add_member(here, patient)

    drain_all()

    told = outcomes(onward) + outcomes(back)
    assert told.count(("matched", "")) == MAX_DEPTH
    assert told.count(("suppressed", "depth")) == 1
    run = Run.objects.get(outcome="suppressed")
    assert run.reason_text == f"Rules caused each other {MAX_DEPTH} times in a row; the limit is {MAX_DEPTH}."
    entered = Event.objects.filter(trigger="segment.entered").order_by("pk")
    assert list(entered.values_list("depth", flat=True)) == list(range(MAX_DEPTH + 1))
    assert not Event.objects.exclude(state="matched").exists()


def test_a_rule_that_triggers_itself_through_a_dynamic_segment_stops_at_the_limit(clinic, patient):
    """The tag that it pins takes the patient out of one segment, whose exit pins the next."""
    dynamic(clinic, {"match": "all", "items": [{"field": "patient.tags", "op": "is_empty"}]}, "untagged")
    rule = published(
        clinic, "segment.exited", {"type": "add_tag", "tag": "again"}, config={"segment": "untagged"}, name="Itself"
    )
    update(patient, tags=["first"])
    drain_all()
    assert outcomes(rule) == [("matched", "")]

    for _ in range(MAX_RUNS_A_DAY + 2):
        update(type(patient).objects.get(pk=patient.pk), tags=[])
        update(type(patient).objects.get(pk=patient.pk), tags=["first"])
        update(type(patient).objects.get(pk=patient.pk), tags=[])
        drain_all()
        update(type(patient).objects.get(pk=patient.pk), tags=["first"])
        drain_all()

    told = outcomes(rule)
    assert told[:MAX_RUNS_A_DAY] == [("matched", "")] * MAX_RUNS_A_DAY
    assert set(told[MAX_RUNS_A_DAY:]) == {("suppressed", "depth")}


def test_a_chain_through_a_dynamic_segment_counts_as_a_chain(clinic, patient):
    dynamic(clinic, tagged("vip"), "vips")
    manual(clinic, "by-hand")
    published(clinic, "segment.entered", {"type": "add_tag", "tag": "vip"}, config={"segment": "by-hand"}, name="Tag")
    last = published(clinic, "segment.entered", config={"segment": "vips"}, name="Last")
    segments.add_member(segments.Segment.objects.get(slug="by-hand"), patient)

    drain_all()

    run = Run.objects.select_related("event__caused_by").get(rule=last)
    assert (run.event.depth, run.event.caused_by.action) == (1, "add_tag")


def test_a_form_that_asks_for_itself_stops_at_the_limit_though_a_person_fills_it(clinic, patient):
    template = make_template(clinic, "mood", "survey")
    again = {"type": "require_form", "form": "mood", "notify": False}
    rule = published(clinic, "form.signed", again, config={"form": "mood"}, settings={"stop_on": []}, name="Again")
    ask(patient, template)

    for _ in range(MAX_DEPTH + 1):
        drain_all()
        fill(FormRequest.objects.get(status__in=FormRequest.OPEN))
    drain_all()

    assert outcomes(rule) == [("matched", "")] * MAX_DEPTH + [("suppressed", "depth")]
    assert not FormRequest.objects.filter(status__in=FormRequest.OPEN).exists()


def test_a_loop_keeps_no_other_patient_and_no_other_rule_waiting(clinic, patient):
    here = manual(clinic, "here")
    manual(clinic, "there")
    for come, leave in (("here", "there"), ("there", "here")):
        published(
            clinic, "segment.entered", goes("add_to", leave), goes("remove_from", come),
            config={"segment": come}, settings={"stop_on": []}, name=f"From {come}",
        )  # fmt: skip
    plain = published(clinic, name="Plain")
    segments.add_member(here, patient)
    move(visit(patient), status="completed")

    drain_all()

    assert states(plain) == [("a1", "done", "")]
    assert Run.objects.filter(outcome="suppressed").count() == 1
