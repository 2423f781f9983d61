"""Reads what a flow declares beside its steps: slots and intents."""

from __future__ import annotations

import re

from bots.flow import check, verbs
from bots.flow.document import Section
from bots.flow.model import CONFIRMATIONS, GLOBALS, SLOT_TYPES, Choice, Intent, Slot
from bots.flow.reader import Reader

SLOT_KEYS = frozenset(
    {"type", "confirm", "prefill", "implies", "answer", "prefix", "length", "low", "high"}
    | {"choices", "optional", "check", "label", "pattern", "currency", "past", "month_first"}
    | {"country", "among", "sensitive"}
)
INTENT_KEYS = frozenset({"label", "about", "go", "queue", "small_talk", "examples"})


def read_slot(reader: Reader, name: str, raw: Section) -> Slot:
    """A typed value that the flow collects."""
    reader.known(raw, SLOT_KEYS)
    kind = reader.one_of(raw, "type", SLOT_TYPES, "")
    choices = _choices(reader, raw)
    if (kind == "choice") != bool(choices):
        reader.bad("a slot of type choice, and no other, needs 'choices'")
    confirm = reader.one_of(raw, "confirm", CONFIRMATIONS, "never")
    sensitive = reader.flag(raw, "sensitive")
    if sensitive and (confirm != "never" or raw.get("prefill") or raw.get("answer")):
        reader.bad("a sensitive slot is not read back, not prefilled and no campaign's answer")
    return Slot(
        name=name,
        type=kind,
        confirm=confirm,
        sensitive=sensitive,
        prefill=reader.flag(raw, "prefill"),
        implies=str(raw.get("implies", "")),
        answer=reader.flag(raw, "answer"),
        prefix=str(raw.get("prefix", "")).upper(),
        length=reader.number(raw, "length") or 0,
        low=reader.number(raw, "low"),
        high=reader.number(raw, "high"),
        choices=choices,
        optional=reader.flag(raw, "optional"),
        label=reader.optional_text(raw, "label"),
        checks=verbs.checks(reader, raw),
        pattern=_pattern(reader, raw, kind),
        currency=str(raw.get("currency", "")).upper(),
        past=reader.flag(raw, "past"),
        month_first=reader.flag(raw, "month_first"),
        country=_country(reader, raw, kind),
        among=tuple(reader.words(raw, "among")),
    )


def _pattern(reader: Reader, raw: Section, kind: str) -> str:
    pattern = str(raw.get("pattern", ""))
    if (kind == "code") != bool(pattern):
        reader.bad("a slot of type code, and no other, needs a 'pattern', as '[A-Z]{2}[0-9]{6}'")
    try:
        re.compile(pattern)
    except re.error as error:
        reader.bad(f"pattern {pattern!r} is no regular expression: {error}")
    return pattern


def _country(reader: Reader, raw: Section, kind: str) -> str:
    country = str(raw.get("country", "")).upper()
    if (kind == "phone") != bool(country):
        reader.bad("a slot of type phone, and no other, needs 'country': two letters, as LV")
    elif country and not re.fullmatch("[A-Z]{2}", country):
        reader.bad(f"country {country!r} is not the two letters of ISO 3166, as LV")
    return country


def _choices(reader: Reader, raw: Section) -> tuple[Choice, ...]:
    found = []
    for value, choice in reader.section(raw, "choices").items():
        if not isinstance(choice, Section):
            reader.bad(f"choice {value!r}: expected 'key' and 'phrases', found {choice!r}")
            continue
        reader.known(choice, frozenset(["key", "phrases"]))
        phrases = reader.examples(choice, "phrases")
        found.append(Choice(value, str(choice.get("key", "")), phrases))
    return tuple(found)


def read_intent(reader: Reader, name: str, raw: Section) -> Intent:
    """Something that customers want."""
    reader.known(raw, INTENT_KEYS)
    if name in check.YES_NO:
        reader.bad("this name is built in; choose another")
    if name in GLOBALS and "go" in raw:
        reader.bad(f"a built-in intent has no 'go'; set 'always: {{{name}: STEP}}'")
    return Intent(
        name=name,
        label=str(raw.get("label", name.replace("_", " "))),
        about=reader.optional_text(raw, "about"),
        go=str(raw.get("go", "")),
        queue=reader.queue(raw),
        small_talk=reader.flag(raw, "small_talk"),
        examples=reader.examples(raw, "examples"),
    )
