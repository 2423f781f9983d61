"""Callers put through to somebody outside: what a flow may say of it, and where it goes on."""

from __future__ import annotations

import pytest

from bots.errors import BadFlow
from bots.flow.check import parties_of
from bots.flow.drawing.svg import draw
from bots.flow.interpreter import resume, start
from bots.flow.outcome import (
    TOLD,
    Ask,
    Context,
    HandOff,
    Outcome,
    PutThrough,
    Say,
    Transferred,
    Understood,
)
from bots.flow.schema import parse_flow
from bots.flow.steps import MOST_RINGS
from gateway.brain import require_parties
from router.errors import BadConfiguration

TEXT = """\
    text:
      en: {voice: I am calling our installers., text: "Our installers: {{ outside }}."}
      lv: {voice: Zvanu meistariem., text: "Mūsu meistari: {{ outside }}."}
"""
SOURCE = f"""\
flow: outage
start: partner
languages: [en, lv]
steps:
  partner:
    transfer: {{outside: installers, ring_s: 20}}
{TEXT}    next: more
    on_outcome: {{busy: later}}
    failed: person
  more: {{ask: "Anything else?", otherwise: person}}
  later: {{ask: "Busy. Shall I try again?", slot: again, next: choose}}
  choose: {{branch: [{{when: "again == 'yes'", go: partner}}], otherwise: person}}
  person: {{handoff: no-installer}}
slots: {{again: {{type: yes-no}}}}
"""
FLOW = parse_flow(SOURCE, "outage.yaml")


def said(outcome: Outcome) -> list[str]:
    """What the customer is told, in order."""
    return [action.text for action in outcome.actions if isinstance(action, Say | Ask)]


def begun(channel: str = "voice", language: str = "en") -> Outcome:
    return start(FLOW, Context(channel, language, "Ann"))


def test_caller_is_told_and_then_put_through() -> None:
    outcome = begun()
    assert said(outcome) == ["I am calling our installers."]
    assert outcome.actions[-1] == PutThrough("installers", 20.0)


def test_outcome_with_a_step_of_its_own_leads_there_and_any_other_to_failed() -> None:
    busy = resume(FLOW, begun().memory, Transferred("busy"))
    assert said(busy) == ["Busy. Shall I try again?"]
    nobody = resume(FLOW, begun().memory, Transferred("no-answer"))
    assert isinstance(nobody.actions[-1], HandOff)
    assert nobody.memory["tried"] == ["called installers outside: no-answer"]


@pytest.mark.parametrize("channel", ["chat", "email", "sms"])
def test_in_writing_the_number_is_told_and_the_flow_goes_on(channel: str) -> None:
    outcome = begun(channel)
    assert outcome.actions == (PutThrough("installers", 20.0),)
    told = resume(FLOW, outcome.memory, Transferred(TOLD, "+37167000000"))
    assert said(told) == ["Our installers: +37167000000.", "Anything else?"]
    assert isinstance(told.actions[-1], Ask)


def test_step_without_a_text_has_one_in_the_customers_language() -> None:
    flow = parse_flow(SOURCE.replace(TEXT, ""), "outage.yaml")
    spoken = start(flow, Context("voice", "lv", "Ann"))
    assert said(spoken) == ["Savienoju jūs. Lūdzu, uzgaidiet."]


def test_busy_line_is_called_three_times_and_then_a_person_takes_over() -> None:
    outcome = begun()
    for _ in range(MOST_RINGS):
        assert isinstance(outcome.actions[-1], PutThrough)
        busy = resume(FLOW, outcome.memory, Transferred("busy"))
        outcome = resume(FLOW, busy.memory, Understood(text="yes"))
    last = outcome.actions[-1]
    assert isinstance(last, HandOff)
    assert last.reason == "nobody-outside"


def test_repeat_after_nobody_answered_does_not_announce_it_again() -> None:
    busy = resume(FLOW, begun().memory, Transferred("busy"))
    again = resume(FLOW, busy.memory, Understood(text="repeat", intent="repeat", sure=True))
    assert "I am calling our installers." not in said(again)
    assert [action for action in again.actions if isinstance(action, Say | Ask)]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{outside: '+37129999999'}", "numbers and templates do not stand in flows"),
        ("{outside: '{{ again }}'}", "numbers and templates do not stand in flows"),
        ("{outside: installers, queue: orders}", "has no queue"),
        ("{outside: installers, ring_s: 1}", "is not from 5 to 120 seconds"),
        ("{queue: orders}", "nothing comes back of this one"),
    ],
)
def test_only_a_listed_name_can_be_called(target: str, problem: str) -> None:
    source = SOURCE.replace("{outside: installers, ring_s: 20}", target)
    with pytest.raises(BadFlow, match=problem):
        parse_flow(source, "outage.yaml")


def test_unknown_outcome_and_a_missing_way_out_are_named() -> None:
    with pytest.raises(BadFlow, match="on_outcome: unknown 'bussy'"):
        parse_flow(SOURCE.replace("{busy: later}", "{bussy: later}"), "outage.yaml")
    with pytest.raises(BadFlow, match="failed"):
        parse_flow(SOURCE.replace("    failed: person\n", ""), "outage.yaml")


def test_picture_and_list_of_parties_know_who_is_called() -> None:
    assert parties_of(FLOW) == {"installers"}
    assert "outside installers" in draw(FLOW, "en")


def test_house_that_does_not_list_the_party_does_not_start() -> None:
    require_parties(FLOW, {"installers": "+37167000000"})
    with pytest.raises(BadConfiguration, match="'installers', whom PARLEY_OUTSIDE does not list"):
        require_parties(FLOW, {"hotline": "+37167000001"})
