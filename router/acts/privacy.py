"""What customers should not have told us does not reach the store.

1. Every line is redacted by the company's policy before it is stored, and so before any fact
   of it is published, any bot reads it and any dead letter holds it.
2. What a customer gave in several lines is taken out of the earlier ones too, and out of the
   log. Until the last of them came it could not be told; then it is gone within one act.
3. Of our own lines only card numbers are taken: a company may tell its account and address.
4. HTML that shows what was taken goes; the text stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from router.model import Arrival, Author, Direction, Message, NewMessage
from router.ports import Transaction
from router.redaction.finding import find
from router.redaction.policy import Kind, Policy
from router.redaction.redact import goes_on, redact, redact_data, redact_next


@dataclass(frozen=True, slots=True)
class Reworded:
    """A stored line and its text from now on."""

    line: Message
    text: str


async def private_line(
    tx: Transaction, interaction_id: str, message: NewMessage, policy: Policy
) -> tuple[NewMessage, list[Reworded]]:
    """The line as it may be stored, and what that changes about earlier ones."""
    if message.author is Author.SYSTEM:
        return message, []
    if message.author is not Author.CUSTOMER:
        return _redacted(message, policy.only(Kind.CARD)), []
    if not goes_on(message.text):
        return _redacted(message, policy), []
    lines = await tx.interactions.messages(interaction_id)
    earlier = _run_of_customer(lines)
    asked = next((line.text for line in reversed(lines) if line.author is not Author.CUSTOMER), "")
    before, text = redact_next([line.text for line in earlier], message.text, policy, asked)
    changed = [
        Reworded(line, words)
        for line, words in zip(earlier, before, strict=True)
        if words != line.text
    ]
    return _redacted(replace(message, text=text), policy, kept=message.text), changed


def private_arrival(arrival: Arrival, policy: Policy) -> Arrival:
    """Subject and form fields of somebody who turns up, as they may be stored."""
    if arrival.direction is not Direction.INBOUND:
        return arrival
    return replace(
        arrival,
        subject=redact(arrival.subject, policy),
        meta=redact_data(dict(arrival.meta), policy.only(*UNASKED)),
    )


def forgotten(memory: Mapping[str, Any], changes: Sequence[Reworded]) -> dict[str, Any]:
    """A bot's memory as if it had read the lines as they are now."""
    return {key: _forgotten(value, changes) for key, value in memory.items()}


def _forgotten(value: Any, changes: Sequence[Reworded]) -> Any:
    if isinstance(value, Mapping):
        return forgotten(value, changes)
    if isinstance(value, list):
        return [_forgotten(each, changes) for each in value]
    if isinstance(value, str):
        lines = value.split("\n")
        for change in changes:
            lines = [change.text if line == change.line.text else line for line in lines]
        return "\n".join(lines)
    return value


async def reword(tx: Transaction, changes: Sequence[Reworded]) -> None:
    """Change stored lines, in the transcript and in the log."""
    for change in changes:
        await tx.interactions.reword(change.line.id, change.text)
        await tx.log.reword(change.line.interaction_id, change.line.id, change.text)


UNASKED = (Kind.CARD, Kind.IBAN, Kind.PERSONAL_CODE, Kind.SECURITY_CODE)
"""Kinds for which no form of ours asks; addresses in a form are its purpose."""


def _redacted(message: NewMessage, policy: Policy, kept: str = "") -> NewMessage:
    """With its text, HTML and quotation redacted. ``kept`` is the text as it came."""
    text, quoted = redact(message.text, policy), redact(message.quoted, policy)
    told = text != (kept or message.text) or quoted != message.quoted
    html = message.html
    if html and (told or find(html, policy.kinds())):
        html = None
    meta = _private_meta(message.meta, policy)
    return replace(message, text=text, quoted=quoted, html=html, meta=meta)


def _private_meta(meta: Mapping[str, Any], policy: Policy) -> Mapping[str, Any]:
    """What is shown of it beside the text: a letter's subject, names of its files."""
    changed = dict(meta)
    if isinstance(meta.get("subject"), str):
        changed["subject"] = redact(meta["subject"], policy)
    if files := meta.get("attachments"):
        changed["attachments"] = [
            {**file, "name": redact(str(file.get("name", "")), policy)} for file in files
        ]
    return changed


def _run_of_customer(lines: list[Message]) -> list[Message]:
    """The customer's lines in order; ours may stand between: a bot asks in between."""
    return [line for line in lines if line.author is Author.CUSTOMER]
