"""The company file: plain data (YAML, JSON) to a :class:`Company` and back.

Reading lists every problem with its place, ``queues[1].steps[2].need.lv``. Writing
names no passwords: a person who is there already keeps the present one.
Every key is explained in ``docs/configuration.md``; a test keeps the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from router.company import (
    CAPACITY,
    FCR_DAYS,
    OFFER_S,
    WRAP_UP_LIMIT_S,
    WRAP_UP_MODES,
    Company,
    NextBestOffer,
    PauseCode,
    Person,
    Queue,
    WrapUp,
)
from router.configuration.check import Flows, check_company
from router.configuration.section import Notes, Section, suggestion
from router.customer_limits import DEFAULT_LIMITS, CustomerLimits
from router.errors import BadConfiguration, Flaw
from router.figures.service_level import SHORT_ABANDON_S, TARGET_S, ServiceLevel
from router.hours import DAYS, Hours, Shift, parse_shift
from router.model import Agent, Channel, Limits, Role
from router.redaction.policy import DEFAULT_POLICY, TELLING_ITS_END, Kind, Policy, Treatment
from router.rules import (
    ALL_SKILLS,
    EXPECTED_S,
    REJECT_DELAY_S,
    RETURNING_WITHIN_S,
    Action,
    Blend,
    Boosts,
    Callback,
    Evaluation,
    LastAgent,
    Membership,
    Overflow,
    Rules,
    Step,
    Strategy,
    TierOpening,
    Way,
    When,
)

DEFAULT_NAME = "Parley"
DISPOSITIONS = ("resolved",)
PAUSES = ("break",)
MOST_LETTERS = 64
"""The store's room for an id."""
TARGETED = frozenset({Way.QUEUE, Way.BOT, Way.NUMBER, Way.EMAIL})
"""Ways that need to know where to; the others just say ``true``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. ``company`` is whole even with problems: bad values have their default.

    ``asked`` are the patterns of all keys that the reader knows, where it came to them.
    """

    company: Company
    problems: tuple[Flaw, ...] = ()
    warnings: tuple[Flaw, ...] = ()
    asked: frozenset[str] = frozenset()


def parse_company(raw: Any) -> Company:
    """Read a company of which nobody has a password yet.

    Raises ``BadConfiguration`` with every problem.
    """
    reading = read_company(raw, logins=())
    if reading.problems:
        raise BadConfiguration(problems=reading.problems)
    return reading.company


def read_company(
    raw: Any, *, logins: Collection[str] | None = None, flows: Flows | None = None
) -> Reading:
    """Read a company and everything that is wrong or odd about it.

    ``logins`` have a password already, so theirs may be missing (None: everybody's may).
    ``flows`` are the bots' flows and what each names (None: any name will do).
    """
    notes = Notes()
    company = _Reader(notes, logins).company(raw)
    findings = check_company(company, flows, notes.unsure)
    return Reading(
        company,
        (*notes.flaws, *findings.problems),
        findings.warnings,
        frozenset(notes.asked),
    )


