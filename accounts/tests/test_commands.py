"""The commands that make what a script needs first."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Clinic, Membership


def run(*words):
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_a_clinic_is_opened(db):
    said = run("clinic", "create", "--slug", "east", "--name", "East Clinic", "--time-zone", "Europe/Bucharest")

    clinic = Clinic.objects.get()
    assert (clinic.slug, clinic.name, clinic.time_zone) == ("east", "East Clinic", "Europe/Bucharest")
    assert said == "Clinic east is open.\n"


@pytest.mark.parametrize(
    ("slug", "zone", "message"),
    [
        ("north", "Europe/Bucharest", "--slug: .*already exists"),
        ("east", "Mars/Base", "--time-zone: “Mars/Base” is not a time zone; use a name such as Europe/Bucharest."),
        ("a b", "Europe/Bucharest", "--slug: Enter a valid “slug”"),
    ],
)
def test_a_wrong_clinic_is_refused_in_words(clinic, slug, zone, message):
    with pytest.raises(CommandError, match=message):
        run("clinic", "create", "--slug", slug, "--name", "East", "--time-zone", zone)

    assert Clinic.objects.count() == 1


def test_a_specialist_is_added(clinic):
    said = run(
        "specialist", "create", "--clinic", "north", "--slug", "dr-pop", "--email", "pop@x.example", "--name", "Dr. Pop"
    )

    member = Membership.objects.get()
    assert (member.clinic, member.role, member.slug, member.user.email) == (
        clinic,
        "specialist",
        "dr-pop",
        "pop@x.example",
    )
    assert said == "Dr. Pop works at north as dr-pop.\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--clinic": "west"}, "--clinic: There is no clinic “west”; there are: north."),
        ({"--slug": "dr-ionescu"}, "--slug: .*already exists"),
        ({"--email": "nobody"}, "--email: Enter a valid email address."),
    ],
)
def test_a_wrong_specialist_is_refused_in_words(specialist, changed, message):
    options = {"--clinic": "north", "--slug": "new", "--email": "new@x.example", "--name": "New", **changed}

    with pytest.raises(CommandError, match=message):
        run("specialist", "create", *[word for pair in options.items() for word in pair])

    assert Membership.objects.count() == 1
