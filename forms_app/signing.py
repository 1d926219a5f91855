"""Signing and submitting: who may, what exactly was signed, and corrections. Nothing signed is ever changed."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from clinic.clock import now
from clinic.errors import ClinicError, ImpossibleTransition, Refused
from clinic.text import fold
from forms_app.answers import check_answers
from forms_app.errors import FormInvalid
from forms_app.lifecycle import check_move, locked, may_act
from forms_app.models import FormRequest, FormResponse, FormTemplate, SignatureDrawing
from forms_app.questions import Problem, storable
from forms_app.telling import settled
from forms_app.witnessing import InPerson, circumstances, keep_scan, scan_is_intact, witness
from patients.selectors import under_age

Status = FormRequest.Status
SELF = "self"


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody who may sign: the patient ("self") or a contact, by relation."""

    relation: str
    contact_id: int | None = None


def who_may_sign(request: FormRequest, moment: datetime) -> list[Signer]:
    """List who may sign: the patient, if of age or if it is no consent; contacts, for a consent those with `may_sign`.

    Several contacts in one relation (two parents) are one entry.
    """
    consent = request.template.kind == FormTemplate.Kind.CONSENT
    signers = []
    if not consent or not under_age(request.patient, moment):
        signers.append(Signer(SELF))
    contacts = request.patient.contacts.order_by("pk")
    relations: dict[str, Signer] = {}
    for contact in contacts.filter(may_sign=True) if consent else contacts:
        relations.setdefault(fold(contact.relation).strip(), Signer(contact.relation, contact.pk))
    return signers + list(relations.values())


def sign(
    request: FormRequest,
    *,
    answers: Any,
    signed_by: str,
    relation: str = SELF,
    ip: str | None = None,
    version: int | None = None,
    drawing: bytes | None = None,
    in_person: InPerson | None = None,
    occurred_at: datetime | None = None,
) -> FormRequest:
    """Sign a consent, or submit a questionnaire or survey; signed already, nothing happens.

    `version` is the number that the person read: another one by now is refused (code version_changed). `ip` defaults
    to the actor's. `drawing` is a drawn signature (drawing.clean_png), `in_person` says how it was signed at the clinic
    and who saw it. Raises FormInvalid with every wrong answer, and Refused for who may not sign.
    """
    may_act(request)
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status in FormRequest.FILLED:
            return fresh
        to = Status.SIGNED if fresh.template.kind == FormTemplate.Kind.CONSENT else Status.SUBMITTED
        check_move(fresh, to)
        if version is not None and version != fresh.version.number:
            message = _("This form was changed since you opened it. Please read it again.")
            raise Refused(message, code="version_changed", path="version")
        moment = occurred_at or now()
        response = _write(fresh, answers, signed_by, relation, ip, moment, drawing, in_person)
        fresh.status, fresh.finished_at, fresh.draft_answers = to, moment, {}
        _save(fresh, response, occurred_at)
        audit.record("form.signed" if to == Status.SIGNED else "form.submitted", obj=fresh, detail=_codes(response))
    return fresh


def amend(
    request: FormRequest,
    *,
    answers: Any,
    signed_by: str,
    relation: str = SELF,
    ip: str | None = None,
    occurred_at: datetime | None = None,
) -> FormRequest:
    """Correct what was signed or submitted, as a new number; the earlier one stays. The same again: nothing happens."""
    may_act(request)
    with transaction.atomic():
        fresh = locked(request)
        if fresh.status not in FormRequest.FILLED:
            noun = str(fresh._meta.verbose_name)
            raise ImpossibleTransition(noun, fresh.get_status_display(), str(Status.AMENDED.label))
        newest = fresh.responses.order_by("-number").first()
        clean, problems = check_answers(fresh.version.questions, answers)
        given = (clean, relation, _name(signed_by))
        if newest is not None and not problems and (newest.answers, newest.relation, newest.signed_by) == given:
            return fresh
        moment = occurred_at or now()
        response = _write(fresh, answers, signed_by, relation, ip, moment)
        fresh.status = Status.AMENDED
        _save(fresh, response, occurred_at)
        audit.record("form.amended", obj=fresh, detail=_codes(response))
    return fresh


