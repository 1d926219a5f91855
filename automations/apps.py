from django.apps import AppConfig, apps
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class AutomationsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "automations"
    verbose_name = _("Automations")

    def ready(self) -> None:
        """Find what the apps offer, listen to their records, and say what waits."""
        from automations import capture, checks, dates, discovery, enrolling, references, ticking  # noqa: F401 - checks register themselves
        from automations.engine.declare import catalog
        from clinic.changes import records_changed
        from clinic.health import register_backlog
        from clinic.lanes import register_lane

        discovery.discover()
        records_changed.connect(capture.on_records_changed, dispatch_uid="automations.capture")
        for reference in catalog.references.values():
            for signal in (post_save, post_delete):
                signal.connect(
                    references.on_saved, sender=apps.get_model(reference.model), dispatch_uid=f"rules:{reference.kind}"
                )
        register_backlog("engine", ticking.oldest_due)
        register_lane("engine", ticking.drain_engine, ticking.next_engine_due)
        register_lane("enrolments", enrolling.sweep_enrolments, enrolling.next_due, sweep=True)
        register_lane("dates", dates.sweep_dates, dates.next_due, sweep=True)
