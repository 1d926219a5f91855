"""CarePlans and Observations for the tests."""

from __future__ import annotations

from typing import Any


def care_plan(pk: str = "c1", of: str = "Patient/p1", **changes: Any) -> dict[str, Any]:
    """An active CarePlan with two activities, one of them three times a week; None removes an element."""
    exercise = {
        "code": {"text": "Stretching exercises"},
        "scheduledTiming": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "wk"}},
    }
    given = {
        "resourceType": "CarePlan",
        "id": pk,
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"code": "91251008"}], "text": "Physical therapy procedure"}],
        "subject": {"reference": of},
        "period": {"start": "2026-03-02T09:00:00+02:00"},
        "activity": [{"detail": exercise}, {"detail": {"code": {"text": "Rest"}}}],
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def pain(pk: str = "o1", of: str = "Patient/p1", **changes: Any) -> dict[str, Any]:
    """A pain score of 6.5; None removes an element."""
    given = {
        "resourceType": "Observation",
        "id": pk,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]},
        "subject": {"reference": of},
        "effectiveDateTime": "2026-03-02T09:30:00+02:00",
        "valueQuantity": {"value": 6.5, "unit": "{score}"},
    } | changes
    return {key: value for key, value in given.items() if value is not None}
