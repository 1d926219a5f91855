"""The admin pages of rules and of what they did."""

from automations.admin.rules import RuleAdmin
from automations.admin.runs import EventAdmin, RunAdmin, StepAdmin

__all__ = ["EventAdmin", "RuleAdmin", "RunAdmin", "StepAdmin"]
