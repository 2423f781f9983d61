"""The company's configuration through time: propose, apply, roll back, adopt.

1. The newest version in the store is in force. The company file seeds the first, no more.
2. A change is one transaction: the version, sign-ins, agents, customers who must move, the fact.
3. Editors do not overwrite each other: an edit may name the version it is based on.
4. Every process adopts what another applies: by the fact, and by a look from time to time in
   case the fact was lost.
5. Nobody is left in a queue that is gone: they move, keep their place, and so does whoever
   was given to it at the same moment by a process that did not know yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from router.acts import evacuation
from router.company import Company, CompanyVersion, Person
from router.configuration.check import Flows
from router.configuration.export import Difference, differences, serialize_company
from router.configuration.file import Reading, read_company
from router.errors import BadConfiguration, Conflict, Flaw, LocalError, ParleyError
from router.events import ConfigurationChanged, Fact
from router.model import Role
from router.ports import Bus, Clock, Store, Transaction
from router.roster import CLOSED, Roster

LOCK = "configuration"
LOOK_EVERY_S = 30.0
RESCUE_AFTER_S = 5.0
"""By then every process has adopted the version without the queue."""
TRIES = 3
"""Moving customers may meet an act on one of them; then all is tried again."""

log = logging.getLogger(__name__)


class NoSuchVersion(ParleyError):
    """There is no version with this number; the history lists those there are."""


class OutdatedEdit(Conflict):
    """Somebody else changed the configuration meanwhile: load it, and edit that."""

    retryable = False


class NeedsBase(ParleyError):
    """Say which version this edit began with: If-Match: "7", or ?base=7.

    GET /api/configuration tells it, so that nobody overwrites what somebody else has changed.
    """


class Publisher(Protocol):
    """Takes facts whose transaction has committed (``router.relay.Relay``)."""

    def push(self, facts: Sequence[Fact]) -> None:
        """Publish them soon."""
        ...


@dataclass(frozen=True, slots=True)
class Passwords:
    """How passwords are kept: ``hash(password)``, ``matches(hash, password)``. Both are slow."""

    hash: Callable[[str], str]
    matches: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a change would do to version ``base`` (0: there is none yet)."""

    base: int
    company: Company
    problems: tuple[Flaw, ...]
    warnings: tuple[Flaw, ...]
    differences: tuple[Difference, ...]
    before: Company | None


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes it and why. ``base`` is the version that was edited; None: whichever.

    ``move_waiting_to`` is the queue for customers of queues that go.
    """

    author: str
    note: str = ""
    base: int | None = None
    move_waiting_to: str = ""


class Versions:
    """The versions in the store, and the one in force in this process.

    ``flows`` are the bots' flows that this process knows, with the queues that each gives
    customers to; None where it knows none.
    """

    def __init__(
        self, store: Store, company: Company, clock: Clock, relay: Publisher, passwords: Passwords
    ) -> None:
        self._store = store
        self._company = company
        self._clock = clock
        self._relay = relay
        self._passwords = passwords
        self.flows: Flows | None = None
        self._listeners: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._rescues = False

    # -- in every process ----------------------------------------------------------------

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call it in this process whenever another version has come into force."""
        self._listeners.append(listener)

    async def load(self) -> bool:
        """Put the newest version in force here; False when there is none yet."""
        async with self._store.transaction() as tx:
            newest = await tx.configurations.newest()
        if newest is None:
            return False
        self._adopt(newest)
        return True

    async def seed(self, raw: Any, note: str = "") -> bool:
        """Make version 1 of a company file; False when another process was faster.

        Sign-ins that are there keep their passwords. Raises ``BadConfiguration``.
        """
        async with self._store.transaction() as tx:
            known = {each.login for each in await tx.people.accounts()}
        reading = _sound(read_company(raw, logins=known, flows=self.flows))
        new = [each for each in reading.company.people if each.login not in known]
        hashes = await self._new_hashes(new, {})
        async with self._store.transaction() as tx:
            await tx.interactions.lock(LOCK)
            version = await tx.configurations.newest()
            if fresh := version is None:
                version = self._version(1, reading.company, Edit("company file", note))
                await tx.configurations.add(version)
                await Roster(tx, hashes, version.at).put(None, reading.company)
        self._adopt(version)
        return fresh

    async def start(self, bus: Bus, node: str, *, rescues: bool = False) -> None:
        """Adopt what others apply. With ``rescues`` also mend what a removed queue leaves."""
        self._rescues = rescues
        group = f"configuration.{node}"
        await bus.subscribe(group, self._heard, [ConfigurationChanged], lasting=False)
        await self.load()
        if rescues:
            with contextlib.suppress(Conflict):
                await self.rescue()
        self._spawn(self._look_forever(), "configuration")

    async def stop(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _heard(self, fact: Fact) -> None:
        if isinstance(fact, ConfigurationChanged) and fact.version > self._company.version:
            await self.load()

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.load()
            except (ParleyError, OSError):
                log.warning("could not look for a new configuration", exc_info=True)

    def _adopt(self, version: CompanyVersion) -> None:
        if version.number <= self._company.version:
            return
        reading = read_company(version.body)
        for flaw in reading.problems:
            log.warning("configuration version %d: %s", version.number, flaw)
        gone = set(self._company.queues) - set(reading.company.queues)
        self._company.adopt(replace(reading.company, version=version.number))
        log.info("configuration version %d by %s is in force", version.number, version.author)
        for listener in self._listeners:
            listener()
        if gone and self._rescues:
            self._spawn(self._rescue_later(), "configuration-rescue")

    def _spawn(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- reading -------------------------------------------------------------------------

    async def current(self) -> CompanyVersion:
        """The version in force. Raises ``LocalError`` when nothing has seeded the first."""
        async with self._store.transaction() as tx:
            return _there(await tx.configurations.newest())

    async def version(self, number: int) -> CompanyVersion:
        """Raises ``NoSuchVersion``."""
        async with self._store.transaction() as tx:
            found = await tx.configurations.version(number)
        if found is None:
            raise NoSuchVersion(f"there is no version {number}")
        return found

    async def history(self, limit: int = 100) -> list[CompanyVersion]:
        """Newest first."""
        async with self._store.transaction() as tx:
            return await tx.configurations.history(limit)

    async def propose(self, raw: Any, move_waiting_to: str = "") -> Proposal:
        """What applying it would change, and everything that forbids it. Changes nothing."""
        hashes = await self._hashes(raw)
        async with self._store.transaction() as tx:
            return await self._propose(tx, raw, hashes, move_waiting_to)

    # -- changing ------------------------------------------------------------------------

    async def apply(self, raw: Any, edit: Edit) -> CompanyVersion:
        """Put it in force everywhere; the present version when nothing would change.

        Raises ``BadConfiguration`` with all problems, ``OutdatedEdit`` when ``edit.base``
        is not in force any more, ``Conflict`` when customers who must move were too busy.
        """
        hashes = await self._hashes(raw)
        for left in reversed(range(TRIES)):
            try:
                version, facts = await self._try(raw, edit, hashes)
            except OutdatedEdit:
                raise
            except Conflict:
                if not left:
                    raise
                continue
            self._relay.push(facts)
            self._adopt(version)
            return version
        raise LocalError("unreachable")

    async def roll_back(self, to: int, edit: Edit) -> CompanyVersion:
        """Apply what version ``to`` said, as a new version. Raises as ``apply`` does."""
        body = (await self.version(to)).body
        return await self.apply(body, replace(edit, note=edit.note or f"back to version {to}"))

    async def rescue(self) -> int:
        """Let whoever is in a queue that does not exist wait in the default one; how many."""
        company, now = self._company, self._clock.now()
        async with self._store.transaction() as tx:
            facts = await evacuation.move_strays(tx, company.queues, company.default_queue, now)
            await tx.log.append(facts)
        self._relay.push(facts)
        return len(facts)

    async def _rescue_later(self) -> None:
        await asyncio.sleep(RESCUE_AFTER_S)
        try:
            await self.rescue()
        except (ParleyError, OSError):
            log.warning("could not look for customers of removed queues", exc_info=True)

    async def _try(
        self, raw: Any, edit: Edit, hashes: Mapping[str, str]
    ) -> tuple[CompanyVersion, list[Fact]]:
        async with self._store.transaction() as tx:
            await tx.interactions.lock(LOCK)
            proposal = await self._propose(tx, raw, hashes, edit.move_waiting_to)
            if edit.base is not None and edit.base != proposal.base:
                raise OutdatedEdit(
                    f"version {proposal.base} is in force; this edit began with version "
                    f"{edit.base}. Load the present one, and edit that"
                )
            if proposal.problems:
                raise BadConfiguration(problems=proposal.problems)
            if not proposal.differences:
                return _there(await tx.configurations.newest()), []
            version = self._version(proposal.base + 1, proposal.company, edit)
            facts = await self._write(tx, version, proposal, edit, hashes)
            await tx.log.append(facts)
        return version, facts

    async def _write(
        self,
        tx: Transaction,
        version: CompanyVersion,
        proposal: Proposal,
        edit: Edit,
        hashes: Mapping[str, str],
    ) -> list[Fact]:
        changed = ConfigurationChanged(at=version.at, version=version.number, author=edit.author)
        await tx.configurations.add(version)
        roster = Roster(tx, hashes, version.at, edit.author)
        facts: list[Fact] = [changed, *await roster.put(proposal.before, proposal.company)]
        if gone := _gone(proposal.before, proposal.company):
            facts += await evacuation.move(tx, gone, edit.move_waiting_to, version.at)
        return facts

    def _version(self, number: int, company: Company, edit: Edit) -> CompanyVersion:
        body = serialize_company(company, defaults=True)
        return CompanyVersion(number, self._clock.now(), edit.author, edit.note, body)

    async def _propose(
        self, tx: Transaction, raw: Any, hashes: Mapping[str, str], move_waiting_to: str
    ) -> Proposal:
        newest = await tx.configurations.newest()
        before = read_company(newest.body).company if newest else None
        logins = {each.login for each in await tx.people.accounts() if each.password_hash}
        reading = read_company(raw, logins=logins, flows=self.flows)
        problems = list(reading.problems)
        company = _keeping(reading.company, hashes)
        if before and not problems:
            problems += _locked_out(before, company)
            problems += await _stranded(tx, before, company, move_waiting_to)
        return Proposal(
            base=newest.number if newest else 0,
            company=company,
            problems=tuple(problems),
            warnings=reading.warnings,
            differences=() if problems else differences(before, company),
            before=before,
        )

    async def _hashes(self, raw: Any) -> dict[str, str]:
        """Hashes of the passwords that are not yet the present ones, by login."""
        named = [each for each in read_company(raw).company.people if each.password]
        if not named:
            return {}
        async with self._store.transaction() as tx:
            accounts = await tx.people.accounts()
        return await self._new_hashes(
            named, {each.login: each.password_hash.removeprefix(CLOSED) for each in accounts}
        )

    async def _new_hashes(
        self, people: Iterable[Person], present: Mapping[str, str]
    ) -> dict[str, str]:
        # Each costs 50 ms of CPU, by design: on threads, outside the transaction.
        def new_hash(person: Person) -> str:
            kept = present.get(person.login, "")
            same = bool(kept) and self._passwords.matches(kept, person.password)
            return "" if same else self._passwords.hash(person.password)

        named = list(people)
        found = await asyncio.gather(*(asyncio.to_thread(new_hash, each) for each in named))
        return {person.login: each for person, each in zip(named, found, strict=True) if each}


def _keeping(company: Company, hashes: Mapping[str, str]) -> Company:
    """The same without the passwords that are the present ones already."""
    people = tuple(
        each if each.login in hashes else replace(each, password="") for each in company.people
    )
    return replace(company, people=people)


def _sound(reading: Reading) -> Reading:
    if reading.problems:
        raise BadConfiguration(problems=reading.problems)
    return reading


def _there(version: CompanyVersion | None) -> CompanyVersion:
    if version is None:
        raise LocalError("there is no configuration in the store yet; the start seeds it")
    return version


def _gone(before: Company | None, after: Company) -> set[str]:
    return set(before.queues) - set(after.queues) if before else set()


async def _stranded(tx: Transaction, before: Company, after: Company, to: str) -> list[Flaw]:
    """Whether somebody is in a queue that goes, and nobody said where to."""
    gone = _gone(before, after)
    if not gone or to in after.queues:
        return []
    if to:
        return [Flaw(evacuation.PLACE, f"expected a queue that stays, found {to!r}")]
    return await evacuation.left_behind(tx, gone)


def _locked_out(before: Company, after: Company) -> list[Flaw]:
    """Whether the last administrator would go."""
    were, are = (
        any(person.role is Role.ADMIN for person in company.people) for company in (before, after)
    )
    if were and not are:
        return [Flaw("people", "no administrator would be left to change this again")]
    return []
