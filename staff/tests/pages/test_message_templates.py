"""The pages of message templates: who edits, where a mistake is shown, and how a text reads to a patient."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from appointments.models import Appointment, Service
from clinic.clock import now
from messaging.models import MessageTemplate
from messaging.services import Body, save_template
from messaging.variables import variables
from staff.message_preview import preview
from staff.tests.pages.counting import queries_of

pytestmark = pytest.mark.django_db

HELLO = Body("en", "For {{ patient.given_name }}", "Hello {{ recipient.name }},\n\nsee you.")


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def make(clinic, *bodies, slug="hello", **fields):
    return save_template(clinic=clinic, slug=slug, name=slug.title(), bodies=bodies or [HELLO], **fields)


def typed(*bodies, **fields):
    """Return what the page posts."""
    data = {"name": "Hello", "category": "transactional", "bodies-INITIAL_FORMS": "0", **fields}
    data["bodies-TOTAL_FORMS"] = str(len(bodies))
    for n, body in enumerate(bodies):
        data |= {f"bodies-{n}-{name}": value for name, value in zip(("language", "subject", "text"), body, strict=True)}
    return data


def stored(template):
    return list(template.bodies.order_by("language").values_list("language", "subject", "text"))


def test_the_list_names_languages_and_costs_the_same_whatever_there_is(clinic, as_front_desk):
    make(clinic, HELLO, Body("ro", "Pentru", "Salut"))
    assert "en, ro" in as_front_desk.get(at("message-templates")).content.decode()
    before = queries_of(as_front_desk, at("message-templates"))
    for n in range(4):
        make(clinic, HELLO, Body("ro", "Pentru", "Salut"), slug=f"more-{n}")
    assert queries_of(as_front_desk, at("message-templates")) == before


def test_an_admin_writes_a_template_in_two_languages(clinic, as_admin):
    data = typed(("en", "Hi", "Hello"), ("ro", "Bună", "Salut"), ("", "", ""), slug="")
    assert as_admin.post(at("message-template-new"), data).status_code == 302
    template = MessageTemplate.objects.get()
    assert (template.slug, template.category, template.clinic) == ("hello", "transactional", clinic)
    assert stored(template) == [("en", "Hi", "Hello"), ("ro", "Bună", "Salut")]


def test_a_text_whose_fields_are_emptied_is_removed(clinic, as_admin):
    template = make(clinic, HELLO, Body("ro", "Pentru", "Salut"))
    as_admin.post(at("message-template", template.pk), typed(("en", "Hi", "Hello"), ("", "", "")))
    assert stored(template) == [("en", "Hi", "Hello")]


def test_one_more_language_keeps_what_was_typed(clinic, as_admin):
    response = as_admin.post(at("message-template-new"), typed(("en", "Hi", "{{ broken"), add="1", inside_only="on"))
    formset = response.context["bodies"].formset
    assert [form.initial.get("text") for form in formset] == ["{{ broken", None]
    assert response.context["form"].initial["inside_only"] is True
    assert MessageTemplate.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("Hello\n\n{{ patient.nickname }}, welcome", 3, "“patient.nickname” is no variable."),
        ("Hello\n{% if %}", 2, "line 2"),
        ("Hello\n{{ SENSITIVE }}", 2, "“SENSITIVE” must not stand in an email."),
    ],
)
def test_a_mistake_is_shown_at_its_text_and_its_line(clinic, as_admin, text, line, said):
    sensitive = min(name for name, one in variables.known().items() if one.sensitive)
    text, said = text.replace("SENSITIVE", sensitive), said.replace("SENSITIVE", sensitive)
    template = make(clinic)
    response = as_admin.post(at("message-template", template.pk), typed(("ro", "Salut", "Bine"), ("en", "Hi", text)))
    assert response.status_code == 422
    good, bad = response.context["bodies"].formset
    assert (good.errors, list(bad.errors)) == ({}, ["text"])
    [(number, source, why)] = bad.bad_lines
    assert (number, source) == (line, text.splitlines()[line - 1])
    assert said in why
    assert stored(template) == [("en", HELLO.subject, HELLO.text)]


def test_two_texts_in_one_language_are_refused_at_the_second(clinic, as_admin):
    response = as_admin.post(at("message-template-new"), typed(("en", "Hi", "One"), ("EN", "Hi", "Two")))
    assert [list(form.errors) for form in response.context["bodies"].formset] == [[], ["language"]]


def test_a_slug_that_is_taken_is_refused_at_the_field(clinic, as_admin):
    make(clinic)
    response = as_admin.post(at("message-template-new"), typed(("en", "Hi", "Hello"), slug="hello"))
    assert response.context["form"].errors == {"slug": ["There is a template with this slug already."]}


def test_a_template_is_archived_and_offered_again(clinic, as_admin):
    template = make(clinic)
    as_admin.post(at("message-template-archive", template.pk))
    assert MessageTemplate.objects.get().archived_at is not None
    as_admin.post(at("message-template-archive", template.pk), {"restore": "1"})
    assert MessageTemplate.objects.get().archived_at is None


# --- how it reads ---


def test_without_a_patient_the_preview_has_example_values(clinic):
    found = preview(clinic, "en", HELLO.subject, HELLO.text)
    assert (found.content.subject, found.content.text) == ("For Maria", "Hello Maria,\n\nsee you.\n")
    assert (found.missing, found.unknown) == ((), ())


def test_the_example_signs_as_the_clinic_itself_and_dates_are_in_the_texts_language(clinic):
    clinic.phone, clinic.address = "+40 21 555 0199", "7 Mill Lane"
    text = "{{ clinic.name }}, {{ clinic.phone }}, {{ clinic.address }}"
    assert preview(clinic, "en", "Hi", text).content.text == f"{clinic.name}, +40 21 555 0199, 7 Mill Lane\n"
    said = {
        language: preview(clinic, language, "Hi", "{{ appointment.starts_at }}; {{ plan.starts_on }}").content.text
        for language in ("en", "ro")
    }
    assert "Monday" in said["en"]
    assert said["ro"] == "luni, 30 noiembrie 2026, 09:00; luni, 30 noiembrie 2026\n"


def test_with_a_patient_it_has_theirs_and_marks_what_is_not_known(clinic, patient):
    text = "{{ patient.age }} {{ patient.city }} {{ appointment.starts_at }} {{ patient.nickname }}"
    found = preview(clinic, "en", "Hi", text, patient)
    assert found.content.text == "69 Iași ⟦appointment.starts_at⟧ ⟦patient.nickname⟧\n"
    assert (found.missing, found.unknown) == (("appointment.starts_at",), ("patient.nickname",))


def test_the_newest_visit_fills_in_what_is_said_of_a_visit(clinic, patient):
    service = Service.objects.create(clinic=clinic, slug="eval", name="Evaluation")
    visit = {"clinic": clinic, "patient": patient, "service": service, "starts_at": now()}
    Appointment.objects.create(location="Room 1", **visit)
    Appointment.objects.create(location="Room 2", **visit)
    assert preview(clinic, "en", "Hi", "{{ appointment.location }}", patient).content.text == "Room 2\n"


def test_a_text_that_cannot_be_made_says_why(clinic):
    found = preview(clinic, "en", "Hi", "one\n{{ patient.")
    assert (found.content, "line 2" in found.error) == (None, True)


def test_typing_shows_the_text_as_the_chosen_patient_reads_it(clinic, patient, as_admin):
    data = typed(("en", HELLO.subject, HELLO.text), preview_q="marin")
    html = as_admin.post(at("message-preview"), data).content.decode()
    assert ("For Maria" in html, "As Maria Marin would read it now." in html) == (True, True)
    for _time in range(2):
        as_admin.post(at("message-preview"), {**data, "preview_patient": patient.pk})
    entry = AuditEntry.objects.get(action="message.previewed")
    assert (entry.patient_id, entry.clinic_id) == (patient.pk, clinic.pk)


def test_the_button_shows_it_without_scripts(clinic, patient, as_admin):
    template = make(clinic)
    data = typed(("en", "Hi", "Dear {{ patient.family_name }}"), preview="1", preview_patient=patient.pk)
    response = as_admin.post(at("message-template", template.pk), data)
    assert (response.status_code, "Dear Marin" in response.content.decode()) == (200, True)
    assert stored(template) == [("en", HELLO.subject, HELLO.text)]


def test_the_mail_is_shown_in_a_frame_with_its_own_policy(clinic, patient, as_admin):
    data = typed(("en", "Hi", "<script>x</script> {{ patient.given_name }}"), preview_patient=patient.pk)
    response = as_admin.post(at("message-preview-html", 0), data)
    html = response.content.decode()
    assert ("&lt;script&gt;x&lt;/script&gt; Maria" in html, "<script" in html) == (True, False)
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    assert "sandbox" in response["Content-Security-Policy"]
    assert as_admin.post(at("message-preview-html", 5), data).status_code == 404


# --- who may ---


def test_others_read_and_save_nothing(clinic, as_front_desk):
    template = make(clinic)
    page = as_front_desk.get(at("message-template", template.pk))
    assert ("For {{ patient.given_name }}" in page.content.decode(), page.status_code) == (True, 200)
    for address in (at("message-template", template.pk), at("message-template-new")):
        assert as_front_desk.post(address, typed(("en", "Hi", "Mine"))).status_code == 403
    assert as_front_desk.post(at("message-template-archive", template.pk)).status_code == 403
    assert (stored(template), MessageTemplate.objects.count()) == ([("en", HELLO.subject, HELLO.text)], 1)
    assert MessageTemplate.objects.get().archived_at is None


def test_a_stranger_finds_nothing(clinic, patient, as_stranger):
    template = make(clinic)
    for name in ("message-template", "message-template-archive"):
        assert as_stranger.post(at(name, template.pk), typed(("en", "Hi", "Mine"))).status_code == 404
    assert as_stranger.get(at("message-template", template.pk)).status_code == 404
    data = typed(("en", "Hi", "{{ patient.given_name }}"), preview_patient=patient.pk, preview_q="Marin")
    assert "As Maria" not in as_stranger.post(at("message-preview"), data).content.decode()
    assert stored(template) == [("en", HELLO.subject, HELLO.text)]
    assert not AuditEntry.objects.filter(action="message.previewed").exists()
