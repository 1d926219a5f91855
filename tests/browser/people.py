"""The five people of a journey, each in a Chromium of their own: what they do, and every address that they met."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils.formats import date_format
from playwright.sync_api import expect

from clinic.testing.browser import open_page, picture

SLOW = 60_000
"""Milliseconds to wait for a page of a busy machine."""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MET = """(() => {
  const tell = () => {
    const found = [["open", location.href]];
    const add = (name, way) => document.querySelectorAll(`[${name}]`).forEach(
      (one) => found.push([way ?? one.method, new URL(one.getAttribute(name), location.href).href]));
    ["href", "src", "hx-get"].forEach((name) => add(name, "get"));
    add("hx-post", "post");
    add("action");
    window.met(found);
  };
  addEventListener("DOMContentLoaded", tell);
  document.addEventListener("htmx:afterSettle", tell);
})()"""
"""Tells the test a page's address and all that stand on it, when it is there and when a part of it was exchanged."""


class Person:
    """Somebody at a browser: opens addresses, follows links, presses buttons (taps them on a phone), reads."""

    def __init__(self, page: Any, address: str) -> None:
        page.set_default_timeout(SLOW)
        self.page, self.address = page, address

    def opens(self, address: str) -> None:
        """Open an address: a whole one as it stands in a mail, or one of ours without the host."""
        self.page.goto(address if address.startswith("http") else self.address + address)

    def touches(self, found: Any) -> None:
        """Click."""
        found.click()

    def follows(self, name: str) -> None:
        """Follow the first link of this name."""
        self.touches(self.page.get_by_role("link", name=name, exact=True).first)

    def presses(self, name: str) -> None:
        """Press the first button of this name."""
        self.touches(self.page.get_by_role("button", name=name, exact=True).first)

    def unfolds(self, words: str) -> None:
        """Open what is folded behind these words."""
        self.touches(self.page.locator("summary", has_text=words).first)

    def writes(self, **texts: str) -> None:
        """Fill in fields: each label, with _ for a space, and what is written there."""
        for label, text in texts.items():
            self.field(label.replace("_", " ")).last.fill(text)

    def chooses(self, **options: str) -> None:
        """Choose in lists: each label, with _ for a space, and what is chosen there."""
        for label, option in options.items():
            self.field(label.replace("_", " ")).select_option(label=option)

    def field(self, label: str) -> Any:
        """Return the field of this label, behind which a mark may say that it must be filled in."""
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*(\*|\(required\))?\s*$"))

    def ticks(self, label: str, group: str = "") -> None:
        """Tick what has this label; several may have it, then that of the group whose name begins like this."""
        within = self.page.get_by_role("group", name=group) if group else self.page
        self.touches(within.get_by_label(label, exact=True))

    def sees(self, *words: str) -> None:
        """Wait until the page says all this."""
        for one in words:
            expect(self.page.locator("body")).to_contain_text(one, timeout=SLOW)

    def does_not_see(self, *words: str) -> None:
        """Assert that the page, which is there, says nothing of this."""
        for one in words:
            expect(self.page.locator("body")).not_to_contain_text(one, timeout=SLOW)


class Staff(Person):
    """Somebody of the staff, on the staff's pages."""

    def finds(self, listed: str) -> None:
        """Open a patient's page from the list of patients."""
        self.opens("/staff/")
        self.follows("Patients")
        self.follows(listed)

    def books(self, at: Any, **choices: str) -> None:
        """Book a visit of the patient whose page is open."""
        self.follows("Book")
        self.chooses(**choices)
        self.writes(Start=f"{at:%Y-%m-%dT%H:%M}")
        self.presses("Book")
        self.sees("Booked.")

    def hears(self, title: str) -> None:
        """Find the bell rung once, and open what it rang for: the patient's summary."""
        self.opens("/staff/")
        self.follows("1 unread notification")
        self.presses(f"{title} (unread)")
        expect(self.page).to_have_url(re.compile(r"/staff/patients/\d+/summary/$"), timeout=SLOW)
        self.sees("Open tasks")

    def gets_done(self, task: str) -> None:
        """Do a task of the worklist."""
        self.follows("Worklist")
        self.presses(f"Done: {task}")
        self.sees("Done.", "No open tasks.")


