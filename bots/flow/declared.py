"""Reads what a flow declares beside its steps: slots and intents."""

from __future__ import annotations

from bots.flow import check, verbs
from bots.flow.document import Section
from bots.flow.model import CONFIRMATIONS, GLOBALS, SLOT_TYPES, Choice, Intent, Slot
from bots.flow.reader import Reader

SLOT_KEYS = frozenset(
    {"type", "confirm", "prefill", "implies", "answer", "prefix", "length", "low", "high"}
    | {"choices", "optional", "check", "label"}
)
INTENT_KEYS = frozenset({"label", "about", "go", "queue", "small_talk", "examples"})


def read_slot(reader: Reader, name: str, raw: Section) -> Slot:
    """A typed value that the flow collects."""
    reader.known(raw, SLOT_KEYS)
    kind = reader.one_of(raw, "type", SLOT_TYPES, "")
    choices = _choices(reader, raw)
    if (kind == "choice") != bool(choices):
        reader.bad("a slot of type choice, and no other, needs 'choices'")
    return Slot(
        name=name,
        type=kind,
        confirm=reader.one_of(raw, "confirm", CONFIRMATIONS, "never"),
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
    )


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
