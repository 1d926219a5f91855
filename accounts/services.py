"""What is done to clinics, their staff and their pauses."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.models import Clinic, Membership, Pause, User
from accounts.permissions import EVERYBODY, Role, for_the_platform, is_operator, require, require_operator
from accounts.validation import as_clinic_error, check
from clinic.clock import now
from clinic.errors import ClinicError, Refused

CLINIC_SETTINGS = (
    "name",
    "time_zone",
    "language",
    "phone",
    "address",
    "week_start",
    "quiet_start",
    "quiet_end",
    "closed_weekdays",
    "undo_seconds",
    "age_of_consent",
    "cap_survey_day",
    "cap_survey_week",
    "cap_marketing_day",
    "cap_marketing_week",
    "cap_total_day",
    "cap_total_week",
    "adherence_grace_hours",
    "require_mfa",
)


@transaction.atomic
def create_clinic(*, slug: str, name: str, time_zone: str, **settings: Any) -> Clinic:
    """Open a clinic; it has no quiet hours and no caps until these are set. Raises ClinicError naming a wrong field."""
    require_operator()
    clinic = Clinic(slug=slug, name=name, time_zone=time_zone)
    _set(clinic, settings, CLINIC_SETTINGS)
    check(clinic)
    clinic.save()
    audit.record("clinic.created", obj=clinic)
    return clinic


@transaction.atomic
def update_clinic(clinic: Clinic, **settings: Any) -> Clinic:
    """Change a clinic's settings (CLINIC_SETTINGS); its slug stays."""
    require(clinic, Role.CLINIC_ADMIN)
    stored = Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    changed = _set(stored, settings, CLINIC_SETTINGS)
    if changed:
        check(stored)
        stored.save(update_fields=changed)
        audit.record("clinic.updated", obj=stored, detail={"fields": changed})
    return stored


@transaction.atomic
def add_membership(
    *, clinic: Clinic, role: str, slug: str, name: str, email: str, password: str | None = None
) -> Membership:
    """Let a person work at the clinic; whoever has this email address signs in as before, others become known.

    Who works at another clinic is added by an operator.

    `password` is only for a new person; without it they sign in once an operator or admin has set one.
    """
    require(clinic, Role.CLINIC_ADMIN)
    user = _person(clinic, email, name, password)
    member = Membership(clinic=clinic, user=user, role=role, slug=slug, name=name)
    check(member)
    member.save()
    audit.record("membership.created", obj=member, detail={"role": role})
    return member


def _person(clinic: Clinic, email: str, name: str, password: str | None) -> User:
    try:
        validate_email(email)
    except ValidationError as error:
        raise ClinicError(" ".join(error.messages), path="email") from None
    known = known_person(email)
    if known is not None:
        if password:
            raise ClinicError(
                _("This person signs in already, with a password of their own. Leave the password empty."),
                code="password_exists",
                path="password",
            )
        _check_elsewhere(known, clinic)
        if not known.is_staff:
            known.is_staff = True
            known.save(update_fields=["is_staff"])
        return known
    return new_login(email, name, password)


def known_person(email: str) -> User | None:
    """Return who signs in with this address, or is named by it."""
    return User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email)).order_by("pk").first()


def new_login(email: str, name: str, password: str | None) -> User:
    """Make a person known. Raises ClinicError if the password is weak."""
    given, _space, family = name.partition(" ")
    user = User(username=email.lower(), email=email, first_name=given[:150], last_name=family[:150], is_staff=True)
    if password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise ClinicError(as_clinic_error(error).message, code="weak_password", path="password") from None
    user.set_password(password or None)
    user.save()
    return user


def opens_elsewhere(known: User, clinic: Any) -> bool:
    """Tell whether a login opens what the acting admin of `clinic` (or its id) has no say in.

    An operator has a say in everything, and so has an admin of all the clinics concerned.
    """
    if for_the_platform():
        return False
    actor = current()
    admin_at = Membership.objects.filter(user_id=actor.user_id or 0, is_active=True, role=Role.CLINIC_ADMIN)
    elsewhere = Membership.objects.filter(user=known).exclude(clinic=clinic)
    return is_operator(known) or elsewhere.exclude(clinic_id__in=admin_at.values("clinic_id")).exists()


