"""Which transcript a mail belongs to.

1. Our own mails have the Message-ID ``<message id@our domain>``, so a reply
   names a line of ours; customers' mails are known by their own Message-ID.
2. A reply whose subject is another one, "Re:" aside, is a new matter: people
   answer an old mail to save themselves the address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from channels.mail.parsing import ParsedMail, base_subject
from router.model import Message
from router.ports import Transaction

_OURS = re.compile(r"^<([0-9a-f]{32})@([^<>@\s]+)>$")


def message_id_of(message: Message, domain: str) -> str:
    """The Message-ID of a line: the customer's own, or the one that we give."""
    if message.external_id and message.external_id.startswith("<"):
        return message.external_id
    return f"<{message.id}@{domain}>"


async def our_message(tx: Transaction, message_id: str, domain: str) -> Message | None:
    """The line that we sent under this Message-ID; None when it is not ours."""
    found = _OURS.match(message_id)
    if found is None or found[2].lower() != domain.lower():
        return None
    return await tx.interactions.message(found[1])


async def interaction_of(tx: Transaction, ids: Sequence[str], domain: str) -> str | None:
    """The interaction that the newest known of these Message-IDs belongs to."""
    for message_id in reversed(ids):
        ours = await our_message(tx, message_id, domain)
        if ours is not None:
            return ours.interaction_id
        theirs = await tx.interactions.thread_of([message_id])
        if theirs is not None:
            return theirs
    return None


async def thread_for(tx: Transaction, mail: ParsedMail, domain: str) -> tuple[str, ...]:
    """External ids for ``Lifecycle.receive(thread=…)``; empty for a new matter."""
    interaction_id = await interaction_of(tx, mail.references, domain)
    if interaction_id is None:
        return ()
    interaction = await tx.interactions.get(interaction_id)
    if interaction.subject and base_subject(interaction.subject) != base_subject(mail.subject):
        return ()
    lines = await tx.interactions.messages(interaction_id)
    return tuple(line.external_id for line in lines if line.external_id)[-1:]
