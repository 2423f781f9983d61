"""A flow tried at the terminal: the lines typed, what comes back, and why."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.__main__ import main
from bots.conversation import Conversation, Tools
from bots.errors import ActionFailed, BadAnswers
from bots.flow.review.review import review
from bots.flow.schema import parse_flow
from bots.trial.listed import ListedActions, read_answers
from bots.trial.session import Setting, Trial
from bots.trial.terminal import Screen, talk
from bots.trial.watched import WatchedActions, WatchedKnowledge, WatchedUnderstanding
from router.clock import VirtualClock
from router.model import Channel
from tests.talking import API, NOW, Bench, demo_flow

ANSWERS = """\
- {url: "*/orders/HL-482913", body: {status: in_transit, expected_on: 2026-03-04, place: ""}}
- {method: get, url: "*/orders/HL-000000", status: 404}
- {url: "*", fails: the order system is down}
"""


@pytest.fixture
def answers(tmp_path: Path) -> ListedActions:
    path = tmp_path / "answers.yaml"
    path.write_text(ANSWERS, "utf-8")
    return read_answers(path)


async def tried(actions: ListedActions, setting: Setting, script: str) -> str:
    """The whole screen of a script."""
    bench, out = Bench(), io.StringIO()
    screen = Screen(out, colour=False)

    def tell(text: str) -> None:
        screen.show("why", text)

    tools = Tools(
        WatchedUnderstanding(bench.understanding, tell),
        WatchedKnowledge(bench.knowledge, tell),
        WatchedActions(actions, tell),
        VirtualClock(NOW),
        {"api": API},
    )
    conversation = Conversation(demo_flow("front-desk"), tools)

    async def lines() -> AsyncIterator[str]:
        for line in script.splitlines():
            screen.show("you", line)
            yield line

    await talk(Trial(conversation, setting, tell), lines, screen)
    return out.getvalue()


async def test_chat_begins_with_the_customer_and_ends_with_the_packet(
    answers: ListedActions,
) -> None:
    shown = await tried(answers, Setting(), "where is my order\nHL-482913\nagent\nnever read\n")
    assert shown.startswith("you › where is my order\n")
    assert shown.count("Hello, I am the Harbourline assistant.") == 1
    assert "We expect it on Wednesday 4 March." in shown
    assert "· intent order_status (" in shown
    assert "/orders/HL-482913 → 200 {'status': 'in_transit'" in shown
    assert "· step anything_else, slots order_number=HL-482913 (1.00)" in shown
    assert "═ handed over to orders\n    reason: asked-for-person" in shown
    assert "name order_number, value HL-482913" in shown
    assert "looked up order HL-482913: done" in shown
    assert "never read" not in shown


async def test_call_begins_with_the_bot_and_takes_keys_silence_and_bad_hearing(
    answers: ListedActions,
) -> None:
    call = Setting(Channel.VOICE)
    shown = await tried(answers, call, "\n#1\n?four eight two nine one three\nyes\nno\n")
    assert shown.startswith("    · step help")
    assert "I did not hear anything." in shown
    assert "What is your order number?" in shown
    assert "HL-482913 (0.60" in shown or "HL-482913 (0.48" in shown
    assert "Is that right?" in shown
    assert shown.rstrip().endswith("═ ended: resolved")


async def test_mail_is_one_letter_and_sms_is_cut_to_its_segments(answers: ListedActions) -> None:
    script = "Are you open on Saturday?\n"
    letter = await tried(answers, Setting(Channel.EMAIL, name="Ann"), script)
    assert "bot › Hello Ann,\n\n      thank you for writing to Harbourline." in letter
    assert "https://example.org/help/en/opening-hours" in letter
    assert "answered from “Opening hours” (0.80)" in letter
    assert "the customer left at step helped" in letter
    text = await tried(answers, Setting(Channel.SMS), script)
    assert text.count("bot ›") == 1


async def test_lone_digit_in_writing_is_a_key_and_empty_lines_are_nothing(
    answers: ListedActions,
) -> None:
    shown = await tried(answers, Setting(), "hello\n\n1\n000000\n")
    assert "What is your order number?" in shown
    assert "I cannot find an order HL-000000." in shown
    assert "did not hear" not in shown


async def test_failure_of_an_action_is_played_too(answers: ListedActions) -> None:
    shown = await tried(answers, Setting(), "where is my order HL-111111\n")
    assert "failed: GET http://orders.test/api/orders/HL-111111: the order system is down" in shown
    assert "reason: action-failed" in shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url: x", "expected a list of answers, found dict"),
        ("- {status: 200}", "answer 1: expected a mapping with 'url'"),
        ("- {url: x, staus: 200}", "answer 1: unknown key 'staus'"),
        ("- {url: x, status: fine}", "answer 1: status 'fine' is not a number"),
        ("- {url: [", "is not YAML"),
    ],
)
def test_wrong_file_of_answers_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadAnswers, match=f"{path}.*{told}"):
        read_answers(path)


async def test_what_no_line_answers_is_no_answer() -> None:
    with pytest.raises(ActionFailed, match="no line answers this"):
        await ListedActions(()).call("GET", "http://x", None, 1)


def test_new_flow_works_and_has_nothing_to_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "bakery", "--folder", str(tmp_path / "flows"), "--queue", "billing"]) == 0
    path = tmp_path / "flows" / "bakery.yaml"
    source = path.read_text("utf-8")
    assert review(source).findings == ()
    assert parse_flow(source).queue == "billing"
    assert main(["new", "bakery", "--folder", str(tmp_path / "flows")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert path.read_text("utf-8") == source
    assert main(["new", "Not a name"]) == 2
    assert main(["talk", str(tmp_path / "none.yaml")]) == 2