class Admin(Staff):
    """The clinic's admin, who has the rules in Django's admin."""

    def switches_on(self, recipe: str) -> None:
        """Install a shipped rule, switched on."""
        self.opens("/admin/automations/rule/")
        self.touches(self.page.get_by_role("link", name="Recipes"))
        card = self.page.locator("section", has=self.page.get_by_role("heading", name=recipe, exact=True))
        card.locator("input[value=on]").check()
        card.get_by_role("button", name="Install").click()
        self.sees(f"Installed: {recipe}")

    def reads_the_run(self, *why: str, steps: list[str]) -> None:
        """Open the newest run: it matched, its page says why, and its steps ended so."""
        self.opens("/admin/automations/run/")
        self.page.locator("#result_list a[href*='/change/']").first.click()
        expect(self.page.locator(".rule-mode[data-mode=matched]")).to_have_text("matched", timeout=SLOW)
        self.sees(*why)
        expect(self.page.locator(".rule-trace-steps .rule-mode")).to_have_text(steps, timeout=SLOW)


class Phone(Person):
    """The patient, on a phone."""

    def touches(self, found: Any) -> None:
        """Tap."""
        found.tap()

    def draws_a_signature(self) -> None:
        """Draw a zigzag with a finger that takes its time: after a hasty one Chromium takes the next tap for a stop."""
        canvas = self.page.locator("canvas")
        canvas.scroll_into_view_if_needed()
        box, finger, began = canvas.bounding_box(), self.page.context.new_cdp_session(self.page), time.time() - 10
        points = [{"x": box["x"] + 30 + 30 * step, "y": box["y"] + (120 if step % 2 else 40)} for step in range(9)]
        kinds = ["touchStart"] + ["touchMove"] * 8 + ["touchEnd"]
        for step, kind in enumerate(kinds):
            event = {"type": kind, "touchPoints": points[step : step + 1], "timestamp": began + step}
            finger.send("Input.dispatchTouchEvent", event)
        drawing = self.page.locator("input[name=drawing]")
        expect(drawing).to_have_value(re.compile("^data:image/png;base64,"), timeout=SLOW)

    def opens_forms(self, mail: str) -> None:
        """Open the link of a mail that asks for forms, and say the day of birth of Maria, who has no other."""
        self.opens(link_in(mail))
        self.writes(Day="2", Month="3", Year="1957")
        self.presses("Open")
        self.sees("Your forms")

    def signs_in(self, story: Any, address: str = "maria@patients.example") -> None:
        """Ask for a link to the portal, and sign in with the one that comes by mail."""
        self.writes(Your_email_address=address)
        self.presses("Send me a link")
        self.sees("Look into your mailbox")
        story.settle()
        assert story.mails()[-1][3] == "North Clinic: your link to sign in"
        self.opens(link_in(story.text_of(-1)))
        self.presses("Sign in")
        self.sees("Hello")


def in_full(moment: datetime) -> str:
    """Write a moment as patients read it."""
    return f"{moment:%A, %B} {moment.day}, {moment.year}, {moment:%I:%M}\u202f{moment:%p}".replace(", 0", ", ")


def at_the_desk(moment: datetime) -> str:
    """Write a moment as the staff read it."""
    return date_format(moment, "DATETIME_FORMAT")


def link_in(text: str) -> str:
    """Return the first link of a mail's text."""
    return next(word for word in text.split() if word.startswith("http"))


class People:
    """Whoever takes part, with a browser from the first time that they are needed on."""

    def __init__(self, browser: Any, address: str, clients: dict[str, Client]) -> None:
        self.browser, self.address, self.clients = browser, address, clients
        self.met: set[tuple[str, str]] = set()
        self._open = ExitStack()

    def close(self) -> None:
        """Close every browser; what went wrong in one fails the test."""
        self._open.close()

    @cached_property
    def admin(self) -> Admin:
        """The clinic's admin."""
        return Admin(self._signed_in("admin"), self.address)

    @cached_property
    def front_desk(self) -> Staff:
        """The front desk."""
        return Staff(self._signed_in("front_desk"), self.address)

    @cached_property
    def specialist(self) -> Staff:
        """The specialist."""
        return Staff(self._signed_in("specialist"), self.address)

    @cached_property
    def phone(self) -> Phone:
        """The patient's phone."""
        return Phone(self._page(**PHONE), self.address)

    @cached_property
    def stranger(self) -> Admin:
        """The admin of another clinic."""
        return Admin(self._signed_in("stranger", listens=False), self.address)

    def pictures(self, journey: str) -> None:
        """Take a picture of what each of them has before their eyes."""
        for who in ("admin", "front_desk", "specialist", "phone", "stranger"):
            if who in self.__dict__:
                picture(self.__dict__[who].page, f"journey-{journey}-{who}", full=False)

    def _signed_in(self, who: str, listens: bool = True) -> Any:
        page = self._page(listens)
        cookie = self.clients[who].cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.address}])
        return page

    def _page(self, listens: bool = True, **options: Any) -> Any:
        page = self._open.enter_context(contextmanager(open_page)(self.browser, **options))
        if listens:
            page.context.expose_binding("met", lambda source, found: self.met.update(map(tuple, found)))
            page.context.add_init_script(MET)
        return page
