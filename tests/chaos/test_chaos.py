"""Kill everything while it works, then count: every event matched once, every effect there once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clinic.testing import PROOF
from tests.chaos import visits
from tests.chaos.checker import Found, check, summary
from tests.chaos.house import House
from tests.chaos.scale import FULL, MEDIUM, SMALL, Scale
from tests.chaos.story import Report, Story


@dataclass
class Finished:
    """A run that is over, its servers still there."""

    report: Report
    found: Found
    house: House


def play(scale: Scale, directory: Path, tell: Callable[[str], None]) -> Iterator[Finished]:
    """Run the story and check it."""
    house = House(scale, directory)
    try:
        house.open()
        report = Story(house, tell).run()
        found = check(house.look(), directory)
        text = summary(report, found)
        (directory / "summary.txt").write_text(text + "\n")
        tell("\n" + text)
        yield Finished(report, found, house)
    finally:
        house.close()


def expect_all_is_well(finished: Finished) -> None:
    """Assert what a run must show, whatever its size."""
    report, found, scale = finished.report, finished.found, finished.report.scale
    assert found.problems == [], found.problems
    assert found.counts["events"] == scale.events
    assert found.counts["events appointment.cancelled"] == scale.cancels
    assert found.counts["effects lost"] == found.counts["effects doubled"] == 0
    assert report.conflicts == {}
    assert report.deadlocks == 0
    assert report.counts["kills"] == scale.kills
    assert report.counts["inside"] >= scale.inside
    assert report.counts["valkey"] == scale.valkey
    assert report.counts["postgres"] == scale.postgres
    if scale.postgres:
        assert found.counts["saves whose answer was lost: committed"] > 0
    assert report.counts["frozen"] == len(scale.freezes)
    races = [found.counts["races: cancelled before it ran"], found.counts["races: sent before the cancel"]]
    assert sum(races) > 0
    assert all(races) or scale.events < FULL.events  # in a small stream one side may win them all


@pytest.mark.chaos
@pytest.mark.timeout(3000)
def test_nothing_is_lost_and_nothing_is_doubled_however_often_it_is_killed(tmp_path, capsys):
    def tell(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    for finished in play(FULL, tmp_path, tell):
        expect_all_is_well(finished)


# One test, because a run is dear and pytest-xdist would make one for every process that got a part of it.
@pytest.mark.proof
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_small_stream_survives_kills_and_the_checker_sees_what_is_broken_afterwards(tmp_path):
    for finished in play(MEDIUM if PROOF else SMALL, tmp_path, lambda text: None):
        expect_all_is_well(finished)
        for damage in DAMAGES:
            problems = damaged(finished, damage.statements)
            assert any(damage.words in problem for problem in problems), (damage, problems)


@dataclass(frozen=True)
class Damage:
    """Statements that break the record of a finished run, and what the checker must say of it."""

    words: str
    statements: tuple[str, ...]


def deleted(table: str, kind: str) -> Damage:
    """Delete one effect."""
    return Damage(
        f"has 0 of 1 {kind}",
        (f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table} WHERE source_step_id IS NOT NULL)",),
    )


RACED = """
SELECT d.id FROM messaging_delivery d JOIN automations_step s ON s.id = d.source_step_id
  JOIN automations_event e ON e.subject_id = s.subject_id AND e.trigger = 'appointment.cancelled'
 WHERE s.anchor <> ''
"""
TWIN = """
CREATE TEMP TABLE twin AS SELECT * FROM {table} WHERE source_step_id IS NOT NULL ORDER BY id LIMIT 1;
UPDATE twin SET id = (SELECT max(id) + 1 FROM {table});
INSERT INTO {table} SELECT * FROM twin
"""
LAST_EVENT = "(SELECT max(id) FROM automations_event WHERE trigger = 'appointment.cancelled')"
DAMAGES = (
    deleted("worklist_task", "task"),
    deleted("forms_app_formrequest", "form_request"),
    Damage(
        "LOST: step ", ("DELETE FROM messaging_notification WHERE id = (SELECT max(id) FROM messaging_notification)",)
    ),
    Damage(
        "DOUBLED: step ",
        ("ALTER TABLE worklist_task DROP CONSTRAINT one_task_a_step", TWIN.format(table="worklist_task")),
    ),
    Damage(
        "DOUBLED: step ",
        (
            "ALTER TABLE messaging_notification DROP CONSTRAINT one_notification_a_person",
            "DROP INDEX one_notification_a_patient",
            TWIN.format(table="messaging_notification"),
        ),
    ),
    Damage("ended dead", (f"UPDATE automations_event SET state = 'dead' WHERE id = {LAST_EVENT}",)),
    Damage("has 0 events", (f"UPDATE automations_event SET revision = 99 WHERE id = {LAST_EVENT}",)),
    Damage("belongs to no save", (f"UPDATE automations_event SET revision = 99 WHERE id = {LAST_EVENT}",)),
    Damage("was matched 2 times", (f"INSERT INTO chaos_match VALUES ({LAST_EVENT}, 'new', 'matched')",)),
    Damage("reached 2 ends", ("INSERT INTO chaos_step SELECT max(id), 'pending', 'done' FROM automations_step",)),
    Damage(
        "ended pending",
        ("UPDATE automations_step SET state = 'pending' WHERE id = (SELECT max(id) FROM automations_step)",),
    ),
    Damage(
        "exists, and step",
        ("UPDATE automations_step SET state = 'cancelled' WHERE state = 'done' AND action = 'create_task'",),
    ),
    Damage("LOST MAIL", ("UPDATE messaging_delivery SET message_id = '<x' || id || '>' WHERE state = 'sent'",)),
    Damage("which no delivery knows", ("UPDATE messaging_delivery SET message_id = '<x' || id || '>'",)),
    Damage("DOUBLED MAIL", ("UPDATE messaging_delivery SET category = 'survey'",)),
    Damage("DOUBLED MAIL", ("DELETE FROM chaos_attempt WHERE outcome = 'unknown'",)),
    Damage("and came to the sink", ("UPDATE messaging_delivery SET state = 'withdrawn' WHERE state = 'sent'",)),
    Damage(
        "began to leave", (f"INSERT INTO chaos_delivery SELECT id, 'queued', 'sending', 9 FROM ({RACED}) AS raced",)
    ),
)


def damaged(finished: Finished, statements: tuple[str, ...]) -> list[str]:
    """Do damage to the run's database, return what the checker then says, and undo it."""
    connection = finished.house.look()
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")  # no foreign key minds, no watcher looks
        for statement in statements:
            connection.execute(statement)
        return check(connection, finished.house.directory).problems


@pytest.mark.parametrize("scale", [FULL, MEDIUM, SMALL], ids=lambda scale: scale.name)
def test_a_sixth_of_the_planned_events_are_cancels(scale):
    planned = visits.plan(events=scale.events, cancels=scale.cancels, patients=scale.patients, seconds=scale.seconds)

    verbs = [verb for visit in planned for verb in ("book", *visit.verbs)]
    assert len(verbs) == scale.events
    assert verbs.count("cancel") == round(scale.events / 6)
