"""The people on one customer's call: who sits there, and who hears whom.

1. Seats have names: ``CUSTOMER``, an agent's id, or the party id of somebody outside.
2. While two are on the call, the handler and the customer, hold is a switch. As soon as
   somebody else takes part, ``router.acts.parties`` says who hears whom.
3. A customer, or a third one on hold, who hears nobody hears music.
4. After ``release`` customer and those outside go on without us: when one hangs up, all do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

from channels.media.leg import Leg
from channels.media.room import Room
from router.acts.parties import Party, PartyRole, PartyState, Talk, hearing

CUSTOMER = "customer"


class PartyLine:
    """One call's seats. ``left`` hears of a leg that is over by itself, ``pressed`` of keys."""

    def __init__(
        self,
        customer: Leg,
        left: Callable[[str], None],
        pressed: Callable[[str], None],
    ) -> None:
        self.held = False
        self.released = False
        self._customer = customer
        self._outside: set[str] = set()
        self._room = Room(left, lambda name, key: pressed(key) if name == CUSTOMER else None)

    @property
    def is_open(self) -> bool:
        """Whether the customer sits here; else a bot has the leg, or it is over."""
        return CUSTOMER in self._room.seats

    @property
    def others(self) -> dict[str, Leg]:
        """The legs beside the customer's, by name."""
        return {name: leg for name, leg in self._room.seats.items() if name != CUSTOMER}

    @property
    def has_people(self) -> bool:
        """Whether somebody is on the call beside the customer."""
        return bool(self.others)

    @property
    def customer_hears_people(self) -> bool:
        """Whether somebody talks to the customer now: not on hold, not waiting, not with a bot."""
        return bool(self._room.speakers_to(CUSTOMER))

    def is_outside(self, name: str) -> bool:
        """Whether this seat is somebody's outside, a party of its own."""
        return name in self._outside

    def open(self) -> None:
        """Seat the customer, with music until somebody comes. The same again changes nothing."""
        if not self.is_open and not self._customer.closed.is_set():
            self._room.admit(CUSTOMER, self._customer)
            self._room.arrange((), music={CUSTOMER})

    def close(self) -> list[Leg]:
        """Everybody out, the customer's leg too; gives the legs of the others."""
        others = list(self.others.values())
        self._room.clear()
        self._outside.clear()
        return others

    def seat(self, name: str, leg: Leg, *, outside: bool = False) -> None:
        """A leg takes its seat; who it hears comes with the next arrangement."""
        if outside:
            self._outside.add(name)
        self._room.admit(name, leg)

    def dismiss(self, name: str) -> Leg | None:
        """Take a leg out, alive."""
        self._outside.discard(name)
        return self._room.dismiss(name)

    def arrange(self, handler: str, parties: Sequence[Party]) -> list[Leg]:
        """Follow the record; gives the legs of those who do not take part any more.

        ``parties`` are the stored ones: none while there are only customer and handler.
        """
        if self.released:
            return []
        if not parties:
            pairs = () if self.held else permutations((CUSTOMER, handler), 2)
            self._room.arrange(pairs, music={CUSTOMER})
            return self._dismiss_others({handler})
        talk = Talk(parties[0].interaction_id, tuple(parties))
        names = {party.id: _name(party) for party in parties}
        waiting = {
            names[party.id]
            for party in parties
            if party.role is PartyRole.CONSULTED and party.state is PartyState.ON_HOLD
        }
        heard = {(names[speaker], names[listener]) for speaker, listener in hearing(talk)}
        self._room.arrange(heard, music={CUSTOMER, *waiting})
        return self._dismiss_others(set(names.values()))

    def release(self) -> list[Leg]:
        """The customer and those outside go on alone; gives the legs of our own people."""
        self.released, self.held = True, False
        out = self._dismiss_others(self._outside)
        self._room.arrange(permutations((CUSTOMER, *self._outside), 2))
        return out

    def _dismiss_others(self, stay: set[str]) -> list[Leg]:
        gone = [name for name in self.others if name not in stay]
        return [leg for name in gone if (leg := self.dismiss(name)) is not None]


def _name(party: Party) -> str:
    if party.role is PartyRole.CUSTOMER:
        return CUSTOMER
    return party.agent_id or party.id
