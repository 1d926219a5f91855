"""Watch the scratch database from inside: every transition is written down in the transaction that makes it.

What a row's log says cannot be painted over by a later update, and with `track_commit_timestamp` the `xmin` of a log
row tells when its transaction committed: that decides what came first, a message or its cancel. Within a transaction
`n` does: a table's rows are not read in the order in which they were written.
"""

from __future__ import annotations

import psycopg

TABLES = """
CREATE TABLE chaos_event (event_id bigint, trigger text, subject_id bigint, revision int, state text);
CREATE TABLE chaos_match (event_id bigint, old text, new text);
CREATE TABLE chaos_step (step_id bigint, old text, new text, n bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE chaos_delivery
    (delivery_id bigint, old text, new text, attempts int, n bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE chaos_attempt (delivery_id bigint, number int, outcome text, answer text);
"""
WATCHERS = {
    "automations_event": (
        """INSERT INTO chaos_event VALUES (NEW.id, NEW.trigger, NEW.subject_id, NEW.revision, NEW.state)""",
        """INSERT INTO chaos_match VALUES (NEW.id, OLD.state, NEW.state)""",
        "NEW.state IS DISTINCT FROM OLD.state",
    ),
    "automations_step": (
        "INSERT INTO chaos_step VALUES (NEW.id, NULL, NEW.state)",
        "INSERT INTO chaos_step VALUES (NEW.id, OLD.state, NEW.state)",
        "NEW.state IS DISTINCT FROM OLD.state OR NEW.finished_at IS DISTINCT FROM OLD.finished_at",
    ),
    "messaging_delivery": (
        "INSERT INTO chaos_delivery VALUES (NEW.id, NULL, NEW.state, NEW.attempts)",
        "INSERT INTO chaos_delivery VALUES (NEW.id, OLD.state, NEW.state, NEW.attempts)",
        "NEW.state IS DISTINCT FROM OLD.state OR NEW.attempts IS DISTINCT FROM OLD.attempts",
    ),
    "messaging_deliveryattempt": (
        "INSERT INTO chaos_attempt VALUES (NEW.delivery_id, NEW.number, NEW.outcome, NEW.answer)",
        "INSERT INTO chaos_attempt VALUES (NEW.delivery_id, NEW.number, NEW.outcome, NEW.answer)",
        "true",
    ),
}


def install(connection: psycopg.Connection) -> None:
    """Make the logs and the triggers that fill them."""
    connection.execute(TABLES)
    for table, (on_insert, on_update, when) in WATCHERS.items():
        connection.execute(
            f"""
            CREATE FUNCTION watch_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'INSERT' THEN {on_insert}; ELSIF {when} THEN {on_update}; END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER chaos AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION watch_{table}();
            """
        )
