"""Every page of the staff in Chromium, found in the URL configuration: readable, fitting, light enough, with a heading.

`make test` looks at each page in one of four ways by turns, `make proof` in all four; the fixture `page` fails for
what the content security policy refuses, for errors of scripts and for requests that leave the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from clinic.testing import PROOF, rounds
from tests.browser.test_people import assert_good
from tests.rows import ID, AtHome, clinic_models
from tests.security.test_page_matrix import named_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]
LOOKS = [(1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")]
HEAVIEST = 300_000
"""Bytes of a page of the staff with all that it loads, before they are compressed."""
WEIGHT = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)"""
CHANGES = {"staff:tablet"}
"""Not a page of the staff's: who is handed the tablet sees it."""


@pytest.fixture
def rows(clinic: Any, admin: Any, patient: Any) -> AtHome:
    made = AtHome()
    for model in clinic_models():
        made.of(model, clinic)
    return made


def pages(client: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each page that is shown, and is no file or what a script asks for."""
    for name, kinds in named_pages():
        values = {key: ID if kind == "IntConverter" else "x" for key, kind in kinds.items()}
        answer = client.get(reverse(name, kwargs=values), follow=True)
        if answer.streaming:
            list(answer)  # a file that is handed out is closed at its end
        elif answer.status_code == 200 and b"<html" in answer.content and name not in CHANGES:
            yield name, reverse(name, kwargs=values)


@pytest.mark.proof
@pytest.mark.parametrize("part", range(rounds(1, len(LOOKS))))
def test_every_page_reads_well(part: int, live_server: Any, sign_in: Any, as_admin: Any, shoot: Any, rows: Any) -> None:
    page, seen = sign_in(as_admin), 0
    for position, (name, address) in enumerate(pages(as_admin)):
        width, scheme = LOOKS[part if PROOF else position % len(LOOKS)]
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.goto(live_server.url + address)
        shoot(f"every-{name.partition(':')[2]}-{width}-{scheme}")
        assert_good(page, width)
        assert page.evaluate(WEIGHT) <= HEAVIEST, (name, page.evaluate(WEIGHT))
        seen += 1
    assert seen > 40


def test_every_page_can_be_read_without_javascript(as_admin: Any, rows: Any) -> None:
    silent = []
    for name, address in pages(as_admin):
        html = as_admin.get(address, follow=True).content.decode()
        main = html.partition("<main")[2].partition("</main>")[0]
        if "<h1" not in main or "hidden" in html.partition("<body")[2].partition(">")[0]:
            silent.append(name)
    assert silent == []
