"""What can go wrong in the core. The docstring says what it means and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ParleyError(Exception):
    """Something in Parley failed."""

    retryable = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (self.__doc__ or "").strip())


class LocalError(ParleyError):
    """Our own mistake: fail loudly and mend the code."""


class PeerError(ParleyError):
    """The other side sent something wrong: answer in its protocol, count it, go on."""


class NoSuchInteraction(ParleyError):
    """No interaction has this id; it may have been erased. Check the id."""


class NoSuchOffer(ParleyError):
    """No offer has this id. Reload the desk."""


class NoSuchAgent(ParleyError):
    """No agent has this id. Check the company file."""


class NoSuchCustomer(ParleyError):
    """No customer has this id; it may have been merged into another record."""


class NoSuchCampaign(ParleyError):
    """No campaign has this id."""


class NoSuchQueue(ParleyError):
    """No queue has this name. Use one from the company file."""


class OfferGone(ParleyError):
    """Somebody else has it, the time ran out, or the customer left. Wait for the next."""


class IllegalMove(LocalError):
    """This event is not possible in this state; nothing was changed."""


class IllegalStep(ParleyError):
    """That is not possible in this talk now: somebody joined or left. Look at it again."""


class CannotTransfer(ParleyError):
    """It cannot be given there; the message says why. Choose somebody else."""


class NoSuchPauseCode(ParleyError):
    """No pause code has this name; the message lists those of the company."""


class MustFile(ParleyError):
    """This queue's wrap-up cannot be skipped: choose a disposition and file it."""


class CallbackRefused(ParleyError):
    """This customer cannot be called back so; the message says what is missing."""


class CallbackExists(ParleyError):
    """This customer is going to be called back already. Cancel that one first."""


class OutsideHours(ParleyError):
    """The queue is closed then; the message names its next opening."""


class Conflict(ParleyError):
    """Somebody else changed the same record first. Load it again and retry."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong in a configuration: ``place`` like ``queues[1].steps[0].need.lv``."""

    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place else self.problem


class Superseded(Conflict):
    """Another dispatcher has taken over; this one's view is old. It loads again when its turn
    comes."""


class BadConfiguration(ParleyError):
    """A setting or a company file is wrong; the message names the place and the fix.

    ``problems`` lists everything that is wrong, not only the first.
    """

    def __init__(self, detail: str = "", problems: Sequence[Flaw] = ()) -> None:
        super().__init__(detail or "\n".join(str(flaw) for flaw in problems))
        self.problems = tuple(problems)


class BadCustomer(ParleyError):
    """What was to be said of customers is wrong; the message names each place and the fix."""

    def __init__(self, detail: str = "", problems: Sequence[Flaw] = ()) -> None:
        super().__init__(detail or "\n".join(str(flaw) for flaw in problems))
        self.problems = tuple(problems)


class BusUnavailable(ParleyError):
    """The message broker cannot be reached. Check RABBIT_URL and that it runs."""

    retryable = True


class StoreUnavailable(ParleyError):
    """The database cannot be reached. Check DATABASE_URL and that it runs."""

    retryable = True


class Unroutable(ParleyError):
    """Nobody serves this address: the process that owned the call has gone."""


class ReplyTimeout(ParleyError):
    """The process asked did not answer in time. Try again."""

    retryable = True


class BadMessage(PeerError):
    """A message's bytes do not have the expected form; it names the field."""
