"""What steps do, in the words of the rules that planned them."""

from __future__ import annotations

from collections.abc import Iterable

from automations.compiled import specs_of
from automations.engine.declare import catalog
from automations.engine.sentence import action_phrase
from automations.engine.values import ActionSpec, RuleSpec
from automations.models import Step
from automations.naming import names_of
from automations.showing.trace import action_label
from automations.wording import words


def step_words(clinic_id: int, steps: Iterable[Step]) -> dict[int, str]:
    """Say what each step does (load them with their runs), by step id; names are those of today.

    One query for the wordings that this process has not read yet, and one for each kind of row that they name.
    """
    steps = list(steps)
    versions = {step.wording_id for step in steps if step.wording_id is not None}
    specs = {pk: spec for pk, spec in specs_of(versions).items() if isinstance(spec, RuleSpec)}
    names = names_of(clinic_id, specs.values())
    said = {}
    for step in steps:
        spec = _action_of(specs.get(step.wording_id or 0), step)
        phrase = action_phrase(spec, catalog.actions.get(spec.type)) if spec else None
        said[step.pk] = words(phrase, names) if phrase else action_label(step.action)
    return said


def _action_of(spec: RuleSpec | None, step: Step) -> ActionSpec | None:
    actions = spec.actions if spec is not None else ()
    return next((one for one in actions if one.id == step.action_id and one.type == step.action), None)
