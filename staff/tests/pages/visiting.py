"""What the tests of the pages of visits share."""

from datetime import UTC, datetime

from django.urls import reverse

TEN = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)  # Monday, ten o'clock in Bucharest


def day(date="2026-12-07", **asked):
    return reverse("staff:visits"), {"day": date, **asked}


def shown(client, **asked):
    address, query = day(**asked)
    return client.get(address, query).content.decode()


def do(client, visit, verb, **given):
    return client.post(reverse("staff:visit-move", args=[visit.pk, verb]), given, follow=True)
