"""Lines that a dead process left behind: sent again, unless they may go out only once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from channels.delivery import CLAIM_STALE_S, Delivery
from router.clock import VirtualClock
from router.events import Fact, MessageFailed, MessageSent
from router.model import (
    Arrival,
    Author,
    Channel,
    Identity,
    IdentityKind,
    Interaction,
    Message,
    NewMessage,
)
from tests.fakes.core import Core, running_core

ARRIVAL = Arrival(Channel.SMS, Identity(IdentityKind.PHONE, "+37120000001"), "+371600")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


async def swept(core: Core, *, once: bool, claimed: bool) -> tuple[list[str], list[Fact]]:
    """What goes out, and its facts, when the process that had a line in hand is gone."""
    interaction = (await core.lifecycle.receive(ARRIVAL)).interaction
    line = NewMessage(Author.BOT, "Your visit is on Monday.", meta={"once": True} if once else {})
    message = await core.lifecycle.add_message(interaction.id, line)
    assert message is not None
    if claimed:
        async with core.store.transaction() as tx:
            assert await tx.interactions.claim_delivery(message.id, core.clock.now())
    sent: list[str] = []

    async def send(_: Interaction, given: Message) -> str:
        sent.append(given.text)
        return "peer-1"

    later = VirtualClock(core.clock.now() + timedelta(seconds=CLAIM_STALE_S + 1))
    await Delivery(core.store, core.lifecycle, later, Channel.SMS, send).sweep()
    async with core.store.transaction() as tx:
        facts = await tx.log.facts(types=[MessageSent, MessageFailed])
    return sent, facts


async def test_line_of_a_dead_process_goes_out_again(core: Core) -> None:
    sent, facts = await swept(core, once=False, claimed=True)
    assert len(sent) == 1
    assert [type(fact) for fact in facts] == [MessageSent]


async def test_line_for_once_of_a_dead_process_is_given_up(core: Core) -> None:
    sent, facts = await swept(core, once=True, claimed=True)
    assert sent == []
    (failed,) = facts
    assert isinstance(failed, MessageFailed)
    assert "unknown" in failed.reason


async def test_line_for_once_that_nobody_had_in_hand_goes_out(core: Core) -> None:
    sent, facts = await swept(core, once=True, claimed=False)
    assert len(sent) == 1
    assert [type(fact) for fact in facts] == [MessageSent]
