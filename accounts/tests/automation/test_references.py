"""The staff that rules may name."""

import pytest
from django.apps import apps

from automations.engine.declare import catalog


def named(kind):
    reference = catalog.references[kind]
    rows = apps.get_model(reference.model).objects.filter(**reference.active)
    return sorted(rows.values_list("slug", flat=True))


@pytest.fixture
def staff(admin, specialist, front_desk):
    return admin, specialist, front_desk


def test_a_specialist_is_one_who_works_as_one(staff):
    assert named("specialist") == ["dr-ionescu"]


def test_a_user_is_anybody_who_works_here(staff):
    assert named("user") == ["ada", "dr-ionescu", "felix"]


def test_who_left_cannot_be_chosen(staff):
    for one in staff:
        one.is_active = False
        one.save()

    assert named("specialist") == named("user") == []
