"""Another clinic's records do not exist on the staff's pages: every address with an id or a slug, every role.

The addresses come from the URL configuration, so that a new page is in it without anyone remembering.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.cast import client_of
from tests.security.foreign import ID, SECRET, SLUG, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
OURS = ("staff",)
WAYS = {"IntConverter": ID, "SlugConverter": SLUG}


def named_pages() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each page: its name, and the kind of each of its parameters. The demo's page is no page of the product."""
    for resolver in get_resolver().url_patterns:
        for name, pattern in _named(resolver):
            if ":demo" not in name:
                yield name, {key: type(one).__name__ for key, one in pattern.pattern.converters.items()}


def addresses() -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each page that names a record: its name and what stands for the other clinic's."""
    for name, kinds in named_pages():
        if "IntConverter" in kinds.values():
            yield name, {key: WAYS.get(kind, SLUG) for key, kind in kinds.items()}


def _named(one: URLPattern | URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    if isinstance(one, URLResolver):
        inner = one.namespace or space
        for part in one.url_patterns:
            yield from _named(part, inner)
    elif space in OURS and one.name:
        yield f"{space}:{one.name}", one


PAGES = sorted(addresses(), key=lambda page: page[0])


def test_the_pages_are_found():
    assert len(PAGES) > 15
    assert ("staff:patient-summary", {"pk": ID}) in PAGES


@pytest.mark.parametrize("role", ["admin", "specialist", "front_desk"])
def test_a_record_of_another_clinic_is_not_found(role, request, foreign, other_clinic):
    client = client_of(request.getfixturevalue(role).user)
    before, wrong = snapshot(other_clinic), []
    for name, values in PAGES:
        for method in ("get", "post"):
            answer = getattr(client, method)(reverse(name, kwargs=values), headers={"HX-Request": "true"})
            asked_who = (
                answer.status_code == 302 and "reauthenticate" in answer["Location"]
            )  # before anything is looked up
            refused = asked_who or answer.status_code in (403, 404, 405)
            if not refused or SECRET in answer.content.decode(errors="replace"):
                wrong.append((method, name, answer.status_code))
    assert wrong == []
    assert snapshot(other_clinic) == before


def test_who_is_not_signed_in_is_led_to_the_door(client, foreign, other_clinic):
    before = snapshot(other_clinic)
    for name, values in PAGES:
        answer = client.post(reverse(name, kwargs=values))
        assert (answer.status_code, SECRET in answer.content.decode()) == (302, False), name
        assert "login" in answer["Location"], name
    assert snapshot(other_clinic) == before
