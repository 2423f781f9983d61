"""What becomes of the suggestions that an agent gets while handling a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.fact import Fact


class Suggested(StrEnum):
    """``SENT`` as it was and ``EDITED`` before it was sent are two ways of being used."""

    SHOWN = "shown"
    INSERTED = "inserted"
    SENT = "sent"
    EDITED = "edited"
    DISMISSED = "dismissed"


USED = frozenset({Suggested.SENT, Suggested.EDITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionNoted(Fact):
    """A suggestion was shown to an agent, taken, sent or put aside: ``how`` is a ``Suggested``.

    ``kind`` is answer, question, offer, summary or disposition; ``source`` what it was taken
    from (an article, an offer, an outcome). ``text`` is kept once, when it is shown.
    """

    suggestion_id: str
    agent_id: str
    kind: str
    how: str
    source: str = ""
    text: str = ""
