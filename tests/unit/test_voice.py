"""Whole spoken conversations on virtual time (lessons.md 13 to 20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from bots.call import MOST_FAILURES, Call, Question
from bots.conversation import Reply, Turn
from bots.detect import SpeechDetector
from bots.engines.choice import Engines
from bots.flow.outcome import PutThrough
from bots.ports import Expectation, Partial
from bots.speech import Prompts
from bots.voice import VoiceBot, VoiceOutcome
from router.events import TurnTimed
from router.model import Customer, EndedBy, Handoff
from tests.scripted import (
    SILENCE,
    SPEECH,
    ScriptedClock,
    ScriptedDialogue,
    ScriptedLeg,
    ScriptedRecords,
    ScriptedTranscriber,
    ScriptedVoice,
    settle,
    voice_interaction,
)

GREETING = "Welcome to Harbourline. How can I help you today?"
ANSWER = "Your parcel is on the van. It comes this afternoon. Is there anything else?"


def asks(text: str, kind: str = "open", max_digits: int = 0, **memory: str) -> Turn:
    return Turn(
        (Reply(text, text, question=True),),
        {"language": "en", **memory},
        expectation=Expectation(kind),
        max_digits=max_digits,
    )


def ends(text: str, reason: str = "done") -> Turn:
    return Turn((Reply(text, text),), {"language": "en"}, ended=reason)


def hands_off(text: str) -> Turn:
    packet = Handoff(reason="asked", summary="wants a person")
    return Turn((Reply(text, text),), {"language": "en"}, handoff=packet, queue="orders")


@dataclass
class Phone:
    """A caller on virtual time and all that answers."""

    turns: list[Turn]
    leg: ScriptedLeg = field(default_factory=ScriptedLeg)
    hears: ScriptedTranscriber = field(default_factory=ScriptedTranscriber)
    voice: ScriptedVoice = field(default_factory=ScriptedVoice)
    records: ScriptedRecords = field(
        default_factory=lambda: ScriptedRecords(voice_interaction(), Customer("c1", "Anna"))
    )

    def __post_init__(self) -> None:
        self.dialogue = ScriptedDialogue(self.turns)
        self.engines = Engines(self.hears, self.voice)
        self.bot = VoiceBot(
            self.dialogue,
            self.engines,
            self.records,
            self.records.load,
            ScriptedClock(self.leg),
            self.leg.seconds,
        )
        self.outcome: asyncio.Task[VoiceOutcome | PutThrough] | None = None

    async def start(self) -> None:
        self.outcome = asyncio.create_task(self.bot.run(self.leg, self.records.interaction))
        await settle()

    async def silent(self, seconds: float) -> None:
        await self.leg.run_for(seconds, SILENCE)

    async def says(self, text: str, seconds: float = 1.0, then_silent: float = 0.8) -> None:
        if text:
            self.hears.script.append(text)
        await self.leg.run_for(seconds, SPEECH)
        await self.silent(then_silent)

    async def until_bot_is_silent(self, limit: float = 30.0) -> None:
        for _ in range(round(limit / 0.02)):
            await self.leg.tick()
            last = [sound for _, sound in self.leg.sent[-30:]]
            if any(last) and not any(last[-5:]):
                return
        raise AssertionError(f"the bot said nothing, or still speaks after {limit} s")


Begin = Callable[..., Awaitable[Phone]]


@pytest.fixture
async def call() -> AsyncIterator[Begin]:
    phones: list[Phone] = []

    async def begin(*turns: Turn) -> Phone:
        phone = Phone(list(turns))
        phones.append(phone)
        await phone.start()
        return phone

    yield begin
    for phone in phones:
        assert phone.outcome is not None
        phone.leg.end(16)
        await phone.outcome


async def test_question_answered_then_ended_transcript_is_in_order(call: Begin) -> None:
    phone = await call(asks(GREETING), ends("Thank you, goodbye."))
    await phone.until_bot_is_silent()
    await phone.says("where is my parcel")
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.ENDED
    assert phone.records.transcript == [
        f"bot: {GREETING}",
        "customer: where is my parcel",
        "bot: Thank you, goodbye.",
    ]
    assert phone.records.ended == (EndedBy.BOT, "done")
    assert phone.leg.closed.is_set()


async def test_end_of_speech_to_first_audio_is_the_silence_and_little_more(call: Begin) -> None:
    phone = await call(asks(GREETING), asks(ANSWER), ends("Bye now."))
    await phone.until_bot_is_silent()
    await phone.says("where is my parcel", then_silent=0)
    stopped = phone.leg.now
    await phone.silent(1.0)
    first = next(at for at, sound in phone.leg.sent if at >= stopped and sound)
    assert 0.53 <= first - stopped <= 0.63
    await phone.until_bot_is_silent()
    await phone.says("no that is all")
    await phone.until_bot_is_silent()
    timed = [fact for fact in phone.records.facts if isinstance(fact, TurnTimed)]
    assert timed[0].total_ms == pytest.approx((first - stopped) * 1000, abs=41)
    assert timed[0].endpoint_ms == pytest.approx(550, abs=21)
    assert timed[0].recognition_ms == 0
    assert timed[0].understanding_ms == 0


async def test_interrupted_bot_stops_within_60_ms_and_transcript_keeps_what_was_heard(
    call: Begin,
) -> None:
    phone = await call(asks(ANSWER), ends("Goodbye."))
    await phone.silent(2.5)
    began = phone.leg.now
    await phone.says("I want to speak to a person", seconds=1.2)
    last_sound = max(at for at, sound in phone.leg.sent if sound and at < began + 1)
    assert 0.3 <= last_sound - began <= 0.35 + 0.06
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    first, second, *_ = phone.records.lines
    assert first.text == "Your parcel is on the van. It comes this afternoon. Is —"
    assert first.meta == {"interrupted": True}
    assert second.text == "I want to speak to a person"


async def test_words_spoken_over_the_prompt_are_recognised_from_their_first_sound(
    call: Begin,
) -> None:
    phone = await call(asks(ANSWER), ends("Goodbye."))
    await phone.silent(1.0)
    await phone.says("agent", seconds=0.8)
    (recognition,) = phone.hears.finished
    assert recognition.fed_ms >= 800 + 560


async def test_cough_over_the_prompt_does_not_stop_it(call: Begin) -> None:
    phone = await call(asks(ANSWER), ends("Goodbye."))
    await phone.silent(1.0)
    await phone.says("", seconds=0.2, then_silent=0.6)
    assert all(sound for at, sound in phone.leg.sent if at > 0.1)
    assert [recognition.cancelled for recognition in phone.hears.opened] == [True]


async def test_backchannel_stops_the_prompt_only_briefly_and_nothing_is_lost(call: Begin) -> None:
    phone = await call(asks(ANSWER), ends("Goodbye."))
    await phone.silent(1.0)
    await phone.says("okay", seconds=0.5, then_silent=0.7)
    await phone.until_bot_is_silent()
    await phone.says("no thank you")
    await phone.until_bot_is_silent()
    assert [heard.text for heard in phone.dialogue.heard] == ["no thank you"]
    assert phone.records.transcript[0] == f"bot: {ANSWER}"


async def test_caller_who_hangs_up_while_words_are_recognised_starts_nothing(call: Begin) -> None:
    phone = await call(asks("How can I help?"), ends("Cancelled."))
    await phone.until_bot_is_silent()
    phone.hears.slow = asyncio.Event()
    await phone.says("cancel my order", seconds=1.0, then_silent=1.0)
    await phone.leg.hang_up()
    assert [recognition.cancelled for recognition in phone.hears.finished] == [True]
    assert phone.dialogue.heard == []
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.CALLER_LEFT


async def test_call_goes_on_when_the_detection_of_speech_dies(
    call: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await call(asks("How can I help?"), ends("Goodbye."))
    await phone.until_bot_is_silent()
    detect, dying = SpeechDetector.frame, [True]

    def dies_once(self: SpeechDetector, pcm: bytes, ours: bytes = b"") -> bool:
        if dying and dying.pop():
            raise ZeroDivisionError
        return detect(self, pcm, ours)

    monkeypatch.setattr(SpeechDetector, "frame", dies_once)
    await phone.says("no thank you", seconds=1.0)
    assert dying == []
    assert [heard.text for heard in phone.dialogue.heard] == ["no thank you"]


class DyingActivity:
    """A network that fails whenever it is asked."""

    def __init__(self) -> None:
        self.opened = 0

    def open(self, sample_rate: int) -> DyingActivity:
        self.opened += 1
        return self

    def skip(self, pcm: bytes) -> None:
        pass

    def hear(self, pcm: bytes) -> float:
        raise RuntimeError("out of memory")


async def test_network_that_fails_again_and_again_leaves_the_call_to_the_gate(
    caplog: pytest.LogCaptureFixture,
) -> None:
    leg, hears, dying = ScriptedLeg(), ScriptedTranscriber(), DyingActivity()
    hears.script.append("no thank you")
    call = Call(leg, hears, Prompts(ScriptedVoice()), leg.seconds, dying)
    asking = asyncio.create_task(call.ask(Question(())))
    await leg.run_for(0.5, SILENCE)
    await leg.run_for(1.0, SPEECH)
    await leg.run_for(0.8, SILENCE)
    asked = await asking
    assert asked.heard is not None
    assert asked.heard.text == "no thank you"
    assert dying.opened == MOST_FAILURES
    assert len([one for one in caplog.records if "a new one begins" in one.message]) == dying.opened
    call.close()


async def test_short_no_over_a_yes_no_question_stops_it(call: Begin) -> None:
    phone = await call(asks("Is that right? I can also look for another one.", "yes-no"), ends("."))
    await phone.silent(1.0)
    await phone.says("no", seconds=0.24, then_silent=0.6)
    assert [heard.text for heard in phone.dialogue.heard] == ["no"]


async def test_yes_over_a_yes_no_question_is_the_answer(call: Begin) -> None:
    phone = await call(asks("Is that right? I can also look for another one.", "yes-no"), ends("."))
    await phone.silent(1.0)
    await phone.says("yeah", seconds=0.5)
    assert [heard.text for heard in phone.dialogue.heard] == ["yeah"]


def notice_then_question() -> Turn:
    notice = "This call is recorded. You can object at any time."
    question = "Shall we begin? I can also call you back later if you like."
    turn = asks(question, "yes-no", 1)
    return replace(turn, replies=(Reply(notice, notice, protected=True), *turn.replies))


async def test_legal_notice_is_said_to_its_end_and_the_question_behind_it_can_be_stopped(
    call: Begin,
) -> None:
    phone = await call(notice_then_question(), ends("Goodbye."))
    await phone.silent(0.5)
    await phone.says("yes yes go on", seconds=0.8, then_silent=1.4)
    assert phone.dialogue.heard == []
    assert all(sound for at, sound in phone.leg.sent if at > 0.1)
    phone.hears.script = ["yes"]
    await phone.says("", seconds=0.5)
    assert [heard.text for heard in phone.dialogue.heard] == ["yes"]
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.records.transcript[0] == "bot: This call is recorded. You can object at any time."
    assert phone.records.transcript[1].endswith("—")


async def test_key_types_over_the_legal_notice_and_the_transcript_shows_what_was_heard(
    call: Begin,
) -> None:
    phone = await call(notice_then_question(), ends("Goodbye."))
    await phone.silent(0.6)
    phone.leg.key("1")
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.records.transcript[:2] == ["bot: This call is —", "customer: 1"]


async def test_question_may_be_listened_to_in_another_way_than_its_kind(call: Begin) -> None:
    turn = replace(asks("Take your time to find your card."), listen="silence-expected")
    phone = await call(turn, ends("Goodbye."))
    await phone.until_bot_is_silent()
    await phone.silent(19.5)
    assert phone.dialogue.heard == []
    await phone.says("I have it", then_silent=0.9)
    assert [heard.text for heard in phone.dialogue.heard] == ["I have it"]


async def test_yeah_alone_is_an_answer_at_once(call: Begin) -> None:
    """lessons.md 15."""
    phone = await call(asks("How can I help?"), ends("Goodbye."))
    await phone.until_bot_is_silent()
    await phone.says("yeah", seconds=0.3, then_silent=0.6)
    assert [heard.text for heard in phone.dialogue.heard] == ["yeah"]


@pytest.mark.parametrize(
    ("kind", "first", "whole"),
    [
        ("email", "ann dot lee at", "ann dot lee at example dot com"),
        ("spelling", "smith s m", "smith s m i t h"),
        ("amount", "twelve", "twelve euros fifty"),
        ("date", "on the third of", "on march 3"),
    ],
)
async def test_pause_cuts_off_no_address_name_amount_or_date(
    call: Begin, kind: str, first: str, whole: str
) -> None:
    """lessons.md 15: a pause of 0.7 s in it goes on; at its end the turn is over after 0.6 s."""
    phone = await call(asks("Yes?", kind), ends("Goodbye."))
    await phone.until_bot_is_silent()
    phone.hears.partial = Partial(first)
    await phone.says("", seconds=1.0, then_silent=0.7)
    assert phone.dialogue.heard == []
    phone.hears.partial = Partial(whole)
    await phone.says(whole, seconds=1.0, then_silent=0.64)
    assert [heard.text for heard in phone.dialogue.heard] == [whole]


async def test_key_stops_the_prompt_at_once_and_counts(call: Begin) -> None:
    phone = await call(asks("Press one for orders, two for bills.", "choice", 1), ends("Goodbye."))
    await phone.silent(0.5)
    phone.leg.key("2")
    pressed = phone.leg.now
    await phone.silent(0.1)
    assert phone.dialogue.heard[0].digits == "2"
    bye = [at for at, sound in phone.leg.sent if sound and pressed <= at]
    assert bye, "the next prompt begins"
    await phone.until_bot_is_silent()
    assert phone.records.transcript[0].endswith("—")
    assert phone.records.transcript[1] == "customer: 2"


async def test_order_number_by_keys_is_whole_at_six_at_hash_or_after_two_seconds(
    call: Begin,
) -> None:
    number = asks("Your order number?", "order-number", 6)
    phone = await call(number, number, number, ends("Goodbye."))
    await phone.silent(0.2)
    for digit in "482913":
        phone.leg.key(digit)
        await phone.silent(0.3)
    await phone.silent(0.2)
    for digit in "77#":
        phone.leg.key(digit)
        await phone.silent(0.3)
    phone.leg.key("0")
    await phone.silent(1.9)
    assert [heard.digits for heard in phone.dialogue.heard] == ["482913", "77"]
    await phone.silent(0.3)
    assert [heard.digits for heard in phone.dialogue.heard] == ["482913", "77", "0"]


async def test_keys_typed_ahead_skip_the_next_prompts(call: Begin) -> None:
    phone = await call(
        asks("Press a key.", "choice", 1), asks("And again.", "choice", 1), ends(".")
    )
    await phone.silent(0.2)
    phone.leg.key("1")
    phone.leg.key("3")
    await phone.silent(0.2)
    assert [heard.digits for heard in phone.dialogue.heard] == ["1", "3"]


async def test_key_pressed_before_the_bot_has_said_anything_counts() -> None:
    phone = Phone([asks("Press one for orders.", "choice", 1), ends("Goodbye.")])
    phone.dialogue.ready = asyncio.Event()
    await phone.start()
    await phone.silent(1.0)
    phone.leg.key("1")
    await phone.silent(1.0)
    phone.dialogue.ready.set()
    await phone.until_bot_is_silent()
    assert [heard.digits for heard in phone.dialogue.heard] == ["1"]
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.ENDED


async def test_silence_is_noticed_five_seconds_after_the_prompt(call: Begin) -> None:
    phone = await call(asks("Hello?"), asks("Are you there?"), ends("."))
    await phone.until_bot_is_silent()
    await phone.silent(4.8)
    assert phone.dialogue.heard == []
    await phone.silent(0.2)
    assert [(heard.text, heard.digits) for heard in phone.dialogue.heard] == [("", "")]


async def test_digits_with_a_pause_are_one_turn_and_end_early_when_complete(call: Begin) -> None:
    phone = await call(asks("Your order number?", "order-number", 6), ends("Goodbye."))
    await phone.until_bot_is_silent()
    await phone.says("", seconds=1.0, then_silent=1.1)
    phone.hears.partial = Partial("four eight two nine one three")
    await phone.says("four eight two nine one three", seconds=1.0, then_silent=0.4)
    assert phone.dialogue.heard == []
    await phone.silent(0.2)
    assert [heard.text for heard in phone.dialogue.heard] == ["four eight two nine one three"]


@pytest.mark.parametrize(
    ("partial", "ends_after_s"),
    [
        (Partial("where is my order", ending=0.3), 0.35),
        (Partial("where is my", ending=0.02), 0.55),
        (Partial(), 0.55),
    ],
)
async def test_open_answer_ends_sooner_where_a_sentence_can_end(
    call: Begin, partial: Partial, ends_after_s: float
) -> None:
    phone = await call(asks("How can I help?"), ends("Goodbye."))
    await phone.until_bot_is_silent()
    phone.hears.partial = partial
    await phone.says("where is my order", seconds=1.0, then_silent=ends_after_s - 0.04)
    assert phone.dialogue.heard == []
    await phone.silent(0.06)
    assert [heard.text for heard in phone.dialogue.heard] == ["where is my order"]


async def test_speech_without_words_is_a_no_match_and_a_click_is_nothing(call: Begin) -> None:
    phone = await call(asks("Hello?"), asks("Sorry?"), ends("."))
    await phone.until_bot_is_silent()
    await phone.says("", seconds=0.16, then_silent=1.0)
    assert phone.dialogue.heard == []
    await phone.says("", seconds=0.8, then_silent=1.0)
    assert [(heard.text, heard.confidence) for heard in phone.dialogue.heard] == [("[unclear]", 0)]


async def test_bot_does_not_interrupt_itself_by_its_own_echo(call: Begin) -> None:
    phone = await call(asks(ANSWER), ends("."))
    delay: list[bytes] = [SILENCE] * 6

    def echo(out: bytes | None) -> bytes:
        delay.append(out or SILENCE)
        samples = memoryview(delay.pop(0)).cast("h")
        return b"".join(int(s * 0.12).to_bytes(2, "little", signed=True) for s in samples)

    phone.leg.echo = echo
    await phone.until_bot_is_silent()
    assert phone.hears.opened == []


async def test_caller_who_hangs_up_ends_it_and_frees_recognition(call: Begin) -> None:
    phone = await call(asks(ANSWER), ends("."))
    await phone.silent(0.3)
    await phone.leg.run_for(0.2, SPEECH)
    await phone.leg.hang_up()
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.CALLER_LEFT
    assert phone.records.ended == (EndedBy.CUSTOMER, "caller hung up")
    assert all(recognition.cancelled for recognition in phone.hears.opened)
    assert phone.records.transcript == ["bot: Your —"]


async def test_hand_over_is_spoken_before_it_is_saved_and_nothing_after(call: Begin) -> None:
    phone = await call(asks("Hello?"), hands_off("I am getting you a person."))
    await phone.until_bot_is_silent()
    await phone.says("agent please")
    assert phone.records.handoff is None
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert phone.outcome is not None
    assert await phone.outcome is VoiceOutcome.HANDED_OFF
    assert phone.records.handoff is not None
    assert phone.records.handoff.queue == "orders"
    before = len(phone.hears.opened)
    await phone.says("hello?", seconds=2)
    assert not any(sound for _, sound in phone.leg.sent[-130:])
    assert len(phone.hears.opened) == before
    assert not phone.leg.closed.is_set()


async def test_changed_interaction_is_loaded_again_and_saved(call: Begin) -> None:
    phone = await call(asks("Hello?"), ends("Goodbye."))
    phone.records.conflicts = 2
    await phone.until_bot_is_silent()
    await phone.says("hello")
    await phone.until_bot_is_silent()
    assert phone.records.transcript[:2] == ["bot: Hello?", "customer: hello"]


async def test_frequent_prompt_is_synthesised_once(call: Begin) -> None:
    again = asks("Say that again.")
    phone = await call(again, again, again, ends("."))
    for _ in range(2):
        await phone.until_bot_is_silent()
        await phone.says("hm what")
    assert phone.voice.made.count("Say that again.") == 1


async def test_survey_takes_a_key_records_it_and_hangs_up() -> None:
    phone = Phone([])
    survey = asyncio.create_task(phone.bot.survey(phone.leg, phone.records.interaction))
    await settle()
    await phone.silent(1.0)
    phone.leg.key("7")
    await phone.silent(0.5)
    phone.leg.key("5")
    await phone.until_bot_is_silent()
    await phone.silent(0.1)
    assert await asyncio.wait_for(survey, 1) == 5
    assert phone.records.scores == [5]
    assert phone.leg.closed.is_set()


async def test_many_calls_leave_nothing_behind(call: Begin) -> None:
    before = len(asyncio.all_tasks())
    for _ in range(20):
        phone = Phone([asks(ANSWER)])
        await phone.start()
        await phone.leg.run_for(0.2, SPEECH)
        await phone.leg.hang_up()
        assert phone.outcome is not None
        await phone.outcome
    await settle()
    assert len(asyncio.all_tasks()) <= before


async def test_language_of_the_conversation_is_expected(call: Begin) -> None:
    turn = replace(asks("Labdien!"), expectation=Expectation("open", (), "lv"))
    phone = await call(turn, ends("."))
    await phone.until_bot_is_silent()
    await phone.says("labdien")
    assert phone.hears.opened[0].expect.language == "lv"
