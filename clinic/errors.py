"""Errors that a person or a client can do something about."""

from __future__ import annotations


class ClinicError(Exception):
    """Refuse a request, saying where it is wrong and what would be right.

    `code` is stable and machine-readable; `path` is a JSON Pointer or a field name, empty for the whole record.
    """

    def __init__(self, message: str, *, code: str = "invalid", path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = path


class Refused(ClinicError):
    """Refuse what the person may not do, or what a rule of the clinic forbids."""


class ImpossibleTransition(ClinicError):
    """Refuse a move that the record's life-cycle does not have."""

    def __init__(self, noun: str, current: str, wanted: str) -> None:
        super().__init__(
            f"{noun} is {current}; it cannot become {wanted} from there.", code="impossible_transition", path="status"
        )
        self.current = current
        self.wanted = wanted


class StaleRecord(ClinicError):
    """Refuse to write back a copy that was read before somebody else changed the record."""

    def __init__(self, noun: str) -> None:
        super().__init__(
            f"{noun} was changed by somebody else after it was read here. Open it again and repeat the change.",
            code="stale_record",
        )
