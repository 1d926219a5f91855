"""Text that is compared without regard to case and accents."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db import models


def fold(text: str) -> str:
    """Return `text` without case and combining marks: "Iași" and "IASI" fold alike.

    Unicode compatibility decomposition, marks dropped, then full case folding. Python does it on write and in the
    evaluator, so that the database never has to agree with Python about a collation.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return unicodedata.normalize("NFKD", bare.casefold())


class FoldedField(models.TextField):
    """A stored column that always holds the folded text of another field.

    It has no length of its own: one character may fold to eighteen.
    """

    def __init__(self, source: str = "", **kwargs: Any) -> None:
        self.source = source
        kwargs.update(editable=False, default="", blank=True)
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        """Describe the field for migrations."""
        name, path, args, kwargs = super().deconstruct()
        for key in ("editable", "default", "blank"):
            kwargs.pop(key, None)
        return name, path, [self.source, *args], kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Fold the source field's current text."""
        folded = fold(getattr(model_instance, self.source) or "")
        setattr(model_instance, self.attname, folded)
        return folded


def folded_fields(model: Any, names: Any) -> list[FoldedField]:
    """Return the folded columns of the fields named, which must be written together with them."""
    columns = model._meta.concrete_fields
    return [field for field in columns if isinstance(field, FoldedField) and field.source in names]
