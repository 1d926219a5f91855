"""What tests of messages that several share begin with."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from automations.engine.declare import catalog
from forms_app import opening
from forms_app.models import FormTelling, SigningLink
from messaging.models import Delivery
from patients.consents import set_consents
from patients.models import Contact

ACTION = catalog.actions["require_form"]


def run(*steps: Any) -> list[dict[str, Any]]:
    """Carry the steps out together and return their results."""
    with transaction.atomic():
        results = ACTION.perform(steps)
    return [results[step.id] for step in steps]


def two_parents(patient: Any) -> tuple[Contact, Contact]:
    """Make the patient a child whose messages go to two parents."""
    patient.birth_date = date(2015, 1, 1)
    patient.save()
    common = {"clinic": patient.clinic, "patient": patient, "gets_messages": True, "relation": "parent"}
    elena = Contact.objects.create(name="elena", email="elena@x.example", **common)
    return elena, Contact.objects.create(name="ion", email="ion@x.example", **common)


def states() -> list[str]:
    """Return the states of all deliveries, oldest first."""
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def tellers() -> set[int | None]:
    """Return the steps that tell of something, and None if a person does."""
    return set(FormTelling.objects.filter(stopped_at=None).values_list("step_id", flat=True))


def left(delivery: Delivery, state: str = "sent") -> None:
    """Let a delivery have left by now."""
    Delivery.objects.filter(pk=delivery.pk).update(state=state)


def refuse_surveys(patient: Any) -> None:
    """Let the patient say no to surveys."""
    set_consents(patient, [{"category": "survey", "channel": "email", "granted": False}])


def ended() -> tuple[str, str, str]:
    """Return category, state and reason of the only delivery."""
    delivery = Delivery.objects.get()
    return delivery.category, delivery.state, delivery.reason


def link_of(patient: Any, contact: Any = None) -> SigningLink:
    """Return a used link, whose reader may ask for another."""
    mark = opening.address_mark(patient, contact)
    return SigningLink(clinic=patient.clinic, patient=patient, contact=contact, address_mark=mark)
