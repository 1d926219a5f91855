"""Count what is left after a run.

`check` returns problems in words, each naming the row; an empty list is the proof.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.mails import Mails
from tests.chaos.record import ENDS, Row

TRIGGERS = {
    "book": "appointment.booked",
    "confirm": "appointment.confirmed",
    "complete": "appointment.completed",
    "cancel": "appointment.cancelled",
    "reschedule": "appointment.rescheduled",
}


ONCE = ("schedule.date", "treatment.adherence_dropped")
"""What time alone brings: at most once to each patient of the cast."""
LONG = 100
"""Patients of a run that lasts over a minute."""
WITHOUT_ROWS = {
    "grant_access", "revoke_access", "add_tag", "assign_specialist", "add_to_segment", "remove_from_segment",
    "cancel_form", "stop_rule",
}  # fmt: skip
"""Actions that change a row which is there, so that doing them again would change nothing."""


def answers(rule: Row, event: Row, service: str | None) -> bool:
    """Tell whether a rule of the event's trigger answers to it."""
    if rule["segment"] is not None:
        return bool(event["facts"].get("segment.segment") == rule["segment"])
    return not event["trigger"].startswith("appointment.") or service in rule["services"]


@dataclass
class Found:
    """What the checker saw: what is wrong, and what there was."""

    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Checker(Mails):
    """All questions to one finished run."""

    def check(self) -> Found:
        """Ask everything."""
        parts: list[Callable[[], Iterator[str]]] = [self.written, self.lived, self.matched, self.planned, self.ended]
        parts += [self.effected, self.orphaned, self.forms, self.mailed, self.strangers, self.raced]
        problems = [problem for part in parts for problem in part()]
        for kind, found in self.effects.items():
            self.counts[f"effects {kind}"] = sum(map(len, found.values()))
        self.counts["mails"] = sum(self.mails.values())
        return Found(problems, self.counts)

    # --- events ---

    def written(self) -> Iterator[str]:
        """Every save that a writer knows to be committed has its event, and no event came from nowhere."""
        known: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        for event in self.events.values():
            if event["patient_id"] not in self.living:
                known[event["trigger"], event["subject_id"], event["revision"]].append(event["id"])
        claimed = set()
        for line in self.journal:
            key = (TRIGGERS[line["verb"]], line["subject"], line["revision"])
            self.counts["events"] += 1
            self.counts[f"events {key[0]}"] += 1
            if line["how"]:
                self.counts[f"saves whose answer was lost: {line['how']}"] += 1
            if key in claimed:
                yield f"two saves claim one event: {key}"
            claimed.add(key)
            if len(known[key]) != 1:
                yield f"{key} was committed, and has {len(known[key])} events"
        for key, ids in known.items():
            if key[0].startswith("appointment.") and key not in claimed:
                yield f"event {ids} {key} belongs to no save that anybody knows of"

    def lived(self) -> Iterator[str]:
        """Every life has exactly the events that it was told to have; the others' dates and weeks came once each."""
        found = Counter((event["patient_id"], event["trigger"]) for event in self.events.values())
        for (patient, trigger), count in self.lives.items():
            self.counts[f"lives {trigger}"] += count
            if found[patient, trigger] != count:
                yield f"patient {patient} has {found[patient, trigger]} events {trigger}, not {count}"
        for (patient, trigger), count in found.items():
            if patient in self.living and trigger not in ONCE and not self.lives[patient, trigger]:
                yield f"patient {patient} has {count} events {trigger} that nobody knows of"
            if trigger in ONCE:
                self.counts[f"lives {trigger}"] += count
                if count > 1:
                    yield f"patient {patient} has {count} events {trigger}"
        for trigger in ONCE:
            short = trigger == "schedule.date" and self.world["patients"] < LONG  # over before the minute comes
            if not short and not self.counts[f"lives {trigger}"]:
                yield f"no {trigger} came"

    def matched(self) -> Iterator[str]:
        """Every event is matched, and went there once."""
        moves = Counter(row["event_id"] for row in self.matches)
        for pk, event in self.events.items():
            if event["state"] != "matched":
                yield f"event {pk} ended {event['state']}: {event['last_error']}"
            elif self.event_log[pk]["state"] == "new" and moves[pk] != 1:
                yield f"event {pk} was matched {moves[pk]} times"

    def planned(self) -> Iterator[str]:
        """Every event has one run of exactly the rules that answer it, and every run its actions, each once."""
        services = {line["subject"]: line["service"] for line in self.journal}
        runs: dict[int, list[Row]] = defaultdict(list)
        actions: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
        for run in self.runs:
            runs[run["event_id"]].append(run)
            if run["outcome"] != "matched":
                yield f"run {run['id']} ended {run['outcome']}: {run['reason']}"
        for step in self.steps.values():
            actions[step["run_id"]][step["action_id"], step["epoch"]] += 1
        for event in self.events.values():
            service = "again" if event["patient_id"] in self.living else services.get(event["subject_id"])
            wanted = {
                rule["id"]: rule
                for rule in self.world["rules"]
                if rule["trigger"] == event["trigger"] and answers(rule, event, service)
            }
            if sorted(run["rule_id"] for run in runs[event["id"]]) != sorted(wanted):
                yield f"event {event['id']} {event['trigger']} has {len(runs[event['id']])} runs, not {len(wanted)}"
                continue
            for run in runs[event["id"]]:
                self.counts["runs"] += 1
                planned = actions[run["id"]]
                if {key for key, epoch in planned if epoch == 0} != set(wanted[run["rule_id"]]["actions"]):
                    yield f"run {run['id']} planned {sorted(planned)}"
                if any(count > 1 for count in planned.values()):
                    yield f"run {run['id']} planned an action twice: {sorted(planned.elements())}"

    # --- steps ---

    def ended(self) -> Iterator[str]:
        """Every step reached one end, once, and the ends are those that this world has."""
        for pk, step in self.steps.items():
            self.counts[f"steps {step['state']}"] += 1
            # An action that stops its own step ends it twice in its transaction; what was committed counts.
            last = {row["committed"]: row["new"] for row in self.step_log[pk]}
            ends = [state for state in last.values() if state in ENDS]
            if step["state"] not in ("done", "cancelled"):
                yield f"step {pk} {step['action']} ended {step['state']}: {step['reason']} {step['reason_text']}"
            elif len(ends) != 1:
                yield f"step {pk} {step['action']} reached {len(ends)} ends: {ends}"
            elif step["finished_at"] is None and step["state"] == "done":
                yield f"step {pk} {step['action']} is done and does not say since when"

    def promised(self, step: Row) -> dict[str, int]:
        """Return how many effects of which kind a done step has."""
        if step["action"] == "create_task":
            return {"task": 1}
        if step["action"] == "send_email":
            return {"delivery": 1}
        if step["action"] == "send_notification":
            return {"notification": self.world["admins"] if step["role"] == "clinic_admins" else 1}
        if step["action"] == "require_form":
            queued = step["result"].get("deliveries", [])
            shared = all(self.deliveries.get(int(pk), {}).get("source_step_id") != step["id"] for pk in queued)
            return {"form_request": 1, "delivery": 0 if shared else len(queued)}
        assert step["action"] in WITHOUT_ROWS, step["action"]
        return {}

    def effected(self) -> Iterator[str]:
        """Every done step has exactly its effects."""
        for pk, step in self.steps.items():
            if step["state"] != "done":
                continue
            for kind, wanted in self.promised(step).items():
                found = self.effects[kind][pk]
                if len(found) < wanted:
                    self.counts["effects lost"] += wanted - len(found)
                    yield f"LOST: step {pk} {step['action']} is done and has {len(found)} of {wanted} {kind}"
                elif len(found) > wanted:
                    self.counts["effects doubled"] += len(found) - wanted
                    yield f"DOUBLED: step {pk} {step['action']} has {len(found)} {kind} ({found}), not {wanted}"
            yield from self._told(step)

    def _told(self, step: Row) -> Iterator[str]:
        """What a step's own result names is there."""
        result = step["result"]
        named = {
            "task": [result["task"]] if "task" in result else [],
            "notification": result.get("notifications", []),
            "form_request": [result["form_request"]] if "form_request" in result else [],
        }
        for kind, ids in named.items():
            missing = {int(pk) for pk in ids} - set(self.effects[kind][step["id"]])
            if missing:
                yield f"step {step['id']} {step['action']} names {kind} {sorted(missing)}, which is not there"
        gone = [pk for pk in result.get("deliveries", []) if int(pk) not in self.deliveries]
        if gone:
            yield f"step {step['id']} {step['action']} names delivery {gone}, which is not there"

    def orphaned(self) -> Iterator[str]:
        """No effect belongs to a step that is not done, and nobody is told twice of one step."""
        for kind, found in self.effects.items():
            for pk, ids in found.items():
                if pk and ids and self.steps.get(pk, {}).get("state") != "done":
                    yield f"{kind} {ids} exists, and step {pk} is {self.steps.get(pk, {}).get('state')}"
        told = Counter((row["step"], row["recipient_id"]) for row in self.notifications)
        for (pk, recipient), count in told.items():
            if count > 1:
                yield f"step {pk} told {recipient or 'the patient'} {count} times"

    def forms(self) -> Iterator[str]:
        """Every form that was asked for was told of in a message that exists."""
        for pk, request in self.requests.items():
            if request["source_step_id"] is not None and request["message_id"] not in self.deliveries:
                yield f"form request {pk} of step {request['source_step_id']} has no message"


