"""The walk of the clock and the command that drains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from automations import ticking
from automations.models import Step
from automations.tests.builders import Task, move, published, titles, visit
from clinic import clock
from clinic.errors import Refused
from clinic.lanes import Lane

pytestmark = pytest.mark.django_db(transaction=True)


def after(hours: int, title: str) -> dict[str, Any]:
    return {"type": "jot", "title": title, "timing": {"mode": "delay", "amount": hours, "unit": "hours"}}


@pytest.fixture
def rule(clinic, patient):
    """A rule with steps due in 30, 10 and 20 hours."""
    rule = published(clinic, "appointment.completed", after(30, "C"), after(10, "A"), after(20, "B"))
    move(visit(patient), status="completed")
    ticking.drain_all()
    return rule


def test_the_walk_stops_at_every_due_moment_in_order_and_does_each_at_its_time(rule):
    start = clock.now()
    stops = [(moment, count) for moment, count in ticking.walk_to(start + timedelta(hours=25)) if count]
    assert titles() == ["A", "B"]
    due = list(Step.objects.order_by("due_at").values_list("due_at", flat=True))
    assert stops == [(due[0], 1), (due[1], 1)]
    for task, moment in zip(Task.objects.order_by("pk"), due, strict=False):
        assert timedelta(0) <= task.created_at - moment < timedelta(seconds=5)
    assert timedelta(0) <= clock.now() - (start + timedelta(hours=25)) < timedelta(seconds=5)


def test_what_becomes_due_on_the_way_because_of_the_way_is_done_on_it(clinic, patient):
    published(clinic, "appointment.completed", {"type": "jot", "title": "No", "fail": "temporary"})
    move(visit(patient), status="completed")
    stops = list(ticking.walk_to(clock.now() + timedelta(hours=1)))
    assert len(stops) >= 10
    assert [moment for moment, _ in stops] == sorted(moment for moment, _ in stops)
    assert Step.objects.get().attempts == 10


def test_the_clock_stands_while_a_worker_holds_a_message(rule, monkeypatch):
    start, seen = clock.now(), []

    def busy() -> bool:  # two looks at each stop find a worker at it
        seen.append(clock.now())
        return len(seen) % 3 != 0

    lane = Lane("slow", drain=lambda: 0, next_due=lambda: None, busy=busy)
    monkeypatch.setattr(ticking, "lanes", lambda real=ticking.lanes: (*real(), lane))

    list(ticking.walk_to(start + timedelta(hours=15)))

    hours = [round((moment - start) / timedelta(hours=1)) for moment in seen]
    assert hours == [0, 0, 0, 10, 10, 10, 15, 15, 15]
    assert titles() == ["A"]


def test_what_became_due_during_slow_work_is_done_right_after_it(rule, monkeypatch):
    start, slow = clock.now(), []

    def work() -> int:
        if titles() == ["A"] and not slow:
            slow.append(clock.advance_by(timedelta(hours=11)))
        return 0

    lane = Lane("slow", drain=work, next_due=lambda: start)
    monkeypatch.setattr(ticking, "lanes", lambda real=ticking.lanes: (*real(), lane))
    list(ticking.walk_to(start + timedelta(hours=25)))
    assert titles() == ["A", "B"]
    late = Task.objects.get(title="B").created_at - start
    assert timedelta(hours=20.9) < late < timedelta(hours=22)


def test_a_walk_back_is_refused_and_does_nothing(rule):
    before = clock.now()
    with pytest.raises(Refused, match="does not go back"):
        list(ticking.walk_to(before - timedelta(seconds=5)))
    assert clock.now() - before < timedelta(seconds=5)
    assert titles() == []


def test_in_production_no_walk_is_possible(rule, settings):
    before = clock.now()
    settings.CLINIC_MODE = "production"
    with pytest.raises(Refused, match="only in the demo and in tests"):
        list(ticking.walk_to(before + timedelta(days=5)))
    with pytest.raises(CommandError, match="only in the demo and in tests"):
        call_command("tick", "--at", (before + timedelta(days=5)).isoformat())
    assert clock.now() - before < timedelta(seconds=5)
    assert titles() == []


def test_the_oldest_due_work_is_named_only_while_it_waits(rule):
    assert ticking.oldest_due() is None
    clock.advance_by(timedelta(hours=11))
    assert ticking.oldest_due() == Step.objects.order_by("due_at").values_list("due_at", flat=True)[0]
    ticking.drain_all()
    assert ticking.oldest_due() is None


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("tick", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_drains_and_walks(rule):
    assert run().endswith(": 0 done\n")
    target = (clock.now() + timedelta(hours=12)).astimezone(timezone(timedelta(hours=2)))
    told = run("--at", target.isoformat())
    assert ": 1 done\n" in told
    assert "The clock stands at " in told
    assert titles() == ["A"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("tomorrow", "is not a time"), ("2030-01-01T09:00:00", "Name the time zone"), ("2001-01-01T09:00:00Z", "go back")],
)
def test_the_command_says_what_is_wrong_with_a_time_and_changes_nothing(rule, text, words):
    before = clock.now()
    with pytest.raises(CommandError, match=words):
        run("--at", text)
    assert clock.now() - before < timedelta(seconds=5)
    assert datetime.now(UTC) < before + timedelta(days=1)
    assert titles() == []
