"""What the admin of another clinic finds at the addresses that people of this one met."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urlsplit

from django.urls import Resolver404, resolve
from playwright.sync_api import expect

from patients.models import Patient
from portal.frame import COOKIE
from portal.readers import readers_of
from portal.signing_in import begin
from tests.browser.people import SLOW, People
from tests.security.foreign import snapshot

KEYS = {"patient", "rule", "event"}
"""What names a record behind the question mark of an address."""
LISTS = {"staff:runs"}
"""Lists of one's own clinic, which somebody else's record narrows to nothing."""
SPENT = {"forms", "portal:enter"}
"""Pages behind a link that opens once."""
TRY = """async ([asked, words]) => {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const found = [];
  for (const [way, address] of asked) {
    const answer = await fetch(address, {method: way.toUpperCase(), redirect: "manual", headers});
    const text = await answer.text();
    found.push([answer.type === "opaqueredirect" ? 302 : answer.status, words.some((one) => text.includes(one))]);
  }
  return found;
}"""
"""Asks for one address after the other as the page's own script would; follows no redirect. What a redirect says for
the next page lies in the browser's cookies then."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """An address, how it is asked for, and the page that it leads to. `names`: whether it names a record."""

    way: str
    url: str
    page: str
    names: bool

    @property
    def refusals(self) -> set[int]:
        """Return how the stranger is answered: 302 is Django's "doesn't exist", 410 a link that is spent."""
        if not self.names or self.page in LISTS:
            return {200}
        if self.page.startswith("admin:"):
            return {302} if self.page.endswith(("_change", "_history", "_delete")) else {404}
        return {410} if self.page in SPENT or self.page.partition(":")[0] in SPENT else {404}


def addresses(people: People) -> list[Address]:
    """Return the addresses of ours that were opened, and those on the pages that name a record, each once."""
    found = set()
    for way, whole in people.met:
        url = urldefrag(whole).url
        try:
            match = resolve(urlsplit(url).path) if url.startswith(people.address) else None
        except Resolver404:
            continue
        if match is None:
            continue
        record = {key for key in match.kwargs if key not in ("app_label", "noun", "url", "verb")}
        names = bool(record or KEYS & set(parse_qs(urlsplit(url).query)))
        if names or way == "open":
            found.add(Address("post" if way == "post" else "get", url, match.view_name, names))
    return sorted(found)


def finds_nothing(people: People, patient: Patient, *pages: str) -> None:
    """Let the stranger open all that was met, these pages among it: nothing of the patient is there, nothing changes.

    The stranger works at another clinic and is signed in to the portal as a patient of that clinic, too.
    """
    stranger, before = people.stranger, snapshot(patient.clinic)
    sign_in_to_the_portal(people, "sam@patients.example")
    stranger.opens("/staff/")
    stranger.sees("Stan Stranger's desk", "No visits today.", "No open tasks.", "Nothing new.")
    # Redirects come last: what they say for the next page, any page would show.
    asked = sorted(addresses(people), key=lambda one: 302 in one.refusals)
    named = sorted({one.page for one in asked if one.names})
    assert set(pages) <= set(named), named

    words = [patient.given_name, patient.family_name, patient.email]
    answers = stranger.page.evaluate(TRY, [[(one.way, one.url) for one in asked], words])
    wrong = [
        (one, status, shown)
        for one, (status, shown) in zip(asked, answers, strict=True)
        if shown or status not in one.refusals
    ]
    assert not wrong, wrong

    stranger.opens("/admin/")
    gone = sum(status == 302 for status, _shown in answers)
    expect(stranger.page.get_by_text("Perhaps it was deleted?")).to_have_count(gone, timeout=SLOW)
    stranger.does_not_see(*words)
    stranger.opens(f"/staff/patients/{patient.pk}/")
    stranger.sees("There is no such page here")
    assert snapshot(patient.clinic) == before


def sign_in_to_the_portal(people: People, email: str) -> None:
    """Sign the patient of this address in, in the stranger's browser."""
    _session, secret = begin(readers_of(email), email)
    cookie = {"name": COOKIE, "value": secret, "url": f"{people.address}/portal/"}
    people.stranger.page.context.add_cookies([cookie])
