"""What every verb of this app begins with: the lock and the fresh row."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.selectors import local_date
from clinic import clock
from clinic.db import lock_patients
from patients.models import Patient
from treatments.models import ExerciseSession, TreatmentPlan


def fresh(plan: TreatmentPlan) -> TreatmentPlan:
    """Lock the patient and read the plan anew; the caller's copy may be old. Needs a transaction."""
    lock_patients([plan.patient_id])
    rows = TreatmentPlan.objects.select_related("clinic", "patient", "program", "specialist")
    found: TreatmentPlan = rows.get(pk=plan.pk)
    return found


def fresh_session(session: ExerciseSession) -> ExerciseSession:
    """Lock the patient and read the session anew, with its plan. Needs a transaction."""
    lock_patients([session.patient_id])
    found: ExerciseSession = ExerciseSession.objects.select_related("plan__clinic", "patient").get(pk=session.pk)
    return found


def clinic_day(plan: TreatmentPlan, moment: datetime | None) -> date:
    """Return the clinic's local day of a moment, of now if there is none."""
    return local_date(plan.clinic, moment or clock.now())


def patient_day(patient: Patient, zone_of_clinic: str, moment: datetime) -> date:
    """Return the patient's local day of a moment."""
    return moment.astimezone(ZoneInfo(patient.time_zone or zone_of_clinic)).date()
