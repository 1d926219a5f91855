"""Spreadsheets as people send them."""

from __future__ import annotations

import io

from openpyxl import Workbook

PATIENTS = (
    "Nr fișă;Nume;Prenume;Data nașterii;Sex;Email;Telefon;Oraș\n"
    "A-17;Marin;Maria;02.03.1957;F;maria@patients.example;+40712345678;Iași\n"
    "A-18;Pop;Ana;5.1.1963;F;ana@patients.example;;Cluj\n"
    "A-19;Ionescu;Ștefan;31.12.2000;M;stefan@;;\n"
)
"""Maria of the cast, who gets a phone number; Ana, who is new; Stefan, whose email is none."""


def workbook(*rows: list, sheets: int = 1) -> bytes:
    """Return an XLSX file whose first sheet holds these rows."""
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for _more in range(sheets - 1):
        book.create_sheet()
    return saved(book)


def saved(book: Workbook) -> bytes:
    """Return a workbook's bytes."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
