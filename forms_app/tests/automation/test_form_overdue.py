"""The trigger form.overdue: a due time passes while the form is open."""

from datetime import timedelta

import pytest

from automations import ticking
from automations.models import Event
from automations.tests.builders import move, published, titles, visit
from clinic import clock
from clinic.changes import silently
from forms_app import services
from forms_app.overdue import next_due
from forms_app.tests.builders import ask, fill, fired, make_template

pytestmark = pytest.mark.django_db
KEY = "form.overdue"
DAY = timedelta(days=1)


def pass_time(**span):
    clock.advance_by(timedelta(**span))
    return services.note_overdue()


@pytest.fixture
def request_(patient):
    """A consent due in two days."""
    return ask(patient, make_template(patient.clinic), due_at=clock.now() + 2 * DAY)


def test_it_fires_once_when_the_due_time_passes_however_often_somebody_looks(request_):
    assert pass_time(days=1) == 0
    assert fired() == []
    assert pass_time(days=1, seconds=1) == 1
    assert [pass_time(days=30), pass_time(days=30)] == [0, 0]
    assert fired() == [KEY]


def test_it_happened_at_the_due_time_though_the_tick_came_a_day_late(request_):
    pass_time(days=3)
    event = Event.objects.get(trigger=KEY)
    assert (event.occurred_at, event.origin) == (request_.due_at, "tick")


@pytest.mark.parametrize("end", [fill, services.decline, services.void, services.expire])
def test_it_never_fires_of_a_form_that_is_open_no_more(request_, end):
    end(request_)
    before = fired()
    assert pass_time(days=5) == 0
    assert fired() == before


def test_one_that_was_begun_is_still_open(request_):
    services.begin(request_)
    pass_time(days=3)
    assert fired() == [KEY]


def test_a_form_without_a_due_time_is_never_overdue(patient):
    ask(patient, make_template(patient.clinic))
    assert (pass_time(days=400), next_due()) == (0, None)


def test_a_due_time_that_moves_ahead_before_it_passed_counts_as_it_stands_now(request_):
    move_due(request_, clock.now() + 10 * DAY)
    assert pass_time(days=3) == 0
    assert pass_time(days=8) == 1


def test_a_due_time_that_moves_ahead_after_it_passed_may_pass_again(request_):
    pass_time(days=3)
    move_due(request_, clock.now() + DAY)
    assert fired() == [KEY]
    pass_time(days=2)
    assert fired() == [KEY, KEY]


def test_one_that_is_overdue_already_does_not_become_so_again_when_it_was_due_even_earlier(request_):
    pass_time(days=3)
    move_due(request_, clock.now() - 2 * DAY)
    assert pass_time(days=1) == 0


def move_due(request, moment):
    fresh = type(request).objects.get(pk=request.pk)
    fresh.due_at = moment
    fresh.save()


def test_it_follows_the_visit_to_which_the_due_time_is_tied(patient):
    booked = visit(patient, starts_at=clock.now() + 5 * DAY)
    template = make_template(patient.clinic, "pain", "questionnaire")
    due = {"due_at": booked.starts_at - DAY, "due_days_before": 1}
    ask(patient, template, about_type="appointment", about_id=booked.pk, **due)
    moved = move(booked, starts_at=booked.starts_at + 7 * DAY)
    assert pass_time(days=6) == 0
    pass_time(days=6)
    assert Event.objects.get(trigger=KEY).occurred_at == moved.starts_at - DAY


def test_a_request_made_in_silence_is_overdue_in_silence(patient):
    published(patient.clinic, KEY)
    with silently("import"):
        ask(patient, make_template(patient.clinic), due_at=clock.now() + DAY)
    assert pass_time(days=2) == 1
    event = Event.objects.get(trigger=KEY)
    assert (event.muted, event.state) == ("import", "matched")
    ticking.drain_engine()
    assert titles() == []


def test_a_rule_about_one_form_hears_of_it_at_its_due_moment_on_the_walk_of_the_clock(patient):
    clinic = patient.clinic
    privacy, _pain = make_template(clinic), make_template(clinic, "pain", "survey")
    published(clinic, KEY, {"type": "jot", "title": "Call about privacy"}, config={"form": "privacy"})
    published(clinic, KEY, {"type": "jot", "title": "Call about pain"}, config={"form": "pain"}, name="Other")
    due = clock.now() + DAY
    ask(patient, privacy, due_at=due)
    stops = [moment for moment, _ in ticking.walk_to(due + DAY)]
    assert titles() == ["Call about privacy"]
    assert due in stops


def test_signing_stops_what_an_overdue_form_planned(request_):
    later = {"type": "jot", "title": "Call", "timing": {"mode": "delay", "amount": 3, "unit": "days"}}
    published(request_.clinic, KEY, later)
    pass_time(days=3)
    ticking.drain_engine()
    fill(request_)
    clock.advance_by(5 * DAY)
    ticking.drain_engine()
    assert titles() == []
