"""No person comes: what a flow lets its customer choose, and what is made of the choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bots.errors import BadFlow
from bots.flow.model import Flow
from bots.flow.schema import parse_flow
from router.acts.nobody import Nobody
from router.model import Channel, Customer, Identity, IdentityKind
from router.rules import Way, When
from tests.talking import NOW, Bench, Talk, interaction_on

DESK = """
flow: desk
start: help
languages: [en, zh, lv]
queue: orders
{nobody}
slots:
  phone: {{type: phone, country: LV}}
  order: {{type: order-number, prefix: HL, length: 6}}
steps:
  help: {{ask: "How can I help?", otherwise: person, routes: {{"no": with_order}}}}
  with_order: {{ask: "Which order?", slot: order, next: person}}
  person: {{handoff: no-answer, queue: billing, skills: {{lv: 2}}{own}}}
"""


def desk(nobody: str = "nobody: {}", own: str = "") -> Flow:
    return parse_flow(DESK.format(nobody=nobody, own=own))


FLOW = desk()


async def handed(
    flow: Flow = FLOW, channel: Channel = Channel.CHAT, words: str = "why?", language: str = "en"
) -> Talk:
    """The flow gives the customer away."""
    talk = await Talk.begin(flow, channel, language=language)
    await talk.say(words)
    assert talk.turn.plan
    return talk


async def back(talk: Talk, why: str = "waited", *known: IdentityKind) -> Talk:
    """Nobody took it: the bot has the first word again."""
    plan = talk.turn.plan
    assert plan
    memory = talk.turn.memory
    item = interaction_on(Channel(memory["channel"]), memory["language"])
    item = replace(item, joined_at=NOW, bot_state=memory, handoff=plan.packet)
    customer = Customer("c1", "Ann", identities=tuple(Identity(kind, "x") for kind in known))
    item = replace(item, meta=Nobody.found(item, customer, why).on(item))
    conversation = Bench().conversation(talk.conversation.flow)
    return Talk(conversation, await conversation.begin(item))


async def test_a_hand_over_brings_rules_that_lead_back_to_the_flow() -> None:
    spoken, written = await handed(channel=Channel.VOICE), await handed()
    for talk, after_s in ((spoken, 90), (written, 120)):
        rules = talk.turn.plan.rules if talk.turn.plan else ()
        assert [(rule.when, rule.action.way, rule.over_s) for rule in rules] == [
            (When.CLOSED, Way.BOT, 0),
            (When.UNSTAFFED, Way.BOT, 0),
            (When.WAITED, Way.BOT, after_s),
        ]


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_who_writes_a_letter_is_asked_only_where_the_flow_says_when(channel: Channel) -> None:
    assert (await handed(channel=channel)).turn.rules == ()
    hour = desk(f"nobody: {{after_s: {{{channel}: 3600}}}}")
    assert (await handed(hour, channel)).turn.rules[-1].over_s == 3600


@pytest.mark.parametrize(
    ("language", "why", "words"),
    [
        ("en", "waited", "All colleagues are still busy. What would you like? 1 – a call back;"),
        ("en", "unstaffed", "No colleague is here just now. What would you like?"),
        ("zh", "closed", "目前没有同事在线。 您希望怎样？"),
        ("lv", "waited", "Visi kolēģi vēl ir aizņemti. Ko jūs vēlaties? 1 – atzvanīšana;"),
    ],
)
async def test_the_customer_is_told_how_things_stand_and_asked(
    language: str, why: str, words: str
) -> None:
    talk = await back(await handed(language=language), why)
    assert talk.words.startswith(words)


@pytest.mark.parametrize("words", ["3", "keep waiting", "I will wait", "wait"])
async def test_who_waits_on_goes_to_the_same_people_and_is_not_asked_again(words: str) -> None:
    talk = await back(await handed())
    assert (await talk.say(words)).startswith("All right. You keep your place")
    plan = talk.turn.plan
    assert plan is not None
    assert (plan.queue, plan.skills, plan.packet.reason) == ("billing", {"lv": 2}, "no-answer")
    assert plan.rules == ()
    assert plan.packet.tried == (
        "no colleague came (waited): asked what the customer would rather",
    )


async def test_on_a_call_the_place_is_kept_for_the_call_back() -> None:
    talk = await back(await handed(channel=Channel.VOICE), "waited", IdentityKind.PHONE)
    assert "say “call me back” or press one" in talk.words
    assert await talk.press("1") == "All right."
    [rule] = talk.turn.rules
    assert (rule.when, rule.over_s, rule.action.way) == (When.WAITED, 0, Way.CALLBACK)
    assert rule.action.reach == ""


async def test_on_a_call_a_message_is_spoken() -> None:
    talk = await back(await handed(channel=Channel.VOICE))
    await talk.say("leave a message")
    [rule] = talk.turn.rules
    assert rule.action.way is Way.VOICEMAIL


async def test_in_writing_the_address_is_asked_for_and_the_message() -> None:
    talk = await back(await handed())
    assert await talk.say("2") == "Which e-mail address shall we answer to?"
    assert (await talk.say("ann@example.com")).startswith("What should my colleague know?")
    assert await talk.say("My bill is wrong") == (
        "Thank you. A colleague answers you by e-mail. Goodbye."
    )
    [rule] = talk.turn.rules
    assert (rule.action.way, rule.action.reach) == (Way.EMAIL, "ann@example.com")


async def test_what_the_record_knows_is_not_asked_for() -> None:
    talk = await back(await handed(), "waited", IdentityKind.EMAIL)
    assert (await talk.say("2")).startswith("What should my colleague know?")


async def test_without_a_number_it_is_asked_for_and_a_refusal_is_told() -> None:
    talk = await back(await handed())
    assert await talk.say("a call back") == "Which number shall we call?"
    told = await talk.say("+371 26 123 456")  # this bench has no house that could promise
    assert told.startswith("I cannot note a call to that number just now. | All right. You keep")


async def test_a_number_that_a_slot_holds_is_not_asked_for() -> None:
    talk = await handed()
    talk.turn.memory["slots"]["phone"] = {
        "value": "+37126123456",
        "confidence": 1.0,
        "confirmed": True,
    }
    again = await back(talk)
    assert (await again.say("1")).startswith("I cannot note a call")


async def test_one_hand_over_may_have_a_step_of_its_own_or_none() -> None:
    own = desk(own=", nobody: with_order")
    talk = await back(await handed(own))
    assert talk.words == "Which order?"
    assert (await handed(desk(own=", nobody: false"))).turn.rules == ()
    assert (await handed(desk(nobody=""))).turn.rules == ()


async def test_only_what_is_offered_can_be_chosen_and_keys_follow_the_order() -> None:
    talk = await back(await handed(desk("nobody: {offer: [message, wait]}"), Channel.VOICE))
    assert "call me back" not in talk.words
    assert "“message” or press one" in talk.words
    await talk.press("2")
    assert talk.turn.plan is not None
    assert talk.turn.plan.rules == ()


async def test_a_flow_of_its_own_leaves_a_message_and_says_so() -> None:
    flow = parse_flow(
        DESK.format(nobody="nobody: {go: sorry}", own="")
        + '  sorry: {ask: "Nobody: {{ nobody.why }}. Which number?", slot: phone, next: leave}\n'
        + '  leave: {message: nobody-here, to: "a@b.lv", text: "We write to you."}\n'
    )
    talk = await back(await handed(flow), "closed")
    assert talk.words == "Nobody: closed. Which number?"
    assert await talk.say("+371 26 123 456") == "We write to you."
    plan = talk.turn.plan
    assert plan is not None
    assert (plan.queue, plan.rules[0].action.reach) == ("billing", "a@b.lv")


@pytest.mark.parametrize(
    ("nobody", "problem"),
    [
        ("nobody: {offer: [fax]}", "offer: unknown 'fax'"),
        ("nobody: {go: nowhere}", "unknown step 'nowhere'"),
        ("nobody: {go: person, offer: [wait]}", "leave out 'offer'"),
        ("nobody: {after_s: {pigeon: 3}}", "pigeon"),
        ("nobody: {after_s: 0}", "whole seconds"),
    ],
)
def test_mistakes_are_named(nobody: str, problem: str) -> None:
    with pytest.raises(BadFlow) as caught:
        desk(nobody)
    assert any(problem in each for each in caught.value.problems)


def test_a_note_of_an_earlier_wait_means_nothing() -> None:
    item = replace(interaction_on(Channel.CHAT), joined_at=NOW)
    customer: Any = Customer("c1", "Ann")
    noted = replace(item, meta=Nobody.found(item, customer, "waited").on(item))
    assert Nobody.of(noted)
    assert Nobody.of(replace(noted, joined_at=NOW + timedelta(seconds=1))) is None
