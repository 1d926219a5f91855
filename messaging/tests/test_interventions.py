"""Taking a waiting delivery back."""

import pytest

from clinic.errors import ImpossibleTransition, Refused
from messaging.interventions import take_back
from messaging.models import Delivery
from tests.cast import acting

pytestmark = pytest.mark.django_db


def test_a_waiting_delivery_never_leaves(queue, front_desk):
    with acting(front_desk):
        row = take_back(queue())
    assert (row.state, row.reason, row.withdraw_asked_at is None) == ("withdrawn", "stopped", False)


def test_one_that_may_have_left_is_not_called_withdrawn(queue):
    row = queue()
    Delivery.objects.filter(pk=row.pk).update(state="retry", maybe_left=True)
    assert take_back(row).state == "unknown"


@pytest.mark.parametrize("state", ["sending", "sent", "failed", "suppressed", "unknown"])
def test_what_waits_no_more_stays_as_it_is(queue, state):
    row = queue()
    Delivery.objects.filter(pk=row.pk).update(state=state)
    with pytest.raises(ImpossibleTransition):
        take_back(row)
    assert Delivery.objects.get().state == state


def test_strangers_take_nothing_back(queue, stranger):
    row = queue()
    with acting(stranger), pytest.raises(Refused):
        take_back(row)
    assert Delivery.objects.get().state == "queued"
