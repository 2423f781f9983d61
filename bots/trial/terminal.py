"""A trial at the terminal, or from a script on stdin: lines in, lines out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import TextIO

from bots.trial.session import Trial

COLOURS = {"bot": "1;36", "you": "1", "why": "2", "end": "1;33"}
HELP = (
    "Type what the customer says. #1 presses a key, an empty line is silence on a call, "
    "?words are heard badly on a call. Ctrl-D hangs up."
)


class Screen:
    """Writes who says what; in colour where somebody looks on."""

    def __init__(self, out: TextIO, *, colour: bool) -> None:
        self._out = out
        self._colour = colour

    def show(self, who: str, text: str) -> None:
        """One saying; its further lines are indented."""
        first, *more = text.splitlines() or [""]
        mark = {"why": "    ·", "end": "═"}.get(who, f"{who} ›")
        indent = " " * (len(mark) + 1)
        for line in [f"{mark} {first}", *(indent + each for each in more)]:
            shown = line.rstrip()
            if self._colour:
                shown = f"\x1b[{COLOURS[who]}m{shown}\x1b[0m"
            print(shown, file=self._out, flush=True)


async def typed(screen: Screen) -> AsyncIterator[str]:
    """The lines of whoever sits here, or of the script; those of a script are shown too."""
    if sys.stdin.isatty():
        while True:
            try:
                yield await asyncio.to_thread(input, "you › ")
            except EOFError:
                return
    script = await asyncio.to_thread(sys.stdin.read)
    for line in script.splitlines():
        screen.show("you", line)
        yield line


async def talk(trial: Trial, lines: Callable[[], AsyncIterator[str]], screen: Screen) -> None:
    """The whole conversation, to its end."""
    for said in await trial.begin():
        screen.show("bot", said)
    ahead = lines()
    while not trial.silent and (line := await anext(ahead, None)) is not None:
        for said in await trial.hear(line):
            screen.show("bot", said)
    screen.show("end", "\n".join(trial.outcome()))
