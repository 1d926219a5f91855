"""A random walk over publishing, editing, visits, forms, consents, segments, plans and time keeps every law."""

from __future__ import annotations

import os
from collections import Counter
from itertools import count
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from clinic.testing import rounds
from messaging.testing.mailserver import MailServer
from tests.walks.abreast import ROUNDS, Walks
from tests.walks.ground import ABREAST, close_clinics, open_clinics

KINDS = ("patient.", "appointment.", "form.", "segment.", "treatment.", "schedule.")
WALKS = int(os.environ.get("WALKS", rounds(ABREAST, 2_000)))
"""How many, of fifty steps and more each: `WALKS=200 make proof ARGS=tests/walks` has less time."""
PARTS = max(1, min(8, WALKS // 80))
"""In so many parts, so that the proof uses every core; each begins with walks that take the simplest step each time."""
SEED = int(os.environ.get("WALK_SEED", "20300101"))
"""Other walks: `WALK_SEED=1 make proof ARGS=tests/walks`; each part begins from a seed of its own."""


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_law_holds_wherever_a_walk_leads(part: int, settings_of_mail: Any, record_property: Any) -> None:
    Walks.hits = Counter()
    open_clinics()
    try:
        for again in count():
            if (missing := WALKS / PARTS - Walks.hits["walks"]) <= 0:
                break  # hypothesis ends some walks before their fiftieth step: others are walked for them
            run_state_machine_as_test(seed(SEED + part + 100 * again)(Walks), settings=_walks(missing))
    finally:
        close_clinics()
    counted = ", ".join(f"{name} {hits}" for name, hits in sorted(Walks.hits.items()))
    record_property("counted", f"walks, seed {SEED + part}: {counted}")
    assert Walks.hits["walks"] >= WALKS / PARTS
    for kind in KINDS:
        assert sum(hits for name, hits in Walks.hits.items() if name.startswith(f"run {kind}")) > 0, kind


def _walks(wanted: float) -> settings:
    return settings(
        max_examples=1 + ceil(wanted / ABREAST),  # the first takes the simplest step each time
        stateful_step_count=ROUNDS,
        deadline=None,
        phases=[Phase.generate],  # to shrink a walk of fifty steps takes hours; it is told as it was
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def settings_of_mail(settings: Any) -> Any:
    """A real SMTP server that takes everything."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server
