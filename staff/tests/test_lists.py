"""Many notifications of one rule: the desk shows the list with what lies in it."""

import pytest
from django.urls import reverse

from messaging.models import Notification

pytestmark = pytest.mark.django_db


def test_the_desk_shows_what_lies_in_a_list_under_the_one_that_begins_it(patient, front_desk, as_front_desk):
    given = {"clinic": patient.clinic, "patient": patient, "recipient": front_desk}
    head = Notification.objects.create(title="Look at Ana", is_list=True, **given)
    for name in ("Bo", "Cy"):
        Notification.objects.create(title=f"Look at {name}", listed_in=head, **given)
    html = as_front_desk.get(reverse("staff:home")).content.decode()
    assert "and 2 more" in html
    assert html.count("<strong>Look at") == 1
    assert "Look at Cy · Maria Marin" in html

    as_front_desk.post(reverse("staff:notification-read", args=[head.pk]))
    assert Notification.objects.filter(read_at=None).count() == 0
