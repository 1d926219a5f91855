"""The demo: two clinics, sixty patients, a hundred days that the engine itself has lived through, and visits today.

`seed()` may run as often as one likes: it goes on with a history that was interrupted, adds what is missing, and sees
to it that today always has visits to come. After the history it writes silently, so that nothing is sent before
somebody does something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction

from automations.recipes import install_all
from clinic import clock
from clinic.db import silently
from clinic.errors import Refused
from staff.demo import history, people, rules, today, walking
from staff.demo.people import LOGINS, PASSWORD, machine_zone

__all__ = ["LOGINS", "PASSWORD", "machine_zone", "seed"]
LOCK = 8_242_026

Say = Callable[[str], None]


def seed(days: int = 0, say: Say = lambda text: None) -> None:
    """Add what the demo needs and does not have yet; an empty demo gets a history of that many days.

    Raises Refused in production.
    """
    if settings.CLINIC_MODE not in ("demo", "test"):
        raise Refused("The demo's people have passwords that everybody knows; production is never seeded.")
    with _alone():
        if days and history.may_begin():
            clock.begin_at(clock.present() - timedelta(days=days))
        if clock.is_behind():
            _people(admit=False)
            say("Living through the demo's history (once) …")
            walking.walk(history.story())
        _people(admit=True)
        with transaction.atomic(), silently("demo seed"):
            today.ensure_visits()


@transaction.atomic
def _people(*, admit: bool) -> None:
    """Make clinics and staff, and the patients unless the history will; then switch every recipe on."""
    with silently("demo seed"):
        clinics = people.clinics()
        for person in people.missing(clinics.values()) if admit else ():
            people.admit(clinics[person.clinic], person)
    for clinic in clinics.values():
        install_all(clinic=clinic, mode="on")
    rules.add(clinics["harbour"])


@contextmanager
def _alone() -> Iterator[None]:
    """Keep two seeds from living through one history at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
