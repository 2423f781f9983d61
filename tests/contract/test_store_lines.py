"""The store's contract, lines of a transcript: places, repetitions, changes and counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from router.errors import NoSuchInteraction
from router.model import Author, Channel, NewMessage
from router.store.sql import SqlStore
from tests.contract.test_store import NOW, added, interaction, said, store

__all__ = ["store"]


class TestLines:
    """``router.ports.Interactions``, its lines."""

    async def test_lines_are_numbered_and_an_external_id_is_stored_once(
        self, store: SqlStore
    ) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
            first = await tx.interactions.add_message("one", said("a", "m1"), NOW)
            again = await tx.interactions.add_message("one", said("a", "m1"), NOW)
            second = await tx.interactions.add_message("one", said("b"), NOW)
            third = await tx.interactions.add_message("one", said("c"), NOW)
            assert first is not None
            assert again is None
            assert second is not None
            assert third is not None
            assert [line.text for line in await tx.interactions.messages("one", 1)] == ["b", "c"]
            assert await tx.interactions.thread_of(["unknown", "m1"]) == "one"
            assert await tx.interactions.message(second.id) == second

    async def test_lines_together_keep_their_order_and_skip_what_is_known(
        self, store: SqlStore
    ) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
            lines = await tx.interactions.add_messages("one", [said("a", "m1"), said("b")], NOW)
            assert [line and line.seq for line in lines] == [1, 2]
            again = [said("a", "m1"), said("c", "m3"), said("d")]
            lines = await tx.interactions.add_messages("one", again, NOW)
            assert [line and line.seq for line in lines] == [None, 3, 4]
            lines = await tx.interactions.add_messages("one", [said("a", "m1")], NOW)
            assert lines == [None]
            kept = await tx.interactions.messages("one")
            assert [line.text for line in kept] == ["a", "b", "c", "d"]
        async with store.transaction() as tx:
            for unknown in (said("a"), said("a", "m9")):
                with pytest.raises(NoSuchInteraction):
                    await tx.interactions.add_messages("two", [unknown], NOW)

    async def test_line_gets_another_text_in_the_transcript_and_in_the_log(
        self, store: SqlStore
    ) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))
            told = NewMessage(Author.CUSTOMER, "4111", html="<p>4111</p>", quoted="> 4111")
            line = await tx.interactions.add_message("one", told, NOW)
            assert line is not None
            announced = [added(line.id, "4111"), added("other", "4111")]
            await tx.log.append(announced)
            await tx.interactions.reword(line.id, "[…]")
            await tx.log.reword("one", line.id, "[…]")
        async with store.transaction() as tx:
            kept = await tx.interactions.message(line.id)
            assert kept == replace(line, text="[…]", html=None, quoted="")
            facts = await tx.log.facts(interaction_id="one")
        assert facts == [replace(announced[0], text="[…]"), announced[1]]

    async def test_written_lines_of_a_customer_are_counted_by_time(self, store: SqlStore) -> None:
        later = NOW + timedelta(minutes=1)
        call = {"channel": Channel.VOICE, "created_at": later}
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("chat"))
            await tx.interactions.add(interaction("call", **call))
            await tx.interactions.add(interaction("ben's", customer_id="ben", **call))
            for name, at in (("chat", NOW), ("chat", later), ("call", later), ("ben's", later)):
                await tx.interactions.add_message(name, said("hi"), at)
            await tx.interactions.add_message("chat", NewMessage(Author.BOT, "hello"), NOW)
            counted = tx.interactions.count_lines
            since = {Author.CUSTOMER: NOW, Author.BOT: later}
            assert await counted("anna", since) == {Author.CUSTOMER: 2, Author.BOT: 0}
            assert await counted("anna", {Author.CUSTOMER: later}) == {Author.CUSTOMER: 1}
            assert await counted("anna", {Author.BOT: NOW}) == {Author.BOT: 1}

    async def test_simultaneous_lines_all_get_their_own_place(self, store: SqlStore) -> None:
        async with store.transaction() as tx:
            await tx.interactions.add(interaction("one"))

        async def add(n: int) -> None:
            async with store.transaction() as tx:
                await tx.interactions.add_message("one", said(str(n)), NOW)

        await asyncio.gather(*(add(n) for n in range(20)))
        async with store.transaction() as tx:
            lines = await tx.interactions.messages("one")
        assert [line.seq for line in lines] == list(range(1, 21))