def check(connection: psycopg.Connection, directory: Path) -> Found:
    """Check one finished run in the database of `connection` with the files in `directory`."""
    return Checker(connection, directory).check()


def summary(report: Any, found: Found) -> str:
    """Say in a screenful what was done and what was found."""
    done, seen = report.counts, found.counts
    lines = [
        f"chaos ({report.scale.name}): {report.seconds:.0f} s, stream {report.stream_seconds:.0f} s,"
        f" drain {report.drain_seconds:.0f} s",
        f"  kills {done['kills']}: {done['inside']} inside a transaction, {done['outside']} outside"
        f" (engine {done['kills engine']}, deliver {done['kills deliver']}); Valkey {done['valkey']},"
        f" PostgreSQL {done['postgres']} ({done['unheard']} commits were on disk and their answers lost),"
        f" frozen past the lease {done['frozen']}",
        f"  effects lost {seen['effects lost']}, doubled {seen['effects doubled']};"
        f" deadlocks {report.deadlocks}; conflicts {sum(report.conflicts.values())} {dict(report.conflicts) or ''}",
        *(f"  {name}: {count}" for name, count in sorted(seen.items())),
        f"  problems: {len(found.problems)}",
        *(f"    {problem}" for problem in found.problems[:40]),
    ]
    return "\n".join(lines)
