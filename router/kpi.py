"""Figures from events; each formula is acd.md's, named in the docstring of its property.

Everything here is a pure function of facts in the log's order. ``Tally`` does the same
step by step; ``docs/acd.md`` explains each figure for those who read reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.events import Fact
from router.figures.counts import AgentFigures, BotFigures, QueueFigures
from router.figures.day import Day
from router.figures.tally import Tally
from router.figures.terms import Terms

DEFINITIONS: Mapping[str, str] = {
    "service_level": "of the queue's form, by default a≤T / (a + ab − ab≤s)",
    "asa_s": "average speed of answer: waits of the answered in opening hours / answered",
    "abandonment": "abandoned while waiting / (answered + abandoned)",
    "long_abandonment": "the same without those who gave up within the short time",
    "overflowed": "interactions that a rule of the queue sent elsewhere, or to wait elsewhere too",
    "callbacks": "customers who asked to be called back instead of waiting on the line",
    "aht_s": "average handle time: (talk and hold + wrap-up) / handled",
    "aht_wait_s": "the same with the waiting before it",
    "transfer_rate": "given to a queue, another agent or a number outside / handled",
    "first_response_s": "from joining to the first words of a person, in opening hours",
    "reply_s": "from a customer's words to the answer, also after reopening, in opening hours",
    "fcr": "matters with one contact in the days that the company sets / matters begun then",
    "csat": "scores of 4 and 5 / answered surveys",
    "nps": "share of 9 and 10 − share of 0 to 6, of a scale from 0 to 10",
    "response_rate": "answered surveys / handled",
    "occupancy": "handling / (handling + available)",
    "utilisation": "(talk + wrap-up + ready) / paid",
    "actual_work_rate": "(talk, hold, wrap-up, questions of colleagues) / paid",
    "workload_rate": "handling / signed in",
    "suggestion_share": "agents' lines made of a suggestion / lines that agents wrote",
    "assisted_aht_s": "average handle time of what was handled with a suggestion",
    "unassisted_aht_s": "the same of what was handled without one",
    "containment": "ended without a person / started with a bot",
    "corrected": "values understood by bots that agents had to put right",
    "handoffs": "hand-overs to a person that were settled, each by what the customer got",
    "accepted_share": "accepted by a person / settled hand-overs",
    "accept_wait_s": "from the request to the acceptance, of the accepted",
}
"""Productivity ratio and adherence are missing: they need a staff list and schedules."""


def queue_figures(facts: Iterable[Fact], terms: Terms | None = None) -> dict[str, QueueFigures]:
    """Figures by queue id, all channels together."""
    return day_figures(facts, terms).by_queue()


def agent_figures(facts: Iterable[Fact], terms: Terms | None = None) -> dict[str, AgentFigures]:
    """Figures by agent id."""
    return day_figures(facts, terms).agents


def bot_figures(facts: Iterable[Fact]) -> BotFigures:
    """Figures of all bots together. A caller who hangs up on the bot is no success."""
    return day_figures(facts).bot


def channel_arrivals(facts: Iterable[Fact]) -> dict[str, int]:
    """How many interactions arrived by channel.

    What we made of one ourselves (a voicemail's item, the mail a chat became) is no arrival.
    """
    return {channel: n for channel, n in day_figures(facts).arrivals.items() if n}


def day_figures(facts: Iterable[Fact], terms: Terms | None = None) -> Day:
    """All figures; agents' time from the first fact to the last."""
    known = list(facts)
    if not known:
        return Day()
    tally = Tally(terms or Terms(), known[0].at)
    for fact in known:
        tally.add(fact)
    tally.close(max(fact.at for fact in known))
    return tally.day
