"""Whole conversations with the demo company's flows, on every channel, without a model."""

from __future__ import annotations

import json

import pytest

from bots.conversations import Conversations
from bots.errors import NoSuchFlow
from bots.flow.schema import parse_flow
from bots.spoken.reading import spoken as as_said
from gateway.configuration import named_by
from router.events import QuestionUnanswered
from router.model import Channel
from tests.talking import API, Bench, Talk, demo_flow, interaction_on

DESK = demo_flow("front-desk")


async def test_order_status_by_voice_confirms_the_number_and_tells_status_and_day() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    assert "press one" in talk.words
    assert "six digits" in await talk.say("where is my parcel")
    assert talk.turn.expectation.kind == "order-number"
    assert talk.turn.max_digits == 6
    read_back = await talk.say("four eight two nine one three", 0.7)
    assert read_back == "I have HL-482913. Is that right?"
    assert as_said(read_back, "en") == "I have H L, four eight two, nine one three. Is that right?"
    assert talk.turn.expectation.kind == "yes-no"
    told = await talk.say("yes")
    assert "is on its way" in told
    assert "Wednesday 4 March" in told
    await talk.say("no thank you")
    assert talk.turn.ended == "resolved"


async def test_order_status_with_keys_only() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.press("1")
    assert "is on its way" in await talk.press("482913#")
    await talk.press("2")
    assert talk.turn.ended == "resolved"


async def test_a_number_in_the_first_sentence_is_not_asked_for_again() -> None:
    talk = await Talk.begin(DESK)
    assert "HL-482913 is on its way" in await talk.say("where is my order HL-482913?")


async def test_a_number_alone_asks_for_its_status() -> None:
    talk = await Talk.begin(DESK)
    assert "is on its way" in await talk.say("hl482913")


async def test_given_up_for_a_fault_of_ours_a_person_gets_what_is_known_and_the_reason() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("where is my parcel")
    given_up = await talk.conversation.give_up(talk.turn.memory, "speech-failed")
    assert given_up.replies
    assert given_up.handoff is not None
    assert given_up.handoff.reason == "speech-failed"
    assert given_up.handoff.last_utterance == "where is my parcel"
    assert "speech recognition did not work" in given_up.handoff.summary
    assert given_up.queue == "orders"


async def test_an_unknown_order_is_asked_once_more_then_a_person_looks() -> None:
    bench = Bench()
    talk = await Talk.begin(DESK, bench=bench)
    await talk.say("where is my order")
    assert "HL-555555" in await talk.say("555555")
    await talk.say("666666")
    assert talk.turn.handoff is not None
    assert talk.turn.handoff.reason == "not-found"
    assert talk.turn.queue == "orders"
    assert [url for _, url, _ in bench.actions.calls] == [
        f"{API}/orders/HL-555555",
        f"{API}/orders/HL-666666",
    ]


async def test_a_dead_order_service_brings_a_person() -> None:
    bench = Bench()
    bench.actions.answers[f"{API}/orders/HL-482913"] = None
    talk = await Talk.begin(DESK, bench=bench)
    await talk.say("where is my order HL-482913")
    assert talk.turn.handoff
    assert talk.turn.handoff.reason == "action-failed"
    assert talk.turn.handoff.tried == ("looked up order HL-482913: no answer",)


async def test_an_answer_carries_its_source() -> None:
    talk = await Talk.begin(DESK)
    await talk.say("are you open on Saturday?")
    answer = talk.turn.replies[0]
    assert answer.text == "We answer on Saturdays from 9 to 15."
    assert [citation.article_id for citation in answer.citations] == ["opening-hours"]


async def test_an_unknown_question_is_admitted_recorded_and_at_last_given_to_a_person() -> None:
    talk = await Talk.begin(DESK)
    assert "do not have a reliable answer" in await talk.say("can you sing xylophone tunes?")
    fact = talk.turn.facts[0]
    assert isinstance(fact, QuestionUnanswered)
    assert fact.question == "can you sing xylophone tunes?"
    await talk.say("xylophone zebra quartz?")
    assert talk.turn.handoff
    assert talk.turn.handoff.reason == "no-answer"


@pytest.mark.parametrize(
    "words", ["agent", "operator", "human", "I want to speak to a person", "人工", "darbinieks"]
)
@pytest.mark.parametrize("before", [(), ("where is my order",), ("are you open?",)])
async def test_a_person_is_never_refused(words: str, before: tuple[str, ...]) -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    for text in before:
        await talk.say(text)
    assert await talk.say(words)
    assert talk.turn.handoff
    assert talk.turn.handoff.reason == "asked-for-person"


