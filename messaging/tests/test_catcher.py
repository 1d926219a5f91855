"""The demo's mailbox: real SMTP in, a safe page out."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from email.message import EmailMessage

import pytest
from django.conf import settings as project

from clinic.embedded.process import wait_until
from clinic.testing.workers import environment
from messaging import catcher


@pytest.fixture
def folder(settings, tmp_path):
    settings.MAILCATCHER_DIR = tmp_path / "mail"
    return settings.MAILCATCHER_DIR


def mail(subject="Hello", to="maria@x.example", html="<html><head></head><body><p onclick=x>Hi</p></body></html>"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "clinic@localhost", to, subject
    message["Message-ID"] = "<1@localhost>"
    message.set_content("See https://clinic.example/form/1 <script>")
    message.add_alternative(html, subtype="html")
    message["Content-Language"] = "ar"
    return message


def test_what_is_stored_comes_back_newest_first(folder):
    first, second = catcher.store(mail("One").as_bytes()), catcher.store(mail("Two", to="ion@x.example").as_bytes())
    assert [(one.id, one.subject) for one in catcher.newest(10)] == [(second, "Two"), (first, "One")]
    assert [one.subject for one in catcher.newest(10, to="MARIA@")] == ["One"]
    assert [one.subject for one in catcher.newest(1)] == ["Two"]


def test_the_oldest_go(folder, monkeypatch):
    monkeypatch.setattr(catcher, "KEPT", 2)
    for subject in ("One", "Two", "Three"):
        catcher.store(mail(subject).as_bytes())
    assert [one.subject for one in catcher.newest(10)] == ["Three", "Two"]


@pytest.mark.parametrize("id", ["../settings", "1", "", "0" * 19 + "-" + "0" * 8])
def test_an_id_that_is_none_finds_nothing(folder, id):
    assert catcher.read(id) is None


@pytest.mark.django_db
class TestPages:
    def test_lists_and_shows_a_mail_that_can_run_nothing(self, client, folder):
        assert "No message yet." in client.get("/mail/").content.decode()
        id = catcher.store(mail().as_bytes())
        assert f'href="/mail/{id}/"' in client.get("/mail/").content.decode()
        answer = client.get(f"/mail/{id}/")
        page = answer.content.decode()
        assert '<a href="https://clinic.example/form/1" rel="nofollow">' in page
        assert "&lt;script&gt;" in page
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="&lt;html&gt;' in page
        assert 'dir="rtl"' in page
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "style-src-attr 'unsafe-inline'" in policy

    def test_there_is_no_such_page_in_production(self, client, folder, settings):
        id = catcher.store(mail().as_bytes())
        settings.CLINIC_MODE = "production"
        assert [client.get(url).status_code for url in ("/mail/", f"/mail/{id}/")] == [404, 404]


def test_the_command_keeps_what_arrives_over_smtp_and_stops_when_told(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(project.BASE_DIR / "manage.py"), "catch_mail"],
            env=environment(MAILCATCHER_PORT="0", MAILCATCHER_DIR=str(tmp_path / "mail")),
            stdout=output,
            stderr=output,
        )
    try:
        assert wait_until(lambda: b"Catching mail on" in log.read_bytes(), 30), log.read_text()
        port = int(log.read_text().split("127.0.0.1:")[1].split()[0])
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            smtp.send_message(mail("Over SMTP"))
        assert "Over SMTP" in next((tmp_path / "mail").glob("*.eml")).read_text()
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
