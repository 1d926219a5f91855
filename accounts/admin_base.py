"""The base of every admin page: rows of one's own clinics, rights by role, refusals as form errors, an audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import psycopg.errors
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline

from accounts import audit
from accounts.admin_forms import ClinicModelForm, WatchedModelForm, form_for
from accounts.admin_scope import ClinicRelatedFilter, may, reach, sees_all, within
from accounts.asking import ask_again
from accounts.permissions import EVERYBODY, Role
from clinic.db import WatchedModel
from clinic.errors import ClinicError

__all__ = ["ClinicAdmin", "ClinicInline", "ClinicModelForm", "ReadOnlyAdmin", "Role", "WatchedModelForm"]

ADMINS = (Role.CLINIC_ADMIN,)


class RoleRights:
    """Rights by role: who may see, add, change and delete. Nobody deletes unless the class says so."""

    view_roles: ClassVar[tuple[str, ...]] = EVERYBODY
    add_roles: ClassVar[tuple[str, ...]] = ADMINS
    change_roles: ClassVar[tuple[str, ...]] = ADMINS
    delete_roles: ClassVar[tuple[str, ...]] = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may see rows of this kind anywhere."""
        return may(request, self.view_roles)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may see this row (no row: any)."""
        return may(request, self.view_roles, self.clinic_of(obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may add a row; `obj` is an inline's parent."""
        return may(request, self.add_roles, self.clinic_of(obj))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may change this row (no row: any)."""
        return may(request, self.change_roles, self.clinic_of(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person may delete this row (no row: any)."""
        return may(request, self.delete_roles, self.clinic_of(obj))

    def clinic_of(self, obj: Any) -> int | None:
        """Return the clinic a row belongs to."""
        return None if obj is None else obj.clinic_id

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer rows of the form's own clinic only."""
        clinics = reach(request, self.add_roles) if db_field.name == "clinic" else form_clinics(request)
        rows = kwargs.get("queryset")
        if rows is None:
            rows = db_field.related_model._default_manager.all()
        kwargs["queryset"] = within(rows, clinics)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


def form_clinics(request: HttpRequest) -> set[int] | None:
    """Return the clinics whose rows the current form may offer."""
    clinic_id = getattr(request, "form_clinic_id", None)
    return {clinic_id} if clinic_id else reach(request)