async def test_the_queue_follows_the_matter() -> None:
    talk = await Talk.begin(DESK)
    await talk.say("why is my bill so high")
    await talk.say("agent")
    assert talk.turn.queue == "billing"
    assert talk.turn.handoff
    assert talk.turn.handoff.intent == "bill_question"
    straight = await Talk.begin(DESK)
    await straight.say("agent")
    assert straight.turn.queue == "orders"


async def test_zero_reaches_a_person_from_every_question_by_phone() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.press("2")
    await talk.press("0")
    assert talk.turn.handoff
    assert talk.turn.queue == "billing"


async def test_a_smell_of_gas_gets_the_safety_rules_and_the_technical_team() -> None:
    talk = await Talk.begin(DESK, Channel.SMS)
    assert "112" in await talk.say("I smell gas")
    assert talk.turn.queue == "technical"


async def test_did_it_help_no_offers_a_person_and_takes_a_yes() -> None:
    talk = await Talk.begin(DESK)
    await talk.say("why is my bill so high?")
    assert "colleague" in await talk.say("no")
    await talk.say("yes please")
    assert talk.turn.handoff


async def test_silences_on_the_phone_lead_over_the_keys_to_a_person() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    first, second, by_keys = await talk.silent(), await talk.silent(), await talk.silent()
    assert len({first, second, by_keys}) == 3
    assert "keys" in by_keys
    assert "press one for your order" in by_keys
    await talk.silent()
    assert talk.turn.handoff
    assert talk.turn.handoff.reason == "no-input"


async def test_repeat_says_the_same_again() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    said = await talk.say("where is my order")
    assert await talk.say("can you repeat that please") == said
    assert talk.turn.expectation.kind == "order-number"


async def test_the_conversation_follows_the_customers_language() -> None:
    talk = await Talk.begin(DESK)
    assert "订单号" in await talk.say("我的包裹在哪里")
    assert "正在运输途中" in await talk.say("HL-482913")
    await talk.say("没有了，谢谢")
    assert talk.turn.ended == "resolved"


async def test_latvian_from_the_first_line() -> None:
    talk = await Talk.begin(DESK, language="lv")
    assert talk.words.startswith("Labdien")
    assert "numurs" in await talk.say("kur ir mana paka")
    assert "ir ceļā" in await talk.say("HL-482913")


async def test_another_guess_of_the_recogniser_may_hold_the_number() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    await talk.say("where is my order")
    said = await talk.say("for ate to nine", 0.4, "four eight two nine one three")
    assert "HL-482913" in said
    slot = talk.turn.memory["slots"]["order_number"]
    assert slot["confidence"] < 0.4


async def test_memory_survives_json_between_any_two_turns() -> None:
    talk = await Talk.begin(DESK, Channel.VOICE)
    for text in ("where is my parcel", "four eight two nine one three", "yes"):
        talk.turn.memory.update(json.loads(json.dumps(talk.turn.memory)))
        await talk.say(text)
    assert "is on its way" in talk.words


async def test_nothing_is_said_after_the_hand_over() -> None:
    talk = await Talk.begin(DESK)
    await talk.say("agent")
    assert await talk.say("hello?") == ""
    assert talk.turn.handoff is None


# ---- campaigns ---------------------------------------------------------------

VISIT = {"name": "Ilze", "appointment": "boiler service", "date": "2026-03-05", "time": "8 to 12"}


@pytest.mark.parametrize(
    ("words", "keys", "decision"),
    [("yes I confirm", "1", "confirm"), ("no I cannot come", "3", "cancel")],
)
async def test_a_reminder_is_answered_by_speech_or_key(
    words: str, keys: str, decision: str
) -> None:
    flow = demo_flow("reminder")
    for spoken in (True, False):
        talk = await Talk.begin(flow, Channel.VOICE, name="Ilze", fields=VISIT)
        assert "boiler service on Thursday 5 March, 8 to 12" in talk.words
        await (talk.say(words) if spoken else talk.press(keys))
        assert talk.turn.ended
        assert talk.turn.memory["answers"] == {"decision": decision}


async def test_a_reminder_moved_goes_to_a_person_with_the_wish() -> None:
    talk = await Talk.begin(demo_flow("reminder"), Channel.SMS, name="Ilze", fields=VISIT)
    await talk.say("I need another day")
    assert talk.turn.queue == "technical"
    assert talk.turn.handoff
    assert "Decision move" in talk.turn.handoff.summary


