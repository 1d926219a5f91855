"""No page of the staff asks the database more often because there are more rows of anything."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from staff.tests.pages.counting import queries_of
from tests.rows import ID, AtHome, clinic_models
from tests.security.test_page_matrix import named_pages

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
MORE = 3


class Further(AtHome):
    """Another row of every kind beside those of `first`, and about the same records."""

    def __init__(self, first: AtHome, number: int) -> None:
        super().__init__()
        self.first, self.number = first, number
        self._numbers = count(1000 * number)  # words and slugs of their own

    def of(self, model: Any, clinic: Any) -> Any:
        """Return the first row, to which the further ones point."""
        return self.first.of(model, clinic)

    def beside(self, model: Any, clinic: Any) -> bool:
        """Add a row; False where there can be only one."""
        values = {**self._values(model, clinic), model._meta.pk.attname: ID + self.number}
        try:
            with transaction.atomic():
                model(**values).save_base(raw=True, force_insert=True)
        except IntegrityError:
            return False
        return True


def test_no_page_asks_more_often_for_more_rows(clinic, admin, patient, as_admin):
    first = AtHome()
    for model in clinic_models():
        first.of(model, clinic)
    before = counts(as_admin)
    added = 0
    for number in range(1, MORE + 1):
        rows = Further(first, number)
        added += sum(rows.beside(model, clinic) for model in clinic_models())
    after = counts(as_admin)
    assert added > 100
    assert len(before) > 40
    grown = {name: (few, after.get(name)) for name, few in before.items() if after.get(name) != few}
    assert grown == {}


def counts(client: Any) -> dict[str, int]:
    """Return how often each page asks; the second time, for the first may fill caches."""
    found = {}
    for name, kinds in named_pages():
        address = reverse(name, kwargs={key: ID if kind == "IntConverter" else "x" for key, kind in kinds.items()})
        answer = client.get(address)
        if answer.streaming:
            list(answer)  # a file that is handed out is closed at its end
        elif answer.status_code == 200 and "html" in answer["Content-Type"]:
            found[name] = queries_of(client, address)
    return found
