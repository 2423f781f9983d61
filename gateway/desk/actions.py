"""What an agent's requests do: one method per request, each checked to be the agent's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.desk import requests as ask
from gateway.desk.assist import Assist
from gateway.desk.calling_back import CallingBack
from gateway.desk.cards import card_of
from gateway.desk.correcting import Correcting
from gateway.desk.hub import Tab
from gateway.desk.together import Together
from gateway.desk.views import DRAFT_PREFIX, View, citation_view
from gateway.services import Services
from router.acts.talks import PARTIES
from router.acts.transfers import ToBot
from router.acts.wrapup import check_disposition
from router.commands import (
    ConnectAgent,
    HangUpCall,
    HoldCall,
    Order,
    PressKeys,
    Refused,
    ResumeCall,
    SdpAnswer,
)
from router.errors import ParleyError, Unroutable
from router.events import TypingNoticed
from router.model import (
    Author,
    Channel,
    EndedBy,
    Interaction,
    InteractionState,
)
from router.presence import check_pause

CONNECT_TIMEOUT_S = 15.0
FOUND = 8
ENDED_BY_AGENT = "the agent ended it"


class NotYours(ParleyError):
    """This interaction is not on your desk (any more): it was transferred, ended or taken back."""


class CallRefused(ParleyError):
    """The process that owns the call cannot do that."""


class CallLost(ParleyError):
    """The call's line is gone: the process that owned it has stopped. End it or call back."""


