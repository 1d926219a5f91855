"""Bring Django's validation errors to the one kind of refusal that services raise."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from clinic.errors import ClinicError


def check(instance: Any, *, exclude: tuple[str, ...] = ()) -> None:
    """Validate a row before it is written: fields, uniqueness, the model's own rules.

    Raises ClinicError naming the first wrong field, in the model's order.
    """
    try:
        instance.full_clean(exclude=exclude)
    except ValidationError as error:
        raise as_clinic_error(error) from None


def as_clinic_error(error: ValidationError) -> ClinicError:
    """Return the first problem of a ValidationError, with its code and field."""
    if not hasattr(error, "error_dict"):
        return ClinicError(" ".join(error.messages), code=_code(error))
    name, problems = next(iter(error.error_dict.items()))
    messages = " ".join(message for problem in problems for message in problem.messages)
    path = _unique_field(problems[0]) if name == NON_FIELD_ERRORS else name
    return ClinicError(messages, code=_code(problems[0]), path=path)


def _unique_field(error: ValidationError) -> str:
    """Name the field that must be unique in its clinic, if that is what was wrong."""
    unique = (getattr(error, "params", None) or {}).get("unique_check", ())
    own = [name for name in unique if name != "clinic"]
    return own[-1] if own else ""


def _code(error: ValidationError) -> str:
    first = error.error_list[0] if getattr(error, "error_list", None) else error
    code = str(getattr(first, "code", None) or "invalid")
    return "unique" if code == "unique_together" else code  # however Django came to see that it is not
