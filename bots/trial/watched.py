"""What a conversation uses, with a word to whoever tries the flow about each use."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bots.conversation import Tools, Understanding
from bots.errors import ActionFailed
from bots.flow.model import Flow
from bots.flow.outcome import PROMISED, RIGHT, SENT, WRONG, Promised, Proven, Understood
from bots.ports import Actions, Answer, Knowledge
from router.model import Handoff

Tell = Callable[[str], None]


def watched(tools: Tools, actions: Actions, tell: Tell) -> Tools:
    """The tools of a trial: nothing is promised, and each use is told."""
    return replace(
        tools,
        understanding=WatchedUnderstanding(tools.understanding, tell),
        knowledge=WatchedKnowledge(tools.knowledge, tell),
        actions=WatchedActions(actions, tell),
        house=TrialHouse(tell),
    )


class WatchedUnderstanding:
    """Tells the intent of each sentence and how sure it is."""

    def __init__(self, inner: Understanding, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    async def prepare(self, flow: Flow) -> None:
        """As the one it watches."""
        await self._inner.prepare(flow)

    async def understand(self, flow: Flow, text: str, language: str) -> Understood:
        """As the one it watches, told."""
        found = await self._inner.understand(flow, text, language)
        sure = "a fixed phrase" if found.sure else f"{found.confidence:.2f}"
        parts = [f"intent {found.intent or 'none'} ({sure})"]
        if found.related:
            parts.append(f"about {found.related}")
        if found.gist:
            parts.append(f"heard as “{found.gist}”")
        if found.language and found.language != language:
            parts.append(f"language {found.language}")
        self._tell(", ".join(parts))
        return found


class WatchedKnowledge:
    """Tells what was asked, how near the answer is, and its source."""

    def __init__(self, inner: Knowledge, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    async def answer(self, question: str, language: str = "en") -> Answer:
        """As the one it watches, told."""
        found = await self._inner.answer(question, language)
        source = ", ".join(f"“{each.title}”" for each in found.citations)
        what = f"answered from {source}" if found.known else "no answer"
        self._tell(f"knowledge “{question}”: {what} ({found.score:.2f})")
        return found


class WatchedActions:
    """Tells each request and how it went."""

    def __init__(self, inner: Actions, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """As the one it watches, told."""
        sent = f" {dict(body)}" if body else ""
        try:
            status, answer = await self._inner.call(method, url, body, timeout_s, headers, retries)
        except ActionFailed as error:
            self._tell(f"action {method} {url}{sent} failed: {error}")
            raise
        self._tell(f"action {method} {url}{sent} → {status} {answer if answer is not None else ''}")
        return status, answer


class TrialHouse:
    """``bots.ports.House`` that promises every call and keeps none."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._code = ""

    async def promise_call(
        self, interaction_id: str, number: str, at: str, queue: str, packet: Handoff
    ) -> Promised:
        """Promised, for the time that was wished."""
        self._tell(f"a call to {number} {f'at {at}' if at else 'soon'}, queue {queue or 'default'}")
        return Promised(PROMISED, at)

    async def rate(self, interaction_id: str, score: int) -> None:
        """Only told."""
        self._tell(f"survey score {score}")

    async def send_code(self, interaction_id: str, way: str) -> Proven:
        """A code that only whoever tries the flow gets to see."""
        self._code = f"{secrets.randbelow(10**6):06}"
        self._tell(f"one-time code by {way}: {self._code}")
        return Proven(SENT)

    async def check_code(self, interaction_id: str, code: str) -> Proven:
        """Right or wrong, as often as one likes."""
        return Proven(RIGHT if code == self._code else WRONG)
