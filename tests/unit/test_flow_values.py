"""Values: several at once, checked before they are used, and corrected later."""

from __future__ import annotations

import pytest

from bots.errors import BadFlow
from bots.flow.interpreter import resume, start
from bots.flow.outcome import Ask, Context, End, Fetched, HandOff, NeedHttp, Outcome, Understood
from bots.flow.schema import parse_flow

SOURCE = """\
flow: plan
start: plan
languages: [en, zh, lv]
slots:
  amount:
    type: amount
    label: {en: amount, zh: 金额, lv: summa}
    check: {when: "amount|float > 0", text: It has to be more than nothing.}
  parts: {type: integer, low: 2, high: 12, label: {en: instalments, zh: 期, lv: daļas}}
  mail: {type: email, confirm: unsure}
  yes_please: {type: yes-no}
  who: {type: name}
steps:
  plan:
    ask: How much, and in how many instalments?
    slots: [amount, parts]
    missing: {amount: "Which amount?", parts: "In how many instalments?"}
    check: {when: "amount|float <= 500", text: "Above {{ 500 }} euros a colleague decides."}
    next: mail
  mail: {ask: "Which mail address?", slot: mail, next: look}
  look:
    do: {url: "http://bank.test/{{ amount }}/{{ parts }}"}
    next: sure
    on_error: sure
  sure: {ask: "Shall I set it up?", slot: yes_please, next: set_up}
  set_up: {do: {method: POST, url: "http://bank.test/plans"}, next: more, on_error: more}
  more: {ask: "Which name shall I note?", slot: who, next: bye}
  bye: {end: done}
"""
FLOW = parse_flow(SOURCE, "plan.yaml")


def said(outcome: Outcome, *texts: str, language: str = "en") -> Outcome:
    for text in texts:
        outcome = resume(FLOW, outcome.memory, Understood(text, language=language))
        while isinstance(outcome.actions[-1], NeedHttp):
            spoken = outcome.actions[:-1]
            after = resume(FLOW, outcome.memory, Fetched(200, {}))
            outcome = Outcome(after.memory, (*spoken, *after.actions))
    return outcome


def begun(*texts: str, language: str = "en") -> Outcome:
    return said(start(FLOW, Context("chat", language)), *texts, language=language)


def question(outcome: Outcome) -> str:
    last = outcome.actions[-1]
    assert isinstance(last, Ask)
    return last.text


def values(outcome: Outcome) -> dict[str, str]:
    return {name: slot["value"] for name, slot in outcome.memory["slots"].items()}


def test_one_sentence_fills_all_that_it_holds() -> None:
    outcome = begun("fifty euros in five instalments")
    assert question(outcome) == "Which mail address?"
    assert values(outcome)["amount"] == "50.00"


def test_only_what_is_missing_is_asked_for() -> None:
    outcome = begun("fifty euros")
    assert question(outcome) == "In how many instalments?"
    assert question(said(outcome, "five")) == "Which mail address?"


def test_the_second_value_first_is_no_mistake() -> None:
    outcome = begun("ann@example.com")
    assert outcome.memory["repairs_in_all"] == 1
    by_mail = parse_flow(
        SOURCE.replace("slots: [amount, parts]", "slots: [amount, mail]").replace(
            'parts: "In how many', 'mail: "Which mail, in how many'
        ),
        "plan.yaml",
    )
    asked = start(by_mail, Context("chat", "en"))
    half = resume(by_mail, asked.memory, Understood("it is ann@example.com"))
    assert question(half) == "Which amount?"
    assert half.memory["repairs_in_all"] == 0
    both = resume(by_mail, half.memory, Understood("fifty euros"))
    assert isinstance(both.actions[-1], Ask | NeedHttp)
    assert values(both) == {"amount": "50.00", "mail": "ann@example.com"}


