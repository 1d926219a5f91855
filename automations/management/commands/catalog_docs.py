"""`manage.py catalog_docs`: write what rules are made of, and the tables, into docs/, from the code itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from automations.engine.declare import Fact, FactType, Param, catalog
from automations.engine.operators import operators_for
from automations.management import schema_docs
from automations.wording import operator_label

DOCS = Path(settings.BASE_DIR) / "docs"
TAKES = {
    "number": "a number",
    "pair": "two numbers",
    "text": "a text",
    "texts": "texts",
    "members": "one or more of the choices",
    "flag": "yes or no",
    "text_or_flag": "a text, or yes or no: its type decides",
    "day": "a date",
    "span": "a span of time",
    "nothing": "nothing",
}


def section() -> str:
    """Return the whole generated part of the page, in English."""
    with translation.override("en"):
        parts = [*_triggers(), *_facts(), *_operators(), *_actions(), *_anchors()]
    return "\n".join(parts)


def operators() -> str:
    """Return the table of operators, in English."""
    with translation.override("en"):
        return "\n".join(_operators())


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", r"\|") for cell in row) + " |"
    yield ""


def _prose(declaration: Any) -> str:
    """Return a declaration's docstring as one paragraph."""
    return " ".join((inspect.getdoc(type(declaration)) or "").split())


def _codes(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "-"


def _params(params: Iterable[Param]) -> str:
    return ", ".join(f"`{one.name}` ({one.label})" for one in params) or "-"


def _triggers() -> Iterator[str]:
    known = [catalog.triggers[key] for key in sorted(catalog.triggers)]
    yield from ("### Triggers", "")
    yield from _table(
        ("key", "name", "fires when", "settings", "stops by default when"),
        ((f"`{t.key}`", t.label, _prose(t), _params(t.params), _codes(t.stop_on)) for t in known if not t.stop_only),
    )
    yield from ("No rule starts from these; they only stop what is planned:", "")
    yield from _table(("key", "name", "what it is"), ((f"`{t.key}`", t.label, _prose(t)) for t in known if t.stop_only))


def _facts() -> Iterator[str]:
    yield from ("### Facts", "")
    facts = sorted(catalog.facts.values(), key=lambda fact: (fact.subject != "patient", fact.key))
    yield from _table(("key", "name", "type", "what it says", "settings"), map(_fact, facts))


def _fact(fact: Fact) -> tuple[Any, ...]:
    notes = [str(fact.doc)]
    if fact.subject != "patient" and fact.triggers:
        notes.append(f"Only with {_codes(fact.triggers)}.")
    elif fact.subject != "patient":
        notes.append(f"Only where the event is about: {str(catalog.subjects[fact.subject].label).lower()}.")
    if fact.change:
        notes.append("Knows its old value when the event changed it.")
    if fact.sensitive:
        notes.append("Sensitive: never in an email.")
    return f"`{fact.key}`", fact.label, fact.type.value, " ".join(notes), _params(fact.params)


def _operators() -> Iterator[str]:
    yield from ("### Operators", "")
    types: dict[tuple[str, str, str, bool], list[str]] = {}
    for kind in FactType:
        for key, op in operators_for(kind.value, change=True).items():
            row = (key, operator_label(kind.value, key), TAKES[op.takes], op.change)
            types.setdefault(row, []).append(kind.value)
    yield from _table(
        ("key", "in words", "for facts of the type", "compares with"),
        (
            (f"`{key}`", words, ", ".join(kinds), takes + (" (only where the old value is known)" if change else ""))
            for (key, words, takes, change), kinds in types.items()
        ),
    )


def _actions() -> Iterator[str]:
    yield from ("### Actions", "")
    for key in sorted(catalog.actions):
        action = catalog.actions[key]
        yield from (f"**{action.label}** (`{key}`). {_prose(action)}", "")
        yield from _table(("parameter", "meaning", "needed", "choices"), map(_param, action.params))


def _param(param: Param) -> tuple[Any, ...]:
    meaning = f"{param.label}. {param.help}".strip() if param.help else str(param.label)
    choices = [f"`{value}`" for value, _label in param.choices]
    if param.reference:
        choices.append(f"a slug ({str(catalog.references[param.reference].label).lower()})")
    needed = "yes" if param.required else "no" if param.default is None else f"no ({_value(param.default)})"
    return f"`{param.name}`", meaning, needed, ", ".join(choices) or "-"


def _value(value: Any) -> str:
    return str(value) if not isinstance(value, bool) else "yes" if value else "no"


def _anchors() -> Iterator[str]:
    yield from ("### Dates that a step can hang on", "")
    rows = ((f"`{one.key}`", one.label) for one in catalog.anchors.values())
    yield from _table(("key", "name"), sorted(rows))


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "rules.md": {"catalog": section},
    "spec.md": {"schema": schema_docs.schema, "operators": operators, "wire": schema_docs.wire},
}
"""The pages with generated parts: by page and name, what writes it between <!-- name --> and <!-- /name -->."""


def replaced(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the page with its generated parts made anew. Raises ValueError if the page has no place for one."""
    for name, write in parts.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = page.partition(begin)
        _old, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page needs the lines {begin} and {end}")
        page = f"{before}{begin}\n{write()}{end}{after}"
    return page


class Command(BaseCommand):
    """Keep the pages true."""

    help = "Write the lists of triggers, facts, operators, actions and tables into docs/rules.md and docs/spec.md."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the wish to look only."""
        parser.add_argument("--check", action="store_true", help="change nothing; fail if a page is out of date")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        """Write the pages, or say which is old."""
        for name, parts in PARTS.items():
            place = DOCS / name
            old = place.read_text(encoding="utf-8")
            try:
                new = replaced(old, parts)
            except ValueError as error:
                raise CommandError(f"{name}: {error}.") from None
            if check and new != old:
                raise CommandError(f"{name} is out of date. Write it anew: python manage.py catalog_docs")
            if not check:
                place.write_text(new, encoding="utf-8")
                self.stdout.write(f"{name}: {'written' if new != old else 'nothing new'}.")
