"""Saving templates: what is refused, by name, and who hears of it."""

from __future__ import annotations

import pytest
from django.db.models.signals import post_save

from accounts.actor import Actor, acting_as
from clinic.errors import ClinicError, Refused
from messaging import services
from messaging.models import MessageBody, MessageTemplate
from messaging.purposes import choose_body
from messaging.services import Body
from messaging.variables import Variable, variables

pytestmark = pytest.mark.django_db
HELLO = Body("en", "Hello", "Dear {{ patient.given_name }}")


def save(clinic, *bodies, **changes):
    return services.save_template(**({"clinic": clinic, "slug": "hello", "name": "Hello", "bodies": bodies} | changes))


def test_a_template_is_stored_with_a_text_a_language(clinic):
    template = save(clinic, HELLO, Body("ro", "Salut", "Dragă {{ patient.given_name }}"), category="clinical")
    assert (template.slug, template.category) == ("hello", "clinical")
    assert list(template.bodies.order_by("language").values_list("language", "subject")) == [
        ("en", "Hello"),
        ("ro", "Salut"),
    ]


def test_saving_again_replaces_the_texts_and_keeps_the_row(clinic):
    first = save(clinic, HELLO, Body("ro", "Salut", "Dragă"))
    again = save(clinic, Body("en", "Hello again", "x"))
    assert again.pk == first.pk
    assert list(again.bodies.values_list("language", "subject")) == [("en", "Hello again")]


@pytest.mark.parametrize(
    ("bodies", "code", "path"),
    [
        ([], "required", "bodies"),
        ([HELLO, Body("EN", "x", "y")], "not_unique", "bodies/1/language"),
        ([Body("en", " ", "y")], "required", "bodies/0/subject"),
        ([Body("en", "x" * 201, "y")], "too_long", "bodies/0/subject"),
        ([HELLO, Body("ro", "x", "{{ patient.nickname }}")], "unknown_variable", "bodies/1/text"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place_and_nothing_is_stored(clinic, bodies, code, path):
    with pytest.raises(ClinicError) as caught:
        save(clinic, *bodies)
    assert (caught.value.code, caught.value.path) == (code, path)
    assert MessageTemplate.objects.count() == 0


def test_a_slug_that_is_none_is_refused(clinic):
    with pytest.raises(ClinicError) as caught:
        save(clinic, HELLO, slug="no slug!")
    assert caught.value.path == "slug"


def test_a_sensitive_variable_may_stand_only_inside_the_platform(clinic, monkeypatch):
    known = variables.known() | {"visit.diagnosis": Variable("diagnosis", sensitive=True)}
    monkeypatch.setattr(variables, "known", lambda: known)
    told = Body("en", "Hello", "{{ visit.diagnosis }}")
    with pytest.raises(ClinicError, match=r"visit\.diagnosis"):
        save(clinic, told)
    assert save(clinic, told, inside_only=True).inside_only is True


def test_who_listens_by_the_models_name_finds_the_new_texts_and_may_refuse(clinic):
    save(clinic, HELLO)
    seen = []

    def listen(sender, instance, **_kwargs):
        seen.append(list(instance.bodies.values_list("subject", flat=True)))
        raise ClinicError("A rule needs the old one.", code="in_use")

    post_save.connect(listen, sender="messaging.MessageTemplate")
    try:
        with pytest.raises(ClinicError, match="old one"):
            save(clinic, Body("en", "New", "x"))
    finally:
        post_save.disconnect(listen, sender="messaging.MessageTemplate")
    assert seen == [["New"]]
    assert MessageBody.objects.get().subject == "Hello"


def test_who_may_not_changes_nothing(clinic, specialist):
    with acting_as(Actor("user", user_id=specialist.user_id)), pytest.raises(Refused):
        save(clinic, HELLO)
    assert MessageTemplate.objects.count() == 0


def test_archived_and_offered_again(clinic):
    template = save(clinic, HELLO)
    assert services.archive_template(template).archived_at is not None
    assert services.restore_template(template).archived_at is None


@pytest.mark.parametrize(
    ("languages", "chosen"), [(["ro-RO", "en"], "ro"), (["fr", "en"], "en"), (["fr", "de"], "ar"), (["EN"], "en")]
)
def test_the_readers_language_else_the_clinics_else_any(languages, chosen):
    bodies = [MessageBody(language=one) for one in ("ro", "en", "ar")]
    assert choose_body(bodies, *languages).language == chosen