class _Reader:
    """Reads one company. The ids of its queues are known first: everything refers to them."""

    def __init__(self, notes: Notes, logins: Collection[str] | None) -> None:
        self._notes = notes
        self._logins = logins
        self._queue_ids: list[str] = []

    def company(self, raw: Any) -> Company:
        """The whole."""
        top = Section(raw, "", self._notes)
        sections = top.sections("queues")
        if not sections and not self._notes.unsure("queues"):
            top.bad("queues", "at least one queue", [])
        self._queue_ids = self._ids(sections, "id")
        queues = [
            self._queue(section, id_)
            for section, id_ in zip(sections, self._queue_ids, strict=True)
        ]
        default = top.text("default_queue", self._queue_ids[0] if self._queue_ids else "")
        if self._queue_ids:
            self._refer(top, "default_queue", default)
        people = top.sections("people")
        logins = self._ids(people, "login")
        company = Company(
            name=top.text("name", DEFAULT_NAME),
            queues={queue.id: queue for queue in queues},
            people=tuple(
                self._person(each, login) for each, login in zip(people, logins, strict=True)
            ),
            entry=self._entry(top),
            dispositions=top.texts("dispositions", DISPOSITIONS),
            pauses=self._pauses(top),
            default_queue=default,
            survey=top.flag("survey", True),
            fcr_days=top.whole("fcr_days", FCR_DAYS, least=1),
            next_best_offers=self._next_best_offers(top),
            redaction=_redaction(top.section("redaction")),
            customer_limits=_customer_limits(top.section("customer_limits")),
        )
        top.done()
        return company

    def _ids(self, sections: Iterable[Section], key: str) -> list[str]:
        """The ids in order; one that is missing gets a stand-in, a second one is noted."""
        found: list[str] = []
        for index, section in enumerate(sections):
            name = section.text(key) or f"({index})"
            if name in found:
                section.notes.add(section.at(key), f"{name!r} is there already; it must differ")
                name = f"{name} ({index})"
            elif len(name) > MOST_LETTERS or any(c.isspace() or c == "/" for c in name):
                section.bad(key, f"up to {MOST_LETTERS} letters without spaces and slashes", name)
            found.append(name)
        return found

    def _refer(self, section: Section, key: str, queue_id: str) -> bool:
        """Whether the queue exists; noted when it does not."""
        if queue_id in self._queue_ids:
            return True
        expected = f"a queue ({', '.join(self._queue_ids)})"
        section.bad(key, expected, queue_id, suggestion(queue_id, self._queue_ids))
        return False

    # -- queues ------------------------------------------------------------------------

    def _queue(self, section: Section, queue_id: str) -> Queue:
        queue = Queue(
            id=queue_id,
            name=section.text("name", queue_id),
            skills=section.levels("skills"),
            target_s=section.whole("target_s", TARGET_S, least=1),
            service_level=section.choice("service_level", ServiceLevel.SHORT_ABANDONS_OUT),
            short_abandon_s=section.whole("short_abandon_s", SHORT_ABANDON_S),
            base_s=section.whole("base_s", 0),
            wrap_up=_wrap_up(section.section("wrap_up")),
            offer_s=OFFER_S | _by_channel(section, "offer_s", least=1),
            hours=_hours(section.section("hours")),
            closed_text=section.text("closed_text", ""),
            rules=self._rules(section),
            dispositions=section.texts("dispositions"),
        )
        section.done()
        return queue

    def _rules(self, section: Section) -> Rules:
        return Rules(
            strategy=section.choice("strategy", Strategy.LONGEST_IDLE),
            evaluation=section.choice("evaluation", Evaluation.ALL),
            steps=tuple(_step(each) for each in section.sections("steps")),
            tiers=tuple(_tier(each) for each in section.sections("tiers")),
            boosts=_boosts(section.section("boosts")),
            last_agent=_last_agent(section),
            dedicated_wait_s=section.whole("dedicated_wait_s", 0),
            overflow=tuple(self._overflow(each) for each in section.sections("overflow")),
            callback=_callback(section),
            blend=self._blend(section),
            most_waiting=section.whole("most_waiting", 1, 1)
            if section.has("most_waiting")
            else None,
            returning_within_s=section.whole("returning_within_s", RETURNING_WITHIN_S),
            reject_delay_s=section.whole("reject_delay_s", REJECT_DELAY_S),
            expected_s=section.whole("expected_s", EXPECTED_S, least=1),
            announce_every_s=section.whole("announce_every_s", 0),
        )

    def _overflow(self, section: Section) -> Overflow:
        when = section.choice("when", When.WAITED) if section.has("when") else When.WAITED
        if not section.has("when"):
            section.bad("when", f"one of {', '.join(When)}", None)
        rule = Overflow(when, self._action(section), section.whole("over_s", 0))
        section.done()
        return rule

    def _action(self, section: Section) -> Action:
        to = section.section("to")
        named = [way for way in Way if to.has(way)]
        say = section.text("say", "")
        if len(named) != 1:
            if not self._notes.unsure(to.place):
                section.bad("to", f"exactly one of {', '.join(Way)}", ", ".join(named) or None)
            to.done()
            return Action(Way.WAIT, say=say)
        way = named[0]
        target = ""
        if way in TARGETED:
            target = to.text(way)
        elif to.take(way) is not True:
            to.bad(way, "true", to.take(way))
        if way is Way.QUEUE and target:
            self._refer(to, way, target)
        to.done()
        return Action(way, target, say)

    def _blend(self, section: Section) -> Blend | None:
        if not section.has("blend"):
            return None
        below = section.section("blend")
        inbound = below.texts("inbound")
        for index, queue_id in enumerate(inbound):
            self._refer(below, f"inbound[{index}]", queue_id)
        usual = Blend(())
        blend = Blend(
            inbound,
            target=below.share("target", usual.target),
            within_s=below.whole("within_s", usual.within_s, least=1),
            window_s=below.whole("window_s", usual.window_s, least=1),
        )
        below.done()
        return blend

    # -- people ------------------------------------------------------------------------

    def _person(self, section: Section, login: str) -> Person:
        if login != login.lower():
            section.bad("login", "small letters only, as sign-in makes them", login)
        name = section.text("name", login)
        password = section.text("password", "")
        if not password and self._logins is not None and login not in self._logins:
            section.notes.add(
                section.at("password"), f"expected a password, because {login!r} is new"
            )
        role = section.choice("role", Role.AGENT)
        agent = self._agent(section, login, name)
        section.done()
        return Person(login, name, role, password, agent)

    def _agent(self, section: Section, login: str, name: str) -> Agent | None:
        capacity = CAPACITY | _by_channel(section, "capacity", least=0)
        skills, limits = section.levels("skills"), _limits(section.section("limits"))
        works = section.has("queues")
        standing = self._standing(section)
        if not works:
            return None
        return Agent(
            id=login,
            name=name,
            queues=tuple(standing),
            skills=skills,
            capacity=capacity,
            standing={queue: each for queue, each in standing.items() if each != Membership()},
            limits=limits,
        )

    def _standing(self, section: Section) -> dict[str, Membership]:
        """The agent's queues in order, with how the agent stands in each."""
        found: dict[str, Membership] = {}
        for index, item in enumerate(section.listed("queues")):
            key = f"queues[{index}]"
            raw = {"id": item} if isinstance(item, str) else item
            below = Section(raw, section.at(key), self._notes)
            queue_id = below.text("id")
            place = key if isinstance(item, str) else f"{key}.id"
            if queue_id in found:
                section.notes.add(section.at(place), f"{queue_id!r} stands here twice")
            elif queue_id and self._refer(section, place, queue_id):
                found[queue_id] = _membership(below)
            below.done()
        return found

    # -- offers ------------------------------------------------------------------------

    def _next_best_offers(self, top: Section) -> tuple[NextBestOffer, ...]:
        sections = top.sections("next_best_offers")
        ids = self._ids(sections, "id")
        return tuple(
            self._next_best_offer(section, id_) for section, id_ in zip(sections, ids, strict=True)
        )

    def _next_best_offer(self, section: Section, offer_id: str) -> NextBestOffer:
        queues = section.texts("queues")
        for index, queue_id in enumerate(queues):
            self._refer(section, f"queues[{index}]", queue_id)
        offer = NextBestOffer(
            id=offer_id,
            name=section.text("name", offer_id),
            text=_by_language(section, "text"),
            intents=section.texts("intents"),
            queues=queues,
            channels=tuple(
                channel
                for name in section.texts("channels")
                if (channel := _channel(section, "channels", name)) is not None
            ),
            vip=section.flag("vip", True) if section.has("vip") else None,
        )
        section.done()
        return offer

    # -- the rest ----------------------------------------------------------------------

    def _entry(self, top: Section) -> dict[Channel, str]:
        below = top.section("entry")
        found = {}
        for key, flow in below.pairs():
            channel = _channel(below, key)
            if channel is None:
                continue
            if isinstance(flow, str) and flow:
                found[channel] = flow
            else:
                below.bad(key, "the name of a flow", flow)
        return found

    def _pauses(self, top: Section) -> tuple[PauseCode, ...]:
        found: list[PauseCode] = []
        for index, item in enumerate(top.listed("pause_codes", list(PAUSES))):
            raw = {"code": item} if isinstance(item, str) else item
            below = Section(raw, top.at(f"pause_codes[{index}]"), self._notes)
            code = below.text("code")
            if any(pause.code == code for pause in found):
                self._notes.add(below.place, f"{code!r} stands here twice")
            found.append(PauseCode(code, below.text("name", code), below.flag("paid", True)))
            below.done()
        return tuple(found)


