"""The list of patients, registering and editing them, their contacts, leaving and coming back."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from patients.models import Contact, Patient
from staff.tests.pages.strangers import assert_closed

LIST = reverse("staff:patients")
NEW = reverse("staff:patient-new")


def make(clinic, name="Ana", family="Pop", **fields):
    return Patient.objects.create(clinic=clinic, given_name=name, family_name=family, **fields)


def address(name, row, *more):
    return reverse(f"staff:{name}", args=[row.pk, *more])


def names(response):
    return [row.given_name for row in response.context["paged"].rows]


def typed(patient=None, **fields):
    """Return what the form about a patient posts."""
    known = {
        "given_name": "Maria",
        "family_name": "Marin",
        "birth_date": "1957-03-02",
        "sex": "female",
        "email": "maria@patients.example",
        "phone": "",
        "city": "Iași",
        "language": "en",
        "specialist": "",
        "tags": "",
        "source": "",
        "external_id": "A-17" if patient else "",
        "time_zone": "",
        "read_revision": patient.revision if patient else "",
    }
    return known | fields


# --- the list ---


def test_the_list_shows_those_in_care_by_name_and_keeps_who_read_whom(clinic, patient, as_front_desk):
    ana, gone = make(clinic), make(clinic, "Gone", status="archived")
    make(clinic, "Late", deceased_on=date(2026, 1, 1))

    response = as_front_desk.get(LIST)

    assert names(response) == ["Maria", "Ana"]
    assert address("patient", ana) in response.content.decode()
    assert "Gone" not in response.content.decode()
    entry = AuditEntry.objects.get(action="patient.listed")
    assert entry.detail == {"patients": sorted([patient.pk, ana.pk])}
    assert gone.pk not in entry.detail["patients"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=stefan", ["Ștefan"]),
        ("q=0722 111", ["Ștefan"]),
        ("q=a-17", ["Maria"]),
        ("status=archived", ["Gone"]),
        ("status=deceased", ["Late"]),
        ("status=all", ["Gone", "Late", "Maria", "Ștefan"]),
        ("tag=knee", ["Ștefan"]),
        ("tag=kn", []),
        ("status=nonsense", []),
        ("specialist=999999", []),
    ],
)
def test_the_list_is_searched_and_filtered(clinic, patient, as_front_desk, query, found):
    make(clinic, "Ștefan", "Țăranu", phone="+40 722 111 222", tags=["knee"])
    make(clinic, "Gone", "A", status="archived")
    make(clinic, "Late", "B", deceased_on=date(2026, 1, 1))
    assert names(as_front_desk.get(f"{LIST}?{query}")) == found


def test_the_list_is_filtered_by_specialist(clinic, patient, specialist, as_front_desk):
    make(clinic, specialist=specialist)
    assert names(as_front_desk.get(f"{LIST}?specialist={specialist.pk}")) == ["Ana"]


def test_an_empty_list_offers_the_one_thing_that_helps(clinic, as_front_desk):
    assert "There are no patients yet." in as_front_desk.get(LIST).content.decode()
    make(clinic, "Gone", status="archived")
    html = as_front_desk.get(f"{LIST}?q=gone").content.decode()
    assert 'href="?q=gone&amp;status=all"' in html
    assert "Nobody fits." in as_front_desk.get(f"{LIST}?tag=none").content.decode()


def test_the_list_holds_nobody_of_another_clinic(patient, as_stranger):
    assert names(as_stranger.get(f"{LIST}?status=all&q=maria")) == []


def test_the_list_takes_the_same_queries_for_many_as_for_one(clinic, patient, specialist, as_front_desk):
    def count():
        with CaptureQueriesContext(connection) as seen:
            as_front_desk.get(LIST)
        return len(seen)

    before = count()
    for number in range(5):
        make(clinic, f"P{number}", specialist=specialist, birth_date=date(1980, 1, 1), tags=["a", "b"])
    assert count() == before == 7


# --- registering ---


def test_a_patient_is_registered(clinic, as_front_desk, specialist):
    form = typed(specialist=specialist.pk, tags="knee, vip", email="", external_id="X-1")
    response = as_front_desk.post(NEW, form)

    made = Patient.objects.get()
    assert response["Location"] == address("patient", made)
    assert (made.clinic, str(made), made.birth_date) == (clinic, "Maria Marin", date(1957, 3, 2))
    assert (made.specialist, made.tags, made.external_id) == (specialist, ["knee", "vip"], "X-1")
    assert AuditEntry.objects.filter(action="patient.registered", patient_id=made.pk).count() == 1


@pytest.mark.parametrize(
    "same", [{"email": "other@patients.example"}, {"birth_date": "1990-01-01"}, {"given_name": "MARÍA", "email": ""}]
)
def test_who_may_be_registered_already_is_shown_first_and_registered_when_said_so(patient, as_front_desk, same):
    response = as_front_desk.post(NEW, typed(**same))

    assert response.status_code == 422
    html = response.content.decode()
    assert "Somebody like this is registered already" in html
    assert address("patient", patient) in html
    assert Patient.objects.count() == 1

    as_front_desk.post(NEW, typed(**same) | {"unlike": [patient.pk]})
    assert Patient.objects.count() == 2
    entry = AuditEntry.objects.filter(action="patient.registered").latest("pk")
    assert entry.detail == {"unlike": [patient.pk]}


def test_seeing_one_lookalike_does_not_pass_for_seeing_another(clinic, patient, as_front_desk):
    make(clinic, "Mia", email="maria@patients.example")
    assert as_front_desk.post(NEW, typed(unlike=[patient.pk])).status_code == 422
    assert Patient.objects.count() == 2


def test_a_patient_of_another_clinic_is_nobody_who_looks_alike(patient, other_clinic, as_stranger):
    response = as_stranger.post(NEW, typed())
    assert response.status_code == 302
    assert Patient.objects.for_clinic(other_clinic).count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"given_name": ""}, "This field is required."),
        ({"birth_date": "2999-01-01", "email": ""}, "The date of birth is in the future."),
        (
            {"external_id": "A-17", "birth_date": "", "email": ""},
            "Patient with this Clinic and External id already exists.",
        ),
        ({"time_zone": "Mars/Base", "birth_date": "", "email": ""}, "Mars/Base"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nobody_is_registered(patient, as_front_desk, wrong, said):
    response = as_front_desk.post(NEW, typed(**wrong))
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Patient.objects.count() == 1


# --- editing ---


def test_what_is_known_is_changed_and_only_that_goes_on_record(patient, as_front_desk):
    as_front_desk.post(address("patient-edit", patient), typed(patient, family_name="Ionescu"))

    patient.refresh_from_db()
    assert (patient.family_name, patient.given_name) == ("Ionescu", "Maria")
    entry = AuditEntry.objects.get(action="patient.updated")
    assert (entry.detail, entry.patient_id) == ({"fields": ["family_name"]}, patient.pk)


def test_a_form_that_went_stale_is_refused(patient, as_front_desk):
    stale = typed(patient, family_name="Ionescu")
    patient.city = "Cluj"
    patient.save()

    response = as_front_desk.post(address("patient-edit", patient), stale)

    assert response.status_code == 422
    assert "was changed by somebody else" in response.content.decode()
    patient.refresh_from_db()
    assert patient.family_name == "Marin"


def test_a_specialist_who_left_stays_named_until_somebody_changes_it(patient, specialist, as_admin):
    patient.specialist = specialist
    patient.save()
    specialist.is_active = False
    specialist.save()
    html = as_admin.get(address("patient-edit", patient)).content.decode()
    assert f'<option value="{specialist.pk}" selected>' in html
    form = typed(patient, specialist=specialist.pk, city="Cluj")
    assert as_admin.post(address("patient-edit", patient), form).status_code == 302
    patient.refresh_from_db()
    assert (patient.city, patient.specialist) == ("Cluj", specialist)


# --- contacts ---


def test_contacts_are_added_changed_and_taken_off(patient, as_front_desk):
    page = address("patient-contacts", patient)
    as_front_desk.post(page, {"new-name": "Ion Marin", "new-relation": "son", "new-may_sign": "on"})
    ion = Contact.objects.get()
    assert (ion.patient, ion.relation, ion.may_sign, ion.gets_messages) == (patient, "son", True, False)
    assert "Ion Marin" in as_front_desk.get(page).content.decode()

    pre = f"c{ion.pk}"
    as_front_desk.post(address("contact", ion), {f"{pre}-name": "Ion Marin", f"{pre}-relation": "brother"})
    ion.refresh_from_db()
    assert (ion.relation, ion.may_sign) == ("brother", False)

    as_front_desk.post(address("contact", ion), {"remove": "1"})
    assert not Contact.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="contact.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["contact.added", "contact.updated", "contact.removed"]


def test_a_contact_without_a_name_is_refused_at_the_field(patient, as_front_desk):
    response = as_front_desk.post(address("patient-contacts", patient), {"new-name": "", "new-relation": "son"})
    assert response.status_code == 422
    assert not Contact.objects.exists()


def test_a_contact_that_is_changed_into_nonsense_stays_as_typed_and_as_stored(patient, as_front_desk):
    ion = Contact.objects.create(clinic=patient.clinic, patient=patient, name="Ion", relation="son")
    pre = f"c{ion.pk}"
    response = as_front_desk.post(
        address("contact", ion), {f"{pre}-name": "Ion", f"{pre}-relation": "son", f"{pre}-email": "no address"}
    )
    assert response.status_code == 422
    assert "no address" in response.content.decode()
    ion.refresh_from_db()
    assert ion.email == ""


# --- leaving and coming back ---


@pytest.mark.parametrize(
    ("who", "verb", "status"),
    [
        ("as_admin", "archive", "archived"),
        ("as_front_desk", "archive", "archived"),
        ("as_specialist", "archive", "active"),
        ("as_specialist", "discharge", "discharged"),
        ("as_front_desk", "discharge", "active"),
    ],
)
def test_leaving_takes_the_role_for_it(request, patient, who, verb, status):
    response = request.getfixturevalue(who).post(address("patient-move", patient, verb), follow=True)
    patient.refresh_from_db()
    assert patient.status == status
    assert ("This takes the role" in response.content.decode()) is (status == "active")


def test_a_patient_comes_back(patient, as_front_desk):
    as_front_desk.post(address("patient-move", patient, "archive"))
    as_front_desk.post(address("patient-move", patient, "reactivate"))
    patient.refresh_from_db()
    assert patient.status == "active"
    assert as_front_desk.post(address("patient-move", patient, "eat")).status_code == 404


def test_the_day_of_death_is_noted(patient, as_specialist):
    as_specialist.post(address("patient-deceased", patient), {"on": "nonsense"})
    patient.refresh_from_db()
    assert patient.deceased_on is None
    as_specialist.post(address("patient-deceased", patient), {"on": "2026-01-05"})
    patient.refresh_from_db()
    assert patient.deceased_on == date(2026, 1, 5)


# --- strangers ---


def test_a_stranger_finds_nobody_and_changes_nothing(patient, as_stranger):
    ion = Contact.objects.create(clinic=patient.clinic, patient=patient, name="Ion", relation="son")
    closed = [address("patient-edit", patient), address("patient-contacts", patient)]
    assert_closed(as_stranger, closed)
    closed += [address("patient-move", patient, "archive"), address("patient-deceased", patient)]
    assert_closed(as_stranger, [*closed, address("contact", ion)], "post")
    patient.refresh_from_db()
    assert (patient.status, patient.deceased_on, Contact.objects.count()) == ("active", None, 1)


def test_a_link_changes_nothing(patient, as_admin):
    assert as_admin.get(address("patient-move", patient, "archive")).status_code == 405
