"""Who arrives, and does it continue something? The reading half of ``Lifecycle.receive``.

1. A customer is recognised by any identity, else a new record is opened.
2. A message or arrival that is already stored begins nothing new.
3. Chat and SMS continue the open interaction of the same address; mail continues the
   thread it refers to; a call is always new. What has ended goes on in a new interaction
   of the same conversation.
4. Only the same customer continues: a forwarded reference or a typed address opens
   nobody else's transcript.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from router.acts import steps
from router.acts.reopening import REOPENS, earlier_chat
from router.events import InteractionArrived
from router.model import (
    Arrival,
    Channel,
    Customer,
    Direction,
    Interaction,
    InteractionState,
    NewMessage,
    new_id,
)

if TYPE_CHECKING:
    from router.acts.act import Act

CONTINUED = frozenset({Channel.CHAT, Channel.SMS})
OVER = (InteractionState.ENDED, InteractionState.WRAP_UP)


async def recognise(act: Act, arrival: Arrival, now: datetime) -> Customer:
    """The customer whose identity this is, new if need be (rule 1)."""
    known = await act.step(steps.FIND_CUSTOMER, arrival.identity)
    if known is not None:
        if arrival.name and not known.name:
            known = replace(known, name=arrival.name)
            await act.tx.people.save_customer(known)
        return known
    customer = Customer(
        id=new_id(),
        name=arrival.name,
        identities=(arrival.identity,),
        language=arrival.language or "en",
        created_at=now,
    )
    await act.step(steps.ADD_CUSTOMER, customer)
    return customer


async def already_stored(act: Act, message: NewMessage | None) -> Interaction | None:
    """Where this very message is stored (rule 2)."""
    if message is None or message.external_id is None:
        return None
    interaction_id = await act.tx.interactions.thread_of([message.external_id])
    return await act.take(interaction_id) if interaction_id else None


async def continued(
    act: Act,
    arrival: Arrival,
    message: NewMessage | None,
    customer: Customer,
    thread: Sequence[str],
) -> Interaction | None:
    """The interaction that goes on, None when a new one begins (rules 2 to 4).

    The ``message`` is known not to be stored: neither is an arrival with the same id.
    """
    sought = message is not None and message.external_id == arrival.external_id
    if arrival.external_id is not None and not sought:
        same = await act.tx.interactions.by_external_id(arrival.channel, arrival.external_id)
        if same is not None:
            return same
    if arrival.channel in CONTINUED and arrival.direction is Direction.INBOUND:
        return await act.tx.interactions.open_for_customer(
            customer.id, arrival.channel, arrival.identity.value
        )
    parent = await _parent(act, customer, thread)
    return parent if parent is not None and parent.state not in OVER else None


async def begin(
    act: Act, arrival: Arrival, customer: Customer, thread: Sequence[str], now: datetime
) -> tuple[Interaction, InteractionArrived]:
    """A new interaction, not stored yet; it joins its parent's conversation if there is one."""
    parent = await _parent(act, customer, thread)
    if parent is None and arrival.direction is Direction.INBOUND:
        parent = await earlier_chat(act.tx, customer, arrival.channel, arrival.identity, now)
    interaction = Interaction(
        id=new_id(),
        channel=arrival.channel,
        direction=arrival.direction,
        customer_id=customer.id,
        conversation_id=parent.conversation_id if parent else new_id(),
        address=arrival.identity.value,
        service_address=arrival.service_address,
        state=InteractionState.NEW,
        created_at=now,
        home=arrival.home,
        language=arrival.language or customer.language,
        subject=arrival.subject,
        meta={**arrival.meta, REOPENS: parent.id} if parent else dict(arrival.meta),
    )
    arrived = InteractionArrived(
        at=now,
        interaction_id=interaction.id,
        channel=interaction.channel,
        direction=interaction.direction,
        customer_id=customer.id,
        conversation_id=interaction.conversation_id,
        address=interaction.address,
        home=interaction.home,
        reopens=parent.id if parent else "",
    )
    return interaction, arrived


async def _parent(act: Act, customer: Customer, thread: Sequence[str]) -> Interaction | None:
    if not thread:
        return None
    parent_id = await act.tx.interactions.thread_of(thread)
    if parent_id is None:
        return None
    parent = await act.tx.interactions.get(parent_id)
    return parent if parent.customer_id == customer.id else None
