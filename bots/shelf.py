"""The versions of the bots' flows: kept in the store, the same in every process.

1. A version is a flow's text with the texts of the flows that it calls, by the hash of them all.
   It is kept for as long as it may be in use, so that a conversation finishes on it whatever is
   published, and through a restart.
2. The files of the flows' folder are the first versions. A file that has changed since it was
   last seen is published at the next start, as whoever changed it expects.
3. ``bots.flow.rollout`` says which version new conversations get. A change is a fact; every
   process reads, trains and only then gives the version to anyone.
4. A conversation that began elsewhere on a version that is not known here waits until it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from bots.conversation import Conversation
from bots.conversations import Conversations
from bots.errors import BadFlow, FlowMovedOn, NoSuchFlow
from bots.flow.model import Flow
from bots.flow.rollout import ALL, Rollout
from bots.flow.schema import called_by, read_texts
from router.configuration.versions import Publisher
from router.errors import ParleyError
from router.events import Fact, FlowChanged
from router.ports import Bus, Clock, Store

LOOK_EVERY_S = 15.0
"""A fact that does not come is made up for by then."""
MOST_VERSIONS = 50
"""Kept of a flow, beside those that new conversations get."""
FILES = "file"
LOCK = "flows"
LONGEST_NAME = 45
TAG_LENGTH = 12
SAVED, TRIED, PUBLISHED, ROLLED_BACK = "saved", "tried", "published", "rolled-back"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edition:
    """A version of a flow as it was kept, and what was done with it."""

    version: str
    at: datetime
    author: str
    note: str
    act: str
    percent: int


@dataclass(frozen=True, slots=True)
class Shelved:
    """What the store says of a flow; ``editions`` newest first."""

    name: str
    rollout: Rollout
    editions: tuple[Edition, ...]
    in_file: str = ""
    """The version that its file had when it was last seen."""

    @property
    def tag(self) -> str:
        """Another one after every act: what an edit is based on."""
        latest = self.editions[0]
        known = f"{self.rollout} {latest.version} {latest.act} {latest.at.isoformat()}"
        return sha256(known.encode()).hexdigest()[:TAG_LENGTH]


class FlowShelf:
    """The store's versions, and those that this process has ready."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        relay: Publisher,
        conversations: Conversations,
        make: Callable[[Flow], Conversation],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``make`` gives a flow what it needs to be run, or says why it cannot be.

        ``changed`` is called when other versions are in use here than before.
        """
        self._store = store
        self._clock = clock
        self._relay = relay
        self._conversations = conversations
        self._make = make
        self._changed = changed
        self._loading = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self.talks = True
        """Whether bots of this process talk: then a version is trained before anyone gets it."""
        conversations.fetch = self._fetch

    async def start(self, bus: Bus, node: str, folder: Path) -> None:
        """Shelve the folder's flows and follow what others publish; ``load`` does the rest."""
        await self._shelve(await asyncio.to_thread(texts_in, folder))
        await bus.subscribe(f"flows.{node}", self._heard, [FlowChanged], lasting=False)
        self._looking = asyncio.create_task(self._look_forever(), name="flows")

    async def stop(self) -> None:
        """Follow no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all flows."""
        return tuple(sorted(self._conversations))

    def knows(self, name: str, version: str) -> bool:
        """Whether conversations of this process may run this version."""
        return self._conversations.knows(name, version)

    # -- reading -------------------------------------------------------------------------

    async def shelved(self, name: str) -> Shelved:
        """What is kept of a flow. Raises ``NoSuchFlow``."""
        async with self._store.transaction() as tx:
            body = await tx.log.document(_shelf(name))
        if body is None:
            known = ", ".join(sorted(self._conversations)) or "none"
            raise NoSuchFlow(f"no flow {name!r}; there are: {known}")
        return _unpacked(name, body)

    async def texts(self, name: str, version: str) -> dict[str, str]:
        """The version's text and those of the flows it calls, by name. Raises ``NoSuchFlow``."""
        async with self._store.transaction() as tx:
            body = await tx.log.document(_edition(name, version))
        if body is None:
            raise NoSuchFlow(f"flow {name!r} has no version {version!r}")
        return dict(body)

    async def live_texts(self, name: str) -> dict[str, str]:
        """The text of this flow and of every other one, as they may call each other now.

        Raises ``NoSuchFlow``.
        """
        found = {}
        for each in {name, *self.names}:
            live = (await self.shelved(each)).rollout.live
            found[each] = (await self.texts(each, live))[each]
        return found

    async def load(self) -> None:
        """Have ready what new conversations get, and let them get it."""
        async with self._loading:
            for name in list(self._conversations):
                async with self._store.transaction() as tx:
                    body = await tx.log.document(_shelf(name))
                if body is None:
                    continue
                rollout = _unpacked(name, body).rollout
                for version in rollout.versions:
                    await self._know(name, version)
                self._conversations.steer(name, rollout)
        self._changed()

    # -- changing ------------------------------------------------------------------------

    async def publish(
        self,
        name: str,
        texts: Mapping[str, str],
        percent: int,
        author: str,
        note: str = "",
        base: str = "",
    ) -> Shelved:
        """Let a version have ``percent`` of the new conversations; all makes it live.

        With none of them it is only kept, for whoever goes on with it. ``texts`` are as
        :meth:`texts` gives them, ``base`` is the ``tag`` that the edit began with (empty: any).
        Raises ``BadFlow`` with everything that is wrong with it, ``BadRollout``, ``NoSuchFlow``,
        ``FlowMovedOn``.
        """
        flow = await asyncio.to_thread(read_texts, name, texts)
        if flow.name != name:
            raise BadFlow((f"{name}.yaml: its flow is called {flow.name!r}; name it {name!r}",))
        self._make(flow)

        def decide(shelf: Shelved) -> Rollout:
            return shelf.rollout.publish(flow.version, percent) if percent else shelf.rollout

        act = {0: SAVED, ALL: PUBLISHED}.get(percent, TRIED)
        edition = Edition(flow.version, self._clock.now(), author, note, act, percent)
        return await self._change(name, decide, edition, base, _needed(flow, texts))

    async def roll_back(self, name: str, author: str, note: str = "", base: str = "") -> Shelved:
        """Take back the trial, or put back what was live before.

        Raises ``BadRollout``, ``NoSuchFlow``, ``FlowMovedOn``.
        """
        edition = Edition("", self._clock.now(), author, note, ROLLED_BACK, ALL)
        return await self._change(name, lambda shelf: shelf.rollout.roll_back(), edition, base)

    async def _change(
        self,
        name: str,
        decide: Callable[[Shelved], Rollout],
        edition: Edition,
        base: str,
        texts: Mapping[str, str] | None = None,
    ) -> Shelved:
        async with self._store.transaction() as tx:
            await tx.interactions.lock(LOCK)
            body = await tx.log.document(_shelf(name))
            if body is None:
                raise NoSuchFlow(f"no flow {name!r}")
            shelf = _unpacked(name, body)
            if base and base != shelf.tag:
                latest = shelf.editions[0]
                raise FlowMovedOn(f"{latest.author} has {latest.act} {latest.version} meanwhile")
            rollout = decide(shelf)
            done = Edition(
                edition.version or rollout.live,
                *(edition.at, edition.author, edition.note, edition.act, edition.percent),
            )
            kept = Shelved(name, rollout, _newest(done, shelf.editions, rollout), shelf.in_file)
            if texts is not None:
                await tx.log.put_document(_edition(name, done.version), dict(texts))
            await tx.log.put_document(_shelf(name), _packed(kept))
            fact = FlowChanged(
                at=done.at,
                flow=name,
                version=done.version,
                act=done.act,
                percent=done.percent,
                author=done.author,
            )
            await tx.log.append([fact])
        self._relay.push([fact])
        await self.load()
        return kept

    # -- the folder and other processes --------------------------------------------------

    async def _shelve(self, files: Mapping[str, Mapping[str, str]]) -> None:
        """Rule 2."""
        for file, listed in files.items():
            flow = await asyncio.to_thread(read_texts, file, listed)
            name, texts = flow.name, _needed(flow, {**listed, flow.name: listed[file]})
            async with self._store.transaction() as tx:
                await tx.interactions.lock(LOCK)
                body = await tx.log.document(_shelf(name))
                shelf = _unpacked(name, body) if body is not None else None
                if shelf is not None and shelf.in_file == flow.version:
                    continue
                now = self._clock.now()
                done = Edition(flow.version, now, FILES, "from its file", "published", ALL)
                rollout = shelf.rollout.publish(flow.version) if shelf else Rollout(flow.version)
                editions = _newest(done, shelf.editions if shelf else (), rollout)
                await tx.log.put_document(_edition(name, flow.version), texts)
                kept = Shelved(name, rollout, editions, flow.version)
                await tx.log.put_document(_shelf(name), _packed(kept))

    async def _know(self, name: str, version: str) -> None:
        if self._conversations.knows(name, version):
            return
        texts = await self.texts(name, version)
        conversation = self._make(await asyncio.to_thread(read_texts, name, texts))
        if self.talks:
            await conversation.prepare()
        self._conversations.know(conversation)
        log.info("flow %s, version %s: ready", name, version)

    async def _fetch(self, name: str, version: str) -> None:
        """Rule 4; a version that is kept no more is not waited for."""
        with contextlib.suppress(NoSuchFlow):
            async with self._loading:
                await self._know(name, version)

    async def _heard(self, fact: Fact) -> None:
        await self.load()

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.load()
            except (ParleyError, OSError):
                log.warning("could not look for new versions of flows", exc_info=True)


