"""Files as people send them: their letters, what parts their cells, workbooks, and files that mean harm."""

import io
import zipfile
from datetime import date, datetime, time

import pytest
from openpyxl import Workbook, load_workbook

from clinic.errors import ClinicError
from staff.sheets import reading, workbooks
from staff.sheets.reading import Table, read
from staff.tests.sheets.files import PATIENTS, saved, workbook

TEXT = "Nume;Oraș\nȘtefan;Iași\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_letters_are_found_out(encoding):
    table = read(TEXT.encode(encoding))
    assert (table.headers, table.rows) == (["Nume", "Oraș"], [(2, ["Ștefan", "Iași"])])


def test_windows_letters_are_those_of_the_clinics_language():
    assert read("Nume;Oraş\nŢepeş;Iaşi\n".encode("cp1250")) == Table(
        ["Nume", "Oraş"], [(2, ["Ţepeş", "Iaşi"])], "cp1250"
    )
    spanish = "Nombre;Ciudad\nÍñigo;León\n".encode("cp1252")
    assert read(spanish, language="es").rows == [(2, ["Íñigo", "León"])]
    assert read(spanish, encoding="cp1252").encoding == "cp1252"


def test_letters_that_are_none_are_refused_in_words():
    with pytest.raises(ClinicError, match="Save it as CSV"):
        read(b"Nume\n\x81\x83\x88\n")


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_what_parts_the_cells_is_found_out(delimiter):
    text = delimiter.join("abc") + "\n" + delimiter.join(['"1, 2; 3"', "x", "y"]) + "\n"
    assert read(text.encode()).rows == [(2, ["1, 2; 3", "x", "y"])]


def test_excels_own_hint_is_followed_and_lines_count_from_the_file():
    assert read(b"sep=|\nNo|Name\n1|Ana\n").rows == [(3, ["1", "Ana"])]
    assert read(b"sep=;\nNo;Name\n1;Ana, Pop\n").headers == ["No", "Name"]


def test_empty_lines_and_empty_ends_are_left_out_and_a_cell_may_hold_a_line_break():
    assert read(b'\n\nNo,Name,,\n1,Ana,,\n\n,,\n2,"B\no"\n').rows == [(4, ["1", "Ana"]), (8, ["2", "B\no"])]


def test_a_mark_against_formulas_is_taken_away_again():
    assert read(b"No,Phone\n1,'+40712\n2,'quoted'\n").rows == [(2, ["1", "+40712"]), (3, ["2", "'quoted'"])]


def test_rows_longer_than_the_headers_have_columns_of_their_own():
    assert read(b"No,Name\n1,Ana,extra\n").headers == ["No", "Name", ""]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"No,Name\n", "headers only"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old or a protected Excel file"),
        (b"PK\x03\x04 not a zip", "damaged"),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n" + bytes(range(256)), "cannot be read|neither|no CSV"),
        (b"a" * (reading.MAX_BYTES + 1), "larger than 16 MB"),
        (b'No,Name\n1,"never closed' + b"x" * 140_000, "no CSV"),
        (b",".join(b"c%d" % n for n in range(101)) + b"\n1\n", "more than 100 columns"),
    ],
)
def test_what_is_no_sheet_is_refused_in_words(content, words):
    with pytest.raises(ClinicError, match=words) as refusal:
        read(content)
    assert refusal.value.path == "file"


def test_more_rows_than_may_be_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    assert len(read(b"No\n1\n2\n").rows) == 2
    with pytest.raises(ClinicError, match="more than 2 rows"):
        read(b"No\n1\n2\n3\n")


# --- workbooks ---


def test_a_workbook_is_known_by_its_content_and_read_as_somebody_would_type_it():
    wall = datetime(2026, 11, 30, 9, 0)  # noqa: DTZ001 - a cell knows no zone
    row = [17, "Maria", date(1957, 3, 2), wall, time(9, 30), 30.0, 1.5, True, 40712345678, None]
    table = read(workbook([f"c{n}" for n in range(10)], row))
    assert table.encoding == "xlsx"
    assert table.rows == [
        (2, ["17", "Maria", "1957-03-02", "2026-11-30 09:00", "09:30:00", "30", "1.5", "true", "40712345678"])
    ]


def test_formulas_are_read_as_what_they_last_came_to():
    content = workbook(["No", "Sum"], [1, "=1+1"])
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = data.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(
                    b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"
                )
            target.writestr(name, data)
    assert read(packed.getvalue()).rows == [(2, ["1", "2"])]


def test_only_the_first_sheet_is_read():
    book = load_workbook(io.BytesIO(workbook(["No"], [1])))
    book.create_sheet().append(["Other"])
    book.active = 1
    assert read(saved(book)).headers == ["No"]


def repacked(content, **members):
    """Return a workbook with other members, and more of them."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name not in members:
                target.writestr(name, source.read(name))
        for name, data in members.items():
            target.writestr(name, data)
    return packed.getvalue()


def test_a_bomb_is_refused_before_it_unfolds():
    bomb = repacked(workbook(["No"], [1]), **{"xl/media/image1.png": b"\0" * 20_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(ClinicError, match="unfolds into far more"):
        read(bomb)


def test_a_text_that_is_named_again_and_again_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_LETTERS", 1_000)
    with pytest.raises(ClinicError, match="far more text"):
        read(workbook(["No"], *[["x" * 100]] * 20))


def test_entities_are_not_unfolded():
    laughs = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    with pytest.raises(ClinicError, match="damaged"):
        read(repacked(workbook(["No"], ["text"]), **{"xl/worksheets/sheet1.xml": laughs}))


def test_a_cell_at_the_end_of_the_world_costs_nothing():
    book = Workbook()
    book.active.append(["No"])
    book.active.append([1])
    book.active["XFD60000"] = "far"
    assert read(saved(book)).rows == [(2, ["1"])]


def test_a_workbook_of_too_many_sheets_is_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_SHEETS", 2)
    with pytest.raises(ClinicError, match="more than 2"):
        read(workbook(["No"], [1], sheets=3))


def test_a_zip_that_is_no_workbook_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("word/document.xml", "x")
    with pytest.raises(ClinicError, match="neither"):
        read(packed.getvalue())


def test_romanian_headers_come_through():
    assert read(PATIENTS.encode("utf-16")).headers[0] == "Nr fișă"
