"""``python -m bots talk``: a flow with this installation's articles, understanding and actions.

No conversation is stored and no channel is opened; what is kept in the data folder are the vectors
of the articles, where no start has made them yet.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bots.conversation import Conversation, Tools
from bots.flow.model import Flow
from bots.trial.listed import read_answers
from bots.trial.session import Setting, Trial
from bots.trial.terminal import HELP, Screen, talk, typed
from bots.trial.watched import TrialHouse, watched
from gateway.brain import Brain, start_brain
from gateway.settings import Settings
from router.clock import SystemClock
from router.company import no_company


@dataclass(frozen=True, slots=True)
class Options:
    """``answers`` is a file of made-up answers to actions; None asks the real systems."""

    setting: Setting
    why: bool = False
    answers: Path | None = None


async def try_flow(flow: Flow, options: Options) -> None:
    """Talk to it until it ends. Raises ``ParleyError``."""
    interactive = sys.stdin.isatty()
    screen = Screen(sys.stdout, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    logging.disable(logging.WARNING)
    settings = Settings.from_env(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        # The flow tried is the only one: what else is in its folder may be half written.
        bare = Path(folder) / "flows"
        bare.mkdir()
        brain = await start_brain(
            replace(settings, flows=bare, qdrant_url=""),
            no_company(),
            SystemClock(),
            Path(folder) / "index",
            TrialHouse(_tell(screen, options)),
        )
        try:
            if (settings.data / "vectors").exists():
                await brain.encoder.recall()
                await brain.knowledge.catch_up()
            else:
                screen.show("why", "reading all articles, which takes a minute, once …")
                await brain.prepare()
            conversation = Conversation(flow, _tools(brain, options, screen))
            await conversation.prepare()
            if interactive:
                screen.show("why", HELP)
            tell = _tell(screen, options)
            await talk(Trial(conversation, options.setting, tell), lambda: typed(screen), screen)
        finally:
            await brain.stop()


def _tools(brain: Brain, options: Options, screen: Screen) -> Tools:
    listed = read_answers(options.answers) if options.answers else None
    return watched(brain.tools, listed or brain.tools.actions, _tell(screen, options))


def _tell(screen: Screen, options: Options) -> Callable[[str], None]:
    def tell(text: str) -> None:
        if options.why:
            screen.show("why", text)

    return tell
