"""A person puts right what the bot understood, or adds what it had not asked yet. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.errors import ParleyError
from router.fact import Fact
from router.handoff import Handoff, SlotValue


class NoSuchValue(ParleyError):
    """The packet holds no such value, and the flow would not have asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotCorrected(Fact):
    """An agent changed a value of the packet. ``was`` is empty where there was none.

    ``was_confirmed``: the customer had confirmed the value that was wrong.
    """

    agent_id: str
    name: str
    was: str
    value: str
    flow: str = ""
    was_confirmed: bool = False


def corrected(packet: Handoff, name: str, value: str, by: str, kind: str = "") -> Handoff:
    """The packet with the agent's value, which nobody asks the customer for any more.

    ``kind`` is the slot's type, where the packet does not know it. Raises ``NoSuchValue``.
    """
    known = packet.slot(name)
    if known is None and name not in packet.open_slots:
        raise NoSuchValue(f"{name!r} is none of {[slot.name for slot in packet.slots]}")
    right = SlotValue(name, value, 1.0, True, (known.type if known else "") or kind, by)
    slots = tuple(right if slot.name == name else slot for slot in packet.slots)
    ahead = tuple(each for each in packet.open_slots if each != name)
    return replace(packet, slots=slots if known else (*slots, right), open_slots=ahead)
