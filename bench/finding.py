"""What finding a patient costs at a clinic with very many, on the staff's page: how long all but a twentieth take."""

from __future__ import annotations

import sys
from datetime import date
from urllib.parse import urlencode

from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Clinic, Membership, User
from bench import world
from bench.reading import p95
from bench.rows import Row
from clinic.bulk import copy_in
from patients.models import Patient

GIVEN = ("Maria", "Ștefan", "Ana", "Andrei", "Ioana", "Mihai", "Elena", "Luminița", "Gheorghe", "Zoë")
FAMILY = ("Țăranu", "Popescu", "Ionescu", "Munteanu", "Brâncoveanu", "Stoica", "Șerban", "Díaz", "Müller", "Okafor")
BATCH = 10_000


def patient_search(patients: int) -> list[Row]:
    """Time the page for common and rare names, beginnings, phones, ids and filters, and for nobody."""
    client = _world(patients)
    slowest: dict[str, float] = {}
    for asked in _questions(patients):
        address = f"{reverse('staff:patients')}?{urlencode(asked)}"
        slowest[address] = p95(client, address)
        print(f"  {slowest[address]:8.1f} ms  {address}", file=sys.stderr, flush=True)
    worst = max(slowest.values())
    return [Row(f"patient_search_{patients}", worst, "ms (goal 100), p95 of the slowest question", None, None)]


def _world(patients: int) -> Client:
    world.empty()
    made = Clinic.objects.create(slug="bench", name="Bench", time_zone="Europe/Bucharest")
    user = User.objects.create_user("desk@bench.example", is_staff=True)
    Membership.objects.create(clinic=made, user=user, role="front_desk", slug="desk", name="Desk")
    for start in range(0, patients, BATCH):
        copy_in(Patient, [_patient(made, n) for n in range(start, min(start + BATCH, patients))])
    world.analyze()
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('patient_searched')")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _patient(made: Clinic, n: int) -> Patient:
    return Patient(
        clinic=made,
        external_id=f"P-{n:06}",
        given_name=GIVEN[n % 10],
        family_name=f"{FAMILY[n // 10 % 10]}-{FAMILY[n // 100 % 10]}",
        birth_date=date(1930 + n % 70, 1 + n % 12, 1 + n % 28),
        phone=f"+40 7{n % 90 + 10} {n // 1000 % 1000:03} {n % 1000:03}",
        email=f"p{n}@x.example",
        tags=["knee"] if n % 50 == 0 else [],
        status="archived" if n % 20 == 0 else "active",
    )


def _questions(patients: int) -> list[dict[str, str]]:
    return [
        {},
        {"page": "20"},
        {"q": "maria"},
        {"q": "stefan taranu"},
        {"q": "okafor muller ana"},
        {"q": "m"},
        {"q": "ma po"},
        {"q": "nobody of this name"},
        {"q": "0722"},
        {"q": "+40 722 012 012"},
        {"q": f"p-{patients // 2:06}"},
        {"q": str(patients // 2)},
        {"tag": "knee"},
        {"q": "elena", "status": "all", "tag": "knee"},
        {"status": "archived"},
    ]
