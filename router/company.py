"""The company's configuration as typed data: queues, hours, agents, codes.

``company_file`` reads and writes it, ``company_check`` looks at it as a whole, and
``versions`` keeps every state it has had (docs/configuration.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from router.customer_limits import DEFAULT_LIMITS, CustomerLimits
from router.errors import NoSuchQueue
from router.figures.service_level import SHORT_ABANDON_S, TARGET_S, ServiceLevel
from router.hours import ALWAYS_OPEN, DAYS, Hours
from router.model import Agent, Channel, Role
from router.redaction.policy import DEFAULT_POLICY, Policy
from router.rules import DEFAULT_RULES, Rules

__all__ = [
    "DAYS",
    "Company",
    "CompanyVersion",
    "Hours",
    "PauseCode",
    "Person",
    "Queue",
    "WrapUp",
    "no_company",
    "parse_company",
]

WRAP_UP_MODES = ("none", "optional", "mandatory", "limited")
OFFER_S = {Channel.VOICE: 15, Channel.CHAT: 30, Channel.SMS: 30, Channel.EMAIL: 300}
CAPACITY = {Channel.VOICE: 1, Channel.CHAT: 3, Channel.SMS: 3, Channel.EMAIL: 5}
WRAP_UP_LIMIT_S = 120
FCR_DAYS = 7


@dataclass(frozen=True, slots=True)
class WrapUp:
    """What the agent does after the contact. ``limit_s`` counts for ``limited``."""

    mode: str = "limited"
    limit_s: int = WRAP_UP_LIMIT_S


@dataclass(frozen=True, slots=True)
class Queue:
    """A line in which interactions wait for a person.

    ``skills`` are what it needs from the start; ``rules.steps`` change that with time.
    ``dispositions`` are its own outcomes; without any the company's count. ``target_s``,
    ``service_level`` and ``short_abandon_s`` say what its service level is.
    """

    id: str
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    target_s: int = TARGET_S
    service_level: ServiceLevel = ServiceLevel.SHORT_ABANDONS_OUT
    short_abandon_s: int = SHORT_ABANDON_S
    base_s: int = 0
    wrap_up: WrapUp = WrapUp()
    offer_s: Mapping[Channel, int] = field(default_factory=lambda: dict(OFFER_S))
    hours: Hours = ALWAYS_OPEN
    closed_text: str = ""
    rules: Rules = DEFAULT_RULES
    dispositions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PauseCode:
    """Why an agent may be away. ``paid`` time counts as paid in the figures."""

    code: str
    name: str
    paid: bool = True


@dataclass(frozen=True, slots=True)
class NextBestOffer:
    """What an agent may offer a content customer whose matter is settled.

    ``text`` is by language; ``{name}`` and ``{company}`` in it are filled in. A condition that
    is empty (``vip``: None) holds for everybody.
    """

    id: str
    name: str
    text: Mapping[str, str]
    intents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    vip: bool | None = None

    def fits(self, queue: str, channel: Channel, intent: str, *, vip: bool) -> bool:
        """Whether it is meant for this conversation."""
        return (
            (not self.intents or intent in self.intents)
            and (not self.queues or queue in self.queues)
            and (not self.channels or channel in self.channels)
            and self.vip in (None, vip)
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in; an agent's work settings when ``agent`` is set.

    ``password`` is empty where the present one stays.
    """

    login: str
    name: str
    role: Role
    password: str = field(default="", repr=False)
    agent: Agent | None = None


@dataclass(slots=True)
class Company:
    """Everything that an administrator sets.

    A process has one such object, and everybody holds it: ``adopt`` puts a new version
    in force for all at once. Keep nothing derived from it beyond one decision.
    """

    name: str
    queues: Mapping[str, Queue]
    people: tuple[Person, ...]
    entry: Mapping[Channel, str]
    dispositions: tuple[str, ...]
    pauses: tuple[PauseCode, ...]
    default_queue: str
    survey: bool = True
    fcr_days: int = FCR_DAYS
    next_best_offers: tuple[NextBestOffer, ...] = ()
    redaction: Policy = DEFAULT_POLICY
    customer_limits: CustomerLimits = DEFAULT_LIMITS
    version: int = 0

    def adopt(self, other: Company) -> None:
        """Take over everything of another one."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    @property
    def pause_codes(self) -> tuple[str, ...]:
        """The codes of all pauses."""
        return tuple(pause.code for pause in self.pauses)

    def queue(self, queue_id: str) -> Queue:
        """The queue of that id. Raises ``NoSuchQueue``."""
        try:
            return self.queues[queue_id]
        except KeyError:
            known = ", ".join(sorted(self.queues))
            raise NoSuchQueue(f"no queue {queue_id!r}; the company has: {known}") from None

    def dispositions_of(self, queue_id: str) -> tuple[str, ...]:
        """The outcomes that an agent of the queue can file; the company's for an unknown one."""
        queue = self.queues.get(queue_id)
        return (queue.dispositions if queue else ()) or self.dispositions

    def members(self, queue_id: str) -> tuple[Agent, ...]:
        """The agents of a queue."""
        return tuple(p.agent for p in self.people if p.agent and queue_id in p.agent.queues)

    def attainable(self, queue_id: str, needs: Mapping[str, int]) -> dict[str, int]:
        """Those of ``needs`` that somebody of the queue has at all.

        A need that nobody can ever meet would let the customer wait for ever.
        """
        staff = self.members(queue_id)
        return {
            skill: level
            for skill, level in needs.items()
            if any(agent.skills.get(skill, 0) >= level for agent in staff)
        }


def no_company() -> Company:
    """Before a configuration has been loaded: to be adopted into."""
    return Company("", {}, (), {}, (), (), "")


@dataclass(frozen=True, slots=True)
class CompanyVersion:
    """One state of the configuration that was in force; ``body`` as ``company_export`` writes it.

    ``author`` is a login, or who did it from the command line.
    """

    number: int
    at: datetime
    author: str
    note: str
    body: Mapping[str, Any]


def parse_company(raw: Any) -> Company:
    """Read a company from plain data (``company_file.parse_company``).

    Raises ``BadConfiguration`` with every problem and its place.
    """
    # Imported late: reading and checking build on this module.
    from router.configuration import file as company_file

    return company_file.parse_company(raw)
