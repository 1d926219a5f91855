"""The generated parts of the specification: every table and declaration, and a page that is old is found."""

from __future__ import annotations

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from automations.engine.declare import catalog
from automations.management import schema_docs
from automations.management.commands import catalog_docs
from clinic.db import ClinicModel


def test_every_table_and_column_of_a_clinic_is_described():
    text = schema_docs.schema()
    for model in apps.get_models():
        if issubclass(model, ClinicModel):
            part = text.partition(f"#### `{model._meta.db_table}`\n")[2].partition("\n####")[0]
            assert part, model
            assert [
                name for name in (f.column for f in model._meta.concrete_fields) if f"| `{name}` |" not in part
            ] == []


def test_a_column_says_its_type_and_where_it_points():
    text = schema_docs.schema()
    assert "| `trigger` | varchar(60) | - | - |" in text
    assert "| `rule_id` | bigint | - | `automations_rule`, of the same clinic |" in text
    assert "| `mode` | varchar(12) | - | `draft`, `on`, `review`, `paused`, `quarantined`, `archived` |" in text
    assert "- unique: `key`" in text
    assert "- index (some rows): `due_at`, `id`" in text


def test_the_tables_of_the_framework_are_left_out():
    assert "django_session" not in schema_docs.schema()


def test_every_declaration_is_listed_with_its_example():
    text = schema_docs.wire()
    for table in (catalog.triggers, catalog.facts, catalog.actions):
        assert [key for key in table if f"| `{key}`" not in text] == []
    assert '`{"form": "satisfaction-survey", "due_in_days": 7}`' in text
    assert "`priority`: (low, normal, high, urgent)?" in text


def test_a_page_that_is_old_is_named_and_writing_it_mends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog_docs, "DOCS", tmp_path)
    (tmp_path / "rules.md").write_text("A\n<!-- catalog -->\nold\n<!-- /catalog -->\nB\n")
    (tmp_path / "spec.md").write_text(
        "".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("schema", "operators", "wire"))
    )
    with pytest.raises(CommandError, match=r"rules\.md is out of date. Write it anew: python manage.py catalog_docs"):
        call_command("catalog_docs", "--check")
    call_command("catalog_docs", stdout=StringIO())
    call_command("catalog_docs", "--check")
    text = (tmp_path / "rules.md").read_text()
    assert (text.startswith("A\n"), text.endswith("B\n"), "\nold\n" in text) == (True, True, False)


def test_a_page_without_a_place_for_a_list_says_which(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog_docs, "DOCS", tmp_path)
    (tmp_path / "rules.md").write_text("nothing\n")
    with pytest.raises(CommandError, match=r"rules\.md: the page needs the lines <!-- catalog -->"):
        call_command("catalog_docs")
