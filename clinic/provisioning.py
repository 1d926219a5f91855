"""Set up what a shipped rule needs (a form, a message, a service), without knowing which app keeps it.

An app says from its `AppConfig.ready` how its kind is made:

    register_provider("service", provide_service)

`provide_service(clinic, spec)` makes the thing that `spec` describes unless the clinic has one of that slug, which is
then left exactly as it is, and returns whether it made one. It raises ClinicError if the thing cannot be made, or is
there but cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clinic.errors import ClinicError

Spec = Mapping[str, Any]
Provider = Callable[[Any, Spec], bool]


@dataclass(frozen=True, slots=True)
class Provided:
    """What became of one need: made now, or there already."""

    kind: str
    slug: str
    created: bool


_providers: dict[str, Provider] = {}


def register_provider(kind: str, provider: Provider) -> None:
    """Say how things of `kind` are made. Raises ValueError if somebody else makes them already."""
    if _providers.get(kind, provider) is not provider:
        raise ValueError(f"Things of the kind {kind!r} are made by {_providers[kind]!r} already.")
    _providers[kind] = provider


def kinds() -> tuple[str, ...]:
    """Return the kinds that can be made, in the order in which they were registered."""
    return tuple(_providers)


def provide(kind: str, clinic: Any, spec: Spec) -> Provided:
    """Make sure that the clinic has what `spec` describes. Raises ClinicError, naming the kind and the slug."""
    slug = str(spec["slug"])
    if kind not in _providers:
        raise ClinicError(f"Nothing installed here can make a {kind} (needed: {slug!r}).", code="unknown_kind")
    try:
        created = _providers[kind](clinic, spec)
    except ClinicError as error:
        raise ClinicError(f"{kind} {slug!r}: {error.message}", code=error.code, path=f"{kind}/{slug}") from error
    return Provided(kind, slug, created)
