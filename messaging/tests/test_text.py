"""Liquid that people type: strict, bounded, checked when it is saved; and the HTML made of it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from clinic.errors import ClinicError
from messaging.liquid import TextError, parse
from messaging.recipients import Recipient
from messaging.text import compose, one_line, render, render_many, validate
from messaging.variables import MessageContext, Variable, Variables

KNOWN = {
    "patient.given_name": Variable("given name", sample="Maria"),
    "appointment.service": Variable("service", sensitive=True),
}


def context(language="en", **patient):
    person = SimpleNamespace(pk=1, given_name="Maria", family_name="Marin", **patient)
    reader = Recipient("patient", "Maria", "m@x.example", language, ZoneInfo("Europe/Bucharest"))
    clinic = SimpleNamespace(name="North Clinic", language="en", time_zone="Europe/Bucharest", phone="", address="")
    return MessageContext(clinic=clinic, patient=person, recipient=reader)


class TestValidate:
    def test_gives_the_variables_that_are_used(self):
        used = validate("Hi", "{{ patient.given_name }}", inside_only=False, known=KNOWN)
        assert used == {"patient.given_name"}

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("{{ patient.nickname }}", "patient.nickname"),
            ("{% if appointment.starts %}soon{% endif %}", "appointment.starts"),
            ("{{ patient }}", "patient"),
            ("{% assign p = patient %}{{ p.given_name }}", "patient"),
            ("{{ patient['given_name'] | default: x.y }}", "x.y"),
            ("{{ patient[patient.given_name] }}", "patient"),
        ],
    )
    def test_refuses_an_unknown_variable_by_name(self, text, name):
        with pytest.raises(ClinicError) as caught:
            validate("Hi", text, inside_only=False, path="bodies/0", known=KNOWN)
        assert (caught.value.code, caught.value.path) == ("unknown_variable", "bodies/0/text")
        assert name in caught.value.message

    def test_refuses_a_sensitive_variable_in_what_may_leave_by_email(self):
        with pytest.raises(ClinicError) as caught:
            validate("{{ appointment.service }}", "x", inside_only=False, known=KNOWN)
        assert (caught.value.code, caught.value.path) == ("sensitive_variable", "subject")
        assert "appointment.service" in caught.value.message

    def test_allows_it_inside_the_platform(self):
        used = validate("{{ appointment.service }}", "x", inside_only=True, known=KNOWN)
        assert used == {"appointment.service"}

    @pytest.mark.parametrize(
        "text",
        [
            "{{ patient.given_name",
            "{% if patient.given_name %}",
            "{% include 'settings' %}",
            "{% render 'settings' %}",
            "{{ patient.given_name | replace: 'a', 'b' }}",
            "{% if false %}{{ patient.given_name | join: 'x' }}{% endif %}",
            "{{ 'now' | date: '%s' }}",
            "{% for i in (1..3) %}x{% endfor %}",
            "x" * 20_001,
            "a\x00b",
        ],
    )
    def test_refuses_what_is_no_letter(self, text):
        with pytest.raises(ClinicError) as caught:
            validate("Hi", text, inside_only=True, known=KNOWN)
        assert caught.value.code == "bad_template"


class TestLimits:
    @pytest.mark.parametrize(
        "text",
        [
            "{% for a in list %}{% for b in list %}x{% endfor %}{% endfor %}",
            "{% for a in list %}" + "y" * 600 + "{% endfor %}",
            "{% assign a = text %}{% assign b = text %}",
            "{% if x %}" * 30 + "{% endif %}" * 30,
            "{% for i in (1..100000000) reversed %}x{% endfor %}",
        ],
    )
    def test_a_text_that_would_grow_without_end_is_stopped_at_once(self, text):
        started = time.monotonic()
        with pytest.raises(TextError):
            parse(text).render({"list": ["x"] * 100, "text": "x" * 9_000, "x": True})
        assert time.monotonic() - started < 1

    def test_a_missing_value_stops_the_text(self):
        with pytest.raises(TextError, match="surname"):
            parse("{{ patient.surname }}").render({"patient": {"given_name": "Maria"}})

    def test_values_are_text_never_templates(self):
        assert parse("{{ patient.name }}").render({"patient": {"name": "{{ 7 }}{% raw %}"}}) == "{{ 7 }}{% raw %}"


class TestHtml:
    def test_is_made_of_the_text_safely(self):
        made = compose(
            subject="Hi",
            text="<script>x</script>\n\nSee https://clinic.example/?a=1&b=2 now",
            language="en",
            clinic_name="N & Co",
        )
        assert "<script>" not in made.html
        assert "<p>&lt;script&gt;x&lt;/script&gt;</p>" in made.html
        assert '<a href="https://clinic.example/?a=1&amp;b=2" rel="nofollow">' in made.html
        assert "N &amp; Co" in made.html

    @pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("he-IL", "rtl"), ("ro", "ltr")])
    def test_carries_language_and_direction(self, language, direction):
        made = compose(subject="Hi", text="x", language=language, clinic_name="N")
        assert f'<html lang="{language}" dir="{direction}">' in made.html

    def test_a_script_as_address_is_no_link(self):
        assert "<a" not in compose(subject="x", text="javascript:alert(1)", language="en", clinic_name="N").html

    def test_a_subject_is_one_line(self):
        assert one_line("Hi\r\nBcc: everybody@x.example\x00") == "Hi Bcc: everybody@x.example"
        assert len(one_line("x" * 900)) == 300


class TestVariables:
    def test_only_what_is_used_is_looked_up_and_once_for_a_batch(self):
        asked = []
        own = Variables()

        def resolve_many(contexts):
            asked.append(len(contexts))
            return [{"name": one.patient.given_name} for one in contexts]

        own.register("a", {"name": Variable("name")}, resolve_many=resolve_many)
        own.register("b", {"name": Variable("name")}, lambda _context: pytest.fail("nobody asked for b"))
        assert own.values({"a.name"}, [context(), context()]) == [{"a": {"name": "Maria"}}] * 2
        assert asked == [2]

    def test_a_namespace_is_registered_once(self):
        own = Variables()
        own.register("a", {}, lambda _context: {})
        with pytest.raises(ValueError, match="registered already"):
            own.register("a", {}, lambda _context: {})

    def test_facts_fill_what_no_app_registered(self):
        own = Variables()
        own.register("patient", {"name": Variable("name")}, lambda one: {"name": one.patient.given_name})
        own.register_facts(
            lambda: {"patient.age": Variable("age"), "patient.name": Variable("never")}, lambda key, value, one: value
        )
        given = MessageContext(
            clinic=None, patient=context().patient, recipient=None, facts={"patient.age": 69, "patient.name": "no"}
        )
        assert own.facts_among({"patient.age", "patient.name"}) == {"patient.age"}
        assert own.values({"patient.age", "patient.name"}, [given]) == [{"patient": {"name": "Maria", "age": 69}}]


def test_render_fills_in_the_registered_variables():
    made = render("Hello {{ patient.given_name }}", "{{ clinic.name }}", context(), "en")
    assert (made.subject, made.text, made.language) == ("Hello Maria", "North Clinic\n", "en")


def test_render_many_names_what_is_missing():
    with pytest.raises(TextError, match="appointment"):
        render_many([("Hi", "{{ appointment.starts_at }}", context())])
