"""The pages of the library: what patients may read and watch, and who decides it."""

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from patients.library import add_item
from patients.models import LibraryItem
from staff.tests.pages.counting import queries_of

pytestmark = pytest.mark.django_db


def at(name, *args):
    return reverse(f"staff:{name}", args=args)


def make(clinic, slug="knee"):
    return add_item(clinic=clinic, slug=slug, title=slug.title(), text="Bend <b>slowly</b>.")


def test_an_empty_library_has_one_button_for_those_who_write_it(as_specialist, as_front_desk):
    assert as_specialist.get(at("library")).content.decode().count(at("library-new")) == 1
    assert at("library-new") not in as_front_desk.get(at("library")).content.decode()


def test_a_specialist_writes_an_item_and_changes_it(clinic, as_specialist):
    data = {"title": "After a new knee", "text": "Walk.", "video_url": "", "language": "en", "slug": ""}
    as_specialist.post(at("library-new"), data)
    item = LibraryItem.objects.get()
    assert (item.slug, item.title, item.text, item.clinic) == ("after-a-new-knee", "After a new knee", "Walk.", clinic)

    as_specialist.post(at("library-edit", item.pk), {**data, "video_url": "https://video.example/knee"})
    item.refresh_from_db()
    assert (item.video_url, item.slug) == ("https://video.example/knee", "after-a-new-knee")
    actions = AuditEntry.objects.filter(object_type="patients.libraryitem").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["library_item.added", "library_item.updated"]


def test_neither_text_nor_video_is_refused_at_the_text(as_specialist):
    response = as_specialist.post(at("library-new"), {"title": "Nothing"})
    assert response.context["form"].errors == {"text": ["Give a text or a video link."]}
    assert LibraryItem.objects.count() == 0


def test_an_item_is_retired_and_shown_again(clinic, as_specialist):
    item = make(clinic)
    as_specialist.post(at("library-archive", item.pk))
    assert LibraryItem.objects.get().archived_at is not None
    assert "archived" in as_specialist.get(at("library")).content.decode()
    as_specialist.post(at("library-archive", item.pk), {"restore": "1"})
    assert LibraryItem.objects.get().archived_at is None


def test_an_item_is_read_as_it_was_written(clinic, as_front_desk):
    html = as_front_desk.get(at("library-item", make(clinic).pk)).content.decode()
    assert "Bend &lt;b&gt;slowly&lt;/b&gt;." in html
    assert at("library-edit", LibraryItem.objects.get().pk) not in html


def test_the_list_costs_the_same_whatever_there_is(clinic, as_front_desk):
    make(clinic)
    before = queries_of(as_front_desk, at("library"))
    for n in range(4):
        make(clinic, f"more-{n}")
    assert queries_of(as_front_desk, at("library")) == before


@pytest.mark.parametrize("name", ["library-new", "library-edit", "library-archive"])
def test_the_front_desk_changes_nothing(clinic, as_front_desk, name):
    item = make(clinic)
    address = at(name) if name == "library-new" else at(name, item.pk)
    assert as_front_desk.post(address, {"title": "Mine", "text": "x"}).status_code == 403
    [kept] = LibraryItem.objects.all()
    assert (kept.title, kept.archived_at) == ("Knee", None)


@pytest.mark.parametrize("name", ["library-item", "library-edit", "library-archive"])
def test_a_stranger_finds_nothing(clinic, as_stranger, name):
    item = make(clinic)
    assert as_stranger.get(at(name, item.pk)).status_code in (404, 405)
    assert as_stranger.post(at(name, item.pk), {"title": "Mine", "text": "x"}).status_code in (404, 405)
    [kept] = LibraryItem.objects.all()
    assert (kept.title, kept.archived_at) == ("Knee", None)
