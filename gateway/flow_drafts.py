"""Texts of flows that are being written: read once, whatever is then asked about them.

Reading the demo's largest flow takes half a second of a core. A page asks for its findings, its
picture and a trial conversation one after the other, so the last few readings are kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256

from bots.errors import BadFlow
from bots.flow.model import Flow
from bots.flow.review.finding import Finding
from bots.flow.review.review import Review, review_texts
from bots.shelf import FlowShelf

KEPT = 8
"""Readings; each is some megabytes."""


class FlowDrafts:
    """Reads drafts on a thread, one at a time: whoever writes must not slow down who talks."""

    def __init__(self, shelf: FlowShelf) -> None:
        self._shelf = shelf
        self._read: OrderedDict[str, Review] = OrderedDict()
        self._reading = asyncio.Lock()

    async def texts(self, name: str, text: str) -> dict[str, str]:
        """The draft among the live texts of the other flows. Raises ``NoSuchFlow``."""
        return {**await self._shelf.live_texts(name), name: text}

    async def review(self, name: str, text: str) -> Review:
        """Everything that is wrong or doubtful in the draft. Raises ``NoSuchFlow``."""
        texts = await self.texts(name, text)
        key = _key(name, texts)
        async with self._reading:
            found = self._read.get(key)
            if found is None:
                found = await asyncio.to_thread(review_texts, name, texts)
                self._read[key] = found
            self._read.move_to_end(key)
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        return found

    async def flow(self, name: str, text: str) -> Flow:
        """The draft as it would run. Raises ``BadFlow``, ``NoSuchFlow``."""
        found = await self.review(name, text)
        if found.flow is None:
            raise BadFlow(tuple(map(_problem, found.findings)))
        return found.flow


def _problem(found: Finding) -> str:
    """As ``bots.flow.schema`` words it."""
    where = f"{found.path}:{found.line}" if found.line else found.path
    what = f"{found.problem}; {found.fix}" if found.fix else found.problem
    return ": ".join(part for part in (where, found.place, what) if part)


def _key(name: str, texts: Mapping[str, str]) -> str:
    """Of all that a reading depends on."""
    found = sha256(name.encode())
    for each, text in sorted(texts.items()):
        found.update(f"\0{each}\0{text}".encode())
    return found.hexdigest()
