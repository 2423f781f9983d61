"""Replaces what must not be kept by a word for it: ``[card …1111]``. Pure.

Whoever stores, logs or sends away a text of a customer calls this first. Redacting twice
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from router.redaction.finding import Finding, find
from router.redaction.policy import DEFAULT_POLICY, Kind, Policy, Treatment
from router.redaction.tokens import tokens

NAMES: Mapping[Kind, str] = {
    Kind.CARD: "card",
    Kind.IBAN: "IBAN",
    Kind.PERSONAL_CODE: "personal code",
    Kind.SOCIAL_SECURITY: "social security number",
    Kind.SECURITY_CODE: "security code",
    Kind.EMAIL: "e-mail",
    Kind.PHONE: "phone",
}
PART = "[…]"
"""In the place of the first part of something that was given in several lines."""
MOST_EARLIER = 6
"""Lines before the last one that may hold the beginning of a number."""
_PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(NAMES.values())})(?: ….{{1,4}})?\]")


def redact(text: str, policy: Policy = DEFAULT_POLICY, asked: str = "") -> str:
    """The text without what the policy wants gone. ``asked`` is what was asked before it."""
    return _replaced(text, find(text, policy.kinds(), asked), policy)


def redact_data(value: Any, policy: Policy = DEFAULT_POLICY) -> Any:
    """The same for all texts in plain data; its keys and its shape stay."""
    if isinstance(value, str):
        return redact(value, policy)
    if isinstance(value, Mapping):
        return {key: redact_data(each, policy) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redact_data(each, policy) for each in value)
    return value


def goes_on(text: str) -> bool:
    """Whether a line begins with digits and little else, as the rest of a number does."""
    listed = tokens(text)
    numbers = [token for token in listed if token.digits]
    return bool(numbers) and len(listed) - len(numbers) <= 2 and numbers[0] in listed[:2]


def redact_next(
    earlier: Sequence[str], text: str, policy: Policy = DEFAULT_POLICY, asked: str = ""
) -> tuple[tuple[str, ...], str]:
    """A further line of somebody whose ``earlier`` lines may hold the beginning of a number.

    Gives the earlier lines, changed where they do, and the redacted line.
    """
    lately = earlier[-MOST_EARLIER:] if goes_on(text) else ()
    whole = "\n".join([*lately, text])
    starts = _starts([*lately, text])
    crossing = [
        finding
        for finding in find(whole, policy.kinds() & SPLIT)
        if finding.start < starts[-1] < finding.end
    ]
    lines = [*lately, text]
    for finding in crossing:
        lines = [
            _without(line, finding, start, policy, last=place == len(lines) - 1)
            for place, (line, start) in enumerate(zip(lines, starts, strict=True))
        ]
    kept = tuple(earlier[: len(earlier) - len(lately)])
    return (*kept, *lines[:-1]), redact(lines[-1], policy, asked)


SPLIT = frozenset({Kind.CARD, Kind.IBAN, Kind.PERSONAL_CODE})
"""Kinds with a check digit, which prove by it that two lines belong together."""


def _starts(lines: Sequence[str]) -> list[int]:
    found, at = [], 0
    for line in lines:
        found.append(at)
        at += len(line) + 1
    return found


def _without(line: str, finding: Finding, start: int, policy: Policy, *, last: bool) -> str:
    """A line, which began at ``start`` of the whole, without its share of the finding."""
    first, end = max(finding.start - start, 0), min(finding.end - start, len(line))
    if first >= end:
        return line
    word = placeholder(finding, policy) if last else PART
    return line[:first] + word + line[end:]


def placeholder(finding: Finding, policy: Policy) -> str:
    """What stands in its place."""
    ending = policy.of(finding.kind) is Treatment.LAST4 and finding.end4
    return f"[{NAMES[finding.kind]} …{finding.end4}]" if ending else f"[{NAMES[finding.kind]}]"


def _replaced(text: str, found: Sequence[Finding], policy: Policy) -> str:
    kept = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[" in text else []
    for finding in reversed(found):
        if not any(start < finding.end and finding.start < end for start, end in kept):
            text = text[: finding.start] + placeholder(finding, policy) + text[finding.end :]
    return text
