"""The demo's history: lived through by the engine, up to the present, and gone on with where it was interrupted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from accounts.models import Clinic
from appointments.models import Appointment
from automations.models import Event, Run, Step
from clinic import clock
from clinic.errors import Refused
from messaging.models import Delivery
from messaging.testing.mailserver import MailServer
from patients.models import Patient
from staff import demo
from staff.demo import history, people, walking
from treatments.models import ExerciseSession

pytestmark = pytest.mark.django_db
DAYS = 9
FEWER_DAYS = 4


@pytest.fixture
def mail(settings):
    """A mail server in the place of the demo's mailbox."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "messaging.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


@pytest.fixture
def few(monkeypatch):
    """A demo of fewer people, so that the test does not take long."""
    everybody = [one for one in people.people() if one.number <= 9]
    for module in (demo.people, history, demo.today):
        monkeypatch.setattr(module, "people", lambda: everybody, raising=False)
    return everybody


def test_a_history_is_made_by_the_engine_and_ends_in_the_present(mail, few):
    before = clock.present()
    demo.seed(DAYS)
    assert not clock.is_behind()
    assert clock.now() - before < timedelta(minutes=5)
    clinic = Clinic.objects.get(slug="harbour")
    assert before - clinic.created_at >= timedelta(days=DAYS, minutes=-1)
    assert Appointment.objects.filter(status="completed").count() >= 3
    assert ExerciseSession.objects.count() >= 10
    assert Event.objects.exclude(state="matched").count() == 0
    assert Run.objects.filter(outcome="error").count() == 0
    assert Step.objects.filter(state="failed").count() == 0
    assert Step.objects.filter(state="done").count() >= 25
    assert not Step.objects.filter(state="pending", due_at__lt=before, waiting_for="").exists()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(mail.taken) == Delivery.objects.count()
    assert not Event.objects.filter(occurred_at__gt=F("created_at")).exists()


def test_what_was_interrupted_is_gone_on_with(mail, few, monkeypatch):
    doing, done = walking._do, []

    def interrupted(deeds):
        due = doing(deeds)
        done.append(len(deeds))
        if len(done) == 6:
            raise KeyboardInterrupt
        return due

    monkeypatch.setattr(walking, "_do", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo.seed(FEWER_DAYS)
    assert clock.is_behind()
    monkeypatch.setattr(walking, "_do", doing)
    demo.seed(FEWER_DAYS)
    assert not clock.is_behind()
    assert Patient.objects.count() == 9
    visits = Appointment.objects.filter(series=None).values_list("external_id", flat=True)
    assert len(set(visits)) == len(visits)
    keys = ExerciseSession.objects.values_list("plan_id", "done_at")
    assert len(set(keys)) == len(keys)
    assert Event.objects.exclude(state="matched").count() == 0


def test_there_is_no_second_history():
    demo.seed(0)
    demo.seed(DAYS)
    assert Clinic.objects.get(slug="harbour").created_at > clock.now() - timedelta(hours=1)


def test_the_clock_is_set_back_only_while_nothing_is_recorded(clinic, settings):
    with pytest.raises(Refused, match="There are records already"):
        clock.begin_at(clock.now() - timedelta(days=1))
    settings.CLINIC_MODE = "production"
    with pytest.raises(Refused, match="only in the demo"):
        clock.begin_at(clock.now() - timedelta(days=1))
    assert not clock.is_behind()


def test_catching_up_never_sets_a_clock_back():
    clock.advance_by(timedelta(days=3))
    clock.catch_up()
    assert clock.now() - clock.present() > timedelta(days=2)


def test_the_story_is_the_same_each_time(few):
    demo.seed(0)
    first, second = ([deed.at for deed in history.story()] for _ in range(2))
    assert first == second
