"""Register what this app does behind the scenes; called once, when every model and declaration is loaded."""

from __future__ import annotations

from django.apps import apps
from django.db.models.signals import post_delete, post_save

from automations.populations import register_group
from clinic.changes import after_silence, before_silent_writes, records_changed
from clinic.health import register_backlog
from clinic.lanes import register_lane
from clinic.provisioning import register_provider
from segments import building, definition, marking, refreshing, selectors
from segments.provisioning import provide_segment


def connect() -> None:
    """Follow changed records, offer the lane, the backlog and what recipes need."""
    records_changed.connect(marking.on_records_changed, dispatch_uid="segments.marking")
    for label in marking.watched_labels():
        if not definition.announces(label):
            for signal in (post_save, post_delete):
                signal.connect(marking.on_saved, sender=apps.get_model(label), dispatch_uid=f"segments:{label}")
    before_silent_writes(refreshing.refresh_heard)
    after_silence(refreshing.refresh_silently_marked)
    register_lane("segments", building.drain, building.next_due, building.busy, sweep=True)
    register_backlog("segments", building.oldest_due)
    register_provider("segment", provide_segment)
    register_group("segment", selectors.member_ids)
