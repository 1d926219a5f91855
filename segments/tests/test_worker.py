"""With real workers: a changed record moves its patient within seconds, woken or not."""

from __future__ import annotations

import pytest

from clinic.embedded.process import wait_until
from segments.tests.builders import change, dynamic, member_ids, tagged, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_worker_refreshes_within_seconds(clinic, patient, engine_worker):
    segment = dynamic(clinic, tagged("vip"))
    change(patient, tags=["vip"])
    assert wait_until(lambda: member_ids(segment) == {patient.pk}, 60)
    assert wait_until(lambda: told() == [("segment.entered", "record")], 60)
