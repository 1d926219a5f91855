"""What may be chosen in the editor: the rows of one clinic, and what the stored rule names though it is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import JSONField
from django.utils.translation import gettext as _

from automations.engine.declare import catalog

Option = dict[str, str]


class Choices:
    """The choices of one clinic, read once a kind; `keep` makes sure that a stored value stays among them."""

    def __init__(self, clinic_id: int | None) -> None:
        self.clinic_id = clinic_id
        self._rows: dict[str, list[Option]] = {}
        self._kept: dict[tuple[str, ...], dict[str, None]] = {}
        self.gone: dict[tuple[str, str], str] = {}

    def keep(self, place: tuple[str, ...], values: Iterable[str]) -> None:
        """Remember values that the stored rule has at a place, so that none is silently lost."""
        self._kept.setdefault(place, {}).update(dict.fromkeys(values))

    def words(self, place: tuple[str, ...], choices: Iterable[tuple[str, Any]]) -> list[Option]:
        """Return the options of declared choices, a stored value that is none of them included."""
        options = [{"title": str(label), "value": value} for value, label in choices]
        known = {one["value"] for one in options}
        return options + [_unknown(value) for value in self._kept.get(place, ()) if value not in known]

    def rows(self, kind: str) -> list[Option]:
        """Return the options of a kind of row: the clinic's that may be chosen, and the stored ones that are gone."""
        place = ("reference", kind)
        options = self._active(kind)
        known = {one["value"] for one in options}
        missing = [slug for slug in self._kept.get(place, ()) if slug not in known]
        return options + self._deleted(kind, missing)

    def _active(self, kind: str) -> list[Option]:
        if kind not in self._rows:
            declared = catalog.references.get(kind)
            found = []
            if declared is not None and self.clinic_id is not None:
                model = apps.get_model(declared.model)
                rows = model._default_manager.filter(clinic_id=self.clinic_id, **declared.active)
                rows = rows.defer(*_documents(model))
                found = [{"title": str(row), "value": row.slug} for row in rows]
            self._rows[kind] = sorted(found, key=lambda one: one["title"].casefold())
        return self._rows[kind]

    def _deleted(self, kind: str, slugs: list[str]) -> list[Option]:
        if not slugs:
            return []
        names: dict[str, str] = {}
        declared = catalog.references.get(kind)
        if declared is not None:
            model = apps.get_model(declared.model)
            rows = model._default_manager.filter(clinic_id=self.clinic_id, slug__in=slugs)
            names = {row.slug: str(row) for row in rows}
        options = []
        for slug in slugs:
            title = _("(deleted) %(name)s") % {"name": names.get(slug, slug)}
            self.gone[kind, slug] = title
            options.append({"title": title, "value": slug})
        return options


def _unknown(value: str) -> Option:
    return {"title": _("(deleted) %(name)s") % {"name": value}, "value": value}


def _documents(model: Any) -> list[str]:
    """Name the JSON columns of a model: a list of names needs none, and one may be too deep to be read."""
    return [field.name for field in model._meta.concrete_fields if isinstance(field, JSONField)]
