"""A list of customers as CSV: who has priority, and who has an agent of their own. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping

from channels.identity import mail, phone
from channels.text_errors import BadAddress
from router.acts.customers import Listed, Mark
from router.errors import BadCustomer, Flaw
from router.model import Identity

MOST = 20_000
"""Customers in one list."""
NAME_CHARS = 200
ADDRESSES: Mapping[str, Callable[[str], Identity]] = {"phone": phone, "email": mail}
COLUMNS = (*ADDRESSES, "name", "vip", "dedicated_agent")
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": None}
NOBODY = "-"
"""In ``dedicated_agent``: from now on nobody; an empty cell leaves it as it is."""


def parse_customers(text: str) -> list[Listed]:
    """CSV with a header: ``phone`` or ``email`` (or both), ``name``, ``vip``, ``dedicated_agent``.

    Raises ``BadCustomer`` with everything that is wrong, each with its line.
    """
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    listed: list[Listed] = []
    flaws: list[Flaw] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if flaw := _header_flaw(header):
            raise BadCustomer(problems=[flaw])
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            try:
                listed.append(_line(reader.line_num, row, len(cells) - len(header)))
            except ValueError as error:
                flaws.append(Flaw(f"line {reader.line_num}", str(error)))
    except csv.Error as error:
        flaws.append(Flaw(f"line {reader.line_num}", f"not CSV: {error}"))
    if len(listed) > MOST:
        flaws.append(Flaw(f"line {listed[MOST].line}", f"expected at most {MOST} customers"))
    if flaws:
        raise BadCustomer(problems=flaws)
    return listed


def _header_flaw(header: list[str]) -> Flaw | None:
    known = set(header) <= set(COLUMNS) and len(set(header)) == len(header)
    if known and set(header) & set(ADDRESSES):
        return None
    expected = "expected the columns phone or email, and any of name, vip, dedicated_agent"
    return Flaw("line 1", f"{expected}; found {', '.join(header) or 'nothing'}")


def _line(number: int, row: Mapping[str, str], too_many: int) -> Listed:
    """Raises ``ValueError`` saying what is wrong."""
    if too_many:
        raise ValueError(f"expected {len(row)} columns, found {len(row) + too_many}")
    said = [(column, row[column]) for column in ADDRESSES if row.get(column)]
    if not said:
        raise ValueError("expected a phone number or a mail address, found neither")
    try:
        identities = tuple(ADDRESSES[column](value) for column, value in said)
    except BadAddress as error:
        raise ValueError(str(error)) from None
    vip = row.get("vip", "").lower()
    if vip not in YES_NO:
        raise ValueError(f"vip: expected yes or no, found {vip[:40]!r}")
    agent = row.get("dedicated_agent", "")
    mark = Mark(YES_NO[vip], None if not agent else "" if agent == NOBODY else agent)
    return Listed(number, identities, mark, row.get("name", "")[:NAME_CHARS])
