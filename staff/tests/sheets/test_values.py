"""What people write into cells: dates of three kinds, times, words in three languages."""

from zoneinfo import ZoneInfo

import pytest

from clinic.errors import ClinicError
from staff.sheets.columns import guess
from staff.sheets.values import Cells, day_first, m_is_female

CELLS = Cells(ZoneInfo("Europe/Bucharest"), day_first=True, services={"eval": {"eval"}, "two": {"a", "b"}})


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1957-03-02", "1957-03-02"),
        ("1957/3/2", "1957-03-02"),
        ("2.3.1957", "1957-03-02"),
        ("02/03/1957", "1957-03-02"),
        ("02-03-1957", "1957-03-02"),
    ],
)
def test_a_date_is_read(text, day):
    assert CELLS.read("day", text) == day


def test_the_month_comes_first_where_that_was_said():
    cells = Cells(ZoneInfo("America/New_York"), day_first=False)
    assert cells.read("day", "03/02/1957") == "1957-03-02"
    assert cells.read("day", "2.3.1957") == "1957-03-02"  # with dots the day comes first everywhere


@pytest.mark.parametrize(
    ("reader", "text", "words"),
    [
        ("day", "2.3.57", "four digits"),
        ("day", "31.2.2020", "no such day"),
        ("day", "13/13/2020", "no such day"),
        ("day", "yesterday", "four digits"),
        ("clock", "25:00", "time of day"),
        ("clock", "13:00 pm", "time of day"),
        ("moment", "30.11.2026", "date and time"),
        ("moment", "29.03.2026 03:30", "clocks skip"),
        ("whole", "half an hour", "whole number"),
        ("sex", "?", "Use one of"),
        ("status", "perhaps", "Use one of"),
        ("language", "klingonese!", "code of the language"),
        ("service", "Massage", "no service of that name"),
        ("service", "two", "Several"),
        ("text", "#REF!", "formula"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(reader, text, words):
    with pytest.raises(ClinicError, match=words):
        CELLS.read(reader, text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30 09:00", "2026-11-30T07:00:00+00:00"),
        ("30.11.2026 9:00", "2026-11-30T07:00:00+00:00"),
        ("30/11/2026, 9:00 PM", "2026-11-30T19:00:00+00:00"),
        ("2026-07-01T09:00:00", "2026-07-01T06:00:00+00:00"),
        ("2026-11-30T09:00:00+01:00", "2026-11-30T09:00:00+01:00"),
        ("30.11.2026 12:15 am", "2026-11-29T22:15:00+00:00"),
    ],
)
def test_a_moment_is_of_the_clinics_clock_unless_it_says_otherwise(text, moment):
    assert CELLS.read("moment", text) == moment


def test_a_day_alone_may_stand_for_its_beginning():
    assert CELLS.read("moment_or_day", "1.7.2026") == "2026-06-30T21:00:00+00:00"


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        ("sex", "Feminin", "female"),
        ("sex", "bărbat", "male"),
        ("sex", "H", "male"),
        ("sex", "M", "male"),
        ("status", "Confirmată", "confirmed"),
        ("status", "no-show", "no_show"),
        ("status", "no presentado", "no_show"),
        ("status", "in_progress", "in_progress"),
        ("language", "Română", "ro"),
        ("language", "es", "es"),
        ("language", "pt-BR", "pt-BR"),
        ("whole", "30 min", 30),
        ("whole", "45.0", 45),
        ("clock", "9.30", "09:30:00"),
        ("clock", "9h30", "09:30:00"),
        ("service", "Eval", "eval"),
    ],
)
def test_words_are_read_in_three_languages(reader, text, value):
    assert CELLS.read(reader, text) == value


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (["03/04/2026", "05/05/2026"], (True, None)),
        (["03/04/2026", "25/11/2026"], (True, True)),
        (["03/04/2026", "11-25-2026"], (True, False)),
        (["25/11/2026", "11/25/2026", "1/2/2026"], (True, None)),
        (["25/11/2026", ""], (False, True)),
        (["2026-04-03", "3.4.2026", "5/5/2026"], (False, None)),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_noticed(cells, answer):
    assert day_first(cells) == answer


def test_m_is_mujer_only_beside_hombre_or_varon():
    assert m_is_female(["H", "M"]) is True
    assert m_is_female(["V", "M"]) is True
    assert m_is_female(["F", "M"]) is False
    assert Cells(ZoneInfo("UTC"), m_is_female=True).read("sex", "M") == "female"


# --- columns ---


@pytest.mark.parametrize(
    ("noun", "headers", "keys"),
    [
        (
            "patients",
            ["MRN", "First name", "Last Name", "DOB", "Gender", "E-mail", "Mobile", "Notes"],
            ["external_id", "given_name", "family_name", "birth_date", "sex", "email", "phone", ""],
        ),
        (
            "patients",
            ["Nr. fișă", "Nume", "Prenume", "Data nașterii", "Telefon", "Localitate"],
            ["external_id", "family_name", "given_name", "birth_date", "phone", "city"],
        ),
        (
            "patients",
            ["NHC", "Nombre", "Apellidos", "Fecha de nacimiento", "Sexo", "Teléfono", "Población"],
            ["external_id", "given_name", "family_name", "birth_date", "sex", "phone", "city"],
        ),
        (
            "appointments",
            ["Cod programare", "Pacient", "Serviciu", "Medic", "Data", "Ora", "Durata", "Stare"],
            ["external_id", "patient", "service", "specialist", "starts_on", "starts_time", "minutes", "status"],
        ),
        ("appointments", ["ID", "Patient ID", "Starts at"], ["external_id", "patient", "starts_at"]),
        (
            "appointments",
            ["ID cita", "NHC", "Servicio", "Fecha", "Hora"],
            ["external_id", "patient", "service", "starts_on", "starts_time"],
        ),
    ],
)
def test_headers_are_known_in_three_languages(noun, headers, keys):
    assert guess(noun, headers, {}) == keys


def test_last_times_choice_comes_first_and_nothing_is_filled_twice():
    assert guess("patients", ["Telefon", "Mobil"], {"mobil": "phone", "telefon": ""}) == ["", "phone"]
    assert guess("patients", ["Telefon", "Mobil"], {}) == ["phone", ""]
    assert guess("patients", ["Telefon"], {"telefon": "no longer there"}) == [""]
