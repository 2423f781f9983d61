"""Why agents are away, and whom to count as being there.

1. An agent who goes away names one of the company's pause codes.
2. Only we say that somebody did not answer, or that a desk is silent.
3. A queue is staffed while somebody of it is available or on a named pause; an agent whose
   desk fell silent is nobody.
"""

from __future__ import annotations

from router.company import Company
from router.errors import NoSuchPauseCode
from router.model import Agent, Presence

NO_ANSWER = "no answer"
CONNECTION_LOST = "connection lost"
WRAP_UP = "wrap-up"
"""Only as the distributor sees it: a wrap-up that must be filed keeps the agent from offers."""


def check_pause(company: Company, presence: Presence, reason: str) -> None:
    """What an agent says about being away; raises ``NoSuchPauseCode`` listing the codes."""
    if presence is Presence.AWAY and reason not in company.pause_codes:
        codes = ", ".join(company.pause_codes)
        raise NoSuchPauseCode(f"pause code {reason!r} is not one of: {codes}")


def counts_as_there(agent: Agent) -> bool:
    """Rule 3."""
    if agent.presence is Presence.AWAY:
        return agent.presence_reason != CONNECTION_LOST
    return agent.presence is Presence.AVAILABLE
