"""The admin pages of clinics, staff, pauses and the audit trail: rights, scope, and what a refusal leaves behind."""

from urllib.parse import parse_qs

import pytest
from django.urls import reverse

from accounts import services
from accounts.models import AuditEntry, Clinic, Membership, Pause, User
from accounts.selectors import is_paused
from tests.cast import PASSWORD, client_of, make_member, recently_asked

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_admin(as_admin, fresh):
    """A browser where the password was given a moment ago: what lets somebody in asks for it."""
    return fresh(as_admin)


@pytest.fixture
def as_operator(as_operator, fresh):
    """A browser where the password was given a moment ago: what lets somebody in asks for it."""
    return fresh(as_operator)


def listing(name):
    return reverse(f"admin:accounts_{name}_changelist")


def change(row):
    return reverse(f"admin:accounts_{row._meta.model_name}_change", args=[row.pk])


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def clinic_form(clinic, **changed):
    return {
        "name": clinic.name,
        "language": clinic.language,
        "phone": "",
        "address": "",
        "time_zone": clinic.time_zone,
        "week_start": "0",
        "quiet_start": "",
        "quiet_end": "",
        "undo_seconds": "60",
        "age_of_consent": "16",
        "adherence_grace_hours": "12",
        **changed,
    }


# --- clinics ---


def test_an_admin_sees_and_changes_their_own_clinic_only(clinic, other_clinic, as_admin):
    html = as_admin.get(listing("clinic")).content.decode()
    assert "North Clinic" in html
    assert "South Clinic" not in html

    as_admin.post(change(clinic), clinic_form(clinic, name="Northern Light", undo_seconds="5"))
    as_admin.post(change(other_clinic), clinic_form(other_clinic, name="Taken over"))

    clinic.refresh_from_db()
    other_clinic.refresh_from_db()
    assert (clinic.name, clinic.undo_seconds, other_clinic.name) == ("Northern Light", 5, "South Clinic")
    assert actions() == ["clinic.updated"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"quiet_start": "21:00"}, "Give both ends of the quiet hours, or neither."),
        ({"undo_seconds": "900"}, "The undo time is at most 600 seconds."),
        ({"time_zone": "Mars/Base"}, "is not a time zone"),
    ],
)
def test_a_wrong_setting_is_shown_at_its_field(clinic, as_admin, wrong, message):
    response = as_admin.post(change(clinic), clinic_form(clinic, **wrong))

    assert response.status_code == 200
    assert message in response.content.decode()
    clinic.refresh_from_db()
    assert (clinic.quiet_start, clinic.undo_seconds, clinic.time_zone) == (None, 60, "Europe/Bucharest")


def test_only_an_operator_opens_a_clinic(as_admin, as_operator):
    form = clinic_form(Clinic(name="East", language="en", time_zone="Europe/Bucharest"), slug="east")
    add = reverse("admin:accounts_clinic_add")

    assert as_admin.post(add, form).status_code == 403
    assert not Clinic.objects.filter(slug="east").exists()

    assert as_operator.post(add, form).status_code == 302
    assert Clinic.objects.filter(slug="east").exists()


def test_the_slug_stays(clinic, as_admin):
    as_admin.post(change(clinic), clinic_form(clinic, slug="south-pole"))

    clinic.refresh_from_db()
    assert clinic.slug == "north"


def test_a_pause_is_added_for_the_scope_that_was_chosen_and_for_none_without_a_choice(clinic, as_admin, patient):
    add = reverse("admin:accounts_pause_add")
    refused = as_admin.post(add, {"why": "Power cut"})
    assert "This field is required." in refused.content.decode()
    assert not is_paused(clinic)
    assert not Pause.objects.exists()
    as_admin.post(add, {"why": "She asked", "scope": "patient", "target_id": patient.pk})
    assert [(one.scope, one.target_id) for one in Pause.objects.all()] == [("patient", patient.pk)]
    assert not is_paused(clinic)
    for _again in range(2):
        as_admin.post(add, {"why": "Power cut", "scope": "clinic"})
    assert is_paused(clinic)
    assert actions() == ["pause.started"] * 2


