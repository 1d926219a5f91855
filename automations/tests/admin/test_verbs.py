"""What is done to a whole rule, by whom, and what the page says before."""

from __future__ import annotations

import pytest

from automations import lifecycle
from automations.models import Rule, RuleVersion, Step
from automations.tests.admin.typed import change
from automations.tests.builders import document, move, published, service, visit
from automations.ticking import drain_all

pytestmark = pytest.mark.django_db
LATER = {"type": "jot", "title": "Later", "timing": {"mode": "delay", "amount": 2, "unit": "days"}}


def do(rule, verb):
    return f"/admin/automations/rule/{rule.pk}/do/{verb}/"


def mode(rule):
    return Rule.objects.get(pk=rule.pk).mode


@pytest.fixture
def draft(clinic):
    """A rule that was never published."""
    service(clinic)
    items = [{"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]}]
    return lifecycle.create_rule(
        clinic=clinic, name="Jot", document=document(conditions={"match": "all", "items": items})
    )


def test_publishing_asks_first_and_then_publishes(as_admin, admin, draft):
    page = as_admin.get(do(draft, "publish")).content.decode()
    assert "only if Service is any of Initial Evaluation" in page
    assert "has not been published before" in page
    assert mode(draft) == "draft"
    response = as_admin.post(do(draft, "publish"), {"mode": "review"})
    assert response["Location"] == f"/admin/automations/rule/{draft.pk}/change/"
    assert mode(draft) == "review"
    assert RuleVersion.objects.get().published_by == admin.user


def test_publishing_says_what_changes_and_applies_it_to_what_is_pending_if_asked(as_admin, clinic, patient):
    rule = published(clinic, "appointment.completed", LATER)
    move(visit(patient), status="completed")
    drain_all()
    lifecycle.edit_draft(rule, document=document("appointment.completed", {**LATER, "id": "a1", "title": "Sooner"}))
    page = as_admin.get(do(rule, "publish")).content.decode()
    assert "Compared with version 1" in page
    assert "Title: Later" in page
    assert "Title: Sooner" in page
    assert "1 step is planned already" in page
    as_admin.post(do(rule, "publish"), {"mode": "on", "pending": "keep"})
    assert Step.objects.get().version is None
    as_admin.post(do(rule, "publish"), {"mode": "on", "pending": "apply"})
    assert (Step.objects.get().version.number, Step.objects.get().run.version.number) == (2, 1)


def test_a_rule_that_names_what_is_gone_warns_and_is_not_published(as_admin, clinic, draft):
    gone = service(clinic)
    gone.archived_at = "2026-11-01T00:00:00Z"
    gone.save()
    assert "is gone or archived" in as_admin.get(do(draft, "publish")).content.decode()
    assert "is gone or archived" in as_admin.get("/admin/automations/rule/").content.decode()
    response = as_admin.post(do(draft, "publish"), {"mode": "on"})
    assert response.status_code == 409
    assert "Nothing was done" in response.content.decode()
    assert mode(draft) == "draft"
    assert not RuleVersion.objects.exists()


def test_an_unknown_mode_publishes_nothing(as_admin, draft):
    assert as_admin.post(do(draft, "publish"), {"mode": "archived"}).status_code == 409
    assert as_admin.post(do(draft, "publish")).status_code == 409
    assert mode(draft) == "draft"


def test_pausing_and_resuming_with_a_choice_about_the_overdue(as_admin, clinic, patient):
    rule = published(clinic, "appointment.completed")
    as_admin.post(do(rule, "pause"), {"why": "holiday"})
    assert (mode(rule), Rule.objects.get().mode_reason) == ("paused", "holiday")
    move(visit(patient), status="completed")
    drain_all()
    assert Step.objects.get().state == "held"
    assert "1 step whose time passed" in as_admin.get(do(rule, "resume")).content.decode()
    assert as_admin.post(do(rule, "resume")).status_code == 409
    assert mode(rule) == "paused"
    as_admin.post(do(rule, "resume"), {"overdue": "skip"})
    assert mode(rule) == "on"
    assert Step.objects.get().state == "skipped"


def test_archiving_and_duplicating(as_admin, clinic, patient):
    rule = published(clinic, "appointment.completed", LATER)
    move(visit(patient), status="completed")
    drain_all()
    as_admin.post(do(rule, "duplicate"), {"name": "The copy"})
    copy = Rule.objects.get(name="The copy")
    assert (copy.mode, copy.draft, copy.slug) == ("draft", rule.draft, "the-copy")
    assert as_admin.post(do(rule, "duplicate"), {"name": " "}).status_code == 409
    as_admin.post(do(rule, "archive"), {"why": "not needed"})
    assert mode(rule) == "archived"
    assert Step.objects.get().state == "cancelled"


def test_what_the_mode_does_not_allow_is_refused_in_words(as_admin, draft):
    response = as_admin.post(do(draft, "pause"))
    assert response.status_code == 409
    assert "it cannot become paused" in response.content.decode()
    assert mode(draft) == "draft"
    assert as_admin.get(do(draft, "explode")).status_code == 404


@pytest.mark.parametrize("verb", ["publish", "pause", "resume", "archive", "duplicate"])
def test_others_do_nothing(as_front_desk, as_specialist, as_stranger, client, draft, verb):
    posted = {"mode": "on", "overdue": "run", "name": "Mine"}
    assert as_front_desk.post(do(draft, verb), posted).status_code == 403
    assert as_specialist.post(do(draft, verb), posted).status_code == 403
    assert as_stranger.post(do(draft, verb), posted).status_code == 404
    assert client.post(do(draft, verb), posted).status_code == 302
    assert mode(draft) == "draft"
    assert Rule.objects.count() == 1


def test_buttons_ask_for_a_token(admin, draft):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin.user, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(do(draft, "publish"), {"mode": "on"}).status_code == 403
    assert mode(draft) == "draft"


def test_the_sentence_is_said_while_somebody_types_and_nothing_is_stored(as_admin, as_front_desk, as_stranger, draft):
    from automations.tests.admin.typed import change, opened

    posted = {**opened(as_admin, change(draft)), "rule": draft.pk}
    address = "/admin/automations/rule/sentence/"
    assert "only if Service is any of" in as_admin.post(address, posted).content.decode()
    assert "Not a whole rule yet" in as_admin.post(address, {**posted, "actions": "[]"}).content.decode()
    assert "Choose what starts" in as_admin.post(address, {**posted, "trigger_event": ""}).content.decode()
    assert as_front_desk.post(address, posted).status_code == 403
    assert as_stranger.post(address, posted).status_code in (403, 404)
    assert as_admin.get(address).status_code == 404
    assert Rule.objects.get().edits == 0


def test_the_list_asks_a_fixed_number_of_queries(as_admin, clinic, django_assert_max_num_queries):
    for number in range(3):
        published(clinic, name=f"Rule {number}")
    address = "/admin/automations/rule/"
    as_admin.get(address)
    with django_assert_max_num_queries(20) as few:
        as_admin.get(address)
    for number in range(3, 12):
        published(clinic, name=f"Rule {number}")
    with django_assert_max_num_queries(len(few)):
        as_admin.get(address)


def test_a_page_that_could_do_nothing_is_not_offered(as_admin, draft):
    for verb in ("pause", "resume"):
        response = as_admin.get(do(draft, verb), follow=True)
        assert response.redirect_chain == [(change(draft), 302)]
        assert "is of no use now" in response.content.decode()


def test_the_publish_page_says_what_to_expect_and_warns(as_admin, clinic, draft):
    published(clinic, "patient.onboarded", {"type": "whisper", "title": "Hi"}, name="Greeting")
    both = document("patient.onboarded", {"type": "whisper", "title": "Hello"})
    lifecycle.edit_draft(draft, document=both)
    page = as_admin.get(do(draft, "publish")).content.decode()
    assert "About 0 runs a day" in page
    assert "“Greeting” also sends a message to the patient" in page
    assert "For whom" in page
    assert not Step.objects.exists()
    done = as_admin.post(do(draft, "publish"), {"mode": "on", "whom": "existing"})
    assert done.headers["Location"] == f"/admin/automations/rule/{draft.pk}/enrol/"


def test_a_draft_that_is_no_rule_cannot_be_published_from_its_page(as_admin, draft):
    Rule.objects.filter(pk=draft.pk).update(draft={"trigger_event": "nope"})
    page = as_admin.get(do(draft, "publish")).content.decode()
    assert "The draft is no valid rule" in page
    assert ">Publish</button>" not in page


def test_resuming_asks_only_where_something_is_overdue(as_admin, draft):
    lifecycle.pause(lifecycle.publish(draft))
    page = as_admin.get(do(draft, "resume")).content.decode()
    assert "Nothing has become overdue" in page
    as_admin.post(do(draft, "resume"), {"overdue": "run"})
    assert Rule.objects.get(pk=draft.pk).mode == "on"
