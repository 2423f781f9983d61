"""What a company's configuration says about its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from router.company import FCR_DAYS, Company, Queue
from router.figures.service_level import Target
from router.hours import Hours


@dataclass(frozen=True, slots=True)
class Terms:
    """How to count. A queue that is not named has the usual target and is always open.

    ``unpaid`` are reasons of being away that are not paid; ``fcr_days`` the days in which
    nobody may come back with a matter that was solved at the first contact.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    unpaid: frozenset[str] = frozenset()
    fcr_days: int = FCR_DAYS

    def target(self, queue: str) -> Target:
        """What the queue promises."""
        return self.targets.get(queue, USUAL)

    def open_s(self, queue: str, begin: datetime, end: datetime) -> float:
        """Seconds of the queue's opening hours between two times."""
        hours = self.hours.get(queue)
        if hours is None:
            return max(0.0, (end - begin).total_seconds())
        return hours.open_s(begin, end)


USUAL = Target()


def target_of(queue: Queue) -> Target:
    """What a queue promises."""
    return Target(queue.target_s, queue.service_level, queue.short_abandon_s)


def terms_of(company: Company) -> Terms:
    """The terms of the version in force."""
    return Terms(
        targets={queue.id: target_of(queue) for queue in company.queues.values()},
        hours={queue.id: queue.hours for queue in company.queues.values()},
        unpaid=frozenset(pause.code for pause in company.pauses if not pause.paid),
        fcr_days=company.fcr_days,
    )