def test_value_that_fails_its_check_is_refused_with_the_reason() -> None:
    outcome = begun("nothing but 0 euros")
    assert [action.text for action in outcome.actions] == [  # type: ignore[union-attr]
        "It has to be more than nothing.",
        "Which amount?",
    ]
    assert "amount" not in values(outcome)
    too_much = begun("900 euros")
    assert too_much.actions[0].text == "Above 500 euros a colleague decides."  # type: ignore[union-attr]
    assert too_much.memory["repairs_at"] == {"plan": {"no_match": 1, "no_input": 0}}


def test_refused_too_often_brings_a_person() -> None:
    outcome = begun("900 euros", "800 euros", "700 euros")
    assert outcome.actions[-1] == HandOff("not-understood", "", {})


@pytest.mark.parametrize(
    ("language", "text", "amount"),
    [
        ("en", "no, I said fifteen euros", "15.00"),
        ("en", "the amount was fifteen, not fifty", "15.00"),
        ("en", "sorry, the amount is 15 euros", "15.00"),
        ("en", "not fifty euros, fifteen euros", "15.00"),
        ("zh", "不对，我说的是十五元", "15.00"),
        ("lv", "nē, es teicu piecpadsmit eiro", "15.00"),
    ],
)
def test_value_given_before_is_corrected(language: str, text: str, amount: str) -> None:
    before = begun("fifty euros", "5", language=language)
    assert values(before)["amount"] == "50.00"
    outcome = said(before, text, language=language)
    assert values(outcome)["amount"] == amount
    assert values(outcome)["parts"] == "5"
    assert question(outcome) == "Which mail address?"


def test_correction_walks_on_with_what_was_given_later() -> None:
    before = begun("fifty euros", "5", "ann@example.com")
    assert question(before) == "Shall I set it up?"
    outcome = said(before, "wait, the amount should be 60 euros")
    assert question(outcome) == "Shall I set it up?"
    assert values(outcome) == {"amount": "60.00", "parts": "5", "mail": "ann@example.com"}


def test_correction_that_fails_a_check_is_refused() -> None:
    outcome = said(begun("fifty euros", "5"), "no, I said 900 euros")
    assert question(outcome) == "Which amount?"
    assert question(said(outcome, "90 euros")) == "Which mail address?"


def test_nothing_is_corrected_behind_what_was_done() -> None:
    done = begun("fifty euros", "5", "ann@example.com", "yes")
    assert question(done) == "Which name shall I note?"
    outcome = said(done, "no, the amount was 60 euros, not 50")
    assert outcome.actions[0].text.startswith("That has been carried out")  # type: ignore[union-attr]
    assert values(outcome)["amount"] == "50.00"
    assert question(outcome) == "Which name shall I note?"


@pytest.mark.parametrize("text", ["ann@example.com", "what is the amount?", "fifty euros", "no"])
def test_what_corrects_nothing_changes_nothing(text: str) -> None:
    before = begun("fifty euros", "5")
    assert values(said(before, text))["amount"] == "50.00"


def test_mistakes_in_forms_are_named() -> None:
    for old, new, expected in (
        ("slots: [amount, parts]", "slots: [amount]", "'slots' is a list of two or more"),
        ('parts: "In how many instalments?"', 'mail: "Where?"', "missing: no question for 'parts'"),
        ("slots: [amount, parts]", "slots: [amount, pieces]", "no question for 'pieces' alone"),
        ('when: "amount|float <= 500", ', "", "a check needs 'when' and 'text'"),
        ("amount|float <= 500", "amout|float <= 500", "nothing sets 'amout'"),
    ):
        assert old in SOURCE
        with pytest.raises(BadFlow) as caught:
            parse_flow(SOURCE.replace(old, new, 1), "plan.yaml")
        assert expected in "\n".join(caught.value.problems)


def test_end_is_reached() -> None:
    outcome = begun("fifty euros", "5", "ann@example.com", "yes", "Ann Lee")
    assert outcome.actions[-1] == End("done")
