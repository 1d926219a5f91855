"""One walk: what people do to the records, rules and consents of one clinic, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from hypothesis import strategies as st

from accounts.models import Pause
from appointments import services as visits
from appointments import summaries
from appointments.models import Appointment, VisitSummary
from automations import lifecycle
from automations.models import Rule
from clinic import clock
from clinic.changes import origin
from clinic.errors import ClinicError
from forms_app import reminding
from forms_app import services as forms
from forms_app.models import FormRequest
from messaging.models import Delivery
from patients import services as patients
from patients.categories import Category
from patients.consents import set_consents
from patients.models import Patient
from segments import services as segments
from tests.walks import laws
from tests.walks.ground import RULES, SETTINGS, Ground, document
from treatments import services as plans
from treatments.models import TreatmentPlan

people = st.integers(0, 2)
picks = st.integers(0, 50)
rules_ = st.sampled_from(sorted(RULES))


Deed = tuple[str, dict[str, Any]]
"""What somebody does: the name of a method of Walk, and what it is called with."""

deeds: dict[str, st.SearchStrategy[Deed]] = {}


def deed(**arguments: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Offer a method of Walk as something that may happen, with such arguments."""

    def offer(method: Any) -> Any:
        deeds[method.__name__] = st.tuples(st.just(method.__name__), st.fixed_dictionaries(arguments))
        return method

    return offer


