"""The form templates: the list, the builder with its preview, publishing, versions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from forms_app import services
from forms_app.models import FormTemplate, FormTemplateVersion
from forms_app.tests.builders import ask, make_template

LIST = reverse("staff:form-templates")
NEW = reverse("staff:form-template-new")
BASE = {"count": "1", "language": "en", "title-en": "Before your visit", "text-en": "Hello"}
SMOKER = {"q0-type": "boolean", "q0-text-en": "Do you smoke?", "q0-required": "on"}


def page(name, template, *more):
    return reverse(f"staff:form-template{name}", args=[template.pk, *more])


@pytest.fixture
def empty(clinic):
    return services.create_template(clinic=clinic, slug="visit", name="Visit", kind="questionnaire")


def test_a_form_is_begun_written_and_published(clinic, as_admin):
    response = as_admin.post(NEW, {"name": "Before the visit", "kind": "questionnaire", "slug": ""})
    template = FormTemplate.objects.get()
    assert (template.slug, template.kind, template.clinic) == ("before-the-visit", "questionnaire", clinic)
    assert response["Location"] == page("-edit", template)
    html = as_admin.get(page("-edit", template)).content.decode()
    assert 'value="Before the visit"' in html

    response = as_admin.post(page("-edit", template), {**BASE, **SMOKER, "action": "publish"})
    assert response["Location"] == page("", template)
    version = FormTemplateVersion.objects.get()
    assert (version.number, version.title, version.text) == (1, "Before your visit", "Hello")
    assert version.questions == [{"id": "do-you-smoke", "type": "boolean", "text": "Do you smoke?", "required": True}]
    assert version.published_by.name == "Ada Admin"


def test_buttons_give_the_page_back_changed_and_keep_nothing(empty, as_admin):
    response = as_admin.post(page("-edit", empty), {**BASE, **SMOKER, "action": "add", "new_type": "scale"})
    assert response.status_code == 200
    html = response.content.decode()
    for text in (
        "Question 1",
        "Question 2",
        'value="do-you-smoke"',
        'name="q1-min"',
        "only if the answer to “Do you smoke?”",
    ):
        assert text in html
    empty.refresh_from_db()
    assert (empty.draft, empty.versions.count()) == ({}, 0)


def test_a_question_follows_an_answer(empty, as_admin):
    following = {
        "count": "2",
        "q1-type": "text",
        "q1-text-en": "Since when?",
        "q1-when": "do-you-smoke",
        "q1-when-op": "is",
        "q1-when-value": "yes",
    }
    as_admin.post(page("-edit", empty), {**BASE, **SMOKER, **following, "action": "publish"})
    assert FormTemplateVersion.objects.get().questions[1]["show_when"] == {
        "question": "do-you-smoke",
        "op": "is",
        "value": True,
    }


def test_a_draft_is_kept_and_gone_on_with(empty, as_admin):
    as_admin.post(page("-edit", empty), {**BASE, **SMOKER, "action": "save"})
    empty.refresh_from_db()
    assert empty.draft["title"] == "Before your visit"
    assert empty.versions.count() == 0
    assert "Do you smoke?" in as_admin.get(page("-edit", empty)).content.decode()
    assert "Go on with the draft" in as_admin.get(page("", empty)).content.decode()


def test_what_is_wrong_is_named_at_the_question_and_nothing_is_published(empty, as_admin):
    response = as_admin.post(page("-edit", empty), {**BASE, "q0-type": "choice", "action": "publish"})
    assert response.status_code == 422
    html = response.content.decode()
    assert "Write a text here." in html
    assert 'id="q0-text-en-error"' in html
    assert not FormTemplateVersion.objects.exists()


def test_with_htmx_an_error_is_swapped_in_and_success_leads_on(empty, as_admin):
    htmx = {"HX-Request": "true"}
    wrong = as_admin.post(page("-edit", empty), {**BASE, "q0-type": "text", "action": "publish"}, headers=htmx)
    assert wrong.status_code == 200
    done = as_admin.post(page("-edit", empty), {**BASE, **SMOKER, "action": "publish"}, headers=htmx)
    assert done["HX-Redirect"] == page("", empty)


def test_the_preview_is_the_patients_page_and_says_what_is_missing(empty, as_admin):
    form = {**BASE, **SMOKER, "count": "2", "q1-type": "choice"}
    response = as_admin.post(page("-preview", empty), form)
    html = response.content.decode()
    for text in ("forms_app/forms.css", "Before your visit", "Do you smoke?", "Question 2 is not complete yet."):
        assert text in html
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert not FormTemplateVersion.objects.exists()


def test_a_preview_draws_no_endless_scale(empty, as_admin):
    form = {**BASE, "q0-type": "scale", "q0-text-en": "Pain", "q0-min": "0", "q0-max": "999999999999"}
    assert "not complete yet" in as_admin.post(page("-preview", empty), form).content.decode()


def test_the_preview_speaks_the_language_that_is_asked_for(empty, as_admin):
    form = {
        "count": "1", "language": ["en", "ro"], "title-en": "Visit", "title-ro": "Vizita", "text-en": "", "text-ro": "",
        "q0-type": "boolean", "q0-text-en": "Do you smoke?", "q0-text-ro": "Fumați?", "preview_language": "ro",
    }  # fmt: skip
    html = as_admin.post(page("-preview", empty), form).content.decode()
    assert "Vizita" in html
    assert "Fumați?" in html
    assert "Do you smoke?" not in html


def test_versions_are_listed_and_each_is_shown_as_patients_saw_it(clinic, as_front_desk, as_admin):
    template = make_template(clinic)
    as_admin.post(page("-edit", template), {**BASE, "count": "0", "text-en": "I agree to more.", "action": "publish"})
    html = as_front_desk.get(page("", template)).content.decode()
    assert html.count("asked now") == 1
    first = as_front_desk.get(reverse("staff:form-version", args=[template.pk, 1])).content.decode()
    second = as_front_desk.get(reverse("staff:form-version", args=[template.pk, 2])).content.decode()
    assert ("I agree." in first, "I agree to more." in second) == (True, True)
    assert as_front_desk.get(reverse("staff:form-version", args=[template.pk, 9])).status_code == 404


def test_a_form_is_archived_and_used_again(clinic, as_admin):
    template = make_template(clinic)
    as_admin.post(page("-move", template, "archive"))
    template.refresh_from_db()
    assert template.archived_at is not None
    assert "Privacy" not in as_admin.get(LIST).content.decode()
    assert "Privacy" in as_admin.get(LIST, {"archived": "yes"}).content.decode()
    as_admin.post(page("-move", template, "restore"))
    template.refresh_from_db()
    assert template.archived_at is None
    assert as_admin.post(page("-move", template, "drop")).status_code == 404


def test_the_list_says_version_and_what_is_open(clinic, patient, as_front_desk):
    ask(patient, make_template(clinic))
    services.create_template(clinic=clinic, slug="new", name="New one", kind="survey")
    rows = as_front_desk.get(LIST).context["paged"].rows
    assert [(row.slug, row.newest, row.waiting) for row in rows] == [("new", None, 0), ("privacy", 1, 1)]
    assert AuditEntry.objects.filter(action="form_template.listed").count() == 1


def test_an_empty_list_has_one_button(clinic, as_admin, as_front_desk):
    assert as_admin.get(LIST).content.decode().count(f'href="{NEW}"') == 2
    assert NEW not in as_front_desk.get(LIST).content.decode()


def test_list_and_detail_take_as_many_queries_for_many_as_for_one(clinic, patient, as_front_desk):
    def count(address):
        with CaptureQueriesContext(connection) as queries:
            as_front_desk.get(address)
        return len(queries)

    template = make_template(clinic)
    ask(patient, template)
    before = count(LIST), count(page("", template))
    for number in range(4):
        ask(patient, make_template(clinic, f"form-{number}"))
        services.publish_template_version(template, text=f"Wording {number}")
    assert (count(LIST), count(page("", template))) == before


def test_only_admins_write_forms(clinic, as_front_desk, as_specialist):
    template = make_template(clinic)
    for client in (as_front_desk, as_specialist):
        assert client.get(NEW).status_code == 403
        assert client.post(NEW, {"name": "Mine", "kind": "survey"}).status_code == 403
        assert client.get(page("-edit", template)).status_code == 403
        assert client.post(page("-edit", template), {**BASE, **SMOKER, "action": "publish"}).status_code == 403
        assert client.post(page("-preview", template), BASE).status_code == 403
        assert client.post(page("-move", template, "archive")).status_code == 403
    template.refresh_from_db()
    assert (FormTemplate.objects.count(), template.versions.count(), template.archived_at) == (1, 1, None)


def test_a_stranger_finds_nothing_and_changes_nothing(clinic, as_stranger):
    template = make_template(clinic)
    for name in ("", "-edit", "-preview"):
        assert as_stranger.get(page(name, template)).status_code == 404
    assert as_stranger.get(reverse("staff:form-version", args=[template.pk, 1])).status_code == 404
    assert as_stranger.post(page("-edit", template), {**BASE, **SMOKER, "action": "publish"}).status_code == 404
    assert as_stranger.post(page("-move", template, "archive")).status_code == 404
    assert "Privacy" not in as_stranger.get(LIST).content.decode()
    template.refresh_from_db()
    assert (template.versions.count(), template.archived_at) == (1, None)
