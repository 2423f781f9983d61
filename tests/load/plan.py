"""What a run is made of: how many people, how fast, and how they behave."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

CHATS_AT_ONCE = 2
MAILS_AT_ONCE = 2
OFFER_S = 4
WRAP_UP_LIMIT_S = 1
VIP_S = 20
URGENT_S = 10
"""Head starts, as long as some wait here."""
TEAM = "team"
"""The queue that rings at all its agents at once."""
TEAM_OF = 6
TEAM_PER_S = 0.75
"""Who comes to the team in a second at most: six people cannot serve a share of any rate."""


@dataclass(frozen=True)
class Plan:
    """One run. Shares are probabilities 0..1; talk, thought and patience are mean seconds.

    An agent answers ``reject`` of the offers with no and lets ``ignore`` of them ring out;
    of the conversations ``transfer`` go to another queue, ``to_bot`` back to the bot.
    Of the customers ``vip`` are priority customers, ``urgent`` have a head start from the bot;
    ``team`` of them at most are for the queue that rings at several agents at once.
    ``hang_up`` of the customers leave after ``patience_s``, wherever they are then.
    ``unfiled`` of the wrap-ups are left to their time limit.
    """

    rabbit_url: str = ""
    store_url: str = ""
    folder: str = ""
    seed: int = 1
    routers: int = 2
    agents: int = 40
    rate: float = 20.0
    talk_s: float = 3.0
    think_s: float = 0.2
    patience_s: float = 2.0
    mail: float = 0.3
    skilled: float = 0.4
    team: float = 0.15
    vip: float = 0.15
    urgent: float = 0.15
    reject: float = 0.03
    ignore: float = 0.01
    transfer: float = 0.05
    to_bot: float = 0.02
    hang_up: float = 0.1
    unfiled: float = 0.1

    @property
    def for_team(self) -> float:
        """The share of the customers who come to the team."""
        return min(self.team, TEAM_PER_S / self.rate)

    def save(self) -> Path:
        """Write it where the run's processes read it, with the company beside it."""
        folder = Path(self.folder)
        (folder / "company.json").write_text(json.dumps(company_of(self)))
        path = folder / "plan.json"
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def read(cls, path: Path) -> Plan:
        """The inverse of :meth:`save`."""
        return replace(cls(), **json.loads(path.read_text()))

    def chance(self, *about: object) -> Random:
        """Chance that is the same for the same thing, also after a restart."""
        return Random(repr((self.seed, *about)))

    def agent_ids(self) -> list[str]:
        """Everybody who takes work."""
        return [f"agent{n:03}" for n in range(self.agents)]


def company_of(plan: Plan) -> dict[str, Any]:
    """Three queues: ``care``, ``tech`` which only every other agent can serve, and ``team``.

    The first agents are the team, and ring together.
    """
    ring = dict.fromkeys(("chat", "email"), OFFER_S)
    return {
        "name": "Load",
        "default_queue": "care",
        "entry": {"chat": "front-desk"},
        "queues": [
            {
                "id": "care",
                "offer_s": ring,
                "boosts": {"vip_s": VIP_S},
                "wrap_up": {"mode": "limited", "limit_s": WRAP_UP_LIMIT_S},
            },
            {
                "id": "tech",
                "offer_s": ring,
                "boosts": {"vip_s": VIP_S},
                "skills": {"tech": 2},
                "wrap_up": {"mode": "none"},
            },
            {
                "id": TEAM,
                "offer_s": ring,
                "boosts": {"vip_s": VIP_S},
                "strategy": "ring-all",
                "wrap_up": {"mode": "none"},
            },
        ],
        "people": [_agent(agent_id, n) for n, agent_id in enumerate(plan.agent_ids())],
    }


def _agent(agent_id: str, number: int) -> dict[str, Any]:
    skilled, in_team = number % 2 == 0, number < TEAM_OF
    return {
        "login": agent_id,
        "password": "nobody signs in",
        "queues": ["care", *(["tech"] if skilled else []), *([TEAM] if in_team else [])],
        "skills": {"tech": 3} if skilled else {},
        "capacity": {"voice": 0, "chat": CHATS_AT_ONCE, "sms": 0, "email": MAILS_AT_ONCE},
    }
