"""What forms refuse, beyond the errors of the house."""

from __future__ import annotations

from collections.abc import Sequence

from clinic.errors import ClinicError
from forms_app.questions import Problem


class FormInvalid(ClinicError):
    """Refuse a template's questions or a patient's answers, naming every place that must change."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.message, code=first.code, path=first.path)
        self.problems = tuple(problems)
