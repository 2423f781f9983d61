"""Conversations in which somebody tries a flow: no customer, no channel, nothing is stored.

1. A trial belongs to who began it; for anyone else it is not there.
2. It is kept in this process until nobody has said anything for ``LIFE``; who begins too many
   loses the oldest. A page that finds its trial gone begins again and says the same lines.
3. Calls, messages and codes are only told, never sent. Actions look up and change nothing,
   unless their answers are made up or the real systems are wished for.
4. What breaks in the flow is told as it is: whoever tries a flow wants to know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bots.conversation import Conversation, Tools
from bots.flow.model import Flow
from bots.trial.listed import CarefulActions, parse_answers
from bots.trial.session import Setting, Trial
from bots.trial.watched import watched
from gateway.problems import NotFound
from router.errors import ParleyError
from router.model import new_id
from router.ports import Clock

LIFE = timedelta(minutes=15)
MOST_OF_ONE = 3
MOST = 24
TURN_S = 60.0
"""For a turn, with a language model's help."""
ANSWERS = "the made-up answers"

log = logging.getLogger(__name__)


class TrialGone(NotFound):
    """This trial is over: nobody used it for a quarter of an hour, or the server was restarted."""


class TrialBroke(ParleyError):
    """The flow broke in this turn; a customer would get a person. The message says at what."""


class TrialTooSlow(ParleyError):
    """The bot had no answer in time. Say it again; if it stays so, look at its actions."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Systems:
    """What actions reach: ``real`` systems, made-up ``answers``, or only look-ups (neither)."""

    real: bool = False
    answers: str = ""


@dataclass(slots=True)
class Tried:
    """One trial. ``told`` are the reasons of the turn that was last asked for."""

    id: str
    owner: str
    flow: Flow
    trial: Trial
    told: list[str]
    until: datetime
    learning: asyncio.Task[None]
    """Of new examples; who writes first waits for it, and who loses patience does not end it."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def turn(self, saying: Coroutine[Any, Any, list[str]]) -> list[str]:
        """What the bot says. Raises ``TrialBroke``, ``TrialTooSlow`` and what the flow raises."""
        self.told.clear()
        try:
            async with asyncio.timeout(TURN_S):
                return await saying
        except TimeoutError:
            raise TrialTooSlow from None
        except ParleyError:
            raise
        except Exception as error:
            log.warning("a trial of %s broke", self.flow.name, exc_info=True)
            at = self.trial.step or self.flow.start
            what = f"{type(error).__name__}: {error}"
            raise TrialBroke(
                f"{self.flow.name} broke in the turn at step {at!r}: {what}. "
                "A customer would get a person now."
            ) from error


class FlowTrials:
    """Those of this process."""

    def __init__(
        self, tools: Tools, clock: Clock, forget: Callable[[Flow], None] = lambda flow: None
    ) -> None:
        """``forget`` is called when no trial has this version of a flow any more."""
        self._tools = tools
        self._clock = clock
        self._forget = forget
        self._kept: dict[str, Tried] = {}

    def stop(self) -> None:
        """End all of them."""
        for tried in list(self._kept.values()):
            self._drop(tried)

    async def begin(
        self, flow: Flow, setting: Setting, systems: Systems, owner: str
    ) -> tuple[Tried, list[str]]:
        """A trial, and what the bot says first. Raises ``BadAnswers`` and as ``Tried.turn``."""
        told: list[str] = []
        conversation = Conversation(flow, self._equipped(systems, told.append))
        trial = Trial(conversation, setting, told.append)
        learning = asyncio.create_task(_learn(conversation), name=f"trial of {flow.name}")
        until = self._clock.now() + LIFE
        made = Tried(new_id(), owner, flow, trial, told, until, learning)
        said = await made.turn(trial.begin())
        self._kept[made.id] = made
        self._tidy(owner)
        return made, said

    async def hear(self, trial_id: str, owner: str, line: str) -> tuple[Tried, list[str]]:
        """What the bot answers. Raises ``TrialGone`` and as ``Tried.turn``."""
        tried = self._of(trial_id, owner)
        async with tried.lock:
            tried.until = self._clock.now() + LIFE
            return tried, await tried.turn(tried.trial.hear(line))

    def end(self, trial_id: str, owner: str) -> None:
        """Let go of it. Raises ``TrialGone``."""
        self._drop(self._of(trial_id, owner))

    def _of(self, trial_id: str, owner: str) -> Tried:
        tried = self._kept.get(trial_id)
        if tried is None or tried.owner != owner:
            raise TrialGone
        if tried.until <= self._clock.now():
            self._drop(tried)
            raise TrialGone
        return tried

    def _tidy(self, owner: str) -> None:
        """Let go of what is over, and of the oldest where there are too many."""
        now = self._clock.now()
        for tried in [each for each in self._kept.values() if each.until <= now]:
            self._drop(tried)
        own = [each for each in self._kept.values() if each.owner == owner]
        for tried in own[:-MOST_OF_ONE]:
            self._drop(tried)
        while len(self._kept) > MOST:
            self._drop(next(iter(self._kept.values())))

    def _drop(self, tried: Tried) -> None:
        del self._kept[tried.id]
        tried.learning.cancel()
        version = (tried.flow.name, tried.flow.version)
        if all((each.flow.name, each.flow.version) != version for each in self._kept.values()):
            self._forget(tried.flow)

    def _equipped(self, systems: Systems, tell: Callable[[str], None]) -> Tools:
        real = self._tools.actions
        if systems.answers:
            return watched(self._tools, parse_answers(systems.answers, ANSWERS), tell)
        return watched(self._tools, real if systems.real else CarefulActions(real), tell)


async def _learn(conversation: Conversation) -> None:
    try:
        await conversation.prepare()
    except Exception:
        # The turn that needs it says so.
        log.info("a trial of %s could not learn", conversation.flow.name, exc_info=True)
