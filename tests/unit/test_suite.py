"""Suite files: what is read, and what is refused by place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.fields import BadSuite
from evals.suite import load_suite, parse_suite


def suite(**changes: Any) -> dict[str, Any]:
    script: dict[str, Any] = {"name": "one", "turns": ["hello"]}
    script.update(changes)
    return {"name": "s", "flow": "front-desk", "conversations": [script]}


def test_parse_suite_reads_turns_checks_and_ending() -> None:
    parsed = parse_suite(
        suite(
            turns=[{"say": "hi", "expect": {"contains": "welcome", "cites": ["a", "b"]}}],
            expect={"outcome": "escalated", "queue": "orders", "slots": {"order": "HL-1"}},
        )
    )
    (script,) = parsed.scripts
    assert script.channel == "chat"
    assert script.turns[0].expect.contains == ("welcome",)
    assert script.turns[0].expect.cites_any == ("a", "b")
    assert script.ending.slots == {"order": "HL-1"}
    assert parsed.gates.pass_rate == 1.0


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ([], "suite: expected a mapping, found list"),
        ({"name": "s", "flow": "f"}, "conversations: expected at least one"),
        (suite(channel="fax"), r"conversations\[0\].channel: 'fax'"),
        (suite(turns=[]), r"conversations\[0\].turns"),
        (suite(turns=[{"press": "1"}]), r"turns\[0\].press: a chat customer can say"),
        (suite(turns=[{"say": "a", "press": "1"}]), r"expected one of say, play"),
        (suite(turns=[{"say": "a", "expect": {"matches": "("}}]), r"expect.matches"),
        (suite(turns=[{"say": "a", "expect": {"within_s": "x"}}]), r"expect.within_s"),
        (suite(expect={"outcome": "sold"}), r"expect.outcome: 'sold'"),
        (suite(expect={"queue": "orders"}), r"only an escalated"),
        (suite(expects={}), r"conversations\[0\]: unknown \['expects'\]"),
        (suite() | {"gates": {"pass_rate": 2}}, r"gates.pass_rate"),
    ],
)
def test_parse_suite_wrong_part_is_named(raw: Any, place: str) -> None:
    with pytest.raises(BadSuite, match=place):
        parse_suite(raw)


def test_parse_suite_two_of_one_name_are_refused() -> None:
    raw = suite()
    raw["conversations"] *= 2
    with pytest.raises(BadSuite, match="there twice"):
        parse_suite(raw)


def test_load_suite_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("name: [")
    with pytest.raises(BadSuite, match=r"broken\.yaml: not YAML"):
        load_suite(path)


def test_only_unknown_name_is_refused() -> None:
    parsed = parse_suite(suite())
    assert parsed.only("on").scripts == parsed.scripts
    with pytest.raises(BadSuite, match="--only"):
        parsed.only("two")