def _write(
    request: FormRequest,
    answers: Any,
    signed_by: str,
    relation: str,
    ip: str | None,
    moment: datetime,
    drawing: bytes | None = None,
    in_person: InPerson | None = None,
) -> FormResponse:
    clean, problems = check_answers(request.version.questions, answers)
    name = _name(signed_by)
    if not name:
        problems.append(Problem("/signed_by", "required", _("Write your full name.")))
    elif len(name) > 200 or not storable(name):
        problems.append(Problem("/signed_by", "too_long", _("Write your full name in at most 200 characters.")))
    if problems:
        raise FormInvalid(problems)
    response = FormResponse(
        clinic_id=request.clinic_id,
        request=request,
        patient_id=request.patient_id,
        template=request.template,
        version=request.version,
        number=request.response_number + 1,
        answers=clean,
        folded={question: fold(answer) for question, answer in clean.items() if isinstance(answer, str)},
        signed_by=name,
        relation=_relation(request, relation, moment),
        signed_at=moment.astimezone(UTC),
        ip=_address(ip or current().ip),
        drawing_hash="" if drawing is None else hashlib.sha256(drawing).hexdigest(),
    )
    if in_person is not None:
        witness(response, in_person)
    response.content_hash = content_hash(response)
    response.save(force_insert=True)
    if drawing is not None:
        SignatureDrawing(clinic_id=request.clinic_id, response=response, png=drawing).save(force_insert=True)
    if in_person is not None and in_person.scan is not None:
        keep_scan(response, in_person.scan)
    return response


def _save(request: FormRequest, response: FormResponse, occurred_at: datetime | None) -> None:
    request.response_number = response.number
    if occurred_at is not None:
        request.occurred_at_hint = occurred_at  # type: ignore[attr-defined]
    request.save()
    settled([request])


def _relation(request: FormRequest, relation: str, moment: datetime) -> str:
    wanted = fold(str(relation)).strip()
    for signer in who_may_sign(request, moment):
        if fold(signer.relation).strip() == wanted:
            return signer.relation
    if wanted == SELF:
        message = _("This patient is under the age of consent; a contact who may sign has to.")
    else:
        message = _("No contact of this patient with this relation may sign.")
    raise Refused(message, code="may_not_sign", path="relation")


def _name(signed_by: Any) -> str:
    return " ".join(signed_by.split()) if isinstance(signed_by, str) else ""


def _address(ip: str | None) -> str | None:
    if not ip:
        return None
    try:
        return ipaddress.ip_address(ip).compressed
    except ValueError as error:
        raise ClinicError(_("This is not an IP address."), code="ip", path="ip") from error


def _codes(response: FormResponse) -> dict[str, Any]:
    who = "self" if response.relation == SELF else "contact"
    codes = {"version": response.version.number, "number": response.number, "relation": who}
    return codes | circumstances(response)


# --- what was signed ---


def signed_content(response: FormResponse) -> dict[str, Any]:
    """Give all that a signature stands for: the wording, the answers, who, in what relation, when and from where."""
    version = response.version
    content = {
        "form": response.template.slug,
        "version": version.number,
        "title": version.title,
        "text": version.text,
        "questions": version.questions,
        "translations": version.translations,
        "patient": response.patient_id,
        "request": response.request_id,
        "number": response.number,
        "answers": response.answers,
        "signed_by": response.signed_by,
        "relation": response.relation,
        "signed_at": response.signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "ip": response.ip,
    }
    return content | ({"drawing": response.drawing_hash} if response.drawing_hash else {}) | circumstances(response)


def content_hash(response: FormResponse) -> str:
    """Give the SHA-256 of the signed content as canonical JSON (sorted keys, no spaces, UTF-8), in hexadecimal."""
    canonical = json.dumps(signed_content(response), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_intact(response: FormResponse) -> bool:
    """Tell whether what is stored still is what was signed, drawn signature and scan included."""
    if response.drawing_hash:
        drawing = SignatureDrawing.objects.filter(response=response).first()
        if drawing is None or hashlib.sha256(bytes(drawing.png)).hexdigest() != response.drawing_hash:
            return False
    return scan_is_intact(response) and content_hash(response) == response.content_hash
