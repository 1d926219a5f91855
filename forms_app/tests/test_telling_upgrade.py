"""Upgrading a database in which a request knew one step that told of it: who tells of what is open is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from automations.models import Step
from clinic import clock
from forms_app import opening, reminding
from forms_app.models import FormRequest, FormTelling
from forms_app.tests.automation.sharing import ACTION, left, link_of, run, states, two_parents
from forms_app.tests.builders import ask, make_template, require_step
from messaging.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = "0006_told_by"


def migrate(name: str | None = None) -> None:
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes("forms_app") if name is None else [("forms_app", name)]
    executor.migrate(targets)


@pytest.fixture
def upgrade() -> Any:
    """Return a function that goes back to the schema before, does something there, and comes back."""

    def there_and_back(what: Callable[[], Any] = lambda: None) -> None:
        migrate(BEFORE)
        what()
        migrate()

    yield there_and_back
    migrate()


def carried_out(*steps: Any) -> list[dict[str, Any]]:
    """Carry out steps one after the other, with their results and ends on record."""
    results = []
    for step in steps:
        [result] = run(step)
        Step.objects.filter(pk=step.id).update(state="done", result=result, not_after=step.not_after)
        results.append(result)
    return results


def withdraw(*steps: Any) -> None:
    with transaction.atomic():
        ACTION.withdraw([step.id for step in steps])


def lines() -> set[tuple[Any, ...]]:
    return set(FormTelling.objects.values_list("request_id", "delivery_id", "step_id", "category", "not_after"))


def test_what_waits_and_what_has_left_is_told_for_the_steps_that_said_so(patient, upgrade):
    for slug, kind in (("privacy", "consent"), ("satisfaction", "survey")):
        make_template(patient.clinic, slug, kind)
    first = require_step(patient, "privacy")
    carried_out(replace(first, not_after=first.now + timedelta(days=1)))
    left(Delivery.objects.get())
    clock.advance_by(timedelta(minutes=5))
    second = require_step(patient, "satisfaction")
    carried_out(second)
    before = lines()
    assert len(before) == 2
    upgrade()
    assert lines() == before
    assert Delivery.objects.latest("pk").on_behalf_of == [second.rule_id]


def test_a_step_that_was_stopped_before_tells_no_more_and_its_heir_takes_the_message_along(patient, upgrade):
    for slug in ("privacy", "other"):
        make_template(patient.clinic, slug)
    end = clock.now() + timedelta(hours=5)
    first, second = (replace(require_step(patient, slug), not_after=end) for slug in ("privacy", "other"))
    carried_out(first, second)
    withdraw(first)

    def as_it_was() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE forms_app_formrequest SET told_by = %s", [second.id])

    upgrade(as_it_was)
    assert set(FormTelling.objects.values_list("step_id", "not_after")) == {(second.id, end)}
    withdraw(second)
    assert states() == ["withdrawn"]


@pytest.mark.parametrize("back", ["0007_telling", BEFORE])
def test_who_was_stopped_stays_so_on_the_way_back_and_forth(patient, back):
    make_template(patient.clinic, "privacy")
    older, younger = require_step(patient, "privacy"), require_step(patient, "privacy")
    carried_out(older, younger)
    withdraw(younger)
    try:
        migrate(back)
    finally:
        migrate()
    assert list(FormTelling.objects.values_list("step_id", flat=True)) == [older.id]
    withdraw(older)
    assert states() == ["withdrawn"]


def test_what_persons_have_sent_stays_theirs_for_every_reader(patient, upgrade):
    make_template(patient.clinic, "other")
    template = make_template(patient.clinic, "privacy")
    two_parents(patient)
    reminding.send_again(ask(patient, template))
    upgrade()
    step = require_step(patient, "other")
    run(step)
    withdraw(step)
    assert states() == ["queued", "queued"]
    assert list(Delivery.objects.values_list("on_behalf_of", flat=True)) == [[], []]


def test_a_link_that_was_asked_for_stays_the_patients(patient, upgrade):
    ask(patient, make_template(patient.clinic, "satisfaction", "survey"))
    assert opening.send_again(link_of(patient)) is not None
    FormRequest.objects.update(message=None)
    upgrade()
    assert list(FormTelling.objects.values_list("step_id", "category")) == [(None, "transactional")]
