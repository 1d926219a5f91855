"""The migrated database that every test database is copied from, made once for each state of the migrations.

Migrating takes a test process half a minute of a processor, copying a fraction of a second. The template stays in the
tests' own cluster, so a run of a single test begins at once too.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from clinic.embedded import open_lock

PREFIX = "template_clinic_"


def use_template() -> None:
    """Let this process's test database be a copy of the template; on somebody's own server nothing is left behind."""
    if "embedded" not in connection.settings_dict["OPTIONS"]:
        return
    name = PREFIX + _fingerprint()
    descriptor = open_lock(Path(settings.EMBEDDED_DIR), "template")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        if name not in _names():
            _make(name)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    # It is migrated already; without this, Django would read all migrations again to find nothing to do.
    connection.settings_dict["TEST"] |= {"TEMPLATE": name, "MIGRATE": False}


def _fingerprint() -> str:
    """Name the state of all that a migrated database comes from."""
    root = Path(settings.BASE_DIR)
    files = [*root.glob("*/migrations/*.py"), *root.glob("clinic/*.py"), root / "requirements.txt"]
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def _server() -> Any:
    """Return a cursor that is in no database of ours."""
    return connection._nodb_cursor()


def _names() -> list[str]:
    with _server() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        return [row[0] for row in cursor.fetchall()]


def _make(name: str) -> None:
    """Migrate a database, and give it its name when it is whole; what stood for an older state goes."""
    own, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    wanted, test["NAME"] = test["NAME"], f"{name}_new"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    finally:
        test["NAME"] = wanted
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = own
    for old in _names():
        if old != f"{name}_new":
            with _server() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{old}"')
    with _server() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
