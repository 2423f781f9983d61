"""What an agent sees beside an open conversation: drafts, its gist, the next question, filing.

1. The page asks for the conversation it shows, and again when a line was added: nothing runs
   for conversations that nobody looks at.
2. A conversation's lines are read once (``bots.assist.thread``); the articles are asked once
   per turn of the customer's, however often the page asks. Computing is on threads.
3. Below the articles' threshold there is no draft. What was said already, and what the agent
   has put aside, does not come back.
4. Nothing is sent from here: the agent takes a draft into the reply and sends it. What became
   of it is a fact, and counts in the reports.
5. Nobody waits for the articles: the rest is there at once, and the page asks again for what
   they say. When they cannot be asked the rest is there all the same. That a draft was shown is
   noted beside, and again when that failed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bots.assist.ahead import open_questions
from bots.assist.drafts import Desk, answer_draft, offer_draft, question_draft
from bots.assist.filing import filing
from bots.assist.model import Answered, Draft, Kind, Next, Suggestions
from bots.assist.thread import Thread
from bots.conversation import Conversation
from gateway.desk import requests as ask
from gateway.desk.assist_views import suggestions_view
from gateway.desk.hub import Tab
from gateway.desk.precedents import PrecedentShelf
from gateway.desk.views import View, is_work
from gateway.services import Services
from router.errors import ParleyError
from router.events import SuggestionNoted
from router.model import Agent, Channel, Customer, Interaction, Message
from router.suggestions import Suggested

log = logging.getLogger(__name__)

REMEMBERED = 400
"""Conversations kept in memory per process; one that falls out is read again when looked at."""
MAIL_QUESTIONS = 3
"""So many questions of a mail are answered in one letter."""
ANSWER_S = 15.0
PATIENCE_S = 0.4
"""So long one request waits for the articles."""
DRAFTS = 3
"""One key each."""


class NotOpen(ParleyError):
    """This conversation is not on your desk (any more), so there is nothing to suggest."""


@dataclass(slots=True)
class _Open:
    """One conversation that somebody looks at."""

    thread: Thread
    accepted_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: str = ""
    """The turn that the articles were, or are being, asked about."""
    asking: asyncio.Task[None] | None = None
    answers: tuple[Answered, ...] = ()
    shown: set[str] = field(default_factory=set)
    aside: set[str] = field(default_factory=set)
    """Drafts that were put aside or used."""
    offered: bool = False


@dataclass(frozen=True, slots=True)
class _Looked:
    """The record as it is now."""

    item: Interaction
    lines: Sequence[Message]
    customer: Customer
    agent: Agent


class Assist:
    """Suggestions for the agents of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._company = services.company
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self.precedents = PrecedentShelf(services.store, services.clock)
        self._noting: set[asyncio.Task[None]] = set()

    @property
    def open_now(self) -> int:
        """How many conversations are kept in memory."""
        return len(self._open)

    def handlers(self) -> dict[type[ask.Ask], Callable[[Tab, Any], Awaitable[View]]]:
        """What it does for which request."""
        return {ask.Suggest: self._suggest, ask.NoteSuggestion: self._note}

    # -- suggesting ----------------------------------------------------------------

    async def _suggest(self, tab: Tab, request: ask.Suggest) -> View:
        began = time.perf_counter()
        found = await self.suggestions(tab.agent_id, request.interaction_id)
        self._services.assist_times.observe(time.perf_counter() - began)
        return suggestions_view(found)

    async def suggestions(self, agent_id: str, interaction_id: str) -> Suggestions:
        """For this agent, now. Raises ``NotOpen``, ``NoSuchInteraction``."""
        kept = self._open.get(interaction_id)
        looked = await self._look(agent_id, interaction_id, kept.thread.seq if kept else 0)
        if kept is not None and kept.accepted_at != looked.item.accepted_at:
            # It was with a bot or a colleague meanwhile: another packet, another agent.
            kept, looked = None, await self._look(agent_id, interaction_id, 0)
        if kept is None:
            kept = self._remember(looked)
        async with kept.lock:
            kept.thread.take_all(looked.lines)
            said = await self._answered(kept, looked.item)
            return replace(await self._made(kept, looked), thinking=not said)

    async def _look(self, agent_id: str, interaction_id: str, after: int) -> _Looked:
        async with self._store.reading() as tx:
            item = await tx.interactions.get(interaction_id)
            if not is_work(item, agent_id) or item.parent_id is not None:
                raise NotOpen
            lines = await tx.interactions.messages(interaction_id, after_seq=after)
            people = await tx.people.customers([item.customer_id])
            customer = people.get(item.customer_id, Customer(item.customer_id, ""))
            return _Looked(item, lines, customer, await tx.people.agent(agent_id))

    def _remember(self, looked: _Looked) -> _Open:
        item, talk = looked.item, self._conversation(looked.item)
        flow = talk.flow if talk else None
        thread = Thread(item.handoff, flow, item.language)
        kept = _Open(thread, item.accepted_at)
        self._open[item.id] = kept
        self._open.move_to_end(item.id)
        while len(self._open) > REMEMBERED:
            self._open.popitem(last=False)
        return kept

    def _conversation(self, item: Interaction) -> Conversation | None:
        return self._services.flows.get(str(item.bot_state.get("flow") or ""))

    async def _answered(self, kept: _Open, item: Interaction) -> bool:
        """Ask the articles about the customer's turn, once (rule 2); whether they have said."""
        turn = kept.thread.turn
        if turn and kept.asked != turn:
            if kept.asking is not None:
                kept.asking.cancel()
            kept.asked, kept.answers = turn, ()
            kept.asking = asyncio.create_task(self._ask(kept, item), name="suggesting")
        if kept.asking is not None:
            await asyncio.wait({kept.asking}, timeout=PATIENCE_S)
        return kept.asking is None or kept.asking.done()

    async def _ask(self, kept: _Open, item: Interaction) -> None:
        thread = kept.thread
        try:
            async with asyncio.timeout(ANSWER_S):
                if item.channel is Channel.EMAIL:
                    kept.answers = await self._answer_mail(thread, thread.language)
                else:
                    kept.answers = await self._answer_line(thread.questions(), thread.language)
        except (ParleyError, TimeoutError) as error:
            log.warning("no answers to suggest for %s: %r", item.id, error)
            kept.asked = ""  # the next look asks again

    async def _answer_line(self, questions: Sequence[str], language: str) -> tuple[Answered, ...]:
        """The first of the questions that the articles know."""
        for question in questions:
            found = await self._services.articles.answer(question, language)
            if found.known:
                return (found,)
        return ()

    async def _answer_mail(self, thread: Thread, language: str) -> tuple[Answered, ...]:
        """Each question of a mail by itself; where none is known, the mail as a whole."""
        asked = thread.asked_in_turn()[:MAIL_QUESTIONS]
        found = [await self._services.articles.answer(one, language) for one in asked]
        known = tuple(one for one in found if one.known)
        return known or await self._answer_line(thread.questions(), language)

    async def _made(self, kept: _Open, looked: _Looked) -> Suggestions:
        item, thread = looked.item, kept.thread
        desk = Desk(
            item.channel,
            thread.language,
            looked.customer.name,
            looked.agent.name,
            self._company.name,
            self._services.base_url,
        )
        ahead = self._ahead(item, thread)
        drafts = self._drafts(kept, looked, desk, ahead)
        self._show(kept, looked, drafts)
        precedents = await self.precedents.of(item.queue or "")
        return Suggestions(
            seq=thread.seq,
            language=thread.language,
            gist=thread.gist(),
            drafts=drafts,
            articles=tuple(kept.answers[0].citations) if kept.answers else (),
            next=ahead,
            filing=filing(thread, precedents, self._company.dispositions_of(item.queue or "")),
        )

    def _ahead(self, item: Interaction, thread: Thread) -> Next | None:
        """What the flow would ask next (``bots.assist.ahead``)."""
        talk = self._conversation(item)
        if talk is None:
            return None
        memory = {**item.bot_state, "language": thread.language}
        known = {one.name for one in thread.known}
        listed = open_questions(talk.flow, memory, known)
        if not listed:
            return None
        text = talk.phrase(memory, listed[0][1].text)
        return Next(text, tuple(name for name, _ in listed))

    def _drafts(
        self, kept: _Open, looked: _Looked, desk: Desk, ahead: Next | None
    ) -> tuple[Draft, ...]:
        thread = kept.thread
        new = [one for one in kept.answers if not thread.was_said(one.text)]
        listed = [answer_draft(new, desk) if thread.waits else None]
        listed.append(question_draft(ahead, desk) if thread.open else None)
        listed.append(self._offer(kept, looked, desk))
        fresh = [draft for draft in listed if draft and draft.id not in kept.aside]
        return tuple(fresh[:DRAFTS])

    def _offer(self, kept: _Open, looked: _Looked, desk: Desk) -> Draft | None:
        """The first offer that fits a content customer; one in a conversation."""
        thread, item = kept.thread, looked.item
        if thread.open or thread.angry or kept.offered:
            return None
        intent = (item.handoff.intent if item.handoff else "") or ""
        for offer in self._company.next_best_offers:
            if offer.fits(item.queue or "", item.channel, intent, vip=looked.customer.vip):
                return offer_draft(offer.name, offer.text, desk)
        return None

    # -- what becomes of it ----------------------------------------------------------

    def _show(self, kept: _Open, looked: _Looked, drafts: Sequence[Draft]) -> None:
        new = [draft for draft in drafts if draft.id not in kept.shown]
        kept.shown |= {draft.id for draft in new}
        if new:
            facts = [self._shown(looked, draft) for draft in new]
            task = asyncio.create_task(self._note_shown(kept, facts), name="suggestions-shown")
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def _note_shown(self, kept: _Open, facts: Sequence[SuggestionNoted]) -> None:
        try:
            await self._services.lifecycle.record(facts)
        except (ParleyError, OSError):
            log.warning("what was suggested could not be noted", exc_info=True)
            kept.shown -= {fact.suggestion_id for fact in facts}

    async def noted(self) -> None:
        """Wait until it is noted what was shown (tests)."""
        await asyncio.gather(*self._noting)

    def _shown(self, looked: _Looked, draft: Draft) -> SuggestionNoted:
        return SuggestionNoted(
            at=self._services.clock.now(),
            interaction_id=looked.item.id,
            suggestion_id=draft.id,
            agent_id=looked.agent.id,
            kind=draft.kind,
            how=Suggested.SHOWN,
            source=draft.sources[0].article_id if draft.sources else draft.title,
            text=draft.text,
        )

    async def _note(self, tab: Tab, request: ask.NoteSuggestion) -> View:
        """The agent took it, or put it aside."""
        async with self._store.reading() as tx:
            item = await tx.interactions.get(request.interaction_id)
        if not is_work(item, tab.agent_id):
            raise NotOpen
        kept = self._open.get(item.id)
        if kept is not None and Suggested(request.how) is Suggested.DISMISSED:
            kept.aside.add(request.suggestion_id)
            kept.offered = kept.offered or request.kind == Kind.OFFER
        fact = self._fact(tab.agent_id, item.id, request, request.how)
        await self._services.lifecycle.record([fact])
        return {}

    def used(self, agent_id: str, request: ask.SendReply) -> list[SuggestionNoted]:
        """The fact that goes with a reply that a suggestion became; none for others."""
        use = request.suggestion
        if use is None:
            return []
        kept = self._open.get(request.interaction_id)
        if kept is not None:
            kept.aside.add(use.suggestion_id)
            kept.offered = kept.offered or use.kind == Kind.OFFER
        how = Suggested.EDITED if use.edited else Suggested.SENT
        return [self._fact(agent_id, request.interaction_id, use, how)]

    def _fact(
        self, agent_id: str, interaction_id: str, named: ask.Named, how: str
    ) -> SuggestionNoted:
        return SuggestionNoted(
            at=self._services.clock.now(),
            interaction_id=interaction_id,
            suggestion_id=named.suggestion_id,
            agent_id=agent_id,
            kind=named.kind,
            how=how,
        )
