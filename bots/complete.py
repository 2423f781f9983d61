"""Is what the caller has said so far a whole answer? Then a shorter pause ends the turn. Pure.

1. By the type of what is asked: a number of its length, a yes or no, one of the choices, a
   date, a time, an amount with its currency, an address with its last part, a name that was
   said and then spelled.
2. An open answer is whole when a sentence is likely to end with its last words.
3. A name alone, or letters alone, may always go on.
"""

from __future__ import annotations

import re
from datetime import date

from bots.flow.model import Slot
from bots.nlu.entities import parse
from bots.nlu.numbers import digit_string, fold
from bots.nlu.values.found import GUESS
from bots.nlu.values.people import is_spelled_out
from bots.nlu.yes_no import yes_or_no
from bots.ports import Expectation, Partial

ORDER_DIGITS = 6
ENDING = 0.15
"""So likely a sentence ends with the caller's words where a shorter pause ends the turn: 95 % of
the examples in ``evals/utterances/phrases.txt`` end so, 4 % of their beginnings do."""
ANY_DAY = date(2026, 1, 1)
"""Whether a date is whole does not depend on which day it is."""
CURRENCY = re.compile(
    r"\b(?:euros?|eiro|cents?|centi|centus|pounds?|pence|dollars?)\b|欧元|[元块分角]|[€$£]"
)
ENDS = re.compile(r"\.(?:com|org|net|info|eu|lv|lt|ee|de|cn|uk|fi|se|pl|ru|io)$")
"""Of an address; "example.co" may go on."""
NEXT = re.compile(r"(?:on )?next \w+day\b|nakam\w+ \w+dien\w*", re.IGNORECASE)
"""A guess too, but not because it may go on."""


def is_complete(expect: Expectation, partial: Partial, max_digits: int = 0) -> bool:
    """Whether ``partial`` is a whole answer to what is expected."""
    text = partial.text
    if not text:
        return False
    match expect.kind:
        case "open":
            return partial.ending >= ENDING
        case "order-number" | "digits":
            wanted = expect.length or max_digits or ORDER_DIGITS
            return any(len(run) == wanted for run in digit_string(text))
        case "yes-no":
            return yes_or_no(text, expect.language) is not None
        case "choice":
            return text in {phrase.lower() for phrase in expect.phrases}
        case _:
            return _is_value(expect, text)


def _is_value(expect: Expectation, text: str) -> bool:
    if expect.kind in ("name", "spelling"):
        return is_spelled_out(text)
    if expect.kind not in ("date", "time", "amount", "email"):
        return False
    found = parse(Slot("", expect.kind), text, expect.language, ANY_DAY)
    if found is None:
        return False
    match expect.kind:
        case "amount":
            return CURRENCY.search(fold(text)) is not None
        case "email":
            return ENDS.search(found.value) is not None
        case "date":
            # "The third" may go on: "of March".
            return found.confidence > GUESS or NEXT.match(text) is not None
        case _:
            return True
