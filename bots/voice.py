"""The voice bot: runs an interaction's conversation on one leg of a call.

1. The bot speaks, the caller may interrupt, answer, press keys or say nothing;
   ``bots.turn`` decides whose turn it is, this file does what it says.
2. The transcript gets the caller's words as recognised and of the bot's words those
   that were heard.
3. Nothing is said after a hand-over: its last line is spoken first, then it is saved.
4. When the caller hangs up while the bot is the handler, the interaction is ended here.
5. Each answer of the caller is timed per stage; what was not measured is None.
6. A caller who waits for an answer hears a filler, once in a turn; it is in the transcript
   as far as it was heard.
7. Speech that no engine can recognise is asked for by keys, then a person takes over.
8. What no voice can say is not kept silent about: the caller hears a prepared sentence or a
   tone, then a person takes over.
9. What the caller adds before the answer is heard belongs to the same turn: the answer is made
   anew from all of it. When an action has changed something on the way to the answer, the
   answer stands and the words are the beginning of the next turn.
10. A bot that breaks says so, and a person gets what was known.
11. An answer that is written sentence by sentence is said so (``bots.early``). Who speaks over it
    ends the writing, and has begun the next turn.
12. What is sensitive is heard off the record: no recording, no transcript, and no store has it.
13. Who is to be put through to somebody outside is left to the switchboard, which owns the line;
    where nobody answered there, the flow goes on on the same leg.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bots.call import Asked, Call, Question, Timing, heard_of
from bots.conversation import Heard, Turn
from bots.early import NOT_LED, Early, Led
from bots.flow.outcome import PutThrough
from bots.flow.sensitive import MASK
from bots.keys import SPEECH_FAILED, by_keys, tries_of
from bots.ports import AudioLeg
from bots.spare import VOICE_FAILED
from bots.speech import NORMAL_PACE, Prompts, Saying
from bots.spoken_survey import THANKS, ask_score, text_in
from bots.spoken_turn import AUTHOR_ID, filler_line, lines_of, times_of
from bots.survey import SCALE
from bots.voice_ports import Dialogue, Dialogues, Engines, Load, Records, Telling
from router.errors import Conflict, IllegalMove
from router.events import Fact, SpeechFellBack, TurnTimed, VoiceFellBack
from router.model import (
    Author,
    Channel,
    EndedBy,
    Interaction,
    InteractionState,
    NewMessage,
)
from router.ports import Clock

SAVE_TRIES = 3
HUNG_UP = "caller hung up"
BY_KEYS = "DTMF"
MUTE_TURNS = 2
"""So often a person is tried for without a voice; then the call is ended."""
MOST_MERGED = 5
"""So often an answer is made anew because the caller goes on."""
log = logging.getLogger(__name__)


class VoiceOutcome(StrEnum):
    """How the bot's part of the call ended."""

    HANDED_OFF = "handed-off"
    ENDED = "ended"
    CALLER_LEFT = "caller-left"


@dataclass(slots=True)
class _Run:
    """What one run on one leg carries along."""

    call: Call
    conversation: Dialogue
    interaction: Interaction
    after: str = ""
    """Why somebody outside did not take the call: the flow goes on from there."""
    timing: Timing = field(default_factory=Timing)
    answered_at: float | None = None
    """When the answer was there, before a filler was said to its end."""
    noting: asyncio.Task[None] | None = None
    """The caller's last line on its way to the store; before any later line."""
    before: tuple[Turn, Heard] | None = None
    """The turn that was answered last, and the words; to be answered anew when they go on."""
    led: Led = NOT_LED
    """What was heard of the answer before it was whole."""
    led_at: float | None = None
    over: Heard | None = None
    """What the caller said over that: the answer to it is the next turn."""
    deaf_turns: int = 0
    """How often in a row no engine could recognise what was said."""
    fell_back: list[Fact] = field(default_factory=list)
    """To be kept with the next turn."""
    fillers: int = 0
    """How many were begun, so that the next one is another."""
    filled: list[NewMessage] = field(default_factory=list)
    """What was heard of the present turn's, to be kept with the next turn."""
    told: tuple[str, str] = ("", "")
    """Who heard instead of whom, as was last kept: an outage is told once in a call."""
    told_voice: tuple[str, str] = ("", "")
    """The same of who spoke."""
    mute_turns: int = 0
    """How often no voice could say something."""