def texts_in(folder: Path) -> dict[str, dict[str, str]]:
    """By file of the folder, the texts of all of them. Blocks."""
    files = sorted(folder.glob("*.yaml"))
    listed = {path.stem: path.read_text(encoding="utf-8") for path in files}
    return dict.fromkeys(listed, listed)


def _needed(flow: Flow, texts: Mapping[str, str]) -> dict[str, str]:
    """The flow's own text and those of the flows that it calls."""
    return {name: texts[name] for name in sorted({flow.name, *called_by(flow)})}


def _newest(done: Edition, before: Sequence[Edition], rollout: Rollout) -> tuple[Edition, ...]:
    """The latest acts; what is in use is never forgotten."""
    every = (done, *before)
    in_use = {*rollout.versions, rollout.before}
    return tuple(
        each for place, each in enumerate(every) if place < MOST_VERSIONS or each.version in in_use
    )


def _shelf(name: str) -> str:
    """The document's name, which has room for 64 characters."""
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 9]}-{sha256(name.encode()).hexdigest()[:8]}"
    return f"flow.{name}"


def _edition(name: str, version: str) -> str:
    return f"{_shelf(name)}.{version}"


def _packed(shelf: Shelved) -> dict[str, Any]:
    editions = [asdict(each) | {"at": each.at.isoformat()} for each in shelf.editions]
    return {"rollout": asdict(shelf.rollout), "editions": editions, "in_file": shelf.in_file}


def _unpacked(name: str, body: Mapping[str, Any]) -> Shelved:
    editions = tuple(
        Edition(**each | {"at": datetime.fromisoformat(each["at"])}) for each in body["editions"]
    )
    return Shelved(name, Rollout(**body["rollout"]), editions, body["in_file"])
