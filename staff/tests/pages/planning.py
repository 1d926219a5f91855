"""What the tests of the pages of treatment plans share."""

from django.urls import reverse

from accounts.selectors import local_date
from clinic import clock

EMPTY_ROWS = {"exercises-INITIAL_FORMS": "0"}


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def exercises(*rows):
    """Return the posted rows of exercises, with an empty one at the end."""
    data = {**EMPTY_ROWS, "exercises-TOTAL_FORMS": str(len(rows) + 1)}
    for n, (name, times, how) in enumerate(rows):
        data |= {
            f"exercises-{n}-name": name,
            f"exercises-{n}-sessions_per_week": times,
            f"exercises-{n}-instructions": how,
        }
    return data


def prescribed(plan):
    """Return what the newest version prescribes."""
    newest = plan.versions.order_by("-number").first()
    return list(newest.exercises.order_by("position").values_list("name", "sessions_per_week", "instructions"))


def today(clinic):
    return local_date(clinic, clock.now())
