"""A real Celery worker at a real broker sends what was queued, woken by the commit alone."""

from __future__ import annotations

import pytest

from clinic.embedded.process import wait_until
from messaging.models import Delivery


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_worker_sends_what_was_committed(start_worker, queue, mail_server):
    start_worker("deliver", beat=False, TEST_EMAIL_PORT=str(mail_server.port))
    delivery = queue()
    assert wait_until(lambda: Delivery.objects.get(pk=delivery.pk).state == "sent", 10)
    assert mail_server.ids == [delivery.message_id]
