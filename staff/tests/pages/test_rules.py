"""The list of rules, and why (not) a patient."""

from datetime import timedelta

from django.urls import reverse

from accounts.models import AuditEntry
from automations import lifecycle, ticking
from automations.models import Event, Rule
from automations.tests.builders import move, published, visit
from automations.tests.ruling import LATER
from clinic.clock import now
from patients.models import Patient
from staff.tests.pages.counting import queries_of
from staff.tests.pages.flowing import NOW, OLD, RULES, WHY, text
from staff.tests.pages.strangers import assert_closed

# --- rules ---


def test_rules_are_listed_with_sentence_mode_and_health(clinic, failed, as_front_desk, as_admin):
    html = text(as_front_desk.get(RULES))
    assert "When Appointment completed, every time, then: 1. Jot (Title: Now, Refuse: no)" in html
    assert "1 failed in 30 days" in html
    assert 'class="spark"' in html
    edit = reverse("admin:automations_rule_change", args=[failed.rule_id])
    assert edit not in html
    assert edit in text(as_admin.get(RULES))


def test_a_rule_without_a_match_and_one_that_is_broken_are_marked(clinic, as_admin):
    idle = published(clinic, name="Idle")
    Rule.objects.filter(pk=idle.pk).update(active_since=now() - timedelta(days=31))
    assert "no match in 30 days" in text(as_admin.get(RULES))


def test_archived_rules_are_apart(clinic, as_admin):
    lifecycle.archive(published(clinic, name="Bygone"))
    assert "Bygone" not in text(as_admin.get(RULES))
    assert "Bygone" in text(as_admin.get(f"{RULES}?archived=1"))


def test_a_clinic_without_rules_is_offered_the_shipped_ones(clinic, as_admin, as_front_desk):
    recipes = reverse("admin:automations_rule_recipes_page")
    assert recipes in text(as_admin.get(RULES))
    assert recipes not in text(as_front_desk.get(RULES))


def test_rules_take_the_same_queries_for_many(clinic, as_admin, failed):
    before = queries_of(as_admin, RULES)
    for number in range(4):
        published(clinic, "appointment.booked", LATER, name=f"R{number}")
    assert queries_of(as_admin, RULES) == before


# --- why (not) ---


def test_why_not_is_said_in_words(clinic, patient, as_front_desk):
    rule = published(clinic, "appointment.completed", NOW, name="For the old", conditions=OLD)
    move(visit(patient), status="completed")
    ticking.drain_all()
    html = text(as_front_desk.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))
    assert "She is 69; the rule needs 80." in html
    assert "Patient · Age ≥ 80 <strong>was 69</strong>" in html
    assert AuditEntry.objects.filter(action="rule.explained", patient_id=patient.pk).count() == 1


def test_one_event_alone_can_be_asked_about(clinic, patient, as_admin):
    rule = published(clinic, "appointment.completed", NOW, conditions=OLD)
    for _ in range(2):
        move(visit(patient), status="completed")
    ticking.drain_all()
    first = Event.objects.filter(trigger="appointment.completed").earliest("pk")
    page = f"{WHY}?rule={rule.pk}&patient={patient.pk}"
    assert len(as_admin.get(page).context["events"]) == 2
    assert [one["row"] for one in as_admin.get(f"{page}&event={first.pk}").context["events"]] == [first]


def test_the_patient_is_found_by_name(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    response = as_admin.get(f"{WHY}?rule={rule.pk}&q=marin")
    assert response.context["patient"] == patient
    assert "has never been recorded for Maria Marin" in text(response)
    other = Patient.objects.create(clinic=clinic, given_name="Ana", family_name="Marin")
    response = as_admin.get(f"{WHY}?rule={rule.pk}&q=marin")
    assert response.context["candidates"] == [other, patient]
    assert "Nobody of this clinic fits." in text(as_admin.get(f"{WHY}?q=nobody"))


def test_the_count_moves_with_the_number(clinic, patient, as_front_desk):
    rule = published(clinic, "appointment.completed", NOW, name="For the old", conditions=OLD)
    Patient.objects.create(clinic=clinic, given_name="Ana", birth_date="1990-01-01")
    page = text(as_front_desk.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))
    ask = reverse("staff:what-if", args=[rule.pk])
    assert "0 of 2 patients" in page
    assert f'hx-get="{ask}"' in page

    part = as_front_desk.get(ask, {"n0": "60"}, headers={"HX-Request": "true"})
    assert text(part).startswith("1 of 2 patients answers")
    assert "<h1>" in text(as_front_desk.get(ask, {"n0": "60"}))
    assert "Write a number." in text(as_front_desk.get(ask, {"n0": "old"}))
    before = rule.published_id
    rule.refresh_from_db()
    assert (rule.edits, rule.published_id) == (0, before)


def test_a_rule_without_numbers_has_nothing_to_change(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    assert "What if" not in text(as_admin.get(f"{WHY}?rule={rule.pk}&patient={patient.pk}"))


def test_a_stranger_counts_nobody(clinic, patient, as_stranger):
    assert_closed(as_stranger, [reverse("staff:what-if", args=[published(clinic, name="Rule").pk])])


def test_from_a_patient_one_chooses_the_rule(clinic, patient, as_admin):
    rule = published(clinic, name="Rule")
    assert f"?rule={rule.pk}&amp;patient={patient.pk}" in text(as_admin.get(f"{WHY}?patient={patient.pk}"))


def test_a_stranger_asks_about_nobody(clinic, patient, stranger_patient, as_stranger, as_admin):
    rule = published(clinic, name="Rule")
    closed = [f"{WHY}?rule={rule.pk}", f"{WHY}?patient={patient.pk}", f"{WHY}?patient=x", f"{WHY}?rule={'9' * 30}"]
    assert_closed(as_stranger, closed)
    assert as_admin.get(f"{WHY}?rule={rule.pk}&patient={stranger_patient.pk}").status_code == 404


def test_a_rule_without_a_number_has_no_other_numbers(as_admin, clinic):
    rule = published(clinic, name="Rule")

    assert as_admin.get(reverse("staff:what-if", args=[rule.pk])).status_code == 404
