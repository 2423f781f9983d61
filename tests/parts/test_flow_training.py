"""``python -m bots check --training``: what the examples of a flow teach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bots.__main__ import main
from bots.flow.review.report import Paint
from bots.nlu.fitting import Confused, Doubtful, Report
from bots.nlu.told import SHOWN, lines

FLOW = """\
flow: bakery
start: ask
languages: [en]
steps:
  ask:
    ask: {en: "What may I do?"}
    otherwise: bye
  bye: {end: done}
intents:
  order:
    go: bye
    examples:
      en: [I want to order bread, two loaves please, order a cake, can I buy rolls, bread for
        tomorrow, a cake for my birthday, I would like to order a loaf, reserve ten rolls for me,
        when are you open on Monday, what are your opening hours today]
  hours:
    go: bye
    examples:
      en: [when are you open, your opening hours, are you open on Sunday, when do you open, what
        time do you shut, are you open tomorrow, until when are you open today, what are your hours]
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_DATA", str(tmp_path / "data"))
    path = tmp_path / "bakery.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return path


def test_check_trains_and_names_the_phrase_in_the_wrong_place(
    flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(flow), "--level", "error", "--training"]) == 0
    out = capsys.readouterr().out
    assert "what the examples of bakery teach" in out
    assert "understood of" in out
    assert "of order, like hours" in out
    assert main(["check", str(flow), "--training", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    report = told["training"]["en"]
    assert report["examples"]["hours"] == 8
    assert 0 < report["accept"] < 1
    assert list((flow.parent / "data" / "intents").glob("*.npz"))


def test_a_report_shows_the_worst_and_tells_what_to_do() -> None:
    confused = tuple(Confused(f"a{n}", f"b{n}", 20 - n) for n in range(SHOWN + 3))
    report = Report(
        "lv", {"a": 9, "b": 12}, 0.123, 0.85, 21, 0.875, 0.1, 0.7, confused,
        (Doubtful("kur ir paka", "a", "b"),),
    )  # fmt: skip
    shown = "\n".join(lines("demo", {"lv": report}, Paint(False)))
    assert "lv: 2 intents, 21 examples: 88% understood of 21 examples kept back" in shown
    assert "accept 0.12" in shown
    assert "clear 0.85" in shown
    assert "a0 and b0, 20 ×" in shown
    assert f"a{SHOWN} and" not in shown
    assert "“kur ir paka” of a, like b" in shown


def test_a_report_says_when_there_is_nothing_to_keep_back() -> None:
    few = Report("en", {"a": 1}, 0.13, 0.9)
    assert "too few" in "\n".join(lines("demo", {"en": few}, Paint(False)))
    assert "no intent has examples" in "\n".join(lines("demo", {}, Paint(False)))
