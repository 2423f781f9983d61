"""A flow's questions to the knowledge base: made whole, looked up, and noted where nobody knows."""

from __future__ import annotations

import logging

from bots.errors import ModelFailed
from bots.flow.outcome import Answered, Memory, NeedAnswer
from bots.followup import Rewriter, leans, whole
from bots.ports import Answer, EarlyListener, Knowledge, TellingKnowledge
from router.events import Fact, QuestionUnanswered
from router.ports import Clock

log = logging.getLogger(__name__)


class Enquiries:
    """Asks for any number of conversations. Without a ``rewriter`` rules make questions whole."""

    def __init__(self, knowledge: Knowledge, clock: Clock, rewriter: Rewriter | None) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._rewriter = rewriter

    @property
    def tells_early(self) -> bool:
        """Whether answers can be said before they are whole."""
        knowledge = self._knowledge
        return isinstance(knowledge, TellingKnowledge) and knowledge.tells_early

    async def ask(
        self, need: NeedAnswer, memory: Memory, facts: list[Fact], early: EarlyListener | None
    ) -> Answered:
        """Look it up; what nobody knows is a fact. ``early`` hears a written answer grow."""
        language = memory["language"]
        answer = await self._look_up(need.question, memory, early)
        if not answer.known:
            facts.append(
                QuestionUnanswered(
                    at=self._clock.now(),
                    interaction_id=memory["interaction_id"],
                    question=need.question,
                    language=language,
                    score=answer.score,
                )
            )
            return Answered(known=False, score=answer.score)
        citations = tuple(answer.citations)
        return Answered(True, answer.text, answer.spoken, citations, answer.score)

    async def _look_up(self, question: str, memory: Memory, early: EarlyListener | None) -> Answer:
        """Answer a question; one that leans on the question before it is made whole first."""
        language, earlier = memory["language"], str(memory.get("looked_up", ""))
        asked = question
        if earlier and leans(question):
            asked = await self._whole(question, earlier, language)
        answer = await self._answer(asked, language, early)
        if not answer.known and asked != question:
            asked = question
            answer = await self._answer(asked, language, early)
        memory["looked_up"] = asked
        return answer

    async def _answer(self, asked: str, language: str, early: EarlyListener | None) -> Answer:
        knowledge = self._knowledge
        if early is not None and isinstance(knowledge, TellingKnowledge):
            return await knowledge.answer_aloud(asked, language, early)
        return await knowledge.answer(asked, language)

    async def _whole(self, question: str, earlier: str, language: str) -> str:
        rewriter = self._rewriter
        if rewriter is not None:
            try:
                return await rewriter.whole(question, earlier, language)
            except ModelFailed as error:
                log.info("a question is made whole by rules: %s", error)
        return whole(question, earlier)
