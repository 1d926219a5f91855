"""Clinics, the people who work there, how they and programs get in, what is paused, and the audit trail."""

from accounts.models.access import ApiToken, IdempotencyRecord, Invitation
from accounts.models.people import Clinic, Membership, User, validate_phone, validate_time_zone
from accounts.models.records import AuditEntry, Pause

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Clinic",
    "IdempotencyRecord",
    "Invitation",
    "Membership",
    "Pause",
    "User",
    "validate_phone",
    "validate_time_zone",
]
