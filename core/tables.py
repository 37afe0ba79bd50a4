"""Tables as text: CSV that spreadsheets, GIS and statistics programs open alike, and the CSV that people make.

Ours have commas, decimal points and UTF-8 (RFC 4180 and 7111); the byte-order mark that Excel needs stands only before a
table that holds letters beyond ASCII, since some programs take it for a part of the first name. A text that a spreadsheet
would calculate is quoted with an apostrophe, as the spreadsheets themselves do.
"""

from __future__ import annotations

import csv
import io
import re

from .foreign import text_in

MARK = "\ufeff"
_FORMULA = re.compile(r"'*\s*[=+\-@\t]")  # what a spreadsheet begins to calculate at, and what already looks quoted
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TOLD = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line


def written(rows) -> str:
    """Rows as CSV; None is an empty cell.

    Parameters
    ----------
    rows : iterable of iterables
        The names of the columns first.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_quoted(cell) for cell in row] for row in rows)
    content = text.getvalue()
    return content if content.isascii() else MARK + content


def _quoted(cell):
    if not isinstance(cell, str):
        return cell
    cell = cell.replace("\r", " ")  # some readers end the row there
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def rows_in(path, separators: str = "\t;,") -> list[tuple[int, list[str]]]:
    """Number (from 1) and cells of every row of a table that is not empty, quotes taken away.

    Parameters
    ----------
    path : str or Path
    separators : str
        What may stand between cells; that of them does which is in the most lines.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is no text or no table.
    """
    text = text_in(path)
    lines = text.splitlines()
    told = _TOLD.fullmatch(lines[0]) if lines else None
    separator = told[1] if told else max(separators, key=lambda one: sum(one in line for line in lines))
    try:
        rows = [[bare(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as problem:
        raise ValueError(f"it is no table ({problem})") from problem
    return [(number, row) for number, row in enumerate(rows, start=1) if any(map(str.strip, row)) and not (told and number == 1)]


def bare(cell: str) -> str:
    """A cell of `written` without the apostrophe that keeps spreadsheets from calculating it."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