class ClinicAdmin(RoleRights, ModelAdmin):
    """An admin page for rows of clinics.

    Override `write` to save through a service; put transitions into `actions_submit_line` (buttons of the form that
    post) or `actions` with `for_each`. What a service refuses becomes an error of the form, and nothing is written.
    """

    form = ClinicModelForm
    delete_confirmation_max_display = 0
    audited_reads: ClassVar[bool | None] = None  # None: if rows are about a patient
    asks_password: ClassVar[bool] = False  # True where what is saved lets somebody in
    audits_writes: ClassVar[bool] = True  # False where `write` calls a service that writes the trail itself

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the clinics where the person has a role that may see them."""
        return within(super().get_queryset(request), reach(request, self.view_roles))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Let filters by a related row offer rows of the person's clinics only."""
        return [self._scoped_filter(one) for one in super().get_list_filter(request)]

    def _scoped_filter(self, item: Any) -> Any:
        if isinstance(item, str) and "__" not in item:
            field = self.model._meta.get_field(item)
            if field.is_relation:
                return (item, ClinicRelatedFilter)
        return item

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no deletion in bulk."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    # --- the form ---

    def clinic_to_add_in(self, request: HttpRequest) -> int | None:
        """Return the one clinic a new row can belong to; None if the person must choose."""
        if sees_all(request):
            return None
        clinics = reach(request, self.add_roles) or set()
        return next(iter(clinics)) if len(clinics) == 1 else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the clinic where there is a choice, and carry the revision that was read."""
        sets = [(name, {**options}) for name, options in super().get_fieldsets(request, obj)]
        extra = []
        if obj is None and self._has_clinic() and not self.clinic_to_add_in(request):
            extra.append("clinic")
        if obj is not None and issubclass(self.model, WatchedModel) and self.has_change_permission(request, obj):
            extra.append("read_revision")
        shown = {name for _title, options in sets for name in options["fields"]}
        extra = [name for name in extra if name not in shown]
        if extra and sets:
            sets[0][1]["fields"] = [*extra, *sets[0][1]["fields"]]
        return sets

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the clinic and the revision to `get_fieldsets`."""
        names = self.fields or super().get_fields(request, obj)
        return [name for name in names if name not in ("clinic", "read_revision")]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a slug, once it exists: rules name rows by it."""
        names = list(super().get_readonly_fields(request, obj))
        if obj is not None and any(f.name == "slug" for f in self.model._meta.concrete_fields):
            names.append("slug")
        return names

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Fill in a slug while adding only."""
        return {} if obj is not None else super().get_prepopulated_fields(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Build the form of this request, bound to its clinic."""
        fixed = self.clinic_of(obj) if obj is not None else self.clinic_to_add_in(request)
        request.form_clinic_id = fixed  # type: ignore[attr-defined]
        base = kwargs.pop("form", self.form)
        if self._has_clinic() or issubclass(base, ClinicModelForm):
            owned = fixed if self._has_clinic() else None
            base = form_for(base, self.model, {"request": request, "fixed_clinic_id": owned})
        return super().get_form(request, obj, change=change, form=base, **kwargs)

    def _has_clinic(self) -> bool:
        return any(field.attname == "clinic_id" for field in self.model._meta.concrete_fields)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form again, with the reason, when a service refuses what was posted.

        The first pass is rolled back as a whole; the second builds the same form, which now carries the refusal.
        """
        begins = request.method == "POST" or request.path.endswith("/add/")
        may_write = self.has_change_permission(request) or self.has_add_permission(request)
        if self.asks_password and begins and may_write:
            ask_again(request)
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ClinicError as error:
            refusal = error
        except IntegrityError as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
            refusal = ClinicError(_("Somebody saved the same at the same moment. Look at it and save again."))
        if request.method != "POST" or hasattr(request, "clinic_refusal"):
            raise refusal
        request.clinic_refusal = refusal  # type: ignore[attr-defined]
        return super().changeform_view(request, *args, **kwargs)

    # --- writing ---

    def write(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Store the row; override to call a service. A row that is returned is what `obj` becomes."""
        obj.save()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store the row, say so in the audit trail, and do what the pressed button says."""
        stored = self.write(request, obj, form, change)
        if stored is not None and stored is not obj:
            obj.__dict__.update(stored.__dict__)
        if self.audits_writes:
            self.note("updated" if change else "created", obj, {"fields": sorted(form.changed_data)})
        for action in self.get_actions_submit_line(request, obj.pk):
            if action.action_name in request.POST:
                action.method(request, obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Store an inline's rows in the clinic of their parent, and say so in the audit trail."""
        noun = formset.model._meta.model_name
        for obj in formset.save(commit=False):
            obj.clinic_id = self.clinic_of(form.instance)
            obj.save()
            audit.record(f"{noun}.saved", obj=obj)
        for obj in formset.deleted_objects:
            audit.record(f"{noun}.deleted", obj=obj)
            obj.delete()
        formset.save_m2m()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete a row and say so in the audit trail."""
        self.note("deleted", obj)
        super().delete_model(request, obj)

    def for_each(
        self, request: HttpRequest, rows: Iterable[Any], call: Callable[[Any], Any], done: Callable[[int], str]
    ) -> None:
        """Call a service for each selected row; say how many it took and which it refused, and why."""
        count = 0
        for row in rows:
            try:
                with transaction.atomic():
                    call(row)
                count += 1
            except ClinicError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
        if count:
            self.message_user(request, done(count), messages.SUCCESS)

    # --- the audit trail ---

    def note(self, what: str, obj: Any = None, detail: dict[str, Any] | None = None) -> None:
        """Write an audit entry about a row of this page."""
        audit.record(f"{self.model._meta.model_name}.{what}", obj=obj, detail=detail)

    @property
    def audits_reads(self) -> bool:
        """Tell whether looking at these rows is itself recorded."""
        if self.audited_reads is not None:
            return self.audited_reads
        names = {field.name for field in self.model._meta.concrete_fields}
        return "patient" in names or self.model._meta.label == "patients.Patient"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """List the rows; a list of patients' records is recorded."""
        if self.audits_reads and self.has_view_permission(request):
            self.note("listed", detail={"page": request.GET.get("p", "1")[:6], "searched": "q" in request.GET})
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show one row; looking at a patient's record is recorded."""
        obj = kwargs.get("obj")
        if obj is not None and self.audits_reads:
            self.note("read", obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search; what an autocomplete box shows of patients is recorded."""
        if self.audits_reads and request.path.endswith("/autocomplete/"):
            self.note("searched")
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyAdmin(ClinicAdmin):
    """Rows that people only look at."""

    add_roles = ()
    change_roles = ()


class ClinicInline(RoleRights, TabularInline):
    """Rows that are edited on their parent's page."""

    extra = 0
    exclude = ("clinic",)
