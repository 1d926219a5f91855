"""What the clinic's library offers to patients with access to it: texts and videos."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.slugs import with_letter
from patients import library
from patients.library import EDITORS
from patients.models import LibraryItem
from staff.frame import attempt, attempt_form, own, page, paged

SLUG_MAX = 50


class ItemForm(forms.Form):
    """An item; its slug stays once it is there."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        required=False,
        max_length=SLUG_MAX,
        help_text=gettext_lazy("Left empty: made of the title."),
    )
    text = forms.CharField(label=gettext_lazy("Text"), required=False, widget=forms.Textarea({"rows": 8}))
    video_url = forms.URLField(label=gettext_lazy("Video link"), required=False, max_length=500, assume_scheme="https")
    language = forms.CharField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=35,
        help_text=gettext_lazy("A code such as “en” or “ro”. Left empty: for everybody."),
    )

    def __init__(self, *args: Any, item: LibraryItem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if item is not None:
            del self.fields["slug"]

    def values(self) -> dict[str, Any]:
        """Return what the services take."""
        values = dict(self.cleaned_data)
        if "slug" in values and not values["slug"]:
            values["slug"] = with_letter(slugify(values["title"]), "item")[:SLUG_MAX]
        return values


@page(methods=("GET", "HEAD"))
def listed(request: Any) -> HttpResponse:
    """List the items, those that are shown no longer at the end."""
    rows = LibraryItem.objects.for_clinic(request.desk.clinic).defer("text").order_by("archived_at", "title", "pk")
    context = {"paged": paged(request, rows), "may_change": request.desk.role in EDITORS}
    return render(request, "staff/library/list.html", context)


@page(methods=("GET", "HEAD"))
def detail(request: Any, pk: int) -> HttpResponse:
    """Show an item as it reads."""
    item = own(request, LibraryItem.objects, pk=pk)
    return render(request, "staff/library/item.html", {"item": item, "may_change": request.desk.role in EDITORS})


@page(*EDITORS)
def new(request: Any) -> HttpResponse:
    """Put an item into the library."""
    form = ItemForm(request.POST or None)
    add = lambda: library.add_item(clinic=request.desk.clinic, **form.values())  # noqa: E731
    return _edit(request, form, None, add)


@page(*EDITORS)
def edit(request: Any, pk: int) -> HttpResponse:
    """Change an item."""
    item = own(request, LibraryItem.objects, pk=pk)
    known = {name: getattr(item, name) for name in library.ITEM_FIELDS}
    form = ItemForm(request.POST or None, item=item, initial=known)
    return _edit(request, form, item, lambda: library.update_item(item, **form.values()))


def _edit(request: Any, form: ItemForm, item: LibraryItem | None, save: Any) -> HttpResponse:
    if request.method == "POST" and form.is_valid() and attempt_form(form, save):
        messages.success(request, _("Saved."))
        return redirect("staff:library")
    status = 422 if form.errors else 200
    return render(request, "staff/library/edit.html", {"form": form, "item": item}, status=status)


@page(*EDITORS, methods=("POST",))
def archive(request: Any, pk: int) -> HttpResponse:
    """Show an item no longer, or again."""
    item = own(request, LibraryItem.objects, pk=pk)
    if "restore" in request.POST:
        attempt(request, lambda: library.restore_item(item), _("Patients can read it again."))
    else:
        attempt(request, lambda: library.archive_item(item), _("Patients read it no longer."))
    return redirect("staff:library")


urlpatterns = [
    path("staff/library/", listed, name="library"),
    path("staff/library/new/", new, name="library-new"),
    path("staff/library/<int:pk>/", detail, name="library-item"),
    path("staff/library/<int:pk>/edit/", edit, name="library-edit"),
    path("staff/library/<int:pk>/archive/", archive, name="library-archive"),
]
