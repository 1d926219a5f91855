"""The limits of a rule in its form: again for the same patient, what stops it, looking again, runs an hour."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from accounts.admin_base import ClinicModelForm
from automations.engine.declare import catalog
from automations.engine.schema import default_stop_on

RECHECK = {"": None, "yes": True, "no": False}


class LimitsForm(ClinicModelForm):
    """The fields that are the rule's `settings` on the wire."""

    reentry_mode = forms.ChoiceField(
        label=_("Again for the same patient"),
        choices=[
            ("every_time", _("every time")),
            ("once_per_patient", _("once per patient, ever")),
            ("once_per_days", _("once in so many days")),
        ],
        initial="every_time",
        widget=UnfoldAdminSelectWidget,
    )
    reentry_days = forms.IntegerField(label=_("Days"), required=False, widget=UnfoldAdminIntegerFieldWidget)
    stop_on = forms.MultipleChoiceField(
        label=_("Stop what is still to come when"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    recheck = forms.ChoiceField(
        label=_("Look at the patient again when a step is due"),
        required=False,
        choices=[("", _("messages only")), ("yes", _("every step")), ("no", _("never"))],
        widget=UnfoldAdminSelectWidget,
    )
    hourly_cap = forms.IntegerField(
        label=_("At most this many runs an hour"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Beyond it the rule pauses itself. Empty: no limit."),
    )

    def _stored(self) -> Any:
        """Return the stored draft; of a new rule an empty one. A draft too deep to load is unreadable."""
        if not self.instance.pk:
            return {"trigger_event": self.initial.get("trigger_event", "")}
        try:
            return self.instance.draft
        except RecursionError:
            return None

    def _fill_settings(self, settings: Any, trigger: str) -> None:
        settings = settings if isinstance(settings, dict) else {}
        reentry = settings.get("reentry") if isinstance(settings.get("reentry"), dict) else {}
        default = default_stop_on(catalog.triggers[trigger]) if trigger in catalog.triggers else ()
        stops = settings.get("stop_on")
        stops = [one for one in stops if isinstance(one, str)] if isinstance(stops, list) else list(default)
        self.initial["reentry_mode"] = (reentry or {}).get("mode") or "every_time"
        self.initial["reentry_days"] = (reentry or {}).get("days")
        self.initial["stop_on"] = stops
        words = {value: word for word, value in RECHECK.items()}
        recheck = settings.get("recheck")
        self.initial["recheck"] = words.get(recheck if isinstance(recheck, bool) else None, "")
        self.initial["hourly_cap"] = settings.get("hourly_cap")
        self._offer_stops(trigger, stops)

    def _offer_stops(self, trigger: str, current: list[str]) -> None:
        known = [(key, one.label) for key, one in catalog.triggers.items() if key != trigger or key in current]
        known.sort(key=lambda pair: pair[0])
        known += [(key, _("(deleted) %(name)s") % {"name": key}) for key in current if key not in catalog.triggers]
        self.fields["stop_on"].choices = known  # type: ignore[attr-defined]

    def _settings(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        reentry: dict[str, Any] = {"mode": cleaned.get("reentry_mode")}
        if cleaned.get("reentry_days") is not None and reentry["mode"] == "once_per_days":
            reentry["days"] = cleaned["reentry_days"]
        return {
            "reentry": reentry,
            "stop_on": self._in_stored_order(cleaned.get("stop_on") or []),
            "recheck": RECHECK.get(cleaned.get("recheck") or ""),
            "hourly_cap": cleaned.get("hourly_cap"),
        }

    def _in_stored_order(self, stops: list[str]) -> list[str]:
        """Keep the stored order, else the trigger's own: boxes post in the page's order, and that is no change."""
        stored = self._stored()
        settings = stored.get("settings") if isinstance(stored, dict) else None
        known = settings.get("stop_on") if isinstance(settings, dict) else None
        trigger = catalog.triggers.get(self.cleaned_data.get("trigger_event", ""))
        order = [*(known if isinstance(known, list) else ()), *(default_stop_on(trigger) if trigger else ())]
        return sorted(stops, key=lambda one: order.index(one) if one in order else len(order))
