"""``docs/bots.md`` as a new user follows it: each command runs, and the bot answers the public."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from channels.phone import PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from gateway.demo.visitor import Person, Visitor
from router.model import Author, Channel
from tests.house import ROOT, WAIT_S, House, house

pytestmark = [pytest.mark.slow, pytest.mark.peer]

PAGE = (ROOT / "docs" / "bots.md").read_text("utf-8")
ARTICLE = ROOT / "gateway" / "demo" / "articles" / "en" / "opening-hours.md"
ROOMS = ("bots", "channels", "gateway", "knowledge", "router")
COMMANDS_S = 600.0
RING_S = 30.0
NUMBER = "+37120000177"


def blocks(kind: str) -> list[str]:
    """The page's fenced blocks of this kind."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def mistake() -> str:
    """What the page shows of a flow with a mistake."""
    (block,) = [block for block in blocks("text") if "ask_dya" in block]
    return block


def settle(folder: Path) -> Path:
    """Parley's folder as ``make demo`` leaves it: an environment, code and a data folder."""
    for room in ROOMS:
        (folder / room).symlink_to(ROOT / room)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").write_text("", "utf-8")
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    few = folder / "articles" / "en"
    few.mkdir(parents=True)
    shutil.copy(ARTICLE, few)
    return folder


def run(folder: Path, script: str) -> str:
    """What the commands print; fails where one fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    # One article is enough for the commands: each of them reads all there are.
    env["PARLEY_ARTICLES"] = str(folder / "articles")
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=COMMANDS_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_page_ends_with_a_bot_that_answers_chat_and_telephone(tmp_path: Path) -> None:
    folder = settle(tmp_path)
    run(folder, "python -m gateway prepare")
    printed = run(folder, "\n".join(blocks("sh")))
    shown = (line.strip() for line in printed.splitlines())
    for line in (line.strip() for block in blocks("text") for line in block.splitlines()):
        if "✖" not in line and line not in mistake():
            assert line in shown, f"{line!r} was not printed, or not in this order"
    assert (folder / "bakery.svg").read_text("utf-8").startswith("<svg")

    with house(folder / ".data", "embedded", {"PARLEY_FLOWS": str(folder / "my-flows")}) as running:
        visitor = await Visitor.open(running.url, Person("Vera"))
        await visitor.say("I need a big birthday cake")
        answer = " ".join(line.text for line in await visitor.answer(WAIT_S, 1))
        await visitor.close()
        assert "Corner Bakery" in answer
        assert "For which day?" in answer
        assert "this is the Corner Bakery" in await greeting(running)


def test_mistake_is_told_as_the_page_says(tmp_path: Path) -> None:
    (flow,) = re.findall(r"<<'END'\n(flow: bakery.*?)END\n", PAGE, re.DOTALL)
    path = tmp_path / "my-flows" / "bakery.yaml"
    path.parent.mkdir()
    path.write_text(flow.replace("next: ask_day", "next: ask_dya"), "utf-8")
    command = [sys.executable, "-m", "bots", "check", "my-flows/bakery.yaml"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert mistake().strip() in done.stdout


async def greeting(running: House) -> str:
    """What the bot says first to somebody who calls."""
    caller = SipCaller(PhoneSettings(sip_port=0, rtp_ports=(0, 0)))
    await caller.start()
    try:
        call = await caller.call(running.sip, RING_S, NUMBER)
        assert isinstance(call, CallerCall)
        async with asyncio.timeout(WAIT_S):
            while not (lines := await said(running)):
                await asyncio.sleep(0.2)
        await call.hang_up()
        return " ".join(lines)
    finally:
        await caller.stop()


async def said(running: House) -> list[str]:
    """What the bot has said on the call so far."""
    calls = [one for one in await running.newest() if one.channel is Channel.VOICE]
    lines = [line for call in calls for line in await running.lines(call.id)]
    return [line.text for line in lines if line.author is Author.BOT]
