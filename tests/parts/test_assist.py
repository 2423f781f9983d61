"""Suggestions at the desk: for whom, when, how often, and what becomes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.desk import requests as ask
from gateway.desk.actions import DeskActions
from gateway.desk.assist import Assist, NotOpen
from gateway.desk.hub import Tab
from knowledge.errors import IndexUnavailable
from knowledge.model import Answer
from router.company import NextBestOffer
from router.events import SuggestionNoted
from router.model import Author, Channel, Citation, EndedBy, Interaction, NewMessage, Presence
from tests.browser.desk_house import DeskHouse, desk_house

C, A, B = Author.CUSTOMER, Author.AGENT, Author.BOT
HOURS = Citation("hours", "Opening hours", "/help/en/hours")
ASKED = [(C, "Where is my parcel HL-482913?"), (B, "I connect you."), (C, "I want a person")]


@dataclass
class ScriptedShelf:
    """Articles that know about opening hours and what is asked of them."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False

    async def search(self, words: str, language: str, limit: int) -> Sequence[Citation]:
        return []

    async def answer(self, question: str, language: str = "en") -> Answer:
        self.asked.append((question, language))
        if self.away:
            raise IndexUnavailable
        if "open" not in question:
            return Answer(known=False, score=0.2)
        return Answer(True, "We open at eight.", "At eight.", (HOURS,), 0.9)


