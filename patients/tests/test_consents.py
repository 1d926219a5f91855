"""What patients agreed to be sent: saying it, asking it, and the defaults while nobody has said anything."""

from __future__ import annotations

import pytest

from accounts.actor import Actor, acting_as
from accounts.models import AuditEntry
from clinic.errors import ClinicError, Refused
from patients import services
from patients.consents import preferences, unwanted
from patients.models import Consent

pytestmark = pytest.mark.django_db


def said(category, channel, granted):
    return {"category": category, "channel": channel, "granted": granted}


def on_record(patient):
    rows = Consent.objects.filter(patient=patient).order_by("category", "channel")
    return [said(row.category, row.channel, row.granted) for row in rows]


def test_while_nothing_is_said_everything_but_marketing_may_leave(patient):
    allowed = {category for (category, channel), yes in preferences(patient).items() if yes and channel == "email"}
    assert allowed == {"transactional", "clinical", "survey"}
    assert on_record(patient) == []


def test_one_call_notes_what_was_said_and_returns_all_that_is_on_record(patient):
    services.set_consents(patient, [said("marketing", "email", True)])
    rows = services.set_consents(patient, [said("survey", "email", False), said("clinical", "push", True)])

    expected = [said("clinical", "push", True), said("marketing", "email", True), said("survey", "email", False)]
    assert on_record(patient) == expected
    assert [said(row.category, row.channel, row.granted) for row in rows] == expected


def test_the_last_word_counts_and_is_audited_while_saying_it_again_changes_nothing(patient):
    services.set_consents(patient, [said("marketing", "email", True)])
    services.set_consents(patient, [said("marketing", "email", True)])
    services.set_consents(patient, [said("marketing", "email", False)])

    assert on_record(patient) == [said("marketing", "email", False)]
    entries = AuditEntry.objects.order_by("pk").values_list("action", "patient_id", "detail")
    way = {"category": "marketing", "channel": "email"}
    assert list(entries) == [("consent.granted", patient.pk, way), ("consent.withdrawn", patient.pk, way)]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ({"category": "spam", "channel": "email", "granted": True}, "1/category"),
        ({"category": "survey", "channel": "fax", "granted": True}, "1/channel"),
        ({"category": "survey", "channel": "email", "granted": "yes"}, "1/granted"),
        ({"category": "survey", "channel": "email"}, "1/granted"),
        ({"category": "survey", "channel": "email", "granted": True, "since": 1}, "1/since"),
        (said("clinical", "email", True), "1/channel"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_changes(patient, line, path):
    with pytest.raises(ClinicError) as refusal:
        services.set_consents(patient, [said("clinical", "email", False), line])
    assert refusal.value.path == path
    assert on_record(patient) == []


def test_patients_speak_for_themselves_and_strangers_for_nobody(patient, stranger, stranger_patient):
    with acting_as(Actor("patient", patient_id=patient.pk)):
        services.set_consents(patient, [said("survey", "email", False)])
    for actor in (
        Actor("patient", patient_id=stranger_patient.pk),
        Actor("user", user_id=stranger.user_id),
        Actor("anonymous"),
    ):
        with acting_as(actor), pytest.raises(Refused):
            services.set_consents(patient, [said("survey", "email", True)])
    assert on_record(patient) == [said("survey", "email", False)]


def test_a_batch_is_asked_in_one_query(patient, stranger_patient, django_assert_num_queries):
    services.set_consents(patient, [said("survey", "email", False), said("marketing", "push", True)])
    ways = {(pk, c, ch) for pk in (patient.pk, stranger_patient.pk) for c, ch in preferences(patient)}
    with django_assert_num_queries(1):
        found = unwanted(ways)
    mine = {(category, channel) for pk, category, channel in found if pk == patient.pk}
    assert mine == {("survey", "email"), ("marketing", "email"), ("marketing", "in_platform")}
    assert {category for pk, category, _ in found if pk == stranger_patient.pk} == {"marketing"}
