"""Scripted agents for the demo: three of the six sign-ins take written work.

They use the same sign-in and the same socket as a person's page, accept after
a few seconds, answer in words, finish and file. Calls they leave to people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
from websockets.exceptions import WebSocketException

from gateway.demo.desk_client import DeskClient, DeskRefused, View
from router.errors import ParleyError
from router.model import Author, Channel

WRITTEN = frozenset({Channel.CHAT, Channel.EMAIL, Channel.SMS})
ACCEPT_S = (2.0, 5.0)
THINK_S = (4.0, 9.0)
FINISH_S = (6.0, 12.0)
FILE_S = (3.0, 8.0)
RETRY_S = 5.0
MAX_REPLIES = 2

HELLO = {
    "en": "Hello{name}, this is {me}. I have read what you wrote to our assistant.",
    "lv": "Labdien{name}, šeit {me}. Izlasīju jūsu saraksti ar mūsu asistentu.",
    "zh": "您好{name}，我是{me}。我已看过您与助手的对话。",
}
WORK = {
    "orders": {
        "en": "I have asked the depot to look at the parcel today; you get a message tonight.",
        "lv": "Palūdzu noliktavai šodien pārbaudīt sūtījumu; vakarā saņemsiet ziņu.",
        "zh": "我已请仓库今天核查您的包裹，今晚会给您消息。",
    },
    "billing": {
        "en": "I have checked the bill line by line and sent you a corrected copy.",
        "lv": "Pārbaudīju rēķinu pa rindām un nosūtīju jums precizētu kopiju.",
        "zh": "我已逐项核对账单，并把更正后的副本发给您。",
    },
    "technical": {
        "en": "I have restarted the meter's connection; please look again in ten minutes.",
        "lv": "Restartēju skaitītāja savienojumu; lūdzu, pārbaudiet pēc desmit minūtēm.",
        "zh": "我已重启电表的连接，请十分钟后再看一下。",
    },
}
MORE = {
    "en": "You are welcome. Everything is noted, and you need not do anything else.",
    "lv": "Lūdzu! Viss ir pierakstīts, jums vairs nekas nav jādara.",
    "zh": "不客气。都已记录好，您无需再做什么。",
}
WORK_OF_ALL = WORK["orders"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignInOf:
    """A demo sign-in."""

    login: str
    password: str


@dataclass
class _Task:
    """One conversation at a scripted agent's desk."""

    card: View
    replies: int = 0
    asked: int = 0
    filing: bool = False


class DemoStaff:
    """Runs the scripted agents; a failure of one is logged and it comes back."""

    def __init__(self, base_url: str, people: Sequence[SignInOf], chance: Random) -> None:
        self._base_url = base_url
        self._people = people
        self._chance = chance
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Let them come to work."""
        for person in self._people:
            name = f"staff-{person.login}"
            self._tasks.append(asyncio.create_task(self._employ(person), name=name))

    async def stop(self) -> None:
        """Send them home. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _employ(self, person: SignInOf) -> None:
        told = False
        while True:
            try:
                async with await DeskClient.sign_in(
                    self._base_url, person.login, person.password
                ) as desk:
                    told = False
                    await ScriptedAgent(desk, Random(self._chance.random())).work()
            except (ParleyError, OSError, httpx.HTTPError, WebSocketException) as error:
                if not told:
                    log.warning("scripted agent %s: %s; trying again", person.login, error)
                told = True
            await asyncio.sleep(RETRY_S)


class ScriptedAgent:
    """One agent at one open desk."""

    def __init__(self, desk: DeskClient, chance: Random) -> None:
        self._desk = desk
        self._chance = chance
        self._work: dict[str, _Task] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._name = ""
        self._dispositions: list[str] = ["resolved"]

    async def work(self) -> None:
        """Take written work until the desk closes."""
        await self._desk.ask("presence", presence="available")
        try:
            async for view in self._desk.views():
                self._see(view)
        finally:
            for task in self._beside:
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)

    def _see(self, view: View) -> None:
        match view["type"]:
            case "snapshot":
                self._name = view["me"]["name"].split()[0]
                self._dispositions = view["dispositions"] or self._dispositions
                for card in view["work"]:
                    self._take(card)
                for offer in view["offers"]:
                    self._start(self._consider(offer))
            case "offer":
                self._start(self._consider(view["offer"]))
            case "work":
                self._take(view["card"])
            case "work-gone":
                self._work.pop(view["interaction_id"], None)
            case "presence" if view["me"]["presence"] == "away":
                self._start(self._desk_is_mine())
            case "message" if view["message"]["author"] == Author.CUSTOMER:
                self._customer_wrote(view["interaction_id"])

    def _start(self, step: Any) -> None:
        task = asyncio.create_task(self._guard(step))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _guard(self, step: Any) -> None:
        try:
            await step
        except DeskRefused as error:
            # Somebody was faster or the customer left: an ordinary day at the desk.
            log.debug("scripted agent %s: %s", self._name, error)

    async def _pause(self, limits: tuple[float, float]) -> None:
        await asyncio.sleep(self._chance.uniform(*limits))

    async def _desk_is_mine(self) -> None:
        await self._pause(THINK_S)
        await self._desk.ask("presence", presence="available")

    async def _consider(self, offer: View) -> None:
        await self._pause(ACCEPT_S)
        written = offer["card"]["channel"] in WRITTEN
        await self._desk.ask("accept" if written else "reject", offer_id=offer["id"])

    def _take(self, card: View) -> None:
        known = self._work.get(card["id"])
        if known is None:
            known = self._work[card["id"]] = _Task(card)
            if card["state"] == "agent":
                self._start(self._converse(known))
        known.card = card
        if card["state"] == "wrap-up" and not known.filing:
            known.filing = True
            self._start(self._file(card))

    def _customer_wrote(self, interaction_id: str) -> None:
        known = self._work.get(interaction_id)
        if known is not None:
            known.asked += 1

    async def _converse(self, task: _Task) -> None:
        card = task.card
        language = card["language"] if card["language"] in HELLO else "en"
        name = (card["customer"]["name"] or "").split(" ")[0]
        hello = HELLO[language].format(name=f" {name}" if name else "", me=self._name)
        does = WORK.get(card["queue"] or "", WORK_OF_ALL)[language]
        lines = [f"{hello}\n\n{does}"] if card["channel"] == Channel.EMAIL else [hello, does]
        for line in lines:
            await self._pause(THINK_S)
            await self._say(task, line)
        for _ in range(MAX_REPLIES):
            asked, task.asked = task.asked, 0
            if not asked:
                break
            await self._pause(THINK_S)
            await self._say(task, MORE[language])
        await self._pause(FINISH_S)
        await self._desk.ask("end", interaction_id=card["id"])

    async def _say(self, task: _Task, line: str) -> None:
        task.replies += 1
        draft = f"staff-{task.card['id']}-{task.replies}"
        await self._desk.ask("send", interaction_id=task.card["id"], draft_id=draft, text=line)

    async def _file(self, card: View) -> None:
        await self._pause(FILE_S)
        code = self._chance.choice(self._dispositions[:2])
        await self._desk.ask("wrap-up", interaction_id=card["id"], disposition=code)
