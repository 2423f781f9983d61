"""A company as plain data, the inverse of ``company_file``, and how two of them differ.

Passwords are never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from router.company import CAPACITY, Company, NextBestOffer, PauseCode, Person, Queue
from router.customer_limits import DEFAULT_LIMITS
from router.hours import Hours, serialize_shift
from router.model import Agent, Channel, Role
from router.redaction.policy import DEFAULT_POLICY
from router.rules import ALL_SKILLS, Membership, Overflow, Rules, Step

Plain: TypeAlias = dict[str, Any]
KEPT = frozenset(
    {"id", "name", "login", "role", "queues", "people", "strategy", "target_s", "default_queue"}
)
"""Keys that are written even when they have their default: without them it reads badly."""
_USUAL_SAFETY: Mapping[str, Plain] = {
    "redaction": dict(DEFAULT_POLICY.plain()),
    "customer_limits": dict(DEFAULT_LIMITS.plain()),
}


def serialize_company(company: Company, *, defaults: bool = False) -> Plain:
    """Plain JSON and YAML data. With ``defaults`` every key, else what differs from them."""
    written: Plain = {
        "name": company.name,
        "default_queue": company.default_queue,
        "survey": company.survey,
        "fcr_days": company.fcr_days,
        "queues": [_queue(queue) for queue in company.queues.values()],
        "people": [_person(person) for person in company.people],
        "dispositions": list(company.dispositions),
        "pause_codes": [_pause(pause) for pause in company.pauses],
        "entry": {str(channel): flow for channel, flow in company.entry.items()},
        "next_best_offers": [_next_best_offer(offer) for offer in company.next_best_offers],
        "redaction": dict(company.redaction.plain()),
        "customer_limits": dict(company.customer_limits.plain()),
    }
    if defaults:
        return written
    usual_offer = _next_best_offer(NextBestOffer("", "", {}))
    offers = [_without(each, usual_offer) for each in written.pop("next_best_offers")]
    written |= {"next_best_offers": offers} if offers else {}
    for key, usual in _USUAL_SAFETY.items():
        written[key] = _without(written[key], usual)
        if not written[key]:
            del written[key]
    usual_queue, usual_person = _queue(Queue("", "")), _person(USUAL_PERSON)
    written["queues"] = [_without(each, usual_queue) for each in written["queues"]]
    written["people"] = [_without_role(_without(each, usual_person)) for each in written["people"]]
    return written


def _queue(queue: Queue) -> Plain:
    return {
        "id": queue.id,
        "name": queue.name,
        "strategy": str(queue.rules.strategy),
        "evaluation": str(queue.rules.evaluation),
        "skills": dict(queue.skills),
        "target_s": queue.target_s,
        "service_level": str(queue.service_level),
        "short_abandon_s": queue.short_abandon_s,
        "base_s": queue.base_s,
        **_rules(queue.rules),
        "wrap_up": {"mode": queue.wrap_up.mode, "limit_s": queue.wrap_up.limit_s},
        "offer_s": _by_channel(queue.offer_s),
        "hours": _hours(queue.hours),
        "closed_text": queue.closed_text,
        "dispositions": list(queue.dispositions),
    }


def _rules(rules: Rules) -> Plain:
    last, callback, blend = rules.last_agent, rules.callback, rules.blend
    return {
        "steps": [_step(step) for step in rules.steps],
        "tiers": [{"tier": each.tier, "after_s": each.after_s} for each in rules.tiers],
        "boosts": _plain(rules.boosts),
        "last_agent": _plain(last) if last else None,
        "dedicated_wait_s": rules.dedicated_wait_s,
        "overflow": [_overflow(rule) for rule in rules.overflow],
        "callback": _plain(callback) if callback else None,
        "blend": _plain(blend) | {"inbound": list(blend.inbound)} if blend else None,
        "most_waiting": rules.most_waiting,
        "returning_within_s": rules.returning_within_s,
        "reject_delay_s": rules.reject_delay_s,
        "expected_s": rules.expected_s,
        "announce_every_s": rules.announce_every_s,
    }


def _step(step: Step) -> Plain:
    found: Plain = {"after_s": step.after_s}
    if step.need is not None:
        found["need"] = dict(step.need)
    if step.waive:
        found["waive"] = ALL_SKILLS if ALL_SKILLS in step.waive else sorted(step.waive)
    return found


def _overflow(rule: Overflow) -> Plain:
    found: Plain = {"when": str(rule.when)}
    if rule.over_s:
        found["over_s"] = rule.over_s
    found["to"] = {str(rule.action.way): rule.action.target or True}
    if rule.action.say:
        found["say"] = rule.action.say
    return found


def _hours(hours: Hours) -> Plain:
    weekly = hours.weekly
    return {
        "timezone": hours.timezone,
        "weekly": {day: [serialize_shift(each) for each in weekly[day]] for day in weekly}
        if weekly is not None
        else None,
        "holidays": [day.isoformat() for day in sorted(hours.holidays)],
        "openings": {
            day.isoformat(): [serialize_shift(each) for each in shifts]
            for day, shifts in sorted(hours.openings.items())
        },
    }


def _person(person: Person) -> Plain:
    found: Plain = {"login": person.login, "name": person.name, "role": str(person.role)}
    agent = person.agent
    if agent is None:
        return found
    return found | {
        "queues": [_membership(queue, agent.membership(queue)) for queue in agent.queues],
        "skills": dict(agent.skills),
        "capacity": _by_channel(agent.capacity),
        "limits": {
            "total": agent.limits.total,
            "beside_voice": sorted(str(each) for each in agent.limits.beside_voice),
            "interruptible": sorted(str(each) for each in agent.limits.interruptible),
        },
    }


def _membership(queue_id: str, standing: Membership) -> str | Plain:
    different = _without(_plain(standing), _plain(Membership()))
    return {"id": queue_id, **different} if different else queue_id


def _next_best_offer(offer: NextBestOffer) -> Plain:
    return {
        "id": offer.id,
        "name": offer.name,
        "text": dict(offer.text),
        "intents": list(offer.intents),
        "queues": list(offer.queues),
        "channels": [str(channel) for channel in offer.channels],
        "vip": offer.vip,
    }


def _pause(pause: PauseCode) -> str | Plain:
    if pause == PauseCode(pause.code, pause.code):
        return pause.code
    return _plain(pause)


def _by_channel(numbers: Mapping[Channel, int]) -> Plain:
    """In the order of the channels; one that is not named has 0."""
    return {str(channel): numbers.get(channel, 0) for channel in Channel}


def _plain(value: Any) -> Plain:
    return {each.name: getattr(value, each.name) for each in fields(value)}


USUAL_AGENT = Agent("", "", (), capacity=CAPACITY)
USUAL_PERSON = Person("", "", Role.AGENT, agent=USUAL_AGENT)


def _without_role(written: Plain) -> Plain:
    """Whoever has queues is an agent: that need not be said."""
    if written["role"] == Role.AGENT and "queues" in written:
        del written["role"]
    return written


def _without(written: Plain, usual: Plain) -> Plain:
    """Leave out what has its default, in mappings below too."""
    kept: Plain = {}
    for key, value in written.items():
        default = usual.get(key)
        if isinstance(value, dict) and isinstance(default, dict):
            below = _without(value, default)
            if below:
                kept[key] = below
        elif value != default or key in KEPT:
            kept[key] = value
    return kept


# -- differences -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that changes; ``was`` or ``now`` is None where there is nothing."""

    place: str
    was: Any
    now: Any


