"""The bench ``assist``: what an agent's page waits for suggestions, and what they are worth.

On one embedded installation with the demo company's articles, through the desk's socket: a
customer on the web chat asks the articles' test questions one after the other, the agent
answers each with a line of her own.

- ``suggest_ms_p95``: from asking for suggestions to an answer that is not ``thinking`` any more;
- ``growth``: the median of the last quarter of the conversation over that of the first;
- ``right_share``: of the questions that the articles answer, those with a draft from a right one;
- ``wrong_share``: of them, those with a draft from another article;
- ``refused_share``: of the questions that they do not answer, those without a draft.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from channels.chat_hub import REFILL_S
from evals.bench import Bench
from evals.customers import first_answer
from evals.installation import Installation
from evals.judges import P95
from evals.retrieval import DEMO_QUESTIONS, Asked, read_questions
from evals.statistics import percentile
from gateway.demo.desk_client import DeskClient, View
from gateway.demo.visitor import Visitor
from router.model import new_id

AT_MOST = {"suggest_ms_p95": 300.0, "growth": 1.5, "wrong_share": 0.15}
AT_LEAST = {"right_share": 0.7, "refused_share": 0.8}
AGENT = ("ana", "harbour-ana")
PATIENCE_S = 60.0
MS = 1000


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a question got: after how long, and from which articles."""

    asked: Asked
    seconds: float
    articles: tuple[str, ...]


async def run() -> Bench:
    """Measure everything; about four minutes, one for the first start."""
    questions = [one for one in read_questions(DEMO_QUESTIONS) if one.language == "en"]
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        running = await Installation.start(Path(folder))
        try:
            await first_answer(running.url)  # models are loaded now
            await running.settled()
            found = await conversation(running.url, questions)
        finally:
            await running.stop()
    notes = {"suggest_ms_p95": f"{len(found)} questions in one conversation"}
    return Bench("assist", figures(found), {}, notes)


async def conversation(url: str, questions: Sequence[Asked]) -> list[Suggested]:
    """Ask all questions in one chat and note what is suggested."""
    async with await DeskClient.sign_in(url, *AGENT, patience_s=PATIENCE_S) as desk:
        await desk.ask("presence", presence="available")
        visitor = await Visitor.open(url)
        await visitor.say("agent")
        offer = (await desk.next("offer", PATIENCE_S))["offer"]
        item = (await desk.ask("accept", offer_id=offer["id"]))["interaction_id"]
        found = []
        for asked in questions:
            await visitor.say(asked.question)
            await _arrived(desk, asked.question)
            found.append(await _suggested(desk, item, asked))
            await desk.ask("send", interaction_id=item, draft_id=new_id(), text="I see.")
            await asyncio.sleep(REFILL_S)  # as fast as the chat lets a customer write
        await visitor.close()
    return found


async def _arrived(desk: DeskClient, text: str) -> None:
    """The customer's line is on the desk."""
    while (await desk.next("message", PATIENCE_S))["message"]["text"] != text:
        pass


async def _suggested(desk: DeskClient, item: str, asked: Asked) -> Suggested:
    began = time.perf_counter()
    view: View = {"thinking": True}
    while view["thinking"]:
        view = await desk.ask("suggest", interaction_id=item)
    spent = time.perf_counter() - began
    answers = [draft for draft in view["drafts"] if draft["kind"] == "answer"]
    sources = tuple(one["article_id"] for draft in answers for one in draft["sources"])
    return Suggested(asked, spent, sources)


def figures(found: Sequence[Suggested]) -> dict[str, float]:
    """All of them; shares are 0..1."""
    answerable = [one for one in found if one.asked.right]
    others = [one for one in found if not one.asked.right]
    right = [one for one in answerable if one.asked.right & set(one.articles)]
    drafted = [one for one in answerable if one.articles]
    quarter = max(1, len(found) // 4)
    seconds = [one.seconds for one in found]
    return {
        "suggest_ms_p95": percentile(seconds, P95) * MS,
        "growth": median(seconds[-quarter:]) / median(seconds[:quarter]),
        "right_share": len(right) / len(answerable),
        "wrong_share": (len(drafted) - len(right)) / len(answerable),
        "refused_share": sum(not one.articles for one in others) / len(others),
    }
