"""One-time codes: made, sent to an address that we knew before, and checked.

1. A code has six digits, is kept only as a keyed hash, and is good for five minutes, for three
   tries and for one interaction. A right one counts once.
2. It goes to an identity of the customer's record, never to an address from the conversation.
3. A customer gets three codes an hour. Who was wrong nine times within a day gets none.
4. "Nowhere to send to", "too many" and "locked" are one answer: they tell a stranger nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bots.flow.outcome import RIGHT, SENT, USED_UP, WRONG, Proven
from channels.text_errors import SendDelayed, SendRefused
from router.model import Customer, IdentityKind, Interaction
from router.ports import Clock, Store, Transaction

DIGITS = 6
GOOD_FOR = timedelta(minutes=5)
TRIES = 3
MOST_SENT, SENT_WITHIN = 3, timedelta(hours=1)
MOST_WRONG, WRONG_WITHIN = 9, timedelta(days=1)
KINDS = {"sms": IdentityKind.PHONE, "email": IdentityKind.EMAIL}
TEXTS: Mapping[str, str] = {
    "en": "{code} is your code. It is good for five minutes. Tell it to nobody who calls you.",
    "zh": "您的验证码是 {code}，五分钟内有效。请勿告诉任何来电者。",
    "lv": "Jūsu kods ir {code}. Tas der piecas minūtes. Nesakiet to nevienam, kas jums zvana.",
}

Send = Callable[[str, str, str], Awaitable[None]]
"""Send a text by a way to an address. Raises ``SendDelayed`` or ``SendRefused``."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proofs:
    """Keeps the state of each customer's codes in the store; any process can check any code."""

    store: Store
    clock: Clock
    key: bytes
    send: Send

    async def send_code(self, interaction_id: str, way: str) -> Proven:
        """See ``bots.ports.House``."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        now = self.clock.now()
        async with self.store.transaction() as tx:
            interaction, customer, state = await self._load(tx, interaction_id, now)
            address = _address(customer, way)
            full = len(state["sent"]) >= MOST_SENT or len(state["wrong"]) >= MOST_WRONG
            if not address or full:
                log.info("interaction %s: no code is sent", interaction_id)
                return Proven(USED_UP)
            state["sent"].append(now.isoformat())
            state["open"][interaction_id] = {
                "hash": self._hash(interaction_id, code),
                "until": (now + GOOD_FOR).isoformat(),
                "tries": TRIES,
            }
            await tx.log.put_document(_name(customer.id), state)
        text = TEXTS.get(interaction.language, TEXTS["en"]).format(code=code)
        try:
            await self.send(way, address, text)
        except (SendDelayed, SendRefused) as error:
            log.warning("interaction %s: the code was not sent: %s", interaction_id, error)
            return Proven(USED_UP)
        return Proven(SENT)

    async def check_code(self, interaction_id: str, code: str) -> Proven:
        """See ``bots.ports.House``."""
        now = self.clock.now()
        async with self.store.transaction() as tx:
            _, customer, state = await self._load(tx, interaction_id, now)
            kept = state["open"].get(interaction_id)
            if kept is None or len(state["wrong"]) >= MOST_WRONG:
                return Proven(USED_UP)
            kept["tries"] -= 1
            right = hmac.compare_digest(kept["hash"], self._hash(interaction_id, code))
            if not right:
                state["wrong"].append(now.isoformat())
            if right or not kept["tries"]:
                del state["open"][interaction_id]
            await tx.log.put_document(_name(customer.id), state)
        if right:
            return Proven(RIGHT)
        return Proven(WRONG if kept["tries"] else USED_UP)

    async def _load(
        self, tx: Transaction, interaction_id: str, now: datetime
    ) -> tuple[Interaction, Customer, dict[str, Any]]:
        """Nobody else changes this customer's codes until the transaction is over."""
        interaction = await tx.interactions.get(interaction_id)
        customer = await tx.people.customer(interaction.customer_id)
        await tx.interactions.lock_all([_name(customer.id)])
        kept = await tx.log.document(_name(customer.id)) or {}
        state = {
            "sent": _since(kept.get("sent", []), now - SENT_WITHIN),
            "wrong": _since(kept.get("wrong", []), now - WRONG_WITHIN),
            "open": {
                name: dict(each)
                for name, each in kept.get("open", {}).items()
                if datetime.fromisoformat(each["until"]) > now
            },
        }
        return interaction, customer, state

    def _hash(self, interaction_id: str, code: str) -> str:
        told = f"parley code {interaction_id} {code}".encode()
        return hmac.new(self.key, told, hashlib.sha256).hexdigest()


def _name(customer_id: str) -> str:
    return f"codes:{customer_id}"


def _since(times: list[str], since: datetime) -> list[str]:
    return [each for each in times if datetime.fromisoformat(each) > since]


def _address(customer: Customer, way: str) -> str:
    found = (each.value for each in customer.identities if each.kind is KINDS[way])
    return next(found, "")
