"""Answers to forms for proofs: of every type, corrected, withdrawn, and some of them only signed tomorrow."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from automations.engine.text import fold
from forms_app.models import FormRequest, FormResponse

QUESTIONS = ("pain", "goal", "smoker", "since", "places")
GIVEN: dict[str, tuple[Any, ...]] = {
    "pain": (0, 7, 7.5, -1),
    "goal": ("Iași", "IASI", "Straße", "vip", "", "7", "2026-11-24"),
    "smoker": (True, False),
    "since": ("2026-11-24", "1956-02-29", "2026-02-30"),
    "places": (["vip"], ["naïve", "vip"], [], ["a,b"]),
}


def answered(clinic: Any, moments: tuple[datetime, ...], random: Random) -> None:
    """Store responses to the clinic's requests that have been filled at some time."""
    rows = FormRequest.objects.filter(clinic=clinic).exclude(status__in=FormRequest.OPEN).order_by("pk")
    responses = []
    for request in rows:
        for number in range(1, random.choice((1, 1, 2, 3)) + 1):
            answers = {key: random.choice(values) for key, values in GIVEN.items() if random.random() < 0.8}
            responses.append(
                FormResponse(
                    clinic=clinic,
                    request=request,
                    patient_id=request.patient_id,
                    template_id=request.template_id,
                    version_id=request.version_id,
                    number=number,
                    answers=answers,
                    folded={key: fold(value) for key, value in answers.items() if isinstance(value, str)},
                    signed_by="P",
                    relation="self",
                    signed_at=random.choice(moments) + timedelta(hours=random.choice((-25, 0, 25))),
                )
            )
    FormResponse.objects.bulk_create(responses)
