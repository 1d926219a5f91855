"""Editors of one rule at the same moment: one edit is kept, the others are told that they are stale."""

from __future__ import annotations

from functools import partial

import pytest

from appointments.tests.test_two_clicks import at_once
from automations.models import Rule, RuleVersion
from automations.tests.builders import published
from tests.callers import Caller, caller_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_ten_edits_of_one_draft_one_is_kept(clinic):
    published(clinic)
    callers = [caller_of(clinic) for _ in range(10)]
    tag = callers[0].get("automations/rules/rule/")["ETag"]

    def edit(caller: Caller, number: int) -> int:
        status: int = caller.patch(
            "automations/rules/rule/", {"name": f"Rule {number}"}, **{"If-Match": tag}
        ).status_code
        return status

    answers = at_once(*(partial(edit, caller, number) for number, caller in enumerate(callers)))
    assert sorted(answers) == [200] + [412] * 9
    rule = Rule.objects.get()
    assert (rule.edits, rule.name) == (1, f"Rule {answers.index(200)}")
    assert RuleVersion.objects.count() == 1
