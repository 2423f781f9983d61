"""What an administrator does with campaigns: create, start, pause, look at the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bots.campaign.book import HELD_BACK
from bots.campaign.contacts import normal_address, parse_contacts, parse_do_not_contact
from bots.campaign.rules import RETRY_AFTER_S, check_campaign, move_campaign
from router.model import Attempt, AttemptState, Campaign, Channel, Contact, Disposition, new_id
from router.ports import Clock, Store

WINDOW = ("08:00", "21:00")
MAX_ATTEMPTS = 3
CONCURRENCY = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How a campaign goes about its list; the defaults are the cautious ones."""

    default_timezone: str = "UTC"
    max_attempts: int = MAX_ATTEMPTS
    concurrency: int = CONCURRENCY
    retry_after_s: Mapping[str, int] = field(default_factory=lambda: dict(RETRY_AFTER_S))
    required: tuple[str, ...] = ()


DEFAULT_PLAN = Plan()


@dataclass(frozen=True, slots=True)
class Progress:
    """A campaign as its page shows it.

    ``contacts`` counts by contact state (open, done, exhausted), ``dispositions``
    counts finished attempts, ``answers`` counts each value given to each question.
    """

    campaign: Campaign
    contacts: Mapping[str, int]
    dispositions: Mapping[str, int]
    answers: Mapping[str, Mapping[str, int]]
    live: int
    total: int

    @property
    def reached(self) -> int:
        """Contacts that went through the flow to its end."""
        return self.dispositions.get(Disposition.COMPLETED, 0)


class Campaigns:
    """The campaign desk. It only writes the store; the runner sees it and acts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(
        self,
        name: str,
        channel: Channel,
        flow: str,
        csv_text: str,
        window: tuple[str, str] = WINDOW,
        plan: Plan = DEFAULT_PLAN,
    ) -> Campaign:
        """A draft from a CSV list; ``window`` is local time HH:MM, the end excluded.

        Raises ``BadList`` or ``BadCampaign``.
        """
        campaign = Campaign(
            id=new_id(),
            name=name.strip(),
            channel=channel,
            flow=flow,
            state="draft",
            window_start=window[0],
            window_end=window[1],
            max_attempts=plan.max_attempts,
            retry_after_s=dict(plan.retry_after_s),
            concurrency=plan.concurrency,
            created_at=self._clock.now(),
        )
        check_campaign(campaign)
        contacts = parse_contacts(
            csv_text,
            campaign.id,
            default_timezone=plan.default_timezone,
            required=plan.required,
        )
        async with self._store.transaction() as tx:
            await tx.campaigns.add(campaign, contacts)
        return campaign

    async def start(self, campaign_id: str) -> None:
        """Let it run. Raises ``NoSuchCampaign`` or ``BadCampaignMove``."""
        await self._move(campaign_id, "start")

    async def pause(self, campaign_id: str) -> None:
        """Begin no new attempts; the live ones go on to their end."""
        await self._move(campaign_id, "pause")

    async def cancel(self, campaign_id: str) -> None:
        """End it for good."""
        await self._move(campaign_id, "cancel")

    async def _move(self, campaign_id: str, act: str) -> None:
        async with self._store.transaction() as tx:
            campaign = await tx.campaigns.get(campaign_id)
            await tx.campaigns.set_state(campaign_id, move_campaign(campaign.state, act))

    async def import_do_not_contact(self, csv_text: str) -> int:
        """Add a list to the do-not-contact list; how many lines it had. Raises ``BadList``."""
        pairs = parse_do_not_contact(csv_text)
        async with self._store.transaction() as tx:
            for address, reason in pairs:
                await tx.campaigns.set_do_not_contact(address, reason, self._clock.now())
        return len(pairs)

    async def stop_contacting(self, address: str, reason: str) -> None:
        """Put one address on the do-not-contact list; a live campaign honours it at once."""
        async with self._store.transaction() as tx:
            at = self._clock.now()
            await tx.campaigns.set_do_not_contact(normal_address(address) or address, reason, at)

    async def overview(self) -> list[Progress]:
        """Every campaign with its figures, newest first."""
        async with self._store.transaction() as tx:
            campaigns = await tx.campaigns.all()
        listed = [await self.progress(campaign.id) for campaign in campaigns]
        never = self._clock.now()
        return sorted(listed, key=lambda item: item.campaign.created_at or never, reverse=True)

    async def progress(self, campaign_id: str) -> Progress:
        """One campaign with its figures. Raises ``NoSuchCampaign``."""
        async with self._store.transaction() as tx:
            campaign = await tx.campaigns.get(campaign_id)
            contacts = await tx.campaigns.contacts(campaign_id)
            attempts = await tx.campaigns.attempts(campaign_id)
        return summarise(campaign, contacts, attempts)

    async def lines(self, campaign_id: str) -> list[tuple[Contact, list[Attempt]]]:
        """Each contact of the list with its attempts in order, for the page and for CSV."""
        async with self._store.transaction() as tx:
            contacts = await tx.campaigns.contacts(campaign_id)
            attempts = await tx.campaigns.attempts(campaign_id)
        by_contact: dict[str, list[Attempt]] = {contact.id: [] for contact in contacts}
        for attempt in sorted(attempts, key=lambda item: item.started_at):
            by_contact[attempt.contact_id].append(attempt)
        return [(contact, by_contact[contact.id]) for contact in contacts]


def summarise(
    campaign: Campaign, contacts: Sequence[Contact], attempts: Sequence[Attempt]
) -> Progress:
    """Count the list and the attempts."""
    answers: dict[str, Counter[str]] = {}
    for attempt in attempts:
        for question, answer in attempt.answers.items():
            answers.setdefault(question, Counter())[answer] += 1
    finished = Counter(str(item.disposition) for item in attempts if item.disposition is not None)
    unfinished = [item for item in attempts if item.state is not AttemptState.FINISHED]
    return Progress(
        campaign=campaign,
        contacts=dict(Counter(contact.state for contact in contacts)),
        dispositions=dict(finished),
        answers={question: dict(counter) for question, counter in answers.items()},
        live=sum(item.number != HELD_BACK for item in unfinished),
        total=len(contacts),
    )
