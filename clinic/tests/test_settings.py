"""Settings follow the environment, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.servers import broker_url, database

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "CLINIC_MODE": "production",
    "DATABASE_URL": "postgresql://clinic:secret@db.example:6432/clinic?sslmode=verify-full",
    "REDIS_URL": "redis://redis.example:6379/3",
    "SECRET_KEY": "correct-horse-battery-staple-" * 3,
    "ALLOWED_HOSTS": "clinic.example",
    "PUBLIC_URL": "https://clinic.example/",
}
KNOWN = (
    "CLINIC_",
    "TEST_",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_",
    "PYTEST_",
    "PORT",
    "DEBUG",
    "ALLOWED_HOSTS",
)


def read(code: str, local: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` with the settings as `s`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(KNOWN)}
    clean |= {"DJANGO_SETTINGS_MODULE": "clinic.settings", "CLINIC_LOCAL_DIR": str(local)}
    return subprocess.run(
        [sys.executable, "-c", f"import json; from django.conf import settings as s; {code}"],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


def value(expression: str, local: Path, **environment: str) -> object:
    result = read(f"print(json.dumps({expression}))", local, **environment)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_without_any_variable_it_is_a_demo_on_the_embedded_servers(tmp_path):
    assert value("[s.CLINIC_MODE, s.DATABASES['default']['ENGINE'], s.DEBUG, s.PUBLIC_URL]", tmp_path) == [
        "demo",
        "clinic.embedded.backend",
        False,
        "http://127.0.0.1:8000",
    ]


def test_the_generated_key_is_kept_and_only_for_its_owner(tmp_path):
    first, second = value("s.SECRET_KEY", tmp_path), value("s.SECRET_KEY", tmp_path)

    assert first == second
    assert len(str(first)) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_database_url_makes_it_production(tmp_path):
    environment = {name: text for name, text in PRODUCTION.items() if name != "CLINIC_MODE"}

    assert value("[s.CLINIC_MODE, s.DATABASES['default']['HOST']]", tmp_path, **environment) == [
        "production",
        "db.example",
    ]


@pytest.mark.parametrize(
    ("missing", "message"), [("SECRET_KEY", "SECRET_KEY is empty"), ("PUBLIC_URL", "PUBLIC_URL is empty")]
)
def test_production_refuses_to_start_without(tmp_path, missing, message):
    result = read("s.DEBUG", tmp_path, **{name: text for name, text in PRODUCTION.items() if name != missing})

    assert result.returncode == 1
    assert message in result.stderr
    assert not (tmp_path / "secret_key").exists()


def test_an_unknown_mode_is_refused(tmp_path):
    result = read("s.DEBUG", tmp_path, CLINIC_MODE="staging")

    assert result.returncode == 1
    assert "CLINIC_MODE is 'staging'; it must be demo, test or production." in result.stderr


def test_production_keeps_the_clock_and_secures_the_cookies(tmp_path):
    names = [
        "CLOCK_MAY_MOVE",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "DEBUG",
    ]
    expression = f"[getattr(s, name) for name in {names}]"

    assert value(expression, tmp_path, **PRODUCTION) == [False, True, True, True, 31_536_000, False]


def test_djangos_own_deployment_checks_find_nothing_in_production(tmp_path):
    call = "from django.core.management import call_command; call_command('check', deploy=True, fail_level='WARNING')"
    code = f"import django; django.setup(); {call}"
    result = read(code, tmp_path, **PRODUCTION)

    assert result.returncode == 0, result.stderr


def test_any_address_that_libpq_takes_is_a_database_url():
    entry = database(PRODUCTION["DATABASE_URL"], embedded=Path("/unused"), fsync=True, application_name="x")

    assert {name: entry[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "NAME": "clinic",
        "USER": "clinic",
        "PASSWORD": "secret",
        "HOST": "db.example",
        "PORT": "6432",
    }
    assert entry["OPTIONS"] == {"application_name": "x", "sslmode": "verify-full"}
    assert (entry["CONN_MAX_AGE"], entry["CONN_HEALTH_CHECKS"]) == (600, True)


@pytest.mark.parametrize(
    ("redis", "celery"),
    [
        ("redis://host:6379/3", "redis://host:6379/3"),
        ("rediss://:secret@host/0", "rediss://:secret@host/0"),
        ("unix:///run/valkey.sock?db=7", "redis+socket:///run/valkey.sock?virtual_host=7"),
    ],
)
def test_celery_reads_the_same_broker(redis, celery):
    assert broker_url(redis) == celery


def test_every_variable_that_the_settings_read_is_documented():

    text = (ROOT / "clinic" / "settings.py").read_text()
    read_names = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)) | {"DATABASE_URL", "REDIS_URL"}
    documented = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read_names - documented == set()


def test_pages_carry_a_strict_policy_and_the_admin_none(client, as_operator):
    page, admin = client.get("/accounts/login/"), as_operator.get("/admin/")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "Content-Security-Policy" not in admin.headers
    for answer in (page, admin):
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