def _by_language(section: Section, key: str) -> dict[str, str]:
    """A text in at least one language."""
    found = {}
    for language, text in section.section(key).pairs():
        if isinstance(text, str) and text:
            found[language] = text
        else:
            section.bad(f"{key}.{language}", "a text", text)
    if not found and not section.notes.unsure(section.at(key)):
        section.bad(key, "a text by language, like {en: …, lv: …}", None)
    return found


def _wrap_up(section: Section) -> WrapUp:
    mode = section.text("mode", WrapUp().mode)
    if mode not in WRAP_UP_MODES:
        section.bad("mode", f"one of {', '.join(WRAP_UP_MODES)}", mode)
        mode = WrapUp().mode
    wrap_up = WrapUp(mode, section.whole("limit_s", WRAP_UP_LIMIT_S, least=1))
    section.done()
    return wrap_up


def _hours(section: Section) -> Hours:
    zone = section.text("timezone", "UTC")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        section.bad("timezone", "an IANA time zone like Europe/Riga", zone)
        zone = "UTC"
    below = section.section("weekly")
    weekly = {}
    for day, shifts in below.pairs():
        if day in DAYS:
            weekly[day] = _shifts(below, day, shifts)
        else:
            below.bad(day, f"one of {', '.join(DAYS)}", day)
    hours = Hours(zone, weekly or None, _holidays(section), _openings(section))
    section.done()
    return hours


