"""An interaction's events in the reader's words: offers with their outcome, steps, facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from litestar import Request

from gateway.desk.routing import MOVES, OFFERS, Eased, Entry, OfferStory
from gateway.desk.views import shown_address
from gateway.pages.render import Pages, span
from router.acd.needs import Needs
from router.events import (
    Fact,
    InteractionTransferred,
    MessageAdded,
    TalkArranged,
    TransferFailed,
)

AnyRequest = Request[Any, Any, Any]

NAMED = frozenset(
    {
        *("agent_id", "from_agent_id", "to_agent_id", "by_agent_id", "dedicated_agent"),
        *("queue", "target", "author"),
    }
)
"""Fields of facts that may hold an id whose name is shown instead."""
TRANSLATED = {
    "channel": "channel",
    "direction": "direction",
    "ended_by": "author",
    "by": "author",
    "outcome": "outcome",
    "way": "way",
    "mode": "mode",
    "role": "party",
    "how": "suggested",
    "kind": "suggestion",
}
"""Fields of facts that hold a word of the domain, and where its translation is."""
SPANS = ("waited_s", "duration_s")
SILENT = (MessageAdded, TalkArranged)
"""Facts that the timeline leaves out: the transcript has them, or they say nothing more."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline. ``kind`` picks the mark beside it."""

    at: datetime
    kind: str
    text: str
    routing: bool
    offer: OfferStory | None = None


class Teller:
    """Tells entries and facts in the language of a request; ``names`` by id."""

    def __init__(self, pages: Pages, request: AnyRequest, names: Mapping[str, str]) -> None:
        self._pages = pages
        self._request = request
        self._names = names

    def steps(self, entries: Sequence[Entry], facts: Sequence[Fact]) -> list[Step]:
        """The whole timeline, oldest first."""
        told = [self._told(entry) for entry in entries]
        told += [
            self._fact(fact, routing=False)
            for fact in facts
            if not isinstance(fact, (*MOVES, *OFFERS, *SILENT))
        ]
        return sorted(told, key=lambda step: step.at)

    def needs(self, needs: Needs) -> str:
        """Skills and levels, each on one line, or that there is none."""
        said = ", ".join(
            f"{name}\N{NO-BREAK SPACE}≥\N{NO-BREAK SPACE}{level}" for name, level in needs
        )
        return said or self._text("route.no_needs")

    def _told(self, entry: Entry) -> Step:
        match entry.what:
            case OfferStory() as story:
                name = self._names.get(story.agent_id, story.agent_id)
                text = self._text("route.rang", name=name)
                return Step(entry.at, f"offer {story.outcome}", text, True, story)
            case Eased(_, stage, before):
                parts = []
                if stage.needs != before.needs:
                    parts.append(self._text("route.step", needs=self.needs(stage.needs)))
                if stage.tier != before.tier:
                    parts.append(self._text("route.step_tier", n=stage.tier))
                return Step(entry.at, "Eased", ". ".join(parts), True)
            case fact:
                return self._fact(fact, routing=True)

    def _fact(self, fact: Fact, *, routing: bool) -> Step:
        values = {name: self._value(name, value) for name, value in asdict(fact).items()}
        if not values.get("target", True):
            values["target"] = values.get("way") or self._text("author.bot")
        if isinstance(fact, InteractionTransferred | TransferFailed) and not fact.from_agent_id:
            values |= dict.fromkeys(("from_agent_id", "to_agent_id"), self._text("author.bot"))
        kind = type(fact).__name__
        return Step(fact.at, kind, self._text(f"fact.{kind}", **values).rstrip(" ."), routing)

    def _value(self, name: str, value: Any) -> Any:
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self._text(f"{name}.{'yes' if value else 'no'}")
        if name in NAMED:
            return self._names.get(value, value)
        if name == "address":
            return shown_address(value)
        if name in TRANSLATED and value:
            return self._text(f"{TRANSLATED[name]}.{value}")
        if isinstance(value, datetime):
            return self._pages.clock(value, "%d %b %H:%M")
        if name in SPANS:
            return span(value)
        return round(value) if isinstance(value, float) else value

    def _text(self, key: str, **values: object) -> str:
        return self._pages.text(self._request, key, **values)
