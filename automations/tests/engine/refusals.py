"""What the validator said."""

import pytest

from automations.engine.problems import RuleInvalid
from automations.engine.schema import parse_rule

from .cast import CATALOG


def problems(data):
    with pytest.raises(RuleInvalid) as caught:
        parse_rule(data, CATALOG)
    return {one.path: one.code for one in caught.value.errors}
