"""Register what this app does behind the scenes; called once, when every model and declaration is loaded."""

from __future__ import annotations

from clinic.health import register_backlog
from clinic.lanes import register_lane
from messaging.push import register_page
from staff import jobs, jobs_kinds, jobs_running
from staff.sheets import keeping, writing


def connect() -> None:
    """Offer the kinds of long work and their lane, let old spreadsheets go, and say what a push opens."""
    for kind in (*jobs_kinds.KINDS, *writing.KINDS):
        jobs.register_kind(kind)
    register_lane("jobs", jobs_running.drain, jobs_running.next_due, jobs_running.busy)
    register_lane("spreadsheets", keeping.drain, keeping.next_due, sweep=True)
    register_backlog("jobs", jobs_running.oldest_due)
    register_page("staff", "staff:notifications")
