"""What people do to rules: draft, publish, pause, resume, archive. Admin, API, recipes and commands call these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import current
from accounts.permissions import Role, membership_at, require
from automations import stopping
from automations.compiled import reference_problems
from automations.engine.declare import catalog
from automations.engine.schema import Problem, RuleInvalid, parse_rule, spec_to_json
from automations.engine.values import RuleSpec
from automations.models import Rule, RuleVersion, Step
from automations.modes import HOLDS, raise_epoch
from automations.selectors import overdue as overdue_of
from clinic.clock import now
from clinic.db import lock_patients
from clinic.errors import ClinicError, ImpossibleTransition, StaleRecord
from clinic.slugs import check_slug, with_letter

Document = Mapping[str, Any]
OVERDUE = ("run", "skip")
SLUG_MAX = 80
NEW_MODES = (Rule.Mode.DRAFT.value, Rule.Mode.ON.value, Rule.Mode.REVIEW.value)


def check_document(clinic: Any, document: Any, *, used_ids: Collection[str] = ()) -> RuleSpec:
    """Return the document as a spec. Raises RuleInvalid with every problem, references of the clinic included."""
    spec = parse_rule(document, catalog, used_ids=used_ids)
    problems = reference_problems(clinic.pk, spec.references)
    if problems:
        raise RuleInvalid(problems)
    return spec


@transaction.atomic
def create_rule(
    *,
    clinic: Any,
    name: str,
    document: Document,
    slug: str = "",
    description: str = "",
    recipe: str = "",
    mode: str = Rule.Mode.DRAFT,
) -> Rule:
    """Write down a new rule, as a draft or published at once ("on", "review").

    Raises RuleInvalid, or ClinicError for its name, slug or mode.
    """
    require(clinic, Role.CLINIC_ADMIN)
    if mode not in NEW_MODES:
        message = _("A new rule is one of: %(modes)s.") % {"modes": ", ".join(NEW_MODES)}
        raise ClinicError(message, code="invalid_choice", path="mode")
    spec = check_document(clinic, document)
    rule = Rule(
        clinic=clinic,
        slug=_free_slug(clinic, slug, name),
        name=_valid_name(name),
        description=description,
        draft=spec_to_json(spec),
        recipe=recipe,
        owner=membership_at(clinic),
    )
    rule.save()
    audit.record("rule.created", obj=rule)
    return rule if mode == Rule.Mode.DRAFT else publish(rule, mode=mode)


def _valid_name(name: str) -> str:
    if not name.strip() or len(name) > 200 or "\0" in name:
        raise ClinicError(_("Give the rule a name of at most 200 characters."), path="name")
    return name.strip()


def _free_slug(clinic: Any, slug: str, name: str) -> str:
    wanted = slug or with_letter(slugify(name)[:65], "rule")
    check_slug(slug, SLUG_MAX)
    taken = set(Rule.objects.filter(clinic=clinic, slug__startswith=wanted).values_list("slug", flat=True))
    if wanted not in taken:
        return wanted
    if slug:
        raise ClinicError(_("Another rule of this clinic has the slug “%s”.") % slug, code="taken", path="slug")
    return next(free for n in range(2, 10_000) if (free := f"{wanted}-{n}") not in taken)


def _locked(rule: Rule) -> Rule:
    """Lock the rule. Its wordings are left in the database: one that cannot be read must not keep anybody from it."""
    rows = Rule.objects.select_related("clinic").defer("draft").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=rule.pk)


def _draft(rule: Rule) -> Any:
    """Read a rule's draft. Raises RuleInvalid for one that is no JSON that Python can hold."""
    try:
        return rule.draft
    except (ValueError, RecursionError) as error:
        problem = Problem("", "unreadable", _("The stored draft cannot be read; write it anew."))
        raise RuleInvalid([problem]) from error


