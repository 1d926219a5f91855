"""Migration operations that every app of the house uses."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

from clinic.db import ClinicForeignKey


class ClinicKeys(Operation):
    """Make the database refuse a row that points into another clinic.

    Adds `UNIQUE (clinic_id, id)` to the model's table and, for each of its ClinicForeignKeys (or the `references`
    named), `FOREIGN KEY (clinic_id, x_id) REFERENCES target (clinic_id, id)`. A null key passes, as everywhere in SQL.
    A table whose references may all be null also gets `FOREIGN KEY (clinic_id)`; others have it from their references.
    Tables that point at each other get their unique keys first (`references=[]`), then the rest (`unique=False`).
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, references: list[str] | None = None, unique: bool = True) -> None:
        self.model_name = model_name
        self.references = references
        self.unique = unique

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing in Django's picture: composite keys are the database's own."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Add the constraints."""
        model = to_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        quote = schema_editor.quote_name
        if self.unique:
            name = quote(f"{table}_clinic_id_id")
            schema_editor.execute(f"ALTER TABLE {quote(table)} ADD CONSTRAINT {name} UNIQUE (clinic_id, id)")
            if not any(isinstance(f, ClinicForeignKey) and not f.null for f in model._meta.local_fields):
                schema_editor.execute(
                    f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(f'{table}_clinic_exists')} "
                    f"FOREIGN KEY (clinic_id) REFERENCES {quote(self._clinics(model))} (id)"
                )
        for field in self._fields(model):
            target = field.related_model._meta.db_table
            schema_editor.execute(
                f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(self._name(table, field))} "
                f"FOREIGN KEY (clinic_id, {quote(field.column)}) REFERENCES {quote(target)} (clinic_id, id)"
            )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the constraints."""
        model = from_state.apps.get_model(app_label, self.model_name)
        table = model._meta.db_table
        quote = schema_editor.quote_name
        for field in self._fields(model):
            schema_editor.execute(f"ALTER TABLE {quote(table)} DROP CONSTRAINT {quote(self._name(table, field))}")
        if self.unique:
            name = quote(f"{table}_clinic_id_id")
            schema_editor.execute(f"ALTER TABLE {quote(table)} DROP CONSTRAINT {name} CASCADE")

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Keep the references of {self.model_name} inside its clinic"

    def _fields(self, model: Any) -> list[Any]:
        fields = [f for f in model._meta.local_fields if isinstance(f, ClinicForeignKey)]
        return [f for f in fields if self.references is None or f.name in self.references]

    @staticmethod
    def _clinics(model: Any) -> str:
        table: str = model._meta.get_field("clinic").related_model._meta.db_table
        return table

    @staticmethod
    def _name(table: str, field: Any) -> str:
        return f"{table}_{field.column}_same_clinic"[:63]


class AppendOnly(Operation):
    """Make the database refuse UPDATE, DELETE and TRUNCATE of a table."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing in Django's picture: triggers are the database's own."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Add the triggers."""
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(
            f"CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON {schema_editor.quote_name(table)} "
            "FOR EACH ROW EXECUTE FUNCTION clinic_append_only()"
        )
        schema_editor.execute(
            f"CREATE TRIGGER append_only_table BEFORE TRUNCATE ON {schema_editor.quote_name(table)} "
            "FOR EACH STATEMENT EXECUTE FUNCTION clinic_append_only()"
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop the triggers."""
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        for name in ("append_only_rows", "append_only_table"):
            schema_editor.execute(f"DROP TRIGGER {name} ON {schema_editor.quote_name(table)}")

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Let rows of {self.model_name} be added only"
