"""Signing in to the portal, for the tests."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils import timezone

from clinic.secrets import digest_of, new_secret
from portal.frame import COOKIE
from portal.models import PatientSession


def signed_in(patient: Any, contact: Any = None, client: Client | None = None) -> Client:
    """Return a browser in which the patient, or a contact of theirs, is signed in to the portal."""
    secret, moment = new_secret(), timezone.now()
    PatientSession.objects.create(
        clinic_id=patient.clinic_id,
        email=(contact or patient).email,
        patient=patient,
        contact=contact,
        digest=digest_of(secret),
        started_at=moment,
        seen_at=moment,
    )
    client = client or Client()
    client.cookies[COOKIE] = secret
    return client
