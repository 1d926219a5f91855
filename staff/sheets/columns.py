"""What a column of a spreadsheet can mean, and which header means what in English, Romanian and Spanish."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic.text import fold
from staff.models import Sheet

PATIENTS, APPOINTMENTS = Sheet.Noun.PATIENTS, Sheet.Noun.APPOINTMENTS


@dataclass(frozen=True, slots=True)
class Target:
    """What a column may fill: the reader of its cells (a method of values.Cells), and the headers that mean it."""

    key: str
    label: Any
    reader: str
    headers: str
    required: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Return the folded headers that mean this target."""
        return frozenset(name.strip() for name in self.headers.split(",")) | {plain(self.key), plain(str(self.label))}


NUMBER = "number, no, nr, cod, code, id"
RECORD = (
    "record number, record no, record, mrn, patient id, patient number, patient no, cnp, cod pacient, numar fisa,"
    " nr fisa, fisa, nhc, historia clinica, numero de historia, id paciente"
)
TARGETS: dict[str, tuple[Target, ...]] = {
    PATIENTS: (
        Target("external_id", _("record number"), "text", f"{RECORD}, {NUMBER}", required=True),
        Target("given_name", _("given name"), "text", "first name, firstname, forename, prenume, nombre, nombres"),
        Target(
            "family_name",
            _("family name"),
            "text",
            "last name, lastname, surname, nume, nume de familie, apellido, apellidos",
        ),
        Target(
            "birth_date",
            _("date of birth"),
            "day",
            "birth date, birthday, dob, born, data nasterii, nascut, nascuta, fecha de nacimiento, nacimiento",
        ),
        Target("sex", _("sex"), "sex", "gender, gen, sexo, genero"),
        Target("email", _("email"), "text", "e mail, mail, email address, adresa de email, correo, correo electronico"),
        Target(
            "phone",
            _("phone"),
            "text",
            "telephone, mobile, cell, tel, telefon, nr telefon, numar de telefon, mobil, telefono, movil",
        ),
        Target("language", _("language"), "language", "lang, limba, idioma, lengua"),
        Target("city", _("city"), "text", "town, oras, localitate, ciudad, localidad, poblacion"),
        Target("source", _("source"), "text", "sursa, fuente, origen, how they found us"),
        Target(
            "occurred_at",
            _("registered"),
            "moment_or_day",
            "registered at, registered on, registration date, data inregistrarii, inregistrat, fecha de registro,"
            " fecha de alta",
        ),
    ),
    APPOINTMENTS: (
        Target(
            "external_id",
            _("appointment number"),
            "text",
            f"appointment id, booking id, booking, visit id, cod programare, nr programare, id cita, numero de cita,"
            f" {NUMBER}",
            required=True,
        ),
        Target("patient", _("record number of the patient"), "text", f"patient, pacient, paciente, {RECORD}"),
        Target(
            "service",
            _("service"),
            "service",
            "type, appointment type, kind, treatment, serviciu, tip, consultatie, servicio, tipo, tipo de cita",
        ),
        Target(
            "specialist",
            _("specialist"),
            "specialist",
            "doctor, therapist, provider, medic, terapeut, medico, especialista, profesional",
        ),
        Target(
            "starts_at",
            _("starts at"),
            "moment",
            "start, date and time, datetime, date time, data si ora, inceput, inicio, fecha y hora",
        ),
        Target("starts_on", _("date"), "day", "day, appointment date, data, ziua, zi, fecha, dia"),
        Target("starts_time", _("time"), "clock", "hour, start time, ora, hora"),
        Target("minutes", _("minutes"), "whole", "duration, length, minute, durata, minutos, duracion"),
        Target("status", _("status"), "status", "state, stare, estado"),
        Target("location", _("location"), "text", "room, place, locatie, cabinet, sala, lugar, ubicacion, consultorio"),
        Target("join_url", _("join link"), "text", "link, video link, join url, enlace"),
    ),
}


def targets(noun: str) -> dict[str, Target]:
    """Return what columns of this kind of spreadsheet may fill, by key."""
    return {target.key: target for target in TARGETS[noun]}


def plain(header: str) -> str:
    """Return a header as it is compared: without case, accents and punctuation."""
    return re.sub(r"[\W_]+", " ", fold(header)).strip()


def guess(noun: str, headers: Sequence[str], habit: Mapping[str, str]) -> list[str]:
    """Say for each header what it fills ("": nothing): as last time, else by its name; nothing is filled twice."""
    known = targets(noun)
    taken: set[str] = set()
    found = []
    for header in map(plain, headers):
        named = next((key for key, target in known.items() if header in target.names), "")
        key = habit.get(header, named)
        key = key if key in known and key not in taken else ""
        taken.add(key)
        found.append(key)
    return found