class DeskActions:
    """Carries out requests for the agent of a tab; answers with more fields for ``done``."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._lifecycle = services.lifecycle
        self._transfers = services.transfers
        self._consults = services.consults
        self._bus = services.bus
        self._company = services.company
        self._clock = services.clock
        self._articles = services.articles
        self._hub = services.hub
        self.assist = Assist(services)
        self._by_type: dict[type[ask.Ask], Callable[[Tab, Any], Awaitable[View]]] = {
            ask.Resync: self._resync,
            ask.SetPresence: self._set_presence,
            ask.AcceptOffer: self._accept,
            ask.RejectOffer: self._reject,
            ask.SendReply: self._send,
            ask.Typing: self._typing,
            ask.Hold: self._hold,
            ask.Resume: self._resume,
            ask.PressKeys: self._press,
            ask.Connect: self._connect,
            ask.EndWork: self._end,
            ask.ReturnToBot: self._return_to_bot,
            ask.WrapUp: self._wrap_up,
            ask.SkipWrapUp: self._skip_wrap_up,
            ask.SearchArticles: self._search,
            ask.ReadInteraction: self._read,
            **self.assist.handlers(),
            **Together(services).handlers(),
            **CallingBack(services).handlers(),
            **Correcting(services).handlers(),
        }

    async def run(self, tab: Tab, request: ask.Ask) -> View:
        """Do it. Raises a ``ParleyError`` whose text can be shown to the agent."""
        return await self._by_type[type(request)](tab, request)

    async def _own(self, tab: Tab, interaction_id: str) -> Interaction:
        """The interaction, if this agent is handling it. Raises ``NotYours``."""
        async with self._store.transaction() as tx:
            item = await tx.interactions.get(interaction_id)
        if item.agent_id != tab.agent_id or item.state is not InteractionState.AGENT:
            raise NotYours
        return item

    async def _resync(self, tab: Tab, _: ask.Resync) -> View:
        await self._hub.snapshot(tab)
        return {}

    async def _set_presence(self, tab: Tab, request: ask.SetPresence) -> View:
        check_pause(self._company, request.presence, request.reason)
        await self._lifecycle.set_presence(tab.agent_id, request.presence, request.reason)
        return {}

    async def _accept(self, tab: Tab, request: ask.AcceptOffer) -> View:
        item = await self._lifecycle.accept(request.offer_id, tab.agent_id)
        await self._hub.show(item.id, tab.agent_id)
        return {"interaction_id": item.id}

    async def _reject(self, tab: Tab, request: ask.RejectOffer) -> View:
        await self._lifecycle.reject(request.offer_id, tab.agent_id)
        return {}

    async def _send(self, tab: Tab, request: ask.SendReply) -> View:
        async with self._store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
        # The draft's id makes a reply that is sent again after a lost connection one message.
        external_id = f"{DRAFT_PREFIX}{request.draft_id}"
        if item.agent_id == tab.agent_id and item.state is InteractionState.AGENT:
            used = self.assist.used(tab.agent_id, request)
            added = await self._lifecycle.reply(
                item.id, tab.agent_id, request.text, external_id, used
            )
        elif item.state is InteractionState.AGENT:
            # Somebody else handles it: who asked, or who was asked to join in, may write too.
            added = await self._consults.say(item.id, tab.agent_id, request.text, external_id)
        else:
            raise NotYours
        return {"message_id": added.id if added else None, "seq": added.seq if added else None}

    async def _typing(self, tab: Tab, request: ask.Typing) -> View:
        await self._own(tab, request.interaction_id)
        notice = TypingNoticed(
            at=self._clock.now(),
            interaction_id=request.interaction_id,
            author=Author.AGENT,
            author_id=tab.agent_id,
        )
        await self._bus.publish([notice])
        return {}

    async def _hold(self, tab: Tab, request: ask.Hold) -> View:
        item = await self._own(tab, request.interaction_id)
        if PARTIES in item.meta:
            await self._consults.hold(item.id, tab.agent_id)
            return {}
        await self._order(item, HoldCall(interaction_id=item.id))
        await self._lifecycle.hold(item.id, tab.agent_id)
        return {}

    async def _resume(self, tab: Tab, request: ask.Resume) -> View:
        item = await self._own(tab, request.interaction_id)
        if PARTIES in item.meta:
            await self._consults.resume(item.id, tab.agent_id)
            return {}
        await self._order(item, ResumeCall(interaction_id=item.id))
        await self._lifecycle.unhold(item.id, tab.agent_id)
        return {}

    async def _press(self, tab: Tab, request: ask.PressKeys) -> View:
        item = await self._own(tab, request.interaction_id)
        await self._order(item, PressKeys(interaction_id=item.id, digits=request.digits))
        return {}

    async def _connect(self, tab: Tab, request: ask.Connect) -> View:
        item = await self._own(tab, request.interaction_id)
        order = ConnectAgent(interaction_id=item.id, agent_id=tab.agent_id, sdp=request.sdp)
        answer = await self._order(item, order)
        if not isinstance(answer, SdpAnswer):
            raise CallRefused(f"expected an SDP answer, got {type(answer).__name__}")
        return {"sdp": answer.sdp}

    async def _end(self, tab: Tab, request: ask.EndWork) -> View:
        item = await self._own(tab, request.interaction_id)
        # Recorded first, so that the hang-up that follows counts as the agent's.
        await self._lifecycle.end(item.id, EndedBy.AGENT, ENDED_BY_AGENT)
        # Who was asked and leaves is let go by the talk itself; the customer's line goes on.
        if item.channel is Channel.VOICE and item.home and not item.parent_id:
            await self._hang_up(item)
        await self._hub.show(item.id, tab.agent_id)
        return {}

    async def _hang_up(self, item: Interaction) -> None:
        try:
            await self._order(item, HangUpCall(interaction_id=item.id))
        except (CallLost, CallRefused):
            return  # the line went by itself; the interaction is ended all the same

    async def _return_to_bot(self, tab: Tab, request: ask.ReturnToBot) -> View:
        item = await self._own(tab, request.interaction_id)
        if request.disposition:
            check_disposition(self._company, item, request.disposition)
        target = ToBot(disposition=request.disposition)
        await self._transfers.transfer(item.id, tab.agent_id, target, request.note.strip())
        await self._hub.show(request.interaction_id, tab.agent_id)
        return {}

    async def _wrap_up(self, tab: Tab, request: ask.WrapUp) -> View:
        async with self._store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
        check_disposition(self._company, item, request.disposition)
        await self._lifecycle.complete_wrap_up(
            item.id, tab.agent_id, request.disposition, request.note
        )
        await self._hub.show(item.id, tab.agent_id)
        return {}

    async def _skip_wrap_up(self, tab: Tab, request: ask.SkipWrapUp) -> View:
        await self._lifecycle.skip_wrap_up(request.interaction_id, tab.agent_id)
        await self._hub.show(request.interaction_id, tab.agent_id)
        return {}

    async def _search(self, _: Tab, request: ask.SearchArticles) -> View:
        if not request.words.strip():
            return {"articles": []}
        found = await self._articles.search(request.words, request.language, FOUND)
        return {"articles": [citation_view(article) for article in found]}

    async def _read(self, tab: Tab, request: ask.ReadInteraction) -> View:
        async with self._store.transaction() as tx:
            item = await tx.interactions.get(request.interaction_id)
            served = {work.customer_id for work in await tx.interactions.for_agent(tab.agent_id)}
            for offer in await tx.interactions.ringing_offers(tab.agent_id):
                served.add((await tx.interactions.get(offer.interaction_id)).customer_id)
            if item.customer_id not in served:
                raise NotYours("You can read what belongs to a customer you are serving now.")
            return {"card": await card_of(tx, item, self._company)}

    async def _order(self, item: Interaction, order: Order) -> Order:
        """Ask the process that owns the call. Raises ``CallLost``, ``CallRefused``."""
        if not item.home:
            raise CallLost
        try:
            answer = await self._bus.ask(order, item.home, CONNECT_TIMEOUT_S)
        except Unroutable:
            raise CallLost from None
        if isinstance(answer, Refused):
            raise CallRefused(answer.reason)
        return answer
