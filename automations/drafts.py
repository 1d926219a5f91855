"""Read stored drafts: each from its text, so that one that cannot be used never hides the others."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from automations.compiled import MAX_STORED, PARTS, parse_stored
from automations.engine.values import RuleSpec
from automations.models import Rule


def draft_texts(ids: Collection[int]) -> dict[int, str]:
    """Return the stored drafts of these rules as text, by rule; one query."""
    rows = Rule.objects.filter(pk__in=ids).annotate(text=Cast("draft", TextField())).order_by()
    return dict(rows.values_list("pk", "text"))


def draft_text(rule: Rule) -> str:
    """Return the stored draft of one rule as text."""
    return draft_texts([rule.pk])[rule.pk]


def draft_spec(rule: Rule) -> RuleSpec | str:
    """Return the stored draft of one rule as a spec, or in one sentence why it is none."""
    return parse_draft(draft_text(rule))


def loaded(text: str) -> dict[str, Any] | str:
    """Return a stored draft as the object it is, or in one sentence why it is none."""
    if len(text) > MAX_STORED:
        return _("What is stored is %(count)s characters long; that is no rule.") % {"count": len(text)}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _("What is stored cannot be read: %(error)s.") % {"error": type(error).__name__}
    return data if isinstance(data, dict) else _("What is stored is no rule.")


def parse_draft(text: str) -> RuleSpec | str:
    """Return a stored draft as a spec, or in one sentence why it is none."""
    data = loaded(text)
    if isinstance(data, str):
        return data
    trigger = data.get("trigger_event")
    texts = {part: json.dumps(data.get(part)) for part in PARTS if data.get(part) is not None}
    return parse_stored(trigger if isinstance(trigger, str) else "", texts)
