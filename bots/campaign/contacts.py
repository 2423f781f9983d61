"""A campaign's list: CSV in, contacts out, with errors that name line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from router.errors import ParleyError
from router.model import Contact, new_id

ADDRESS_COLUMNS = ("address", "phone")
KNOWN_COLUMNS = (*ADDRESS_COLUMNS, "name", "timezone")
MAX_CONTACTS = 100_000
MAX_FIELD_CHARS = 500
E164 = re.compile(r"\+[1-9]\d{6,14}")
SIP_URI = re.compile(r"(?i:sips?):[^\s@;<>]+@[A-Za-z0-9.\-\[\]:]+(?:;[^\s<>]+)?")
PHONE_NOISE = re.compile(r"[\s().\-/]")
FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")


class BadList(ParleyError):
    """The list cannot be read; the message names the line, the column and the fix."""


def parse_contacts(
    text: str,
    campaign_id: str,
    *,
    default_timezone: str = "UTC",
    required: Sequence[str] = (),
) -> list[Contact]:
    """Contacts from CSV with a header: ``name``, ``address`` or ``phone``, ``timezone``.

    Any further column becomes a field of the contact; ``required`` are fields that
    the flow cannot do without. Raises ``BadList`` at the first mistake.
    """
    contacts: list[Contact] = []
    lines: dict[str, int] = {}
    for number, row in _rows(text, required):
        address = _address(row, number)
        if address in lines:
            raise BadList(
                f"line {number}, column {_address_column(row)}: {address} is already "
                f"on line {lines[address]}"
            )
        lines[address] = number
        contacts.append(
            Contact(
                id=new_id(),
                campaign_id=campaign_id,
                name=row.get("name", ""),
                address=address,
                timezone=_timezone(row, number, default_timezone),
                fields=_fields(row, number, required),
            )
        )
    if not contacts:
        raise BadList("line 2: the list has a header and no contacts")
    return contacts


def parse_do_not_contact(text: str) -> list[tuple[str, str]]:
    """Pairs of address and reason from CSV lines ``address[,reason]``; the header is optional.

    Raises ``BadList``.
    """
    pairs = []
    for number, cells in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), start=1):
        if not cells or not cells[0].strip():
            continue
        if number == 1 and cells[0].strip().lower() in ADDRESS_COLUMNS:
            continue
        address = normal_address(cells[0])
        if address is None:
            raise BadList(f"line {number}, column address: {cells[0]!r} {_EXPECTED}")
        reason = cells[1].strip() if len(cells) > 1 else ""
        pairs.append((address, reason or "imported"))
    return pairs


def normal_address(raw: str) -> str | None:
    """``+`` and digits (E.164) or a SIP URI in one spelling; None when it is neither."""
    text = raw.strip()
    if SIP_URI.fullmatch(text):
        scheme, rest = text.split(":", 1)
        user, host = rest.split("@", 1)
        return f"{scheme.lower()}:{user}@{host.lower()}"
    digits = PHONE_NOISE.sub("", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if E164.fullmatch(digits) else None


_EXPECTED = "is neither an international number like +37120000001 nor a SIP URI"


def _rows(text: str, required: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, required)
        for count, cells in enumerate(reader):
            if not any(cell.strip() for cell in cells):
                continue
            if count >= MAX_CONTACTS:
                raise BadList(f"line {reader.line_num}: more than {MAX_CONTACTS} contacts")
            if len(cells) != len(header):
                raise BadList(
                    f"line {reader.line_num}: expected {len(header)} columns, found {len(cells)}"
                )
            cleaned = (cell.strip() for cell in cells)
            yield reader.line_num, dict(zip(header, cleaned, strict=True))
    except csv.Error as error:
        raise BadList(f"line {reader.line_num}: not CSV: {error}") from None


def _check_header(header: Sequence[str], required: Iterable[str]) -> None:
    if not any(header):
        raise BadList("line 1: expected a header with name, phone and timezone, found nothing")
    if sum(column in header for column in ADDRESS_COLUMNS) != 1:
        raise BadList(
            f"line 1: expected one column named address or phone, found {', '.join(header)}"
        )
    for column in header:
        if header.count(column) > 1:
            raise BadList(f"line 1, column {column}: the column is there twice")
        if not FIELD_NAME.fullmatch(column):
            raise BadList(f"line 1, column {column!r}: use small letters, digits and _")
    for column in required:
        if column not in header:
            raise BadList(f"line 1: the flow needs a column named {column}")


def _address_column(row: Mapping[str, str]) -> str:
    return next(column for column in ADDRESS_COLUMNS if column in row)


def _address(row: Mapping[str, str], number: int) -> str:
    column = _address_column(row)
    address = normal_address(row[column])
    if address is None:
        raise BadList(f"line {number}, column {column}: {row[column]!r} {_EXPECTED}")
    return address


def _timezone(row: Mapping[str, str], number: int, default: str) -> str:
    name = row.get("timezone") or default
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        message = f"line {number}, column timezone: {name!r} is not an IANA time zone"
        raise BadList(message) from None


def _fields(row: Mapping[str, str], number: int, required: Sequence[str]) -> dict[str, str]:
    fields = {name: value for name, value in row.items() if name not in KNOWN_COLUMNS}
    for name, value in fields.items():
        if len(value) > MAX_FIELD_CHARS:
            raise BadList(
                f"line {number}, column {name}: {len(value)} characters, at most {MAX_FIELD_CHARS}"
            )
    for name in required:
        if not fields.get(name) and not row.get(name):
            raise BadList(f"line {number}, column {name}: the flow needs a value, found nothing")
    return fields
