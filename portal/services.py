"""The verbs of the portal that no other app has."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from clinic import clock
from clinic.db import lock_patients
from patients.models import Patient
from portal.models import Tap
from portal.selectors import Todo
from treatments import services as treatments
from treatments.models import ExerciseSession


@transaction.atomic
def log_once(
    patient: Patient,
    todo: Todo,
    *,
    key: str,
    pain: int,
    note: str = "",
    yesterday: bool = False,
    by_contact: bool = False,
) -> ExerciseSession:
    """Log a session of an exercise, once for each page that was filled in (`key`): sent twice, it stays one."""
    lock_patients([patient.pk])
    known = Tap.objects.filter(patient=patient, key=key).select_related("session").first()
    if known is not None:
        return known.session
    session = treatments.log_session(
        todo.plan,
        done_at=clock.now() - timedelta(days=1) if yesterday else None,
        exercise=todo.exercise,
        pain=pain,
        note=note,
        logged_by=ExerciseSession.By.CONTACT if by_contact else None,
    )
    Tap.objects.create(clinic_id=patient.clinic_id, patient=patient, key=key, session=session)
    return session