def _shifts(section: Section, key: str, raw: object) -> tuple[Shift, ...]:
    if not isinstance(raw, list):
        section.bad(key, "a list of shifts like [08:00-12:30, 13:00-20:00]", raw)
        return ()
    found: list[Shift] = []
    for index, text in enumerate(raw):
        try:
            shift = parse_shift(text)
        except ValueError as error:
            section.bad(f"{key}[{index}]", str(error).removeprefix("expected "), text)
            continue
        found.append(shift)
    return tuple(found)


def _holidays(section: Section) -> frozenset[date]:
    found: set[date] = set()
    for index, raw in enumerate(section.listed("holidays")):
        day = _date(raw)
        if day is None:
            section.bad(f"holidays[{index}]", "a date like 2026-12-24", raw)
        elif day in found:
            section.notes.add(section.at(f"holidays[{index}]"), f"{day} stands here twice")
        else:
            found.add(day)
    return frozenset(found)


def _openings(section: Section) -> dict[date, tuple[Shift, ...]]:
    below = section.section("openings")
    found = {}
    for key, shifts in below.pairs():
        day = _date(key)
        if day is None:
            below.bad(key, "a date like 2026-12-24", key)
        else:
            found[day] = _shifts(below, key, shifts)
    return found


def _date(raw: object) -> date | None:
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        return None