@dataclass
class Desk:
    """The desk of an agent with one conversation open."""

    house: DeskHouse
    shelf: ScriptedShelf
    assist: Assist
    actions: DeskActions
    tab: Tab
    item: Interaction

    async def says(self, author: Author, text: str) -> None:
        line = NewMessage(author, text, author_id="ana" if author is A else "")
        await self.house.lifecycle.add_message(self.item.id, line)

    async def facts(self) -> list[SuggestionNoted]:
        await self.assist.noted()
        async with self.house.store.transaction() as tx:
            found = await tx.log.facts(interaction_id=self.item.id, types=[SuggestionNoted])
        return [fact for fact in found if isinstance(fact, SuggestionNoted)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[DeskHouse]:
    async with desk_house(tmp_path) as started:
        yield started


@pytest.fixture
async def desk(house: DeskHouse) -> Desk:
    """Ana has accepted a chat."""
    return await open_desk(house, Channel.CHAT)


async def open_desk(house: DeskHouse, channel: Channel) -> Desk:
    shelf = ScriptedShelf()
    services = replace(house.services, articles=shelf, base_url="https://h.example")
    await house.lifecycle.set_presence("ana", Presence.AVAILABLE, "")
    item = await house.contact(channel, "maria@post.example", ASKED, name="Maria Lund")
    offer_id = ""
    while not offer_id:
        async with house.store.transaction() as tx:
            ringing = await tx.interactions.ringing_offers("ana")
        offer_id = ringing[0].id if ringing else ""
    item = await house.lifecycle.accept(offer_id, "ana")
    actions = DeskActions(services)
    return Desk(house, shelf, actions.assist, actions, Tab("ana"), item)


async def test_answer_is_suggested_once_known_and_the_articles_are_asked_once_a_turn(
    desk: Desk,
) -> None:
    first = await desk.assist.suggestions("ana", desk.item.id)
    assert first.drafts == ()
    assert first.gist.known[0].value == "HL-482913"
    await desk.says(A, "I am here. What can I do?")
    await desk.says(C, "When do you open?")
    asked = len(desk.shelf.asked)
    found = [await desk.assist.suggestions("ana", desk.item.id) for _ in range(3)]
    assert found[0].drafts[0].text == "We open at eight.\nhttps://h.example/help/en/hours"
    assert {one.drafts for one in found} == {found[0].drafts}
    assert len(desk.shelf.asked) == asked + 1
    assert [fact.how for fact in await desk.facts()] == ["shown"]


async def test_nothing_is_suggested_for_somebody_elses_conversation(desk: Desk) -> None:
    with pytest.raises(NotOpen):
        await desk.assist.suggestions("boris", desk.item.id)
    assert desk.shelf.asked == []


async def test_draft_put_aside_or_said_does_not_come_back(desk: Desk) -> None:
    await desk.says(C, "When do you open?")
    [draft] = (await desk.assist.suggestions("ana", desk.item.id)).drafts
    note = ask.NoteSuggestion(
        ref=1,
        interaction_id=desk.item.id,
        suggestion_id=draft.id,
        kind="answer",
        how="dismissed",
    )
    await desk.actions.run(desk.tab, note)
    assert (await desk.assist.suggestions("ana", desk.item.id)).drafts == ()
    assert [fact.how for fact in await desk.facts()] == ["shown", "dismissed"]


async def test_reply_made_of_a_draft_is_counted_once_however_often_it_is_sent(desk: Desk) -> None:
    await desk.says(C, "When do you open?")
    [draft] = (await desk.assist.suggestions("ana", desk.item.id)).drafts
    use = ask.UsedSuggestion(suggestion_id=draft.id, kind="answer", edited=True)
    send = ask.SendReply(
        ref=1, interaction_id=desk.item.id, draft_id="d1", text="At 8.", suggestion=use
    )
    await desk.actions.run(desk.tab, send)
    await desk.actions.run(desk.tab, send)
    facts = await desk.facts()
    assert [(fact.how, fact.agent_id) for fact in facts] == [("shown", "ana"), ("edited", "ana")]


async def test_mail_is_answered_by_a_whole_letter(house: DeskHouse) -> None:
    desk = await open_desk(house, Channel.EMAIL)
    await desk.says(C, "Hello. When do you open? And where is my parcel?\nMaria")
    [draft] = (await desk.assist.suggestions("ana", desk.item.id)).drafts
    assert draft.text.startswith("Hello Maria,\n\nWe open at eight.")
    assert draft.text.endswith("Kind regards\nAna Kalniņa\nHarbourline")


async def test_language_of_the_conversation_is_that_of_the_draft(desk: Desk) -> None:
    await desk.says(C, "Vai jūs open sestdien, lūdzu?")
    await desk.assist.suggestions("ana", desk.item.id)
    assert desk.shelf.asked[-1][1] == "lv"


async def test_articles_are_away_the_rest_is_there_and_they_are_asked_again(desk: Desk) -> None:
    await desk.says(C, "When do you open?")
    desk.shelf.away = True
    found = await desk.assist.suggestions("ana", desk.item.id)
    assert (found.drafts, found.gist.asks) == ((), "When do you open?")
    desk.shelf.away = False
    assert (await desk.assist.suggestions("ana", desk.item.id)).drafts


async def test_offer_waits_for_a_content_customer_and_is_made_once(desk: Desk) -> None:
    offer = NextBestOffer("app", "Our app", {"en": "Do you know our app, {name}?"})
    desk.house.company.next_best_offers = (offer,)
    await desk.says(A, "It comes tomorrow.")
    assert (await desk.assist.suggestions("ana", desk.item.id)).drafts == ()
    await desk.says(C, "Great, thank you!")
    [draft] = (await desk.assist.suggestions("ana", desk.item.id)).drafts
    assert (draft.kind, draft.text) == ("offer", "Do you know our app, Maria?")
    use = ask.UsedSuggestion(suggestion_id=draft.id, kind="offer")
    text = ask.SendReply(
        ref=1, interaction_id=desk.item.id, draft_id="d", text=draft.text, suggestion=use
    )
    await desk.actions.run(desk.tab, text)
    await desk.says(C, "No thanks, that is all")
    assert (await desk.assist.suggestions("ana", desk.item.id)).drafts == ()


async def test_nothing_is_offered_to_somebody_who_is_angry(desk: Desk) -> None:
    desk.house.company.next_best_offers = (NextBestOffer("app", "App", {"en": "Our app?"}),)
    await desk.says(C, "This is a disgrace! I am furious, you are useless liars!")
    await desk.says(A, "I am sorry.")
    await desk.says(C, "Thanks for nothing, bye")
    assert (await desk.assist.suggestions("ana", desk.item.id)).drafts == ()


async def test_filing_learns_from_earlier_wrap_ups_of_the_queue(desk: Desk) -> None:
    await desk.says(C, "is a search for the parcel started with the courier?")
    await desk.says(A, "The courier searches for it.")
    await desk.house.lifecycle.end(desk.item.id, EndedBy.AGENT, "")
    await desk.house.lifecycle.complete_wrap_up(desk.item.id, "ana", "follow-up", "search started")
    later = await open_desk(desk.house, Channel.CHAT)
    await later.says(C, "please search for the parcel with the courier")
    await later.assist.suggestions("ana", later.item.id)
    await later.assist.precedents.read()
    [guess] = (await later.assist.suggestions("ana", later.item.id)).filing
    assert (guess.code, guess.example) == ("follow-up", "search started")


async def test_nothing_is_computed_once_it_is_filed(desk: Desk) -> None:
    await desk.house.lifecycle.end(desk.item.id, EndedBy.AGENT, "")
    await desk.house.lifecycle.complete_wrap_up(desk.item.id, "ana", "resolved", "")
    with pytest.raises(NotOpen):
        await desk.assist.suggestions("ana", desk.item.id)
    assert desk.assist.open_now == 0