async def test_a_reminder_to_the_wrong_person_ends_as_declined() -> None:
    talk = await Talk.begin(demo_flow("reminder"), Channel.VOICE, fields=VISIT)
    await talk.say("you have the wrong number")
    assert talk.turn.ended == "declined"


async def test_a_reminder_to_an_empty_room_ends_without_a_person() -> None:
    talk = await Talk.begin(demo_flow("reminder"), Channel.VOICE, fields=VISIT)
    for _ in range(3):
        await talk.silent()
    assert talk.turn.ended == "no-input"


async def test_a_survey_takes_a_score_and_a_comment() -> None:
    talk = await Talk.begin(demo_flow("survey"), Channel.VOICE, name="Ilze")
    assert talk.turn.max_digits == 1
    await talk.say("two")
    await talk.say("answer the phone faster")
    assert talk.turn.ended == "answered"
    assert talk.turn.memory["answers"] == {"score": "2", "comment": "answer the phone faster"}


async def test_a_survey_needs_no_comment_and_no_score_above_five() -> None:
    talk = await Talk.begin(demo_flow("survey"), Channel.SMS)
    assert "1 to 5" in await talk.say("nine")
    await talk.press("5")
    await talk.say("no")
    assert talk.turn.memory["answers"] == {"score": "5"}


# ---- which flow -------------------------------------------------------------


def test_the_channel_the_campaign_or_the_memory_names_the_flow() -> None:
    bench = Bench()
    all_flows = Conversations(
        [bench.conversation(demo_flow(name)) for name in ("front-desk", "reminder")],
        {Channel.CHAT: "front-desk"},
    )
    assert all_flows.of(interaction_on(Channel.CHAT)).flow.name == "front-desk"
    with pytest.raises(NoSuchFlow, match="front-desk, reminder"):
        all_flows.of(interaction_on(Channel.SMS))


TWO_TEAMS = """\
flow: two
start: which
languages: [en]
steps:
  which:
    ask: {en: "Which team?"}
    dtmf: {"1": either, "2": chosen, "3": plain}
    otherwise: plain
  either:
    handoff: asked
    queue: [orders, billing]
  chosen:
    set: {queue: "technical,  orders, technical"}
    next: plain
  plain:
    handoff: asked
"""


@pytest.mark.parametrize(
    ("key", "queues"),
    [("1", ("orders", "billing")), ("2", ("technical", "orders")), ("3", ("",))],
)
async def test_hand_off_names_one_queue_or_several_or_leaves_it_to_the_company(
    key: str, queues: tuple[str, ...]
) -> None:
    flow = parse_flow(TWO_TEAMS)
    assert named_by([flow])["two"].queues == {"orders", "billing", "technical"}
    talk = await Talk.begin(flow, Channel.VOICE)
    assert talk.turn.plan is None
    await talk.press(key)
    plan = talk.turn.plan
    assert plan is not None
    assert (plan.queue, *plan.also) == queues
    assert plan.packet is talk.turn.handoff


FIND_A_CARD = """\
flow: card
start: notice
steps:
  notice: {say: This call is recorded., next: card, protected: true}
  card:
    ask: Please find your card. What is its number?
    slot: number
    next: mail
    turn: silence-expected
    no_input: ["What does it say below the name?"]
  mail: {ask: "And your e-mail address?", slot: mail, next: bye}
  bye: {end: done, text: Goodbye.}
slots:
  number: {type: digits, length: 4}
  mail: {type: email, confirm: voice}
"""


async def test_notice_is_protected_and_silence_is_expected_where_the_flow_says_so() -> None:
    talk = await Talk.begin(parse_flow(FIND_A_CARD), Channel.VOICE)
    assert [reply.protected for reply in talk.turn.replies] == [True, False]
    assert talk.turn.listen == "silence-expected"
    assert talk.turn.expectation.kind == "digits"
    assert await talk.silent() == "No hurry, I am still here."
    assert talk.turn.listen == "silence-expected"
    assert await talk.silent() == "No hurry, I am still here."
    assert await talk.silent() == "What does it say below the name?"
    assert await talk.say("repeat") == "What does it say below the name?"


async def test_address_is_asked_for_read_back_and_kept_as_it_is_written() -> None:
    talk = await Talk.begin(parse_flow(FIND_A_CARD), Channel.VOICE)
    await talk.say("four eight two one")
    assert talk.turn.expectation.kind == "email"
    assert talk.turn.listen == ""
    assert "ann.lee@example.com" in await talk.say("ann dot lee at example dot com")
    assert talk.turn.expectation.kind == "yes-no"
    assert await talk.say("yes") == "Goodbye."
    assert talk.turn.memory["slots"]["mail"]["value"] == "ann.lee@example.com"
