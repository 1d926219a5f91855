"""Signing in to the portal, for the tests."""

from __future__ import annotations

from typing import Any

from django.test import Client

from portal.frame import COOKIE
from portal.readers import Reader
from portal.signing_in import begin


def signed_in(patient: Any, contact: Any = None, client: Client | None = None) -> Client:
    """Return a browser in which the patient, or a contact of theirs, is signed in to the portal."""
    _session, secret = begin([Reader(patient, contact)], (contact or patient).email)
    client = client or Client()
    client.cookies[COOKIE] = secret
    return client
