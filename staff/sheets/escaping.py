"""Cells that a spreadsheet would take for a formula: written as text, and read back as they were."""

from __future__ import annotations

RISKY = ("=", "+", "-", "@", "\t", "\r")
MARK = "'"


def escape(text: str) -> str:
    """Mark a cell that begins like a formula, so that every spreadsheet shows it as text."""
    return MARK + text if text.startswith(RISKY) else text


def unescape(text: str) -> str:
    """Take the mark away again."""
    return text[1:] if text.startswith(MARK) and text[1:].startswith(RISKY) else text
