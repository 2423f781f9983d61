"""The book of attempts: each try to reach somebody, from claim to its one disposition.

Every move is one transaction of state, event and outbox. While an attempt is
unfinished its ``reason`` holds the bus address of the process that answers for
it, so that a recovering process can tell an orphan from somebody else's call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bots.campaign.rules import Act, Verdict, after_attempt, decide
from router.events import AttemptFinished, AttemptStarted, Fact
from router.model import Attempt, AttemptState, Campaign, Contact, Disposition, new_id
from router.ports import Clock, Store, Transaction
from router.relay import Relay

UNFINISHED = (AttemptState.CLAIMED, AttemptState.DIALLING, AttemptState.LIVE)
HELD_BACK = 0
"""The attempt number of the one line that says "not now": nobody was contacted."""
TAKEN = "another process has this attempt"


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of a due contact: an attempt that is ours, or the verdict against one.

    ``facts`` went into the log with it.
    """

    verdict: Verdict
    attempt: Attempt | None = None
    facts: tuple[Fact, ...] = ()


class AttemptBook:
    """Claims, moves and finishes attempts; every process of the installation may have one."""

    def __init__(self, store: Store, clock: Clock, relay: Relay, owner: str) -> None:
        """``owner`` is this process's bus address, such as ``voice.<node>``."""
        self._store = store
        self._clock = clock
        self._owner = owner
        self._relay = relay

    async def claim(self, campaign: Campaign, due: Contact) -> Claim:
        """Decide about the contact now and, if it may be contacted, claim its next attempt.

        The do-not-contact list is read in the transaction that makes the claim. When the
        contact is no longer as it was when found ``due``, another process was faster.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            contact = await tx.campaigns.contact(due.id)
            if (contact.state, contact.attempts) != (due.state, due.attempts):
                return Claim(Verdict(Act.WAIT, None, TAKEN))
            listed = await tx.campaigns.do_not_contact(contact.address)
            verdict = decide(campaign, contact, now, do_not_contact=listed)
            if verdict.act is Act.ATTEMPT:
                claim = await self._start(tx, contact, verdict)
            else:
                claim = await self._hold_back(tx, contact, verdict)
            await tx.log.append(claim.facts)
        self._relay.push(claim.facts)
        return claim

    async def dialling(self, attempt_id: str) -> bool:
        """Take the claimed attempt in hand; True for exactly one caller, once."""
        async with self._store.transaction() as tx:
            moved = await tx.campaigns.move_attempt(
                attempt_id, AttemptState.CLAIMED, AttemptState.DIALLING
            )
            attempt = await tx.campaigns.attempt(attempt_id)
            if moved and attempt is not None:
                await tx.campaigns.save_attempt(replace(attempt, reason=self._owner))
        return moved

    async def live(self, attempt_id: str, interaction_id: str) -> bool:
        """The contact answered (or has our text); False when the attempt is over already."""
        async with self._store.transaction() as tx:
            moved = await tx.campaigns.move_attempt(
                attempt_id, AttemptState.DIALLING, AttemptState.LIVE
            )
            attempt = await tx.campaigns.attempt(attempt_id)
            if moved and attempt is not None:
                await tx.campaigns.save_attempt(replace(attempt, interaction_id=interaction_id))
        return moved

    async def finish(
        self,
        attempt_id: str,
        disposition: Disposition,
        reason: str,
        answers: Mapping[str, str] | None = None,
    ) -> bool:
        """Give the attempt its one disposition and the contact its next date.

        True for the first caller; a later one changes nothing.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            attempt = await _close(tx, attempt_id)
            if attempt is None:
                return False
            done = replace(
                attempt,
                state=AttemptState.FINISHED,
                disposition=disposition,
                reason=reason,
                answers=dict(answers or {}),
                finished_at=now,
            )
            await tx.campaigns.save_attempt(done)
            campaign = await tx.campaigns.get(done.campaign_id)
            contact = await tx.campaigns.contact(done.contact_id)
            await tx.campaigns.save_contact(after_attempt(campaign, contact, disposition, now))
            fact = _finished(done)
            await tx.log.append([fact])
        self._relay.push([fact])
        return True

    async def unfinished(self) -> list[Attempt]:
        """All attempts that have no disposition yet."""
        async with self._store.transaction() as tx:
            return await tx.campaigns.unfinished_attempts()

    async def orphans(self, gone: Callable[[str], bool]) -> list[Attempt]:
        """Unfinished attempts whose process ``gone`` says is not there any more."""
        return [attempt for attempt in await self.unfinished() if gone(attempt.reason)]

    async def interrupt(self, attempts: Iterable[Attempt]) -> int:
        """Finish orphans as interrupted (rule 4 of ``rules``); how many it were."""
        count = 0
        for attempt in attempts:
            reason = f"the process died while the attempt was {attempt.state}"
            count += await self.finish(attempt.id, Disposition.INTERRUPTED, reason)
        return count

    async def _start(self, tx: Transaction, contact: Contact, verdict: Verdict) -> Claim:
        attempt = Attempt(
            id=new_id(),
            campaign_id=contact.campaign_id,
            contact_id=contact.id,
            number=contact.attempts + 1,
            state=AttemptState.CLAIMED,
            started_at=self._clock.now(),
            reason=self._owner,
        )
        if not await tx.campaigns.start_attempt(attempt):
            return Claim(Verdict(Act.WAIT, None, TAKEN))
        await tx.campaigns.save_contact(replace(contact, attempts=attempt.number))
        return Claim(verdict, attempt, (_started(attempt),))

    async def _hold_back(self, tx: Transaction, contact: Contact, verdict: Verdict) -> Claim:
        """Record why nobody was contacted: once for the window, for good for do-not-contact."""
        if verdict.act is Act.WAIT:
            await tx.campaigns.save_contact(replace(contact, next_at=verdict.at))
        else:
            await tx.campaigns.save_contact(replace(contact, state=_closed_as(verdict)))
        if verdict.disposition is None:
            return Claim(verdict)
        now = self._clock.now()
        final = verdict.act is Act.REFUSE
        line = Attempt(
            id=new_id(),
            campaign_id=contact.campaign_id,
            contact_id=contact.id,
            number=contact.attempts + 1 if final else HELD_BACK,
            state=AttemptState.FINISHED,
            started_at=now,
            disposition=verdict.disposition,
            reason=verdict.reason,
            finished_at=now,
        )
        fresh = await tx.campaigns.start_attempt(line)
        return Claim(verdict, None, (_finished(line),) if fresh else ())


def _closed_as(verdict: Verdict) -> str:
    return "done" if verdict.disposition is Disposition.DO_NOT_CONTACT else "exhausted"


async def _close(tx: Transaction, attempt_id: str) -> Attempt | None:
    """Move it to finished from whatever it was; None when somebody else already has."""
    for state in UNFINISHED:
        if await tx.campaigns.move_attempt(attempt_id, state, AttemptState.FINISHED):
            return await tx.campaigns.attempt(attempt_id)
    return None


def _started(attempt: Attempt) -> AttemptStarted:
    return AttemptStarted(
        at=attempt.started_at,
        campaign_id=attempt.campaign_id,
        contact_id=attempt.contact_id,
        attempt_id=attempt.id,
        number=attempt.number,
    )


def _finished(attempt: Attempt) -> AttemptFinished:
    return AttemptFinished(
        at=attempt.finished_at or attempt.started_at,
        interaction_id=attempt.interaction_id or "",
        campaign_id=attempt.campaign_id,
        contact_id=attempt.contact_id,
        attempt_id=attempt.id,
        disposition=str(attempt.disposition),
        reason=attempt.reason,
        answers=dict(attempt.answers),
    )
