"""The base of every table that belongs to a clinic: scope, keys, the patient lock and watched changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from django.apps import apps
from django.db import models, transaction

from clinic.bulk import can_copy, can_update, copy_in, update_in
from clinic.changes import (
    Change,
    current_origin,
    muted_reason,
    origin,
    patients_locked,
    records_changed,
    silently,
)
from clinic.clock import ClinicNow, now
from clinic.errors import ClinicError, StaleRecord
from clinic.text import fold, folded_fields

__all__ = [
    "Change",
    "ClinicForeignKey",
    "ClinicModel",
    "ClinicQuerySet",
    "WatchedModel",
    "WatchedQuerySet",
    "current_origin",
    "lock_patients",
    "muted_reason",
    "origin",
    "records_changed",
    "silently",
]


def lock_patients(ids: Iterable[int | None]) -> list[int]:
    """Lock the patients' rows in id order until the transaction ends, and return the ids that exist.

    This is the one lock of the house (docs/architecture.md): whoever writes a patient's records holds it.
    """
    wanted = sorted({pk for pk in ids if pk is not None})
    if not wanted:
        return []
    manager = apps.get_model("patients", "Patient")._base_manager
    rows = manager.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    locked = list(rows)
    patients_locked(locked)
    return locked


class ClinicForeignKey(models.ForeignKey):
    """A foreign key inside one clinic.

    The database constraint is `(clinic_id, x_id) → (clinic_id, id)`, added by the migration operation
    `clinic.migration_operations.ClinicKeys`; Django's own single-column constraint is therefore left out.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class ClinicQuerySet(models.QuerySet):
    """Rows of clinics; every question starts by naming the clinic."""

    model: Any

    def for_clinic(self, clinic: Any) -> ClinicQuerySet:
        """Keep only the rows of `clinic` (an instance or its id)."""
        return self.filter(clinic=clinic)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert rows as Django does; many new ones go by COPY."""
        rows = list(objs)
        if args or not can_copy(self.model, rows, kwargs):
            return super().bulk_create(rows, *args, **kwargs)
        with transaction.atomic(using=self.db, savepoint=False):
            copy_in(self.model, rows)
        return rows


class ClinicModel(models.Model):
    """A row that belongs to one clinic.

    Index and constraint of `clinic` are those that `clinic.migration_operations.ClinicKeys` makes: one index that
    starts with it, and the composite keys, which reach the clinic through the rows that this one points to.
    """

    clinic = models.ForeignKey(
        "accounts.Clinic", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(db_default=ClinicNow(), editable=False)

    objects = ClinicQuerySet.as_manager()

    class Meta:
        abstract = True


class WatchedQuerySet(ClinicQuerySet):
    """Bulk writes of watched rows: each locks the patients, finds the transitions and announces them."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert rows and announce each as created; conflicts are errors, never ignored."""
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            raise ClinicError("Watched rows are inserted plainly: look for existing ones first.", code="conflicts")
        rows = list(objs)
        with transaction.atomic(using=self.db):
            lock_patients(row.patient_key() for row in rows)
            created = super().bulk_create(rows, *args, **kwargs)
            moment = now() if rows else None
            self.model.announce([Change.creation(row, moment) for row in created])
        return created

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Write the named fields of many rows, refusing copies that are stale."""
        rows, fields = list(objs), list(fields)
        folded = folded_fields(self.model, fields)
        for row, field in product(rows, folded):
            field.pre_save(row, add=False)  # Django's bulk_update does not
        with transaction.atomic(using=self.db):
            lock_patients(row.patient_key() for row in rows)
            stored = self.model.stored_state([row.pk for row in rows])
            read = [row.revision for row in rows]
            try:
                changes = [c for row in rows if (c := row.compare(stored.get(row.pk), set(fields)))]
                plain: models.QuerySet[Any] = models.QuerySet(self.model, using=self.db)
                names = dict.fromkeys([*fields, *(field.name for field in folded), "revision"])
                if can_update(self.model, rows, list(names)):
                    count = update_in(self.model, rows, list(names))
                else:
                    count = plain.bulk_update(rows, list(names), batch_size=batch_size)
                self.model.announce(changes)
            except BaseException:
                for row, revision in zip(rows, read, strict=True):
                    row.revision = revision  # nothing was written, so these copies are as fresh as before
                raise
        return count

    def update(self, **values: Any) -> int:
        """Change every row that matches, announcing the transition of each."""
        for field in folded_fields(self.model, values):
            values[field.attname] = fold(values[field.source] or "")
        self.model.refuse_another_patient(values)
        if not set(values) & self.model.watched_names():
            return super().update(**values)
        with transaction.atomic(using=self.db):
            path = self.model.patient_path
            locked = lock_patients(list(self.order_by().values_list(path, flat=True)))
            # A row that came to match meanwhile belongs to a patient who may not be locked: it was not asked for.
            rows: list[Any] = list(self.filter(**{f"{path}__in": locked}).order_by("pk"))
            stored = self.model.stored_state([row.pk for row in rows])
            plain: models.QuerySet[Any] = models.QuerySet(self.model, using=self.db).filter(
                pk__in=[row.pk for row in rows]
            )
            count = plain.update(**values)
            changes = self.model.fresh_changes(stored)
            plain.filter(pk__in=[c.instance.pk for c in changes]).update(revision=models.F("revision") + 1)
            for change in changes:
                change.instance.revision += 1
            self.model.announce(changes)
        return count

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse: a record that rules have seen is archived, cancelled or marked entered-in-error."""
        raise ClinicError(
            f"{self.model._meta.verbose_name_plural} are never deleted; archive them or mark them entered in error.",
            code="never_deleted",
        )