@transaction.atomic
def edit_draft(
    rule: Rule,
    *,
    document: Document | None = None,
    name: str | None = None,
    description: str | None = None,
    edits: int | None = None,
) -> Rule:
    """Change the draft; what is published goes on as it is. `edits` (the count that was read) refuses a stale edit."""
    require(rule.clinic, Role.CLINIC_ADMIN)
    stored = _locked(rule)
    _refuse_stale(stored, edits)
    if document is not None:
        stored.draft = spec_to_json(check_document(stored.clinic, document, used_ids=_used_ids(stored)))
    if name is not None:
        stored.name = _valid_name(name)
    if description is not None:
        stored.description = description
    stored.edits += 1
    stored.save(update_fields=["draft", "name", "description", "edits"])
    audit.record("rule.edited", obj=stored)
    return stored


def _refuse_stale(stored: Rule, edits: int | None) -> None:
    if edits is not None and edits != stored.edits:
        raise StaleRecord(str(stored._meta.verbose_name))


USED_IDS = """
SELECT used #>> '{}' FROM automations_ruleversion, jsonb_path_query(actions, '$[*].id') used WHERE rule_id = %(rule)s
UNION SELECT action_id FROM automations_step WHERE rule_id = %(rule)s
"""


def _used_ids(rule: Rule) -> set[str]:
    """Return the action ids that earlier versions used: a new action must not inherit what they did or still plan."""
    with connection.cursor() as cursor:
        cursor.execute(USED_IDS, {"rule": rule.pk})
        return {row[0] for row in cursor.fetchall() if row[0] is not None}


@transaction.atomic
def publish(
    rule: Rule, *, mode: str | None = Rule.Mode.ON, apply_to_pending: bool = False, edits: int | None = None
) -> Rule:
    """Make the draft the wording that events are matched with from now on.

    What is pending stays pinned to the version that planned it, unless `apply_to_pending`: then its actions of the same
    id take their settings (not their time) from the new version. Events count from the first publishing, or from the
    resumption after draft, archive or quarantine. A paused rule stays paused: only `resume` asks what becomes of the
    steps whose time has passed. `mode` None leaves one in review there. `edits` (the count that was read) refuses to
    publish a draft that has moved on.
    """
    require(rule.clinic, Role.CLINIC_ADMIN)
    if mode not in (Rule.Mode.ON, Rule.Mode.REVIEW, None):
        raise ClinicError(_("A rule is published as “on” or “review”."), path="mode")
    stored = _locked(rule)
    mode = mode or (Rule.Mode.REVIEW if stored.mode == Rule.Mode.REVIEW else Rule.Mode.ON)
    _refuse_stale(stored, edits)
    spec = check_document(stored.clinic, _draft(stored))
    version = _new_version(stored, spec)
    if stored.mode not in Rule.MATCHING or stored.active_since is None:
        stored.active_since = now()
    if stored.mode != Rule.Mode.PAUSED:
        stored.mode, stored.mode_reason = mode, ""
    stored.published, stored.error_streak = version, 0
    stored.draft = spec_to_json(spec)
    stored.save(update_fields=["published", "mode", "mode_reason", "error_streak", "active_since", "draft"])
    if apply_to_pending:
        _apply_to_pending(stored, version, spec)
    raise_epoch(stored.clinic_id)
    audit.record("rule.published", obj=stored, detail={"version": version.number, "mode": stored.mode})
    return stored


def _new_version(rule: Rule, spec: RuleSpec) -> RuleVersion:
    """Store the wording, or return the published version if nothing differs. The database compares them."""
    wire = spec_to_json(spec)
    values = {part: wire[part] for part in ("trigger_config", "conditions", "actions", "settings")}
    versions = RuleVersion.objects.filter(rule=rule).order_by().defer(*values)
    same = versions.filter(pk=rule.published_id or 0, trigger=spec.trigger, **values).first()
    if same is not None:
        return same
    newest = versions.aggregate(number=Max("number"))["number"] or 0
    return RuleVersion.objects.create(
        clinic_id=rule.clinic_id,
        rule=rule,
        number=newest + 1,
        trigger=spec.trigger,
        published_by_id=current().user_id,
        **values,
    )


