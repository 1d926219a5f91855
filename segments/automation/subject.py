"""The nouns that rules about segments speak of."""

from django.utils.translation import gettext_lazy as _

from automations.engine.declare import Reference, Subject, register

register(Subject("segment", _("Segment"), "segments.SegmentMembership"))
register(Reference("segment", _("Segment"), "segments.Segment", {"archived_at": None}))
register(Reference("manual_segment", _("Manual segment"), "segments.Segment", {"archived_at": None, "kind": "manual"}))
