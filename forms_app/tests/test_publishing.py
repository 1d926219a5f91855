"""Templates: versions are written once, and the database keeps them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.actor import Actor, acting_as
from clinic.errors import ClinicError, Refused
from forms_app import services
from forms_app.models import FormTemplate, FormTemplateVersion
from forms_app.tests.builders import QUESTIONS, ask, fill, make_template

pytestmark = pytest.mark.django_db


def test_another_wording_is_another_version_and_the_same_wording_none(clinic):
    template = make_template(clinic, text="First.")
    assert services.publish_template_version(template, text="First.").number == 1
    second = services.publish_template_version(
        template, text="Second.", translations={"ro": {"title": "Confidențialitate", "text": "A doua."}}
    )
    assert (second.number, second.title) == (2, "Privacy")
    assert list(template.versions.values_list("number", "text")) == [(1, "First."), (2, "Second.")]


def test_bad_content_publishes_nothing_and_names_every_place(clinic):
    template = services.create_template(clinic=clinic, slug="pain", name="Pain", kind="survey")
    bad = [{"id": "a", "type": "text", "text": ""}, {"id": "a", "type": "choice", "text": "?"}]
    with pytest.raises(services.FormInvalid) as invalid:
        services.publish_template_version(template, questions=bad, translations={"ro": {"texts": ""}})
    places = ["/questions/0/text", "/questions/1/choices", "/questions/1/id", "/translations/ro"]
    assert [problem.path for problem in invalid.value.problems] == places
    with pytest.raises(services.FormInvalid):
        services.publish_template_version(template, questions=[{"id": "a", "type": "display", "text": "Hi"}])
    assert FormTemplateVersion.objects.count() == 0


def test_a_slug_holds_a_letter_because_numbers_alone_are_ids(clinic):
    for slug, code in (("17", "number"), ("x" * 51, "too_long"), ("Not a slug", "slug")):
        with pytest.raises(ClinicError) as refused:
            services.create_template(clinic=clinic, slug=slug, name="X", kind="consent")
        assert (refused.value.code, refused.value.path) == (code, "slug")
    assert FormTemplate.objects.count() == 0


def test_a_slug_is_taken_once_a_clinic(clinic, other_clinic):
    make_template(clinic)
    make_template(other_clinic)
    with pytest.raises(ClinicError) as taken:
        services.create_template(clinic=clinic, slug="privacy", name="Again", kind="consent")
    assert (taken.value.code, taken.value.path) == ("not_unique", "slug")
    with pytest.raises(ClinicError):
        services.create_template(clinic=clinic, slug="Not a slug", name="X", kind="consent")
    with pytest.raises(ClinicError):
        services.create_template(clinic=clinic, slug="x", name="X", kind="letter")
    assert FormTemplate.objects.count() == 2


def test_only_a_clinic_admin_writes_templates(clinic, admin, front_desk, stranger):
    template = make_template(clinic)
    for member in (front_desk, stranger):
        with acting_as(Actor("user", user_id=member.user_id)):
            for attempt in (
                lambda: services.create_template(clinic=clinic, slug="x", name="X", kind="consent"),
                lambda: services.publish_template_version(template, text="Mine."),
                lambda: services.archive_template(template),
            ):
                with pytest.raises(Refused):
                    attempt()
    assert FormTemplate.objects.get().archived_at is None
    with acting_as(Actor("user", user_id=admin.user_id)):
        assert services.publish_template_version(template, text="Ours.").published_by == admin


@pytest.mark.parametrize("table", ["forms_app_formtemplateversion", "forms_app_formresponse"])
def test_the_database_refuses_to_change_or_remove_what_was_published_or_signed(patient, table):
    fill(ask(patient, make_template(patient.clinic, "pain", "survey", questions=QUESTIONS)))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only_table")
        for statement in (
            f"UPDATE {table} SET created_at = created_at",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(DatabaseError, match="never changed or removed"), transaction.atomic():
                cursor.execute(statement)
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (1,)


def test_a_draft_is_asked_of_nobody_and_publishing_is_the_end_of_it(clinic):
    template = services.create_template(clinic=clinic, slug="pain", name="Pain", kind="survey")
    template = services.save_template_draft(template, questions=QUESTIONS)
    assert template.draft["title"] == "Pain"
    with pytest.raises(Refused, match="Publish a version"):
        services.current_version(template)
    version = services.publish_template_version(template, **template.draft)
    template.refresh_from_db()
    assert (template.draft, version.number, len(version.questions)) == ({}, 1, len(QUESTIONS))


def test_a_bad_draft_is_refused_and_the_one_there_was_stays(clinic):
    template = make_template(clinic, "pain", "survey")
    template = services.save_template_draft(template, title="Kept", questions=QUESTIONS)
    with pytest.raises(services.FormInvalid):
        services.save_template_draft(template, questions=[{"id": "a", "type": "display", "text": "Hi"}])
    template.refresh_from_db()
    assert template.draft["title"] == "Kept"


def test_only_an_admin_drafts(clinic, specialist):
    template = make_template(clinic)
    with acting_as(Actor("user", user_id=specialist.user_id)), pytest.raises(Refused):
        services.save_template_draft(template, text="Ours")
    assert FormTemplate.objects.get().draft == {}


def test_an_external_id_is_one_forms_in_a_clinic(clinic, other_clinic):
    services.create_template(clinic=clinic, slug="a", name="A", kind="survey", external_id="q1")
    services.create_template(clinic=other_clinic, slug="a", name="A", kind="survey", external_id="q1")
    with pytest.raises(ClinicError):
        services.create_template(clinic=clinic, slug="b", name="B", kind="survey", external_id="q1")
    assert FormTemplate.objects.count() == 2
