"""Read and map whole files, before anything is written: so the order of the files does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from fhir.care import map_care_plan, map_observation
from fhir.mapping import map_encounter, map_patient, map_practitioner
from fhir.questionnaires import map_questionnaire, map_value_set
from fhir.reading import MAX_RESOURCES, BadResource, Found, UnreadableFile, file_of, read

Progress = Callable[..., Iterable[Any]]
"""Shows how far an iterable got, like tqdm: `progress(items, desc=…, total=…)`."""


def no_progress(items: Iterable[Any], **_: Any) -> Iterable[Any]:
    """Show nothing."""
    return items


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one resource, and where it stands (file:line)."""

    place: str
    text: str


@dataclass(slots=True)
class Gathered:
    """What the files hold, by resource type and id, each with its place."""

    kept: dict[str, dict[str, tuple[str, Any]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, tuple[str, Any]]:
        """Return the place and the data of each resource of a type, by id."""
        return self.kept.get(kind, {})


Mapper = Callable[[dict[str, Any], ZoneInfo, str], Any]
MAPPERS: dict[str, Mapper] = {
    "Patient": lambda resource, zone, full_url: map_patient(resource, full_url),
    "Encounter": map_encounter,
    "CarePlan": map_care_plan,
    "Observation": map_observation,
    "Practitioner": lambda resource, zone, full_url: map_practitioner(resource, full_url),
    "Questionnaire": lambda resource, zone, full_url: map_questionnaire(resource, full_url),
    "ValueSet": lambda resource, zone, full_url: map_value_set(resource, full_url),
}
"""By resource type, what makes data of it: an object with an `id`, and `notes` if something optional was left out.

None: a resource of that type which the house does not keep (an Observation of anything but pain).
"""


PER_FILE = ("ValueSet",)
"""Types whose ids are told apart by file too: files made apart use one id for different lists of answers."""


def gather(paths: Iterable[Path], zone: ZoneInfo, progress: Progress = no_progress) -> Gathered:
    """Read all files. Bad resources become problems; raises UnreadableFile for a file that is of no use at all."""
    gathered = Gathered()
    count = 0
    for path in paths:
        for found in progress(read(path), desc=path.name, total=None):
            count += 1
            if count > MAX_RESOURCES:
                raise UnreadableFile(
                    _("More than %(limit)d resources. Import the files in parts.") % {"limit": MAX_RESOURCES}
                )
            _take(found, gathered, zone)
    return gathered


def _take(found: Found, gathered: Gathered, zone: ZoneInfo) -> None:
    if found.resource is None:
        gathered.problems.append(Problem(found.place, found.problem))
        return
    try:
        _map(found, found.resource, gathered, zone)
    except BadResource as bad:
        where = f"{bad.path} " if bad.path else ""
        gathered.problems.append(Problem(found.place, f"{_kind(found.resource)}: {where}{bad.reason}"))


def _map(found: Found, resource: dict[str, Any], gathered: Gathered, zone: ZoneInfo) -> None:
    kind = resource.get("resourceType")
    if isinstance(kind, str) and kind in MAPPERS:
        data = MAPPERS[kind](resource, zone, found.full_url)
        if data is None:
            gathered.ignored[kind] = gathered.ignored.get(kind, 0) + 1
            return
        key = f"{file_of(found.place)} {data.id}" if kind in PER_FILE else data.id
        _keep(gathered.kept.setdefault(kind, {}), key, found.place, data)
        gathered.notes += [Problem(found.place, f"{kind}: {note}") for note in getattr(data, "notes", ())]
    elif isinstance(kind, str) and kind.isalpha() and len(kind) <= 64:
        gathered.ignored[kind] = gathered.ignored.get(kind, 0) + 1
    else:
        raise BadResource(_("is missing or no name of a resource"), "resourceType")


def _keep(kept: dict[str, tuple[str, Any]], key: str, place: str, data: Any) -> None:
    """Keep a resource; the same again is nothing new, another one under its id is refused."""
    first = kept.setdefault(key, (place, data))
    if first[1] != data:
        raise BadResource(_("was given already at %(place)s, with other content") % {"place": first[0]}, "id")


def _kind(resource: dict[str, Any]) -> str:
    kind = resource.get("resourceType")
    return kind if isinstance(kind, str) and kind.isalpha() and len(kind) <= 64 else "?"