def _lock_open_steps(rule: Rule) -> QuerySet[Step]:
    """Return the rule's open steps, their patients locked: none is being carried out meanwhile."""
    steps = Step.objects.filter(rule=rule, state__in=Step.OPEN)
    lock_patients(steps.order_by().values_list("patient_id", flat=True).distinct())
    return steps


def _apply_to_pending(rule: Rule, version: RuleVersion, spec: RuleSpec) -> None:
    kept = {action.id: action.type for action in spec.actions if not action.disabled}
    open_steps = _lock_open_steps(rule)
    same = [pk for pk, key, kind in open_steps.values_list("pk", "action_id", "action") if kept.get(key) == kind]
    open_steps.filter(pk__in=same).update(version=version)


@transaction.atomic
def pause(rule: Rule, *, why: str = "") -> Rule:
    """Stop executing the rule: its matches are planned as held steps and what is due waits."""
    return _set_mode(rule, Rule.Mode.PAUSED, (Rule.Mode.ON, Rule.Mode.REVIEW), why)


@transaction.atomic
def resume(rule: Rule, *, overdue: str | None = "run", mode: str = Rule.Mode.ON) -> Rule:
    """Go on after a pause; `overdue` says what becomes of steps whose time passed meanwhile: "run" or "skip".

    None will do only where there is no such step. Raises ClinicError where somebody must choose.
    """
    if overdue not in (*OVERDUE, None):
        raise _no_choice(_("Say what to do with the overdue steps: “run” or “skip”."))
    if mode not in (Rule.Mode.ON, Rule.Mode.REVIEW):
        raise ClinicError(_("A rule goes on as “on” or “review”."), code="invalid_choice", path="mode")
    resumed = _set_mode(rule, Rule.Mode(mode), (Rule.Mode.PAUSED,), "")
    steps = _lock_open_steps(rule)
    late = overdue_of(rule)
    if overdue is None and (count := late.count()):
        text = _("%(count)s steps are overdue: say whether to “run” or to “skip” them.")
        raise _no_choice(text % {"count": count}, code="required")
    if overdue == "skip":
        late.update(
            state=Step.State.SKIPPED,
            reason="paused",
            reason_text=_("Its time passed while the rule was paused."),
            finished_at=now(),
        )
    held = steps.filter(state=Step.State.HELD, reason="paused")
    if mode == Rule.Mode.REVIEW:
        held.update(reason="review", reason_text=HOLDS[Rule.Mode.REVIEW].text)
    else:
        held.update(state=Step.State.PENDING, reason="", reason_text="")
    return resumed


def _no_choice(message: str, code: str = "invalid_choice") -> ClinicError:
    return ClinicError(message, code=code, path="overdue")


@transaction.atomic
def archive(rule: Rule, *, why: str = "") -> Rule:
    """Take the rule away for good: it matches nothing, its pending steps and its unsent messages are taken back."""
    modes = tuple(mode for mode in Rule.Mode if mode != Rule.Mode.ARCHIVED)
    archived = _set_mode(rule, Rule.Mode.ARCHIVED, modes, why)
    stopping.stop_all(rule.pk, _("The rule was archived."))
    return archived


def _set_mode(rule: Rule, mode: str, allowed: Collection[str], why: str) -> Rule:
    require(rule.clinic, Role.CLINIC_ADMIN)
    stored = _locked(rule)
    if stored.mode == mode:
        return stored
    if stored.mode not in allowed:
        raise ImpossibleTransition(str(stored._meta.verbose_name), stored.mode, mode)
    stored.mode, stored.mode_reason = mode, why[:500]
    stored.save(update_fields=["mode", "mode_reason"])
    raise_epoch(stored.clinic_id)
    audit.record(f"rule.{mode}", obj=stored)
    return stored