class Walk:
    """A clinic in which one thing after another is done; `hits` counts what came of it."""

    def __init__(self, ground: Ground, notes: laws.Notes, hits: Counter[str]) -> None:
        self.ground, self.notes, self.hits = ground, notes, hits
        self.archived = 0

    def do(self, what: Deed) -> None:
        """Do one thing."""
        name, arguments = what
        getattr(self, name)(**arguments)

    # --- visits ---

    @deed(who=people, days=st.integers(0, 9), hours=st.integers(0, 23))
    def book(self, who: int, days: int, hours: int) -> None:
        starts = clock.now() + timedelta(days=days, hours=hours, minutes=5)
        self._try("book", lambda: visits.book(
            clinic=self.ground.clinic, patient=self._person(who), service=self.ground.service, starts_at=starts,
            specialist=self.ground.specialist, override_reason="walk"))  # fmt: skip

    @deed(pick=picks, verb=st.sampled_from(["confirm", "start", "complete", "complete"]))
    def take_a_visit_on(self, pick: int, verb: str) -> None:
        self._visit(pick, verb, getattr(visits, verb))

    @deed(who=people)
    def see_a_patient_through(self, who: int) -> None:
        """Book and complete a visit: what counts days from it has its turn when a week has passed."""

        def visit() -> Any:
            soon, ground = clock.now() + timedelta(minutes=5), self.ground
            row = visits.book(clinic=ground.clinic, patient=self._person(who), service=ground.service,
                              starts_at=soon, specialist=ground.specialist, override_reason="walk")  # fmt: skip
            return visits.complete(visits.confirm(row))

        self._try("visit", visit)

    @deed(pick=picks, verb=st.sampled_from(["cancel", "no_show", "enter_in_error"]))
    def end_a_visit(self, pick: int, verb: str) -> None:
        trigger = {"cancel": "appointment.cancelled", "no_show": "appointment.no_show"}.get(verb, "appointment.voided")
        self._visit(pick, verb, getattr(visits, verb), trigger)

    @deed(pick=picks)
    def reopen(self, pick: int) -> None:
        self._visit(pick, "reopen", lambda row: visits.reopen(row, reason="walk"), "appointment.reopened")

    @deed(pick=picks, hours=st.integers(-30, 200))
    def reschedule(self, pick: int, hours: int) -> None:
        start = clock.now() + timedelta(hours=max(hours, 1))
        self._visit(pick, "reschedule", lambda row: visits.reschedule(row, starts_at=start))

    @deed(pick=picks)
    def release_a_summary(self, pick: int) -> None:
        def release(row: Appointment) -> Any:
            if not VisitSummary.objects.filter(appointment=row).exists():
                summaries.write_summary(row, text="Rest.")
            return summaries.release_summary(row)

        self._visit(pick, "release", release)

    # --- forms ---

    @deed(who=people, slug=st.sampled_from(["privacy", "pain", "survey"]))
    def ask(self, who: int, slug: str) -> None:
        self._try("ask", lambda: forms.request_form(
            clinic=self.ground.clinic, patient=self._person(who), template=self.ground.forms[slug]))  # fmt: skip

    @deed(pick=picks)
    def remind(self, pick: int) -> None:
        self._form(pick, FormRequest.OPEN, "remind", reminding.send_again, "")

    @deed(pick=picks, pain=st.integers(0, 10))
    def sign(self, pick: int, pain: int) -> None:
        def fill(row: FormRequest) -> Any:
            answers = {} if row.template.kind == "consent" else {"pain": pain}
            return forms.sign(row, answers=answers, signed_by="Somebody")

        self._form(pick, FormRequest.OPEN, "sign", fill, "form.signed")

    @deed(pick=picks)
    def decline(self, pick: int) -> None:
        self._form(pick, FormRequest.OPEN, "decline", forms.decline, "form.voided")

    @deed(pick=picks)
    def withdraw(self, pick: int) -> None:
        self._form(pick, FormRequest.FILLED, "withdraw", forms.withdraw, "form.withdrawn")

    # --- patients ---

    @deed(who=people, category=st.sampled_from(list(Category.values)), granted=st.booleans())
    def consent(self, who: int, category: str, granted: bool) -> None:
        person = self._person(who)
        line = {"category": category, "channel": "email", "granted": granted}
        if self._try("consent", lambda: set_consents(person, [line])):
            self.notes.consent(person.pk, category, granted)

    @deed(who=people)
    def archive_or_reactivate(self, who: int) -> None:
        person = self._person(who)
        if person.status != Patient.Status.ACTIVE:
            self._try("reactivate", lambda: patients.reactivate(person))
            return
        mine = Q(patient=person)
        self._stopping("archive patient", lambda: patients.archive(person), mine, mine & ~Q(source_step=None))

    @deed(who=people, tags=st.sampled_from([[], ["vip"], ["vip", "seen"], ["other"]]))
    def tag(self, who: int, tags: list[str]) -> None:
        self._try("tag", lambda: patients.update(self._person(who), tags=tags))

    @deed(who=people, enters=st.booleans())
    def move_by_hand(self, who: int, enters: bool) -> None:
        call = segments.add_member if enters else segments.remove_member
        self._try("by hand", lambda: call(self.ground.by_hand, self._person(who)))

    @deed(words=st.sampled_from([["vip"], ["other"], ["vip", "other"]]))
    def define_the_segment_anew(self, words: list[str]) -> None:
        tree = {"match": "all", "items": [{"field": "patient.tags", "op": "has_any_of", "value": words}]}
        self._try("define", lambda: segments.update(self.ground.tagged, conditions=tree))

    # --- treatment ---

    @deed(who=people, count=st.integers(1, 5))
    def prescribe(self, who: int, count: int) -> None:
        def start() -> Any:
            kinds = [{"name": "Squats", "sessions_per_week": count}]
            plan = plans.create_plan(clinic=self.ground.clinic, patient=self._person(who), name="Knee", exercises=kinds)
            return plans.assign(plan)

        self._try("prescribe", start)

    @deed(pick=picks, verb=st.sampled_from(["log", "log", "log", "pause", "resume", "complete", "cancel"]))
    def go_on_with_a_plan(self, pick: int, verb: str) -> None:
        rows = list(TreatmentPlan.objects.filter(clinic=self.ground.clinic).order_by("pk"))
        if rows:
            plan = rows[pick % len(rows)]
            call = (lambda: plans.log_session(plan, pain=pick % 11)) if verb == "log" else (
                lambda: getattr(plans, verb)(plan)
            )  # fmt: skip
            self._try(f"plan {verb}", call)

    # --- rules ---

    @deed(slug=rules_, settings=st.sampled_from(SETTINGS), pending=st.booleans())
    def edit_and_publish(self, slug: str, settings: dict[str, Any], pending: bool) -> None:
        def publish() -> Any:
            changed = lifecycle.edit_draft(self._rule(slug), document=document(slug, settings))
            return lifecycle.publish(changed, apply_to_pending=pending)

        self._try("publish", publish)

    @deed(slug=rules_, mode=st.sampled_from(["pause", "run", "skip", "review"]))
    def pause_or_resume(self, slug: str, mode: str) -> None:
        if mode == "pause":
            self._try("pause rule", lambda: lifecycle.pause(self._rule(slug)))
        elif mode == "review":
            self._try("review", lambda: lifecycle.publish(self._rule(slug), mode="review"))
        else:
            self._try("resume rule", lambda: lifecycle.resume(self._rule(slug), overdue=mode))

    @deed(slug=rules_)
    def archive_a_rule(self, slug: str) -> None:
        if self.archived < 2:  # or a long walk ends in a clinic without rules
            mine = Q(rule__clinic=self.ground.clinic, rule__slug=slug)
            if self._stopping("archive rule", lambda: lifecycle.archive(self._rule(slug)), mine, None):
                self.archived += 1

    @deed(pick=picks, backwards=st.booleans())
    def archive_the_rules_that_tell_by_a_message(self, pick: int, backwards: bool) -> None:
        """Stop one after the other of those who share a message that waits."""
        rules = self._rules_that_tell_by_a_message(pick)
        for rule in reversed(rules) if backwards else rules:
            self.archive_a_rule(rule.slug)

    @deed(luck=st.integers(0, 4))
    def pause_everything_or_go_on(self, luck: int) -> None:
        standing = Pause.objects.filter(clinic=self.ground.clinic, scope="clinic", ended_at=None)
        if standing.exists():
            standing.update(ended_at=clock.now())
            self.hits["do go on"] += 1
        elif luck == 0:
            Pause.objects.create(clinic=self.ground.clinic, scope="clinic", why="walk")
            self.hits["do pause all"] += 1

    @deed(pick=picks, all_of_them=st.booleans())
    def pause_the_rules_of_a_message_or_go_on(self, pick: int, all_of_them: bool) -> None:
        clinic, rules = self.ground.clinic, self._rules_that_tell_by_a_message(pick)
        standing = Pause.objects.filter(clinic=clinic, scope="rule", ended_at=None)
        if not standing.update(ended_at=clock.now()):
            for rule in rules if all_of_them else rules[:1]:
                Pause.objects.create(clinic=clinic, scope="rule", target_id=rule.pk, why="walk")
                self.hits["do pause a rule's messages"] += 1

    # --- how ---

    def _person(self, who: int) -> Patient:
        return Patient.objects.get(pk=self.ground.people[who].pk)

    def _rules_that_tell_by_a_message(self, pick: int) -> list[Rule]:
        """Return the rules that tell of open forms by one of the clinic's messages that wait; none waits: none."""
        mine = Delivery.objects.filter(clinic=self.ground.clinic, state__in=Delivery.WAITING)
        waiting = set(mine.values_list("pk", flat=True))
        told = [(mail, step) for step, mail, is_open in laws.told_by_steps() if is_open and mail in waiting]
        steps = [step for mail, step in told if mail == told[pick % len(told)][0]]
        return list(Rule.objects.filter(steps__in=steps).order_by("slug").distinct())

    def _rule(self, slug: str) -> Rule:
        return Rule.objects.get(clinic=self.ground.clinic, slug=slug)

    def _try(self, name: str, call: Callable[[], Any]) -> bool:
        """Do it in a signed-in session, as staff does; what is refused has not happened."""
        try:
            with origin("session"):
                call()
        except ClinicError:
            self.hits[f"refused {name}"] += 1
            return False
        self.hits[f"do {name}"] += 1
        return True

    def _stopping(self, name: str, call: Callable[[], Any], steps: Q, mails: Q | None) -> bool:
        """Do what stops steps and mails, and remember which must never act from now on."""
        before = self.notes.open_work(steps, mails)
        moment = clock.now()
        done = self._try(name, call)
        if done:
            self.notes.stopped(moment, *before)
        return done

    def _visit(self, pick: int, name: str, call: Callable[[Any], Any], stops: str = "") -> None:
        rows = list(Appointment.objects.filter(clinic=self.ground.clinic).order_by("-pk")[:4])
        if rows:
            self._one(rows[pick % len(rows)], "appointment", name, call, stops)

    def _form(self, pick: int, states: Any, name: str, call: Callable[[Any], Any], stops: str) -> None:
        mine = FormRequest.objects.filter(clinic=self.ground.clinic, status__in=states)
        rows = list(mine.select_related("template").order_by("-pk")[:4])
        if rows:
            self._one(rows[pick % len(rows)], "form", name, call, stops)

    def _one(self, row: Any, kind: str, name: str, call: Callable[[Any], Any], stops: str) -> None:
        if not stops:
            self._try(name, lambda: call(row))
            return
        same = Q(subject_type=kind, subject_id=row.pk)
        steps = Q(stop_on__contains=[stops]) & (same | (Q(patient=row.patient) & ~Q(subject_type=kind)))
        self._stopping(name, lambda: call(row), steps, None)