def _step(section: Section) -> Step:
    after_s = section.whole("after_s", 0)
    need = section.levels("need") if section.has("need") else None
    if section.take("waive") == ALL_SKILLS:
        waive: tuple[str, ...] = (ALL_SKILLS,)
    else:
        waive = section.texts("waive")
    section.done()
    return Step(after_s, need, frozenset(waive))


def _tier(section: Section) -> TierOpening:
    if not section.has("tier"):
        section.bad("tier", "a whole number of at least 2", None)
    opening = TierOpening(section.whole("tier", 2, least=1), section.whole("after_s", 0))
    section.done()
    return opening


def _boosts(section: Section) -> Boosts:
    boosts = Boosts(
        vip_s=section.whole("vip_s", 0),
        returning_s=section.whole("returning_s", 0),
        transfer_s=section.whole("transfer_s", 0),
        callback_s=section.whole("callback_s", 0),
    )
    section.done()
    return boosts


def _last_agent(section: Section) -> LastAgent | None:
    if not section.has("last_agent"):
        return None
    below = section.section("last_agent")
    found = LastAgent(_required(below, "within_days"), _required(below, "wait_s"))
    below.done()
    return found


def _callback(section: Section) -> Callback | None:
    if not section.has("callback"):
        return None
    below = section.section("callback")
    usual = Callback(0)
    found = Callback(
        _required(below, "offer_after_s", least=0),
        attempts=below.whole("attempts", usual.attempts, least=1),
        retry_after_s=below.whole("retry_after_s", usual.retry_after_s, least=1),
    )
    below.done()
    return found


def _required(section: Section, key: str, least: int = 1) -> int:
    """A whole number that must be there."""
    if section.has(key):
        return section.whole(key, least, least)
    section.bad(key, f"a whole number of at least {least}", None)
    return least


def _membership(section: Section) -> Membership:
    return Membership(
        tier=section.whole("tier", 1, least=1),
        order=section.whole("order", 0),
        weight=section.whole("weight", 1, least=1),
        vip_only=section.flag("vip_only", False),
    )


def _limits(section: Section) -> Limits:
    usual = Limits()
    limits = Limits(
        total=section.whole("total", 1, least=1) if section.has("total") else None,
        beside_voice=_channels(section, "beside_voice", usual.beside_voice),
        interruptible=_channels(section, "interruptible", usual.interruptible),
    )
    section.done()
    return limits


def _channels(section: Section, key: str, usual: Collection[Channel]) -> frozenset[Channel]:
    """Channels beside the voice; a call beside a call is not possible."""
    found = set()
    for name in section.texts(key, sorted(usual)):
        channel = _channel(section, key, name)
        if channel is Channel.VOICE:
            section.bad(key, "other channels than voice", name)
        elif channel is not None:
            found.add(channel)
    return frozenset(found)


def _by_channel(section: Section, key: str, least: int) -> dict[Channel, int]:
    """Whole numbers by channel."""
    below = section.section(key)
    found = {}
    for name, _ in below.pairs():
        channel = _channel(below, name)
        if channel is not None:
            found[channel] = below.whole(name, least, least)
    return found


def _channel(section: Section, key: str, name: str = "") -> Channel | None:
    try:
        return Channel(name or key)
    except ValueError:
        section.bad(key, f"one of {', '.join(Channel)}", name or key)
        return None


def _redaction(section: Section) -> Policy:
    chosen = {}
    for kind in Kind:
        treatment = section.choice(kind.value, DEFAULT_POLICY.of(kind))
        if treatment is Treatment.LAST4 and kind not in TELLING_ITS_END:
            section.bad(kind.value, "keep or hide", treatment.value)
            treatment = Treatment.HIDE
        chosen[kind.value] = treatment
    section.done()
    return Policy(**chosen)


def _customer_limits(section: Section) -> CustomerLimits:
    limits = CustomerLimits(
        **{key: section.whole(key, usual) for key, usual in DEFAULT_LIMITS.plain().items()}
    )
    section.done()
    return limits