@pytest.mark.parametrize(("scope", "target"), [("rule", ""), ("patient", "999999999"), ("clinic", "1"), ("all", "")])
def test_a_pause_of_what_is_not_there_is_refused(as_admin, scope, target):
    page = as_admin.post(reverse("admin:accounts_pause_add"), {"why": "x", "scope": scope, "target_id": target})
    assert page.status_code == 200
    assert not Pause.objects.exists()


def test_pause_all_is_a_button(clinic, as_admin):
    as_admin.post(change(clinic), clinic_form(clinic, accounts_clinic_pause_all="1"))
    assert is_paused(clinic)

    as_admin.post(change(clinic), clinic_form(clinic, accounts_clinic_end_pause_all="1"))
    assert not is_paused(clinic)
    assert actions() == ["pause.started", "pause.ended"]


def test_the_front_desk_has_no_such_button(clinic, as_front_desk):
    response = as_front_desk.post(change(clinic), clinic_form(clinic, accounts_clinic_pause_all="1"))

    assert response.status_code == 403
    assert not is_paused(clinic)


# --- staff ---


def test_an_admin_adds_a_person(clinic, as_admin):
    form = {
        "name": "Dr. Pop",
        "slug": "dr-pop",
        "role": "specialist",
        "email": "pop@north.example",
        "password": "a long enough password",
    }

    assert as_admin.post(reverse("admin:accounts_membership_add"), form).status_code == 302

    member = Membership.objects.get(slug="dr-pop")
    assert (member.clinic, member.role) == (clinic, "specialist")
    assert member.user.check_password("a long enough password")
    assert actions() == ["membership.created"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"slug": "dr-ionescu"}, "already exists"),
        ({"email": ""}, "The email address is their login."),
        ({"password": "123"}, "This password is too short"),
        ({"email": "stan@south.example"}, "Leave the password empty."),
    ],
)
def test_a_wrong_person_is_shown_as_a_form_error(clinic, specialist, stranger, as_admin, wrong, message):
    form = {"name": "N", "slug": "n", "role": "specialist", "email": "n@x.example", "password": PASSWORD + "1", **wrong}

    response = as_admin.post(reverse("admin:accounts_membership_add"), form)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert Membership.objects.count() == 3
    assert User.objects.count() == 3


def test_the_last_admin_stays_and_the_form_says_why(admin, as_admin):
    response = as_admin.post(change(admin), {"name": admin.name, "role": "front_desk", "is_active": "on"})

    assert response.status_code == 200
    assert "This is the clinic&#x27;s last admin." in response.content.decode()
    admin.refresh_from_db()
    assert admin.role == "clinic_admin"


def test_an_admin_reaches_nobody_elsewhere(stranger, as_admin):
    assert "Stan Stranger" not in as_admin.get(listing("membership")).content.decode()

    response = as_admin.post(change(stranger), {"name": "X", "role": "front_desk"})

    assert response.status_code == 302
    stranger.refresh_from_db()
    assert (stranger.name, stranger.role) == ("Stan Stranger", "clinic_admin")


def test_an_admin_of_two_clinics_says_which(clinic, other_clinic, admin):
    Membership.objects.create(clinic=other_clinic, user=admin.user, role="clinic_admin", slug="ada", name="Ada")
    browser = recently_asked(client_of(admin.user))
    form = {"name": "N", "slug": "n", "role": "specialist", "email": "n@x.example", "password": ""}
    add = reverse("admin:accounts_membership_add")

    assert "This field is required." in browser.post(add, form).content.decode()
    assert browser.post(add, {**form, "clinic": other_clinic.pk}).status_code == 302

    assert Membership.objects.get(slug="n").clinic == other_clinic