def _check_elsewhere(known: User, clinic: Clinic) -> None:
    """Refuse to draw another clinic's staff into one's own: it changes what they see and who may change their login.

    Nobody there was asked; an invitation asks.
    """
    if opens_elsewhere(known, clinic):
        raise Refused(
            _("This person signs in elsewhere on the platform already. Ask a platform operator to add them here."),
            code="works_elsewhere",
            path="email",
        )


@transaction.atomic
def update_membership(membership: Membership, **changes: Any) -> Membership:
    """Change a person's name, role or whether they still work here. A clinic keeps an admin."""
    require(membership.clinic_id, Role.CLINIC_ADMIN)
    Clinic.objects.select_for_update(no_key=True).get(
        pk=membership.clinic_id
    )  # "the last admin" is one question a clinic
    stored = Membership.objects.get(pk=membership.pk)
    was_admin = stored.role == Role.CLINIC_ADMIN and stored.is_active
    changed = _set(stored, changes, ("name", "role", "is_active"))
    if changed:
        check(stored)
        stored.save(update_fields=changed)
        if was_admin:
            _keep_an_admin(stored.clinic_id)
        audit.record("membership.updated", obj=stored, detail={"fields": changed, "role": stored.role})
    return stored


def _keep_an_admin(clinic_id: int) -> None:
    admins = Membership.objects.filter(clinic_id=clinic_id, role=Role.CLINIC_ADMIN, is_active=True)
    if not admins.exists():
        raise Refused(_("This is the clinic's last admin. Name another one first."), code="last_admin")


def _set(obj: Any, values: dict[str, Any], allowed: tuple[str, ...]) -> list[str]:
    """Set the named values and return the names that differ from before."""
    for name in values:
        if name not in allowed:
            raise ClinicError(_("There is no setting “%(name)s” here.") % {"name": name}, code="unknown", path=name)
    changed = [name for name, value in values.items() if getattr(obj, name) != value]
    for name in changed:
        setattr(obj, name, values[name])
    return sorted(changed)


# --- stop switches ---

TARGETS = {Pause.Scope.RULE: "automations.Rule", Pause.Scope.PATIENT: "patients.Patient"}


@transaction.atomic
def pause(*, clinic: Clinic, scope: str, why: str, target: Any = None) -> Pause:
    """Stop executing and sending for a clinic (`Pause all`), one rule or one patient; matching goes on.

    `target` is the rule or patient, or its id. Paused already: the standing pause is returned and nothing happens.
    """
    require(clinic, *(EVERYBODY if scope == Pause.Scope.PATIENT else (Role.CLINIC_ADMIN,)))
    target_id = _target_id(clinic, scope, target)
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    standing = Pause.objects.filter(clinic=clinic, scope=scope, target_id=target_id, ended_at__isnull=True).first()
    if standing is not None:
        return standing
    actor = current()
    row = Pause(clinic=clinic, scope=scope, target_id=target_id, why=why.strip(), created_by_id=actor.user_id)
    check(row)
    row.save()
    audit.record("pause.started", obj=row, patient_id=_patient_id(row), detail={"scope": scope, "target": target_id})
    return row


def _target_id(clinic: Clinic, scope: str, target: Any) -> int | None:
    if scope not in Pause.Scope.values:
        raise ClinicError(_("Pause a clinic, a rule or a patient."), code="invalid_choice", path="scope")
    if scope == Pause.Scope.CLINIC:
        if target is not None:
            raise ClinicError(_("Pausing the whole clinic takes no target."), code="no_target", path="target")
        return None
    target_id = getattr(target, "pk", target)
    model = apps.get_model(TARGETS[Pause.Scope(scope)])
    if target_id is None or not model._base_manager.filter(clinic=clinic, pk=target_id).exists():
        raise ClinicError(_("There is no such row at this clinic."), code="not_found", path="target")
    return int(target_id)


def _patient_id(row: Pause) -> int | None:
    return row.target_id if row.scope == Pause.Scope.PATIENT else None


@transaction.atomic
def end_pause(row: Pause) -> Pause:
    """Let work go on. Ended already: nothing happens."""
    require(row.clinic_id, *(EVERYBODY if row.scope == Pause.Scope.PATIENT else (Role.CLINIC_ADMIN,)))
    stored = Pause.objects.select_for_update(no_key=True).get(pk=row.pk)
    if stored.ended_at is None:
        stored.ended_at = now()
        stored.save(update_fields=["ended_at"])
        detail = {"scope": stored.scope, "target": stored.target_id}
        audit.record("pause.ended", obj=stored, patient_id=_patient_id(stored), detail=detail)
    return stored
