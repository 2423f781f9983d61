"""What an agent's work after the contact keeps the agent from (company file, ``wrap_up``).

1. ``none``: there is none. ``optional``: it may be skipped, and keeps from nothing.
2. ``mandatory`` and ``limited``: no offer from any queue and on any channel until it is
   filed; a limited one is filed by itself when its time is over.
3. The queue in which the interaction was answered decides, in however many the agent is.
"""

from __future__ import annotations

from router.company import Company, WrapUp
from router.errors import MustFile, ParleyError
from router.model import Interaction, InteractionState

STRICT = frozenset({"mandatory", "limited"})
TIMED = frozenset({"optional", "limited"})
"""Modes whose wrap-up is filed by itself after ``limit_s``."""


def wrap_up_of(company: Company, interaction: Interaction) -> WrapUp:
    """The rule that holds for it."""
    queue = company.queues.get(interaction.queue or company.default_queue)
    return queue.wrap_up if queue else WrapUp("none")


def keeps_busy(company: Company, interaction: Interaction) -> bool:
    """Whether its wrap-up counts as work in hand."""
    in_wrap_up = interaction.state is InteractionState.WRAP_UP
    return in_wrap_up and wrap_up_of(company, interaction).mode in STRICT


def check_skip(company: Company, interaction: Interaction) -> None:
    """Raise ``MustFile`` unless the agent may leave it unfiled."""
    if wrap_up_of(company, interaction).mode in STRICT:
        raise MustFile


def check_disposition(company: Company, interaction: Interaction, code: str) -> None:
    """Raise ``ParleyError`` unless the queue's agents may file it so."""
    known = company.dispositions_of(interaction.queue or "")
    if code not in known:
        raise ParleyError(f"Disposition {code!r} is not one of {', '.join(known)}.")
