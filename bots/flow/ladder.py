"""What is expected at a question, and how it is put again when that fails. Pure.

1. A question is put again twice, each time in other words that help more: the step's own
   texts first, then the general ones.
2. Then, on the telephone, once more by keys alone, where the question has keys.
3. Then comes a person, with the reason.
"""

from __future__ import annotations

from bots.flow import phrases
from bots.flow.model import AskStep, Flow, Slot, Text

MAX_REPAIRS = 2
"""Per question, in words; see rule 2 for the third."""
MAX_REPAIRS_IN_ALL = 5
"""Per conversation."""
ORDER_DIGITS, MOST_DIGITS = 6, 20
KINDS = {
    "order-number": "order-number",
    "digits": "digits",
    "integer": "digits",
    "yes-no": "yes-no",
    "choice": "choice",
    "date": "date",
    "time": "time",
    "amount": "amount",
    "name": "name",
    "email": "email",
}
"""Slot type to ``Expectation.kind``; the others are ``open``."""


def expected(
    flow: Flow, step: AskStep, language: str, *, confirming: bool
) -> tuple[str, tuple[str, ...], int]:
    """Kind, sample phrases and number of keys of the open question."""
    if confirming:
        return "yes-no", (), 1
    slot = flow.slots.get(step.slot)
    if slot is None:
        listed = [
            phrase
            for intent in flow.intents.values()
            for phrase in intent.examples.get(language, ())
        ]
        return "open", tuple(listed), max((len(key) for key in step.dtmf), default=1)
    listed = [p for choice in slot.choices for p in choice.phrases.get(language, ())]
    return KINDS.get(slot.type, "open"), tuple(listed), keys_of(slot)


def digits_of(slot: Slot | None) -> int:
    """How many digits its value has; 0 when that is not fixed, or they are no digits."""
    if slot is None or slot.type not in ("order-number", "digits"):
        return 0
    return slot.length or (ORDER_DIGITS if slot.type == "order-number" else 0)


def keys_of(slot: Slot) -> int:
    """How many keys make its value; 0 when keys mean nothing."""
    match slot.type:
        case "yes-no" | "choice":
            return 1
        case "integer":
            return len(str(slot.high)) if slot.high is not None else 10
        case "order-number" | "digits":
            return digits_of(slot) or MOST_DIGITS
    return 0


def has_keys(flow: Flow, step: AskStep, *, confirming: bool) -> bool:
    """Whether the question can be answered by keys that do more than call a person."""
    if confirming or step.keys:
        return True
    slot = flow.slots.get(step.slot)
    if slot is not None and slot.type != "choice":
        return keys_of(slot) > 0
    choices = {choice.key for choice in slot.choices} if slot else set()
    return bool((set(step.dtmf) | choices) - {"", "0"})


def rung(own: tuple[Text, ...], general: tuple[Text, ...], times: int) -> tuple[Text, bool]:
    """The text for this time, and whether it is the step's own and so the whole prompt."""
    if times < len(own):
        return own[times], True
    return general[min(times, len(general) - 1)], False


def by_keys(flow: Flow, step: AskStep, *, confirming: bool) -> Text:
    """How the keys are asked for; the question is put again behind it unless it is its own."""
    slot = flow.slots.get(step.slot)
    if step.keys and not confirming:
        return step.keys
    if confirming or (slot and slot.type == "yes-no"):
        return phrases.KEYS_YES_NO
    if slot is None or slot.type == "choice":
        return phrases.KEYS_MENU
    return phrases.KEYS_DIGITS


def choices_by_key(slot: Slot, language: str) -> str:
    """The choices that have a key, as ``press one for billing``."""
    template = phrases.KEYS_CHOICE.find(language, "voice", "en")
    listed = [
        template.format(key=choice.key, name=(choice.phrases.get(language) or (choice.value,))[0])
        for choice in slot.choices
        if choice.key
    ]
    return ("，" if language == "zh" else ", ").join(listed)
