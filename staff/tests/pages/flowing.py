"""What the tests of the pages about rules share."""

from django.urls import reverse

UPCOMING, RUNS, RULES, WHY = (reverse(f"staff:{name}") for name in ("upcoming", "runs", "rules", "why"))
NOW = {"type": "jot", "title": "Now"}
BROKEN = {"type": "jot", "title": "Broken", "fail": "permanent"}
OLD = {"match": "all", "items": [{"field": "patient.age", "op": "gte", "value": 80}]}


def do(step, verb):
    return reverse("staff:step-do", args=[step.pk, verb])


def text(response):
    return response.content.decode()
