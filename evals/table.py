"""Plain tables for a terminal: aligned columns, colour only when somebody looks."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"
GAP = "  "


def paint(text: str, style: str, stream: TextIO | None = None) -> str:
    """``text`` in an ANSI style when ``stream`` is a terminal, else as it is."""
    return f"\x1b[{style}m{text}\x1b[0m" if (stream or sys.stdout).isatty() else text


def width(text: str) -> int:
    """Columns that a terminal needs for ``text``: two for wide characters, 0 for marks."""
    columns = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        columns += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return columns


def layout(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> list[str]:
    """Lines of a table under a rule; columns in ``right`` are aligned to the right."""
    table = [list(header), *[list(row) for row in rows]]
    widths = [max(width(row[i]) for row in table) for i in range(len(header))]
    lines = [_line(row, widths, right) for row in table]
    return [lines[0], "─" * (sum(widths) + len(GAP) * (len(widths) - 1)), *lines[1:]]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    cells = []
    for i, (cell, columns) in enumerate(zip(row, widths, strict=True)):
        filler = " " * (columns - width(cell))
        cells.append(filler + cell if i in right else cell + filler)
    return GAP.join(cells).rstrip()
