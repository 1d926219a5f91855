"""The variables that a message may use. An app offers its own from `AppConfig.ready`:

register("appointment", {"starts_at": Variable(_("time of the visit"))}, resolve)

and a template says `{{ appointment.starts_at }}`. `resolve` gets a MessageContext and returns a value for each name; a
name that it leaves out does not exist for that message, and the message is then refused rather than sent with a hole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from messaging.times import say_moment

Resolve = Callable[["MessageContext"], Mapping[str, Any]]
ResolveMany = Callable[[Sequence["MessageContext"]], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that a template may use. `sensitive` ones never stand in an email.

    `sample` fills the preview; a function gives it in the language of a tag.
    """

    label: Any
    sensitive: bool = False
    sample: str | Callable[[str], str] = ""

    def example(self, language: str) -> str:
        """Return the sample as a reader of the language reads it, or the label if there is none."""
        found = self.sample(language) if callable(self.sample) else self.sample
        return found or str(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """What a message is about and whom it is for. `recipient` is a messaging.recipients.Recipient.

    `subject_type` and `subject_id` name what the rule's event was about ("appointment", 812), or are empty. `facts` are
    those that were known when the message was queued.
    """

    clinic: Any
    patient: Any
    recipient: Any
    subject_type: str = ""
    subject_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    delivery: Any = None

    @property
    def language(self) -> str:
        """Return the reader's language tag."""
        return self.recipient.language or self.clinic.language

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which this reader is told times."""
        zone: ZoneInfo = self.recipient.zone
        return zone

    def say(self, moment: datetime) -> str:
        """Put a moment into the reader's words; the zone is named when it is not the clinic's."""
        return say_moment(moment, zone=self.zone, clinic_zone=ZoneInfo(self.clinic.time_zone), language=self.language)


@dataclass(frozen=True, slots=True)
class _Namespace:
    names: Mapping[str, Variable]
    resolve_many: ResolveMany
    subject: str = ""


class Variables:
    """The namespaces, and the facts that rules bring along."""

    def __init__(self) -> None:
        self._namespaces: dict[str, _Namespace] = {}
        self._fact_names: Callable[[], Mapping[str, Variable]] = dict
        self._fact_value: Callable[[str, Any, MessageContext], Any] = lambda _key, value, _context: value

    def register(
        self,
        namespace: str,
        names: Mapping[str, Variable],
        resolve: Resolve | None = None,
        *,
        resolve_many: ResolveMany | None = None,
        subject: str = "",
    ) -> None:
        """Offer `namespace.name` for each name; `resolve_many` answers a batch at once, where that saves queries.

        `subject`: only messages about such a thing have them ("appointment").
        Raises ValueError if the namespace is taken, or if neither function is given.
        """
        if namespace in self._namespaces:
            raise ValueError(f"Message variables named {namespace!r} are registered already.")
        if resolve_many is None:
            if resolve is None:
                raise ValueError(f"Nothing says what the variables of {namespace!r} are.")
            one = resolve

            def resolve_many(contexts: Sequence[MessageContext]) -> Sequence[Mapping[str, Any]]:
                return [one(context) for context in contexts]

        self._namespaces[namespace] = _Namespace(dict(names), resolve_many, subject)

    def register_facts(
        self,
        names: Callable[[], Mapping[str, Variable]],
        value: Callable[[str, Any, MessageContext], Any],
    ) -> None:
        """Offer the facts of rules; `names` is asked each time, `value` makes text of a stored fact."""
        self._fact_names, self._fact_value = names, value

    def known(self) -> dict[str, Variable]:
        """Return every variable by its full name. A registered name wins over a fact of the same name."""
        own = {f"{space}.{name}": v for space, one in self._namespaces.items() for name, v in one.names.items()}
        return {**self._fact_names(), **own}

    def facts_among(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that a message takes from the facts it was queued with."""
        return {name for name in names if not self._is_registered(name) and name in self._fact_names()}

    def needs(self, name: str) -> str:
        """Return the kind of thing that a message with this registered variable must be about; "": any, or a fact."""
        return self._namespaces[name.partition(".")[0]].subject if self._is_registered(name) else ""

    def _is_registered(self, name: str) -> bool:
        space, _, leaf = name.partition(".")
        return space in self._namespaces and leaf in self._namespaces[space].names

    def values(self, names: Iterable[str], contexts: Sequence[MessageContext]) -> list[dict[str, dict[str, Any]]]:
        """Return for each context the values of `names`, nested by namespace; nothing else is looked up."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        facts = set()
        for name in names:
            space, _, leaf = name.partition(".")
            if self._is_registered(name):
                wanted[space].add(leaf)
            else:
                facts.add(name)
        answers: list[dict[str, dict[str, Any]]] = [{} for _ in contexts]
        for space, leaves in wanted.items():
            rows = self._namespaces[space].resolve_many(contexts)
            for answer, row in zip(answers, rows, strict=True):
                answer[space] = {leaf: row[leaf] for leaf in leaves if leaf in row}
        for answer, context in zip(answers, contexts, strict=True):
            for name in facts & context.facts.keys():
                space, _, leaf = name.partition(".")
                answer.setdefault(space, {})[leaf] = self._fact_value(name, context.facts[name], context)
        return answers


variables = Variables()
register = variables.register
