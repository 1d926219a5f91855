"""What patients may use beyond their own pages: granting it, taking it back, and asking."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts import audit
from accounts.permissions import require
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError
from patients.models import Feature, FeatureGrant, Patient


@transaction.atomic
def grant_access(
    patient: Patient, *, feature: str, until: datetime | None = None, source_step_id: int | None = None
) -> FeatureGrant:
    """Let the patient use a feature until a moment (aware; None: without end), and return the grant in force.

    Granted already, it reaches to the later of both ends: it never stacks and never shortens. Raises ClinicError for
    an unknown feature or an end that has passed.
    """
    require(patient.clinic_id)
    _check(feature)
    lock_patients([patient.pk])
    moment = now()
    if until is not None and until <= moment:
        raise ClinicError(_("This end has passed already."), code="past", path="until")
    standing = FeatureGrant.objects.filter(patient=patient, feature=feature, ended_at=None).first()
    if standing is not None and standing.expires_at is not None and standing.expires_at <= moment:
        standing.ended_at = standing.expires_at
        standing.save()
        standing = None
    if standing is None:
        return _granted(patient, feature, until, source_step_id)
    if standing.expires_at is not None and (until is None or until > standing.expires_at):
        standing.expires_at = until
        standing.caused_by_step_id = source_step_id  # type: ignore[attr-defined]
        standing.save()
        audit.record("access.extended", obj=standing, detail={"feature": feature})
    return standing


def _granted(patient: Patient, feature: str, until: datetime | None, source_step_id: int | None) -> FeatureGrant:
    row = FeatureGrant(clinic_id=patient.clinic_id, patient=patient, feature=feature, expires_at=until)
    row.source_step_id = source_step_id
    row.save()
    audit.record("access.granted", obj=row, detail={"feature": feature})
    return row


@transaction.atomic
def revoke_access(patient: Patient, *, feature: str, source_step_id: int | None = None) -> FeatureGrant | None:
    """Take a feature back and return the grant that ended; None, and nothing happens, if none was in force."""
    require(patient.clinic_id)
    _check(feature)
    lock_patients([patient.pk])
    standing = in_force(now()).filter(patient=patient, feature=feature).first()
    if standing is not None:
        standing.ended_at = now()
        standing.caused_by_step_id = source_step_id  # type: ignore[attr-defined]
        standing.save()
        audit.record("access.revoked", obj=standing, detail={"feature": feature})
    return standing


@transaction.atomic
def revoke_grant(grant: FeatureGrant) -> FeatureGrant:
    """Take back the grant that a person chose. Ended or run out already: nothing happens."""
    require(grant.clinic_id)
    lock_patients([grant.patient_id])
    stored = FeatureGrant.objects.get(pk=grant.pk)
    moment = now()
    if stored.ended_at is None and (stored.expires_at is None or stored.expires_at > moment):
        stored.ended_at = moment
        stored.save()
        audit.record("access.revoked", obj=stored, detail={"feature": stored.feature})
    return stored


def _check(feature: str) -> None:
    if feature not in Feature.values:
        message = _("Choose one of: %(choices)s.") % {"choices": ", ".join(Feature.values)}
        raise ClinicError(message, code="invalid_choice", path="feature")


# --- questions ---


def in_force(moment: Any) -> QuerySet[FeatureGrant]:
    """Return the grants that hold at a moment (aware, or an expression of one)."""
    begun = Q(granted_at__lte=moment)
    open_ended = Q(expires_at__isnull=True) | Q(expires_at__gt=moment)
    return FeatureGrant.objects.filter(begun & open_ended & (Q(ended_at__isnull=True) | Q(ended_at__gt=moment)))


def has_access(patient: Any, feature: str) -> bool:
    """Tell whether the patient may use a feature now."""
    return in_force(now()).filter(patient=patient, feature=feature).exists()


def features_of(patient: Any) -> list[str]:
    """Return what the patient may use now."""
    return list(in_force(now()).filter(patient=patient).order_by("feature").values_list("feature", flat=True))
