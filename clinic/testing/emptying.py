"""Empty the tables between tests that really commit, in a fraction of what Django's own way takes.

Django truncates every table and makes content types and permissions anew. A test fills a few tables with a few rows:
here those alone are emptied, by deleting, with triggers and foreign keys at rest, and what migrations made is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.commands import flush
from django.db import connection

KEPT = frozenset({"django_content_type", "auth_permission"})
"""What `migrate` makes for every model."""


def empty_quickly() -> None:
    """Let this process empty its test database so. Does nothing where the role may not put triggers to rest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        if not cursor.fetchone()[0]:
            return
    # For every connection: inside a running event loop, as Playwright's, Django opens another one.
    type(connection.ops).sql_flush = _sql_flush  # type: ignore[assignment, method-assign]
    flush.emit_post_migrate_signal = lambda *args, **kwargs: None  # type: ignore[attr-defined]


def _sql_flush(operations: Any, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
    """Return the statements that empty the tables which hold anything."""
    wanted = [f'"{table}"' for table in tables if table not in KEPT]
    asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in wanted)  # noqa: S608 - names of tables
    with operations.connection.cursor() as cursor:
        cursor.execute(asked)
        full = [row[0] for row in cursor.fetchall()]
    emptied = (f"DELETE FROM {table}" for table in full)  # noqa: S608 - the same names
    return ["SET LOCAL session_replication_role = replica", *emptied] if full else []
