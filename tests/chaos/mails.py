"""Does the sink tell the same as the deliveries, and did nothing begin to leave after its cancel?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from tests.chaos.record import ENDS, Record, Row

LEFT_NOT = {"withdrawn", "suppressed", "failed"}
SENDS_TWICE = {"transactional", "clinical"}


class Mails(Record):
    """The questions about what left the house."""

    def mailed(self) -> Iterator[str]:
        """Each delivery and the sink tell the same; two copies only where that is allowed and explained."""
        doubts = Counter((row["delivery_id"], row["number"]) for row in self.attempts if row["outcome"] == "unknown")
        lost = Counter(pk for pk, _number in doubts)
        for pk, row in self.deliveries.items():
            copies = self.mails.get(row["message_id"], 0)
            self.counts[f"deliveries {row['state']}"] += 1
            if row["state"] in ("queued", "retry", "sending"):
                yield f"delivery {pk} is still {row['state']}"
            if row["state"] == "sent" and not copies:
                yield f"LOST MAIL: delivery {pk} is sent and never came to the sink"
            if row["state"] in LEFT_NOT and copies:
                yield f"delivery {pk} is {row['state']} and came to the sink {copies} times"
            if row["state"] == "unknown" and not lost[pk]:
                yield f"delivery {pk} is unknown without an attempt that ended so"
            if copies > 1:
                if row["category"] not in SENDS_TWICE or lost[pk] < copies - 1 or copies > 2:
                    yield f"DOUBLED MAIL: delivery {pk} ({row['category']}, {lost[pk]} doubtful) came {copies} times"
                else:
                    self.counts["mails twice, as allowed"] += 1

    def strangers(self) -> Iterator[str]:
        """Nothing reached the sink that is nobody's delivery."""
        known = {row["message_id"] for row in self.deliveries.values()}
        for message_id in self.mails.keys() - known:
            yield f"the sink has {message_id}, which no delivery knows"

    def raced(self) -> Iterator[str]:
        """The reminder of a visit that was called off was cancelled, or began to leave before the cancel committed."""
        cancels = {e["subject_id"]: e["id"] for e in self.events.values() if e["trigger"] == "appointment.cancelled"}
        reminder = next(rule["id"] for rule in self.world["rules"] if rule["name"] == "reminder")
        rows: dict[int, list[Row]] = defaultdict(list)
        for step in self.steps.values():
            if step["rule_id"] == reminder:
                rows[step["subject_id"]].append(step)
        for subject, event_id in cancels.items():
            if self.states[subject] != "cancelled":
                yield f"appointment {subject} was cancelled and is {self.states[subject]}"
            for step in rows[subject]:
                yield from self._race(step, self.event_log[event_id]["committed"])

    def _race(self, step: Row, cancelled_at: datetime) -> Iterator[str]:
        finished = next(r["committed"] for r in self.step_log[step["id"]] if r["new"] in ENDS)
        if abs((finished - cancelled_at).total_seconds()) < 0.1:
            self.counts["cancels within 100 ms of their reminder"] += 1
        if step["state"] == "cancelled":
            self.counts["races: cancelled before it ran"] += 1
            return
        if finished > cancelled_at:
            yield f"step {step['id']} ran {finished - cancelled_at} after the cancel was committed"
        for pk in self.effects["delivery"][step["id"]]:
            yield from self._after_cancel(self.deliveries[pk], cancelled_at)

    def _after_cancel(self, delivery: Row, cancelled_at: datetime) -> Iterator[str]:
        pk, copies = delivery["id"], self.mails.get(delivery["message_id"], 0)
        began = [row["committed"] for row in self.delivery_log[pk] if row["new"] == "sending"]
        late = [moment for moment in began if moment > cancelled_at]
        if late:
            yield f"delivery {pk} began to leave {late[0] - cancelled_at} after the cancel was committed"
        if delivery["state"] in ("sent", "unknown"):
            self.counts["races: sent before the cancel"] += 1
            if not began:
                yield f"delivery {pk} is {delivery['state']} and never began to leave"
        elif delivery["state"] == "withdrawn":
            self.counts["races: withdrawn in the queue"] += 1
            if copies:
                yield f"delivery {pk} was withdrawn and came to the sink"
        else:
            yield f"delivery {pk} of a cancelled visit ended {delivery['state']}"
