"""What is kept of one turn of a call: the lines as they were heard, and its times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bots.call import Timing
from bots.conversation import Reply
from router.events import TurnTimed
from router.model import Author, NewMessage

AUTHOR_ID = "voice-bot"


def lines_of(replies: Sequence[Reply], said: Sequence[str]) -> list[NewMessage]:
    """The transcript's form of each line; cut to the words heard when it was cut off."""
    lines = []
    for reply, heard in zip(replies, said, strict=True):
        whole = heard == reply.spoken
        if heard:
            lines.append(
                NewMessage(
                    Author.BOT,
                    reply.text if whole else f"{heard} —",
                    author_id=AUTHOR_ID,
                    citations=reply.citations,
                    meta={} if whole else {"interrupted": True},
                )
            )
    return lines


def filler_line(text: str, words: str) -> list[NewMessage]:
    """What was heard of a filler; nothing where that is nothing."""
    if not words:
        return []
    whole = words == text
    meta = {"filler": True} if whole else {"filler": True, "interrupted": True}
    line = text if whole else f"{words} —"
    return [NewMessage(Author.BOT, line, author_id=AUTHOR_ID, meta=meta)]


def times_of(timing: Timing, interaction_id: str, now: datetime) -> TurnTimed:
    """How long each stage of a turn took; what was not measured is None."""
    heard_at = timing.ended_at if timing.by_keys else timing.recognised_at
    since = timing.ended_at if timing.by_keys else timing.speech_ended_at
    acted = None if timing.acted_s is None else round(timing.acted_s * 1000, 1)
    thought = _ms(heard_at, timing.understood_at)
    return TurnTimed(
        at=now,
        interaction_id=interaction_id,
        endpoint_ms=_ms(timing.speech_ended_at, timing.ended_at),
        recognition_ms=_ms(timing.ended_at, timing.recognised_at),
        understanding_ms=thought if thought is None else max(0.0, thought - (acted or 0.0)),
        action_ms=acted,
        speech_ms=_ms(timing.understood_at, timing.first_audio_at),
        total_ms=_ms(since, timing.first_audio_at),
        input="keys" if timing.by_keys else "speech",
    )


def _ms(since: float | None, until: float | None) -> float | None:
    if since is None or until is None:
        return None
    return round((until - since) * 1000, 1)