def differences(was: Company | None, now: Company) -> tuple[Difference, ...]:
    """What changes, by the ids of queues and people: ``queues.billing.target_s``.

    A new password counts; it is not shown. Without a ``was`` it is all one difference.
    """
    if was is None:
        return (Difference("", None, now.name),)
    found = list(_compare("", _by_id(was), _by_id(now)))
    found += _new_order("queues", list(was.queues), list(now.queues))
    found += _new_order("people", [p.login for p in was.people], [p.login for p in now.people])
    found += [
        Difference(f"people.{person.login}.password", None, "set anew")
        for person in now.people
        if person.password and any(old.login == person.login for old in was.people)
    ]
    return tuple(found)


def _new_order(place: str, was: list[str], now: list[str]) -> list[Difference]:
    """One difference when the same ids stand in another order."""
    if was == now or sorted(was) != sorted(now):
        return []
    return [Difference(place, ", ".join(was), ", ".join(now))]


def _by_id(company: Company) -> Plain:
    written = serialize_company(company, defaults=True)
    written["queues"] = {each["id"]: each for each in written["queues"]}
    written["people"] = {each["login"]: each for each in written["people"]}
    offers = written["next_best_offers"]
    written["next_best_offers"] = {each["id"]: each for each in offers}
    return written


def _compare(place: str, was: Any, now: Any) -> Iterator[Difference]:
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            below = f"{place}.{key}" if place else str(key)
            yield from _compare(below, was.get(key), now.get(key))
    else:
        yield Difference(place, was, now)