class VoiceBot:
    """Serves any number of calls of one process."""

    def __init__(
        self,
        conversations: Dialogues,
        engines: Engines,
        records: Records,
        load: Load,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds`` is a clock that only goes forward; tests give a virtual one."""
        self._conversations = conversations
        self._transcriber = engines.transcriber
        self._activity = engines.activity
        self.prompts = Prompts(engines.voice)
        self._records = records
        self._load = load
        self._clock = clock
        self._seconds = seconds
        self.timed: Callable[[TurnTimed], None] = _untold
        """Called with the times of each turn, beside the fact that is kept: for metrics."""

    async def run(
        self, leg: AudioLeg, interaction: Interaction, after: str = ""
    ) -> VoiceOutcome | PutThrough:
        """Talk until the bot is done with it or the caller has gone.

        ``PutThrough`` leaves the leg to who calls somebody outside; where that fails, run again
        with its ``TransferOutcome`` as ``after``.

        Outbound calls are the same: the flow and its starting fields come from the
        interaction's ``meta``. Leaves the leg open after a hand-over, hangs it up
        after the flow's end. Raises ``NoSuchFlow``.
        """
        conversation = self._conversations.of(interaction)
        call = Call(leg, self._transcriber, self.prompts, self._seconds, self._activity)
        run = _Run(call, conversation, interaction, after)
        try:
            return await self._converse(run)
        except IllegalMove as error:
            # Somebody took the call from the bot: it has nothing to say any more.
            log.info("voice bot stands back from %s: %s", interaction.id, error)
            return VoiceOutcome.CALLER_LEFT if leg.closed.is_set() else VoiceOutcome.HANDED_OFF
        except Exception:
            log.exception("the bot failed on call %s; a person takes over", interaction.id)
            call.close()
            return await self._broken(run)
        finally:
            call.close()

    async def survey(self, leg: AudioLeg, interaction: Interaction) -> int | None:
        """Ask the one question after an agent's work, take a key (or a word), hang up.

        The score 1..5, or None when there was no answer. Records it with the interaction.
        """
        language = interaction.language
        call = Call(leg, self._transcriber, self.prompts, self._seconds, self._activity)
        try:
            score = await ask_score(call, self._transcriber, language)
            if score is not None:
                await self._records.record_survey(interaction.id, score, SCALE, Channel.VOICE)
                await call.say([text_in(THANKS, language)], language)
        finally:
            call.close()
        await leg.hang_up()
        return score

    async def say(self, leg: AudioLeg, text: str, language: str) -> bool:
        """Say a text without listening; True when it was heard to its end."""
        saying = Saying(leg, self.prompts, [text], language, self._seconds)
        return await saying.play(optional=True)

    async def _broken(self, run: _Run) -> VoiceOutcome:
        """Say so and leave the caller to a person, with all that was known (rule 10)."""
        leg = run.call.leg
        while not leg.closed.is_set():
            interaction, _ = await self._load(run.interaction.id)
            if interaction.state is not InteractionState.BOT:
                return VoiceOutcome.HANDED_OFF
            turn = self._conversations.broken(interaction)
            words, language = turn.replies[0].spoken, _language(run, turn)
            said = await Saying(leg, self.prompts, [words], language, self._seconds).play()
            run.interaction = interaction
            with contextlib.suppress(Conflict):
                await self._save(run, turn, lines_of(turn.replies, [words if said else ""]), None)
                return VoiceOutcome.HANDED_OFF
        return VoiceOutcome.CALLER_LEFT

    # -- the conversation --------------------------------------------------------

    async def _converse(self, run: _Run) -> VoiceOutcome | PutThrough:
        turn = await self._begin(run)
        while True:
            if turn.is_last:
                outcome, turn = await self._finish(run, turn)
                if outcome is not None:
                    return outcome
                continue
            filler = _filler(run, turn)
            led, over = run.led, run.over
            run.led, run.over = NOT_LED, None
            if over is None:
                asked = await run.call.ask(_question(led.rest_of(turn), filler))
            else:
                asked = Asked(over, ("",) * len(turn.replies))
            asked = replace(asked, said=led.heard_of(turn, asked.said))
            turn = run.conversation.played(turn, asked.said)
            filled = filler_line(filler, asked.filled)
            if asked.heard is None:
                await self._left(run, self._begin_save(run, turn, asked.said, behind=filled))
                return VoiceOutcome.CALLER_LEFT
            saving = self._begin_save(run, turn, asked.said)
            self._note_filler(run, filled)
            known = ""
            if run.before is not None and asked.continues and asked.heard.text and not turn.changed:
                turn, before = run.before
                known = before.text
                asked = replace(asked, heard=before.then(asked.heard))
            run.before = None
            private = turn.off_record
            try:
                turn, heard = await self._answer(run, turn, asked)
            finally:
                # The lines must be in order: what was said before what was answered.
                await saving
            if private and (heard.text or heard.digits):
                heard, known = Heard.said(MASK), ""
            run.noting = asyncio.create_task(self._note_caller(run, heard, known))

    async def _begin(self, run: _Run) -> Turn:
        run.interaction, customer = await self._load(run.interaction.id)
        if run.interaction.state is not InteractionState.BOT:
            # Word that the bot should begin came later than somebody who took the call.
            raise IllegalMove(f"the call is {run.interaction.state} and not the bot's")
        if run.after:
            turn = await run.conversation.not_reached(run.interaction.bot_state, run.after)
        else:
            turn = await run.conversation.begin(run.interaction, customer_name=customer.name)
        self._transcriber.prepare(turn.expectation)
        return turn

    async def _answer(self, run: _Run, turn: Turn, asked: Asked) -> tuple[Turn, Heard]:
        """The next turn, and all that the caller said for it."""
        assert asked.heard is not None
        heard = asked.heard
        run.answered_at = None
        if asked.instead_of and run.told != (asked.heard_by, asked.instead_of):
            run.told = asked.heard_by, asked.instead_of
            run.fell_back.append(self._fell_back(run, asked))
        run.deaf_turns = run.deaf_turns + 1 if asked.deaf else 0
        if run.call.trouble is not None and run.call.trouble.failed:
            answered = await self._without_voice(run, turn)
        elif not asked.deaf:
            answered, heard = await self._hear(run, turn, heard, filled=bool(asked.filled))
        elif run.deaf_turns <= tries_of(turn):
            answered = by_keys(turn)
        else:
            run.deaf_turns = 0
            answered = await run.conversation.give_up(turn.memory, SPEECH_FAILED)
        at = run.answered_at if run.answered_at is not None else self._seconds()
        if run.led_at is not None:
            # It was understood before all of the answer was there.
            at = min(at, run.led_at)
        # Who goes on speaking is waited for: that is no time of ours.
        timing = asked.timing if heard is asked.heard else Timing()
        run.timing = replace(timing, understood_at=at, acted_s=answered.acted_s)
        self._transcriber.prepare(answered.expectation)
        return answered, heard

    async def _hear(
        self, run: _Run, turn: Turn, heard: Heard, *, filled: bool
    ) -> tuple[Turn, Heard]:
        """The answer to all that was said before it was there (rule 9)."""
        fillers = run.fillers
        answered = await self._made(run, turn, heard, filled=filled)
        for _ in range(MOST_MERGED):
            more = await run.call.more_words()
            if not more.text:
                break
            if run.led.words:
                run.over = heard_of(more)
                break
            if answered.changed or not heard.text:
                run.call.carry(more)
                break
            heard = heard.then(heard_of(more))
            filled = filled or run.fillers > fillers
            answered = await self._made(run, turn, heard, filled=filled)
        if heard.text and not run.led.words:
            run.before = turn, heard
        return answered, heard

    async def _made(self, run: _Run, turn: Turn, heard: Heard, *, filled: bool) -> Turn:
        """The answer, with a filler when it takes long and there was none yet (rule 6)."""
        dialogue, early = run.conversation, None
        if isinstance(dialogue, Telling) and dialogue.tells_early:
            early = Early()
            thinking = dialogue.hear_aloud(turn.memory, heard, early)
        else:
            thinking = dialogue.hear(turn.memory, heard)
        answer = asyncio.create_task(thinking, name="answer")

        def answered(_: asyncio.Task[Turn]) -> None:
            run.answered_at = self._seconds()

        answer.add_done_callback(answered)
        try:
            filler = _filler(run, turn)
            if filler and not filled:
                said = await run.call.fill(replace(_question(turn), lines=(filler,)), answer, early)
                self._note_filler(run, filler_line(filler, said))
            if early is not None:
                run.led = await run.call.lead(_question(turn), early, answer)
                run.led_at = run.led.first_audio_at
            return await answer
        finally:
            answer.cancel()

    def _note_filler(self, run: _Run, line: Sequence[NewMessage]) -> None:
        """Keep what was heard of it, behind the caller's line and before the answer."""
        run.fillers += len(line)
        run.filled += line

    async def _without_voice(self, run: _Run, turn: Turn) -> Turn:
        """The turn that brings a person when the bot cannot speak (rule 8)."""
        run.mute_turns += 1
        if run.mute_turns > MUTE_TURNS:
            return Turn((), dict(turn.memory), ended=VOICE_FAILED)
        answered = await run.conversation.give_up(turn.memory, VOICE_FAILED)
        # Its words could not be said either.
        return answered if answered.handoff is None else replace(answered, replies=())

    async def _finish(self, run: _Run, turn: Turn) -> tuple[VoiceOutcome | PutThrough | None, Turn]:
        """Say the last words and do what is last; another turn when they could not be said."""
        led, run.led, run.over = run.led, NOT_LED, None
        lines = [reply.spoken for reply in led.rest_of(turn).replies]
        said = await run.call.say(lines, _language(run, turn), _pace(turn))
        said = led.heard_of(turn, said)
        turn = run.conversation.played(turn, said)
        if run.call.leg.closed.is_set():
            await self._left(run, self._begin_save(run, turn, said))
            return VoiceOutcome.CALLER_LEFT, turn
        mute = run.call.trouble is not None and run.call.trouble.failed
        if mute and turn.ended is not None and run.mute_turns < MUTE_TURNS:
            # Nobody is sent away with a tone instead of an answer.
            await self._begin_save(run, turn, said)
            return None, await self._without_voice(run, turn)
        run.call.close()
        await self._begin_save(run, turn, said, final=True)
        if turn.handoff is not None:
            return VoiceOutcome.HANDED_OFF, turn
        if turn.outside is not None:
            return turn.outside, turn
        await run.call.leg.hang_up()
        return VoiceOutcome.ENDED, turn

    async def _left(self, run: _Run, saving: asyncio.Task[None]) -> None:
        with contextlib.suppress(IllegalMove):
            await saving
        await self._records.end(run.interaction.id, EndedBy.CUSTOMER, HUNG_UP)

    # -- what is kept ------------------------------------------------------------

    def _begin_save(
        self,
        run: _Run,
        turn: Turn,
        said: Sequence[str],
        *,
        final: bool = False,
        behind: Sequence[NewMessage] = (),
    ) -> asyncio.Task[None]:
        """One bot turn as the caller heard it, with its times (rules 2 and 5).

        Only a final one hands over or ends: a caller who left gets neither. ``behind`` is
        what was heard after it.
        """
        apology = self._note_trouble(run)
        facts = (*turn.facts, *self._timed(run), *run.fell_back)
        run.fell_back.clear()
        kept = (
            replace(turn, facts=facts)
            if final
            else replace(turn, facts=facts, handoff=None, ended=None)
        )
        lines = [*run.filled, *lines_of(turn.replies, said), *apology, *behind]
        run.filled.clear()
        saving = self._save(run, kept, lines, run.noting)
        return asyncio.create_task(saving, name="voice-save")

    async def _save(
        self,
        run: _Run,
        turn: Turn,
        lines: Sequence[NewMessage],
        earlier: asyncio.Task[None] | None,
    ) -> None:
        if earlier is not None:
            await earlier
        plan = turn.plan
        for _ in range(SAVE_TRIES):
            # Who waits, or is asked at the end, hears the language that was chosen.
            spoken = replace(run.interaction, language=_language(run, turn))
            with contextlib.suppress(Conflict):
                run.interaction = await self._records.save_bot_turn(
                    spoken, turn.kept_memory, lines, plan, turn.ended, turn.facts
                )
                return
            run.interaction, _ = await self._load(run.interaction.id)
        raise Conflict(f"interaction {run.interaction.id} kept changing; tried {SAVE_TRIES} times")

    async def _note_caller(self, run: _Run, heard: Heard, known: str) -> None:
        """One line of the caller, without its beginning when that is ``known`` already."""
        text = heard.digits or heard.text.removeprefix(known).strip()
        if not text:
            return
        meta = {"input": "keys"} if heard.digits else {"confidence": round(heard.confidence, 3)}
        line = NewMessage(Author.CUSTOMER, text, meta=meta)
        await self._records.add_message(run.interaction.id, line)

    def _fell_back(self, run: _Run, asked: Asked) -> SpeechFellBack:
        return SpeechFellBack(
            at=self._clock.now(),
            interaction_id=run.interaction.id,
            heard_by=asked.heard_by or BY_KEYS,
            instead_of=asked.instead_of,
        )

    def _note_trouble(self, run: _Run) -> list[NewMessage]:
        """Keep why not the usual voice spoke; the line that was heard instead, if one was."""
        trouble = run.call.trouble
        if trouble is None:
            return []
        if run.told_voice != (trouble.spoken_by, trouble.instead_of):
            run.told_voice = trouble.spoken_by, trouble.instead_of
            fact = VoiceFellBack(
                at=self._clock.now(),
                interaction_id=run.interaction.id,
                spoken_by=trouble.spoken_by,
                instead_of=trouble.instead_of,
            )
            run.fell_back.append(fact)
        meta = {"prepared": True}
        line = NewMessage(Author.BOT, trouble.apology, author_id=AUTHOR_ID, meta=meta)
        return [line] if trouble.apology else []

    def _timed(self, run: _Run) -> list[Fact]:
        first = run.call.first_audio_at if run.led_at is None else run.led_at
        timing = replace(run.timing, first_audio_at=first)
        run.timing, run.led_at = Timing(), None
        if timing.ended_at is None:
            return []
        fact = times_of(timing, run.interaction.id, self._clock.now())
        self.timed(fact)
        return [fact]


def _question(turn: Turn, filler: str = "") -> Question:
    lines = tuple(reply.spoken for reply in turn.replies)
    protected = frozenset(n for n, reply in enumerate(turn.replies) if reply.protected)
    expect, keys = turn.expectation, turn.max_digits
    return Question(
        lines, expect, keys, _pace(turn), turn.listen, protected, filler, turn.off_record
    )


def _filler(run: _Run, turn: Turn) -> str:
    """The one whose turn it is; empty where the turn has none."""
    return turn.fillers[run.fillers % len(turn.fillers)] if turn.fillers else ""


def _pace(turn: Turn) -> float:
    """How fast the caller wants it; a flow's memory knows."""
    return float(turn.memory.get("pace", NORMAL_PACE))


def _language(run: _Run, turn: Turn) -> str:
    """The conversation's language; a last turn expects nothing and so does not say."""
    return str(turn.memory.get("language") or run.interaction.language)


def _untold(_: TurnTimed) -> None:
    """Nobody wants to know at once."""
