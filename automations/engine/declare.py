"""Declare what rules are made of: triggers, facts, actions, and the nouns they speak of.

An app offers these from its `automation/` package. Labels may be lazy translations: the engine never looks inside
them. A declaration that is missing a label, docstring or example is found by `manage.py check`, not here, so that one
bad declaration never stops the process from starting. `catalog` is the process-wide catalog; tests make their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from .nouns import Anchor, Blank, Choices, Fact, Facts, FactType, LateChoices, Param, Reference, Subject, as_choices
from .values import Refusal, StepContext

__all__ = [
    "Action",
    "Anchor",
    "Blank",
    "Catalog",
    "Choices",
    "DuplicateDeclaration",
    "Fact",
    "FactType",
    "Facts",
    "LateChoices",
    "Param",
    "Reference",
    "Subject",
    "Trigger",
    "as_choices",
    "catalog",
    "meets",
    "register",
]

T = TypeVar("T")
Requirement = tuple[str, tuple[Any, ...]]


class Trigger:
    """Declare an event that rules can start from. The subclass's docstring is its documentation.

    `model` is the one whose changes fire it; one without is recorded by a service or a sweep (automations/occasions).
    `existing`: a rule may also be started for patients who were there before it. `by_hand`: people start it.
    `supersedes`: it makes void what the same rule planned, and has not sent, for an earlier one of the same subject.
    """

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    subject: ClassVar[str] = "patient"
    model: ClassVar[str] = ""
    params: ClassVar[tuple[Param, ...]] = ()
    stop_on: ClassVar[tuple[str, ...]] = ()
    stop_only: ClassVar[bool] = False
    existing: ClassVar[bool] = False
    by_hand: ClassVar[bool] = False
    supersedes: ClassVar[bool] = False
    once: ClassVar[bool] = False  # it happens once to a patient, ever
    example: ClassVar[Mapping[str, Any]] = {}

    def data_for_existing(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Give what an event made for a patient who was there before carries: enough for the config to accept it."""
        return {}

    def fires(self, change: Any) -> bool:
        """Tell whether this committed change is the transition that the trigger names."""
        raise NotImplementedError(f"{type(self).__name__} does not say when it fires.")

    def subject_id(self, change: Any) -> Any:
        """Give the id of the subject; another record than the changed one if `model` is not the subject's model."""
        return change.instance.pk

    def snapshot(self, change: Any) -> Mapping[str, Any]:
        """Give the subject's attributes that the event keeps: codes, ids, numbers, moments; no free text."""
        kept: Mapping[str, Any] = change.snapshot()
        return kept

    def data(self, change: Any) -> dict[str, Any]:
        """Give what the event carries besides its facts: JSON values, codes and numbers, no free text."""
        return {}

    def requires(self, config: Mapping[str, Any]) -> tuple[Requirement, ...]:
        """List (fact key, allowed values) that the config asks for by Param.fact; an empty setting: none."""
        wanted: list[Requirement] = []
        for param in self.params:
            value = config.get(param.name)
            if param.fact is None or value is None or value is False or value in ("", []):
                continue
            wanted.append((param.fact, tuple(value) if isinstance(value, list) else (value,)))
        return tuple(wanted)

    def accepts(self, config: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Tell whether a rule with this config wants an event with these facts (an unknown fact: no)."""
        return all(meets(facts.get(key), allowed) for key, allowed in self.requires(config))

    def stops(self, config: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
        """Tell whether an event of this kind that carries `data` counts for a rule with these trigger settings.

        Asked only where the rule names this key among what stops it, or one of its steps waits for it.
        """
        return True

    def follows(self, config: Mapping[str, Any], clinic_id: Any, facts: Collection[str]) -> bool:
        """Tell whether such an event may follow when the patient's facts of these keys become others."""
        return False

    def problems(self, config: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Give (param name, message) for settings that are valid alone but not together."""
        return ()


def meets(actual: Any, allowed: tuple[Any, ...]) -> bool:
    """Tell whether a fact's value is one of the allowed (a list: holds one of them). True never equals 1."""
    if isinstance(actual, list):
        return any(one in allowed for one in actual)
    return any(isinstance(one, bool) is isinstance(actual, bool) and one == actual for one in allowed)


class Action:
    """Declare something a rule can do. All it may do is write rows, in bulk, in the transaction that marks the steps
    done."""

    key: ClassVar[str] = ""
    label: ClassVar[Any] = ""
    params: ClassVar[tuple[Param, ...]] = ()
    example: ClassVar[Mapping[str, Any]] = {}
    message: ClassVar[bool] = False
    phrase: ClassVar[Any] = ""
    extras: ClassVar[Mapping[str, Any]] = {}
    alters: ClassVar[tuple[str, ...]] = ()  # keys of the facts that its effect may change

    def is_patient_message(self, params: Mapping[str, Any]) -> bool:
        """Tell whether this reaches the patient, so that undo time, quiet hours and staleness apply."""
        return False

    def role(self, params: Mapping[str, Any]) -> str:
        """Name who it is for: "patient", "specialist", "clinic_admins", "front_desk" or a user's slug."""
        return "patient"

    def category(self, params: Mapping[str, Any]) -> str | None:
        """Name the message category that consent is asked for; None: no consent needed."""
        return None

    def problems(self, params: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Give (param name, message) for parameters that are valid alone but not together."""
        return ()

    def blanks(self, params: Mapping[str, Any], clinic_id: Any, trigger: str) -> Sequence[Blank]:
        """List what no event of this trigger can fill in of the texts that the parameters hold or name."""
        return ()

    def causes(self, params: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Name the triggers that its effect may lead to, each with the facts that are certain of such an event."""
        return {}

    def perform(self, steps: Sequence[StepContext]) -> Mapping[Any, dict[str, Any]]:
        """Write the effects of the steps; return a result for each step id. Raises EffectError."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does.")

    def guard(self, steps: Sequence[StepContext]) -> Mapping[Any, Refusal]:
        """Say, by step id, which steps must not act now and why."""
        return {}

    def withdraw(self, step_ids: Collection[Any]) -> None:
        """Take back what has not left the house yet."""

    def unsent(self, step_ids: Collection[Any]) -> Collection[Any]:
        """Name those of the steps of which something has not left the house yet; what `withdraw` could take back."""
        return step_ids

    def lost(self, step_ids: Collection[Any]) -> Mapping[Any, str]:
        """Say, by step id, why something that a step wrote did not leave the house and never will."""
        return {}

    def limit(self, limits: Mapping[Any, Any]) -> None:
        """Let what the steps (by id) have not sent yet leave from and until these moments: the visit it is about moved.

        The first is the moment at which it would leave if the step acted now; nothing waits longer than it did.
        """


class DuplicateDeclaration(Exception):
    """Two declarations carry one key."""


class Catalog:
    """Know every trigger, fact, action, subject, anchor and reference kind, by key."""

    def __init__(self) -> None:
        self.triggers: dict[str, Trigger] = {}
        self.facts = Facts()
        self.actions: dict[str, Action] = {}
        self.subjects: dict[str, Subject] = {}
        self.anchors: dict[str, Anchor] = {}
        self.references: dict[str, Reference] = {}
        self._offered: dict[str, Facts] = {}

    def add(self, declaration: Any) -> None:
        """Take in one declaration. Raises DuplicateDeclaration, or TypeError for anything else."""
        table, key = self._place(declaration)
        if not key:
            raise TypeError(f"{declaration!r} has no key.")
        if key in table:
            raise DuplicateDeclaration(f"{key!r} is declared twice: {table[key]!r} and {declaration!r}.")
        table[key] = declaration
        self._offered.clear()

    def _place(self, declaration: Any) -> tuple[dict[str, Any], str]:
        tables: tuple[tuple[type, dict[str, Any], str], ...] = (
            (Trigger, self.triggers, "key"),
            (Fact, self.facts, "key"),
            (Action, self.actions, "key"),
            (Subject, self.subjects, "kind"),
            (Anchor, self.anchors, "key"),
            (Reference, self.references, "kind"),
        )
        for kind, table, name in tables:
            if isinstance(declaration, kind):
                return table, getattr(declaration, name)
        raise TypeError(f"{declaration!r} is no trigger, fact, action, subject, anchor or reference.")

    def facts_for(self, trigger_key: str) -> Facts:
        """List the facts that an event of this trigger offers, by key. Raises KeyError for an unknown trigger."""
        if trigger_key not in self._offered:
            trigger = self.triggers[trigger_key]
            offered = Facts((key, fact) for key, fact in self.facts.items() if _offers(trigger, fact))
            offered.trigger, offered.everywhere = trigger_key, self.facts
            self._offered[trigger_key] = offered
        return self._offered[trigger_key]

    def anchors_for(self, trigger_key: str) -> dict[str, Anchor]:
        """List the anchors that a step of a rule with this trigger may hang on."""
        subject = self.triggers[trigger_key].subject
        return {key: anchor for key, anchor in self.anchors.items() if anchor.subject == subject}


def _offers(trigger: Trigger, fact: Fact) -> bool:
    if fact.triggers is not None:
        return trigger.key in fact.triggers
    return fact.subject in ("patient", trigger.subject)


catalog = Catalog()


def register(declaration: T) -> T:
    """Add an instance, or decorate a class (it is instantiated); give the argument back."""
    catalog.add(declaration() if isinstance(declaration, type) else declaration)
    return declaration
