"""The summary of a visit: a draft, then released for good."""

from __future__ import annotations

import pytest

from appointments import services
from appointments.models import VisitSummary
from appointments.tests.builders import acting, fired_by, make_visit
from clinic.errors import ClinicError, ImpossibleTransition, Refused, StaleRecord

pytestmark = pytest.mark.django_db


def test_a_draft_is_written_anew_and_released_once(patient, specialist):
    visit = make_visit(patient, "completed")
    assert fired_by(lambda: services.write_summary(visit, text="First words.")) == []
    assert fired_by(lambda: services.write_summary(visit, text="Better words.")) == []
    with acting(specialist):
        assert fired_by(lambda: services.release_summary(visit)) == ["appointment.summary_released"]
        assert fired_by(lambda: services.release_summary(visit)) == []
    summary = VisitSummary.objects.get()
    assert (summary.text, summary.status, summary.released_by) == ("Better words.", "released", specialist)
    assert summary.released_at is not None


def test_a_released_summary_stays_as_the_patient_read_it(patient):
    visit = make_visit(patient, "completed")
    services.write_summary(visit, text="As read.")
    services.release_summary(visit)
    with pytest.raises(ImpossibleTransition):
        services.write_summary(visit, text="Other words.")
    assert VisitSummary.objects.get().text == "As read."


def test_two_people_who_write_at_once_do_not_overwrite_each_other(patient):
    visit = make_visit(patient, "completed")
    seen = services.write_summary(visit, text="Draft.")
    services.write_summary(visit, text="From the first.", revision=seen.revision)
    with pytest.raises(StaleRecord):
        services.write_summary(visit, text="From the second.", revision=seen.revision)
    assert VisitSummary.objects.get().text == "From the first."


def test_nothing_is_released_that_was_not_written(patient):
    visit = make_visit(patient, "completed")
    with pytest.raises(ClinicError) as caught:
        services.release_summary(visit)
    assert caught.value.code == "no_summary"


@pytest.mark.parametrize("text", ["", "  \n", "a\0b"])
def test_an_empty_or_broken_text_is_refused(patient, text):
    with pytest.raises(ClinicError):
        services.write_summary(make_visit(patient, "completed"), text=text)
    assert not VisitSummary.objects.exists()


@pytest.mark.parametrize("state", ["cancelled", "no_show", "entered_in_error"])
def test_a_visit_that_never_took_place_has_no_summary(patient, state):
    with pytest.raises(ClinicError):
        services.write_summary(make_visit(patient, state), text="Words.")
    assert not VisitSummary.objects.exists()


@pytest.mark.parametrize("who", ["front_desk", "stranger"])
def test_only_those_who_treat_write_and_release(request, patient, who):
    visit = make_visit(patient, "completed")
    services.write_summary(visit, text="Draft.")
    with acting(request.getfixturevalue(who)):
        with pytest.raises(Refused):
            services.write_summary(visit, text="Other.")
        with pytest.raises(Refused):
            services.release_summary(visit)
    summary = VisitSummary.objects.get()
    assert (summary.text, summary.status) == ("Draft.", "draft")
