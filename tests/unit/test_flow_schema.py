"""Flow files: what is wrong is named with file, line, step and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bots.errors import BadFlow
from bots.flow.check import BUILT_IN_NAMES, texts
from bots.flow.model import ALWAYS, CONFIRMATIONS, SLOT_TYPES, AskStep, SayStep
from bots.flow.schema import STEP_KEYS, TOP_KEYS, parse_flow
from bots.turn import PROFILES
from tests.talking import FLOWS, demo_flow

GOOD = """\
flow: tiny
start: hello
languages: [en, lv]
steps:
  hello:
    say: {en: Hello, lv: Sveiki}
    next: ask
  ask:
    ask: {en: {voice: "Say it.", text: "Write it."}, lv: "Jā?"}
    routes: {"yes": bye, no: bye}
    otherwise: bye
  bye:
    end: done
"""


def problems(source: str) -> str:
    with pytest.raises(BadFlow) as caught:
        parse_flow(source, "tiny.yaml")
    return "\n".join(caught.value.problems)


def test_a_flow_is_read_and_its_version_follows_its_text() -> None:
    flow = parse_flow(GOOD)
    assert flow.name == "tiny"
    assert set(flow.steps) == {"hello", "ask", "bye"}
    assert flow.version != parse_flow(GOOD + "# a comment\n").version
    assert flow.version == parse_flow(GOOD).version


def test_yes_no_and_on_are_words_not_booleans() -> None:
    step = parse_flow(GOOD).find("ask")
    assert isinstance(step, AskStep)
    assert set(step.routes) == {"yes", "no"}


def test_notice_is_protected_and_a_question_names_how_it_is_listened_to() -> None:
    source = GOOD.replace("    next: ask\n", "    next: ask\n    protected: true\n")
    flow = parse_flow(
        source.replace("otherwise: bye", "otherwise: bye\n    turn: silence-expected")
    )
    notice, question = flow.find("hello"), flow.find("ask")
    assert isinstance(notice, SayStep)
    assert notice.protected
    assert isinstance(question, AskStep)
    assert question.turn == "silence-expected"


def test_wrong_way_of_listening_is_named_with_the_ones_there_are() -> None:
    found = problems(GOOD.replace("otherwise: bye", "otherwise: bye\n    turn: slowly"))
    assert "tiny.yaml:8: step 'ask': turn 'slowly' is not one of" in found
    assert "'silence-expected'" in found
    found = problems(GOOD.replace("    next: ask\n", "    next: ask\n    protected: always\n"))
    assert "step 'hello': protected: expected true or false, found 'always'" in found


def test_texts_fall_back_from_channel_to_family_and_from_language_to_the_first() -> None:
    step = parse_flow(GOOD).find("ask")
    assert isinstance(step, AskStep)
    assert step.text.find("en", "voice", "en") == "Say it."
    assert step.text.find("en", "sms", "en") == "Write it."
    assert step.text.find("lv", "voice", "en") == "Jā?"
    assert step.text.find("zh", "chat", "en") == "Write it."


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("next: ask", "next: aks", "tiny.yaml:5: step 'hello': unknown step 'aks'; did you mean"),
        ("start: hello", "start: helo", "tiny.yaml:2: start: unknown step 'helo'; did you mean"),
        ("flow: tiny", "flow: tiny\nalways: {agent: by}", "tiny.yaml:2: always 'agent': unknown"),
        ("start: hello", "start: ask", "tiny.yaml:5: step 'hello': no step leads here"),
        ("    next: ask\n", "", "missing 'next'"),
        ("end: done", "ende: done", "step 'bye': needs exactly one of"),
        ("    otherwise: bye\n", "", "an open question needs 'otherwise"),
        ("otherwise: bye", "otherwize: bye", "unknown key 'otherwize'"),
        ("no: bye", "nope: bye", "unknown intent 'nope'"),
        ("lv: Sveiki", "fr: Salut", "'fr' is not a language or channel"),
        ("languages: [en, lv]", "languages: [en, xx]", "unknown language 'xx'"),
        ("en: Hello", "lv2: Hello", "'lv2' is not a language or channel"),
        ("say: {en: Hello, ", "say: {", "no text for voice in 'en'"),
        ("Say it.", "Say {{ nothing }}.", "nothing sets 'nothing'"),
        ("Say it.", "Say {{ name", "is broken"),
        ("    next: ask\n", "    next: ask\n    next: bye\n", "'next' is written twice"),
        ("  bye:\n", "  - bye\n", "not YAML"),
        ("flow: tiny", "flow: tiny\nextra: 1", "tiny.yaml:2: unknown key 'extra'"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in problems(GOOD.replace(old, new, 1))


def test_all_problems_are_named_at_once() -> None:
    found = problems(GOOD.replace("next: ask", "nxt: ask").replace("end: done", "end: "))
    assert len(found.splitlines()) >= 3


def test_slots_choices_and_methods_are_checked() -> None:
    source = GOOD + (
        "slots:\n  size: {type: choice}\n  when: {type: moment}\n"
        "  n: {type: integer, low: x, implies: nobody}\n"
    )
    found = problems(source)
    assert "slot 'size': a slot of type choice, and no other, needs 'choices'" in found
    assert "type 'moment' is not one of" in found
    assert "low: expected a whole number" in found


@pytest.mark.parametrize("name", [path.stem for path in FLOWS.glob("*.yaml")])
def test_the_demo_flows_are_sound_and_speak_every_language(name: str) -> None:
    flow = demo_flow(name)
    assert Path(flow.path).stem == flow.name
    silent = [
        f"{step.id}: {language}"
        for step in flow.steps.values()
        for text in texts(step)
        for language in flow.languages
        if not text.languages() & {language, ""}
    ]
    assert silent == []


def test_the_front_desk_has_twelve_examples_for_every_matter() -> None:
    matters = [
        intent
        for intent in demo_flow("front-desk").intents.values()
        if not intent.small_talk and not intent.name.startswith("topic_")
    ]
    assert len(matters) >= 10
    assert [intent.name for intent in matters if len(intent.examples["en"]) < 12] == []


def test_the_guide_shows_a_flow_that_is_sound_and_names_every_word() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "flows.md").read_text()
    sample = guide.split("```yaml\n")[1].split("```")[0]
    assert parse_flow(sample).name == "tiny"
    words = {*TOP_KEYS, *STEP_KEYS, *SLOT_TYPES, *CONFIRMATIONS, *ALWAYS, *BUILT_IN_NAMES}
    words |= set().union(*STEP_KEYS.values()) | set(PROFILES)
    assert [word for word in sorted(words) if word not in guide] == []
