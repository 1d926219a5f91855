"""What a person sees who meets an error: what happened, in their language, and a way on."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.views.defaults import permission_denied, server_error

pytestmark = pytest.mark.django_db
GONE = "There is no such page here"


def test_an_address_that_is_not_there_leads_back_to_the_first_page(as_admin):
    answer = as_admin.get("/staff/no-such-page/")

    assert answer.status_code == 404
    assert GONE in answer.content.decode()
    assert '<a class="btn btn-primary" href="/">' in answer.content.decode()


def test_a_patient_is_led_back_to_the_portal(client):
    answer = client.get("/portal/no-such-page/")

    assert answer.status_code == 404
    assert '<a class="btn btn-primary" href="/portal/">' in answer.content.decode()


def test_it_speaks_the_readers_language(as_admin):
    answer = as_admin.get("/staff/no-such-page/", headers={"accept-language": "ro"})

    assert "Această pagină nu există aici" in answer.content.decode()


def test_it_says_nothing_of_what_somebody_else_has_there(as_stranger, patient):
    answer = as_stranger.get(f"/staff/patients/{patient.pk}/")

    assert answer.status_code == 404
    assert GONE in answer.content.decode()
    assert patient.family_name not in answer.content.decode()


def test_a_form_from_elsewhere_is_refused_and_says_that_nothing_was_saved():
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post("/accounts/login/", {"login": "ada@north.example", "password": "x"})

    assert answer.status_code == 403
    assert "Nothing was saved" in answer.content.decode()


def test_what_is_not_allowed_names_who_can_say_more(rf: RequestFactory, admin):
    request = rf.get("/staff/settings/")
    request.user = admin.user

    answer = permission_denied(request, PermissionDenied())

    assert answer.status_code == 403
    assert "a clinic's admin can say who may" in answer.content.decode()


def test_a_broken_page_needs_nothing_that_may_be_broken(rf: RequestFactory):
    """Not the database, not the session, no file beside it."""
    answer = server_error(rf.get("/"))

    assert answer.status_code == 500
    assert "It was not your doing" in answer.content.decode()
    assert "<link" not in answer.content.decode()
    assert "<script" not in answer.content.decode()