def test_a_clinic_outside_ones_reach_is_no_choice(clinic, admin, front_desk):
    third = Clinic.objects.create(slug="third", name="Third", time_zone="UTC")
    second = Clinic.objects.create(slug="second", name="Second", time_zone="UTC")
    Membership.objects.create(clinic=second, user=admin.user, role="clinic_admin", slug="ada", name="Ada")
    form = {"name": "N", "slug": "n", "role": "specialist", "email": "n@x.example", "clinic": third.pk}

    response = recently_asked(client_of(admin.user)).post(reverse("admin:accounts_membership_add"), form)

    assert response.status_code == 200
    assert not Membership.objects.filter(slug="n").exists()


# --- pauses ---


def test_a_pause_is_made_seen_and_ended(clinic, as_admin):
    as_admin.post(reverse("admin:accounts_pause_add"), {"scope": "clinic", "why": "Fire drill"})
    pause = Pause.objects.get()
    assert (pause.scope, pause.why, str(pause.created_by)) == ("clinic", "Fire drill", "ada@north.example")

    assert "Fire drill" in as_admin.get(change(pause)).content.decode()
    as_admin.post(change(pause), {"accounts_pause_end_this": "1"})
    assert not is_paused(clinic)


def test_what_a_pause_said_cannot_be_rewritten(clinic, as_admin):
    pause = services.pause(clinic=clinic, scope="clinic", why="Fire drill")

    as_admin.post(change(pause), {"why": "Nothing"})

    pause.refresh_from_db()
    assert pause.why == "Fire drill"


def test_several_pauses_end_at_once_but_none_elsewhere(clinic, other_clinic, patient, as_admin):
    own = services.pause(clinic=clinic, scope="patient", target=patient, why="x")
    foreign = services.pause(clinic=other_clinic, scope="clinic", why="x")

    as_admin.post(listing("pause"), {"action": "end_pauses", "_selected_action": [own.pk, foreign.pk]})

    assert not is_paused(clinic, patient_id=patient.pk)
    assert is_paused(other_clinic)


# --- the audit trail ---


def test_the_audit_trail_shows_who_did_what_here_and_nothing_elsewhere(clinic, other_clinic, admin, as_admin):
    as_admin.post(change(clinic), clinic_form(clinic, name="Northern Light"))
    services.update_clinic(other_clinic, name="Southern Cross")

    html = as_admin.get(listing("auditentry")).content.decode()

    assert html.count("clinic.updated") == 1
    assert "ada@north.example" in html


def test_reading_the_audit_trail_is_recorded(clinic, as_admin):
    as_admin.get(listing("auditentry"))

    assert actions() == ["audit.listed"]


@pytest.mark.parametrize("who", ["as_admin", "as_operator"])
def test_nobody_edits_the_audit_trail(clinic, who, request):
    services.update_clinic(clinic, name="Northern Light")
    entry, browser = AuditEntry.objects.get(), request.getfixturevalue(who)

    assert browser.get(reverse("admin:accounts_auditentry_add")).status_code == 403
    assert browser.post(change(entry), {"action": "x"}).status_code == 403
    assert (
        browser.post(reverse("admin:accounts_auditentry_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403
    )
    browser.post(listing("auditentry"), {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})

    assert AuditEntry.objects.get(pk=entry.pk).action == "clinic.updated"


def test_a_visitor_sees_the_login_page_only(client, clinic):
    for name in ("clinic", "user", "membership", "pause", "auditentry"):
        response = client.get(listing(name), follow=True)
        assert response.request["PATH_INFO"] == "/accounts/login/"
        assert parse_qs(response.request["QUERY_STRING"])["next"] == [listing(name)]


def test_a_person_without_a_role_sees_nothing(clinic, db):
    lonely = User.objects.create_user("lonely@x.example", "lonely@x.example", PASSWORD, is_staff=True)

    assert client_of(lonely).get(listing("clinic")).status_code == 403


def test_a_filter_offers_the_own_clinics_people_only(clinic, other_clinic, as_admin, patient):
    make_member(other_clinic, "specialist", "dr-far", "Dr. Far Away")
    make_member(clinic, "specialist", "dr-near", "Dr. Near By")

    html = as_admin.get(reverse("admin:patients_patient_changelist")).content.decode()

    assert "Dr. Near By" in html
    assert "Dr. Far Away" not in html