class WatchedModel(ClinicModel):
    """A record whose committed transitions rules may listen to.

    `watched` names the attributes that make a transition; `snapshot` (default: the same) those that are copied into
    the event, never free text. `revision` counts the transitions and is the optimistic lock of every form and client.
    """

    revision = models.PositiveIntegerField(default=1, editable=False)

    watched: tuple[str, ...] = ()
    snapshot: tuple[str, ...] | None = None
    patient_path = "patient_id"

    objects = WatchedQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the record under the patient lock and announce its transition in the same transaction.

        Raises StaleRecord if the stored revision is not the one this copy was read with.
        """
        with transaction.atomic():
            lock_patients([self.patient_key()])
            if self._state.adding:
                super().save(*args, **kwargs)
                self.announce([Change.creation(self, now())])
                return
            stored = self.stored_state([self.pk]).get(self.pk)
            if stored is None:
                raise StaleRecord(str(self._meta.verbose_name))
            named = kwargs.get("update_fields")
            if named is None and (deferred := self.get_deferred_fields()):
                named = {f.attname for f in self._meta.concrete_fields if not f.primary_key} - deferred
            read = self.revision
            try:
                change = self.compare(stored, None if named is None else set(named))
                if named is not None:
                    folded = {field.name for field in folded_fields(self, named)}
                    kwargs["update_fields"] = {*named, *folded, "revision"}
                super().save(*args, **kwargs)
                self.announce([change] if change else [])
            except BaseException:
                self.revision = read  # nothing was written, so this copy is as fresh as before
                raise

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse, as `WatchedQuerySet.delete` does."""
        return type(self).objects.filter(pk=self.pk).delete()

    def patient_key(self) -> int | None:
        """Return the id of the patient whose lock guards this row."""
        key: int | None = getattr(self, self.patient_path)
        return key

    def compare(self, stored: dict[str, Any] | None, named: set[str] | None) -> Change | None:
        """Return the transition from the stored row to this copy, raising `revision` if there is one.

        `named` limits the comparison to the fields about to be written (names or attnames); None means all.
        """
        noun = str(self._meta.verbose_name)
        if stored is None or stored["revision"] != self.revision:
            raise StaleRecord(noun)
        new = {}
        for attname in self.watched:
            field: Any = self._meta.get_field(attname)
            written = named is None or bool(named & {field.name, field.attname})
            new[attname] = field.to_python(getattr(self, attname)) if written else stored[attname]
        if self.patient_path != "id" and self.patient_key() != stored[self.patient_path]:
            raise ClinicError(f"{noun} stays with its patient.", code="patient_fixed", path="patient")
        old = {name: stored[name] for name in self.watched}
        if old == new:
            return None
        self.revision += 1
        return Change.between(self, old, new, stored["read_at"])

    @classmethod
    def refuse_another_patient(cls, values: dict[str, Any]) -> None:
        """Refuse an update that would give rows to another patient."""
        if cls.patient_path != "id" and {cls.patient_path, cls.patient_path.removesuffix("_id")} & set(values):
            raise ClinicError(f"{cls._meta.verbose_name} stays with its patient.", code="patient_fixed", path="patient")

    @classmethod
    def stored_state(cls, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Read the watched attributes of stored rows, and the clock, after the lock was taken."""
        columns = {"pk", "revision", *cls.watched, cls.patient_path}
        rows = cls._base_manager.filter(pk__in=ids).annotate(read_at=ClinicNow()).values(*columns, "read_at")
        return {row["pk"]: row for row in rows}

    @classmethod
    def fresh_changes(cls, stored: dict[int, dict[str, Any]]) -> list[Change]:
        """Compare what was stored with what is stored now, for writes that the database computed."""
        changes = []
        for row in cls._base_manager.filter(pk__in=list(stored)).order_by("pk"):
            before = stored[row.pk]
            old = {name: before[name] for name in cls.watched}
            new = {name: getattr(row, name) for name in cls.watched}
            if old != new:
                changes.append(Change.between(row, old, new, before["read_at"]))
        return changes

    @classmethod
    def watched_names(cls) -> set[str]:
        """Return the watched fields under both their names (`specialist`, `specialist_id`)."""
        fields: list[Any] = [cls._meta.get_field(name) for name in cls.watched]
        return {f.name for f in fields} | {f.attname for f in fields}

    @classmethod
    def announce(cls, changes: list[Change]) -> None:
        """Send `records_changed` for what changed."""
        if changes:
            records_changed.send(sender=cls, changes=changes)
