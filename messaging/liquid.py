"""Liquid for text that people type: strict, bounded, and unable to reach anything but the values it is given.

Only tags and filters that a letter needs are there. What is missing is missing on purpose: `include` and `render`
load files, `date` reads the clock, and `replace`, `join` or `append` can blow a short text up to gigabytes in one
expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from liquid import BoundTemplate, Environment, Mode, RenderContext, StrictUndefined
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.static_analysis import Variable as Path

from clinic.errors import ClinicError

TAGS = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "#", "echo")
FILTERS = (
    "default",
    "capitalize",
    "downcase",
    "upcase",
    "strip",
    "squish",
    "truncate",
    "truncatewords",
    "plus",
    "minus",
)
INNER = ("content", "output", "illegal")  # plain text, {{ }}, and what is neither
LONGEST_SOURCE = 20_000


class LetterEnvironment(Environment):
    """The limits: 1,000 turns of loops, 50 kB of output, 10 kB of local values, 10 blocks deep."""

    loop_iteration_limit = 1_000
    output_stream_limit = 50_000
    local_namespace_limit = 10_000
    block_nesting_limit = 10
    context_depth_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Keep what a letter needs."""
        super().setup_tags_and_filters(extra=False)
        self.tags = {name: self.tags[name] for name in (*INNER, *TAGS)}
        self.filters = {name: self.filters[name] for name in FILTERS}


ENVIRONMENT = LetterEnvironment(
    tolerance=Mode.STRICT, undefined=StrictUndefined, strict_filters=True, autoescape=False, extra=False
)
NOTHING = ENVIRONMENT.from_string("")


class TextError(Exception):
    """A text cannot be made: the template is wrong, or a value it needs does not exist for this message."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A parsed template and the names of the variables it reads, each as namespace.name."""

    template: BoundTemplate
    names: frozenset[str]

    def render(self, values: Mapping[str, Any]) -> str:
        """Fill in the values. Raises TextError, naming what is missing or which limit was passed."""
        try:
            return self.template.render(**values)
        except (LiquidError, RecursionError, ArithmeticError) as error:
            raise TextError(_explain(error)) from error


def _explain(error: BaseException) -> str:
    """Say in one line what Liquid did not like, and where."""
    message = str(getattr(error, "message", None) or error) or type(error).__name__
    return message.splitlines()[0][:200]


@lru_cache(maxsize=1024)
def parse(source: str) -> Letter:
    """Parse a template. Raises TextError for a mistake in it, with its line."""
    if len(source) > LONGEST_SOURCE:
        raise TextError(
            _("The text has %(length)d characters; at most %(most)d are allowed.")
            % {
                "length": len(source),
                "most": LONGEST_SOURCE,
            }
        )
    if "\x00" in source:
        raise TextError(_("The text holds a character with the code 0, which no message can carry."))
    try:
        template = ENVIRONMENT.from_string(source)
        found = template.analyze(include_partials=False)
    except (LiquidError, RecursionError) as error:
        line = getattr(error, "lineno", None) or _line(error)
        raise TextError(f"{_explain(error)}" + (f" ({_('line')} {line})" if line else "")) from error
    if missing := sorted(found.filters.keys() - set(FILTERS)):  # also where no rendering would come by
        raise TextError(_("There is no filter named %(name)s here.") % {"name": missing[0]})
    if any(isinstance(one, RangeLiteral) for one in _expressions(template.nodes)):
        # `reversed` makes a list of a range before any limit is asked: (1..100000000) takes gigabytes.
        raise TextError(_("Ranges such as (1..3) cannot be used here."))
    names = frozenset(_name(path) for paths in found.globals.values() for path in paths)
    return Letter(template, names)


def _expressions(nodes: Iterable[Node]) -> Iterator[Expression]:
    """Walk every expression of a template."""
    for node in nodes:
        for expression in node.expressions():
            yield from _parts(expression)
        yield from _expressions(node.children(RenderContext(NOTHING), include_partials=False))


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for part in expression.children():
        yield from _parts(part)


def _line(error: BaseException) -> int | None:
    token = getattr(error, "token", None)
    if token is None or not getattr(token, "source", ""):
        return None
    line: int = token.source.count("\n", 0, max(token.start_index, 0)) + 1
    return line


def _name(path: Path) -> str:
    """Return a variable as it is written, whatever its brackets; a computed name stays as it is, known to nobody."""
    return ".".join(part if isinstance(part, str) else f"[{part}]" for part in path.segments)


def checked(source: str, path: str) -> Letter:
    """Parse a template that somebody wants to save. Raises ClinicError at `path`."""
    try:
        return parse(source)
    except TextError as error:
        raise ClinicError(
            _("This is not valid Liquid: %(error)s") % {"error": error}, code="bad_template", path=path
        ) from error
