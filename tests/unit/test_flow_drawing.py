"""The picture of a flow: every step and every way is in it, and no box covers another."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.__main__ import main
from bots.flow.check import exits
from bots.flow.drawing.card import cards, cut, width, wrapped
from bots.flow.drawing.layout import Box, Spacing, arrange
from bots.flow.drawing.svg import draw
from bots.flow.graph import circles, edges, verb_of
from bots.flow.schema import STEP_KEYS
from tests.talking import FLOWS, demo_flow

SVG = "{http://www.w3.org/2000/svg}"
DESK = demo_flow("front-desk")
NAMES = [f"s{n}" for n in range(9)]


@pytest.mark.parametrize("path", sorted(FLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_step_and_every_way_is_in_the_picture(path: Path) -> None:
    flow = demo_flow(path.stem)
    picture = ElementTree.fromstring(draw(flow))
    for name, step in flow.steps.items():
        (box,) = picture.findall(f".//{SVG}g[@id='step-{name}']")
        assert box.get("class") == verb_of(step)
        title = box.findtext(f"{SVG}title") or ""
        assert name in title
        links = {link.get("href") for link in box.iter(f"{SVG}a")}
        assert links == {f"#step-{target}" for target in exits(flow, step)}


def test_picture_says_each_text_as_it_is_written_in_the_language_asked_for() -> None:
    found = cards(DESK, "lv")["offer_person"]
    assert found.whole == "Vai lai savienoju jūs ar kolēģi?"
    assert "gas_smell" in cards(DESK, "en")["gas"].entries
    assert "&lt;b&gt;" in draw(DESK, notes={"gas": ["<b>"]})


def test_ways_are_called_by_what_leads_there() -> None:
    labels = {(edge.label, edge.target) for edge in edges(DESK, DESK.find("helped"))}
    assert ("yes", "anything_else") in labels
    assert ("otherwise", "answer") in labels
    shown = {way.target: way.label for way in cards(DESK, "en")["helped"].exits}
    assert shown["offer_person"] == "no, key 2"
    assert {way.target: way.label for way in cards(DESK, "en")["lookup"].exits} == {
        "tell_status": "",
        "lookup_failed": "failed",
        "missed": "404",
    }


def test_every_verb_has_a_step_that_is_called_so() -> None:
    known = {
        verb_of(step)
        for name in ("front-desk", "survey")
        for step in demo_flow(name).steps.values()
    }
    assert known <= set(STEP_KEYS)


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4)))
def test_no_box_covers_another_whatever_the_ways(ways: dict[str, list[str]]) -> None:
    boxes = {
        name: Box(
            name, 40.0 + 19 * len(ways.get(name, ())), dict.fromkeys(ways.get(name, ()), 50.0)
        )
        for name in NAMES
    }
    spacing = Spacing()
    layout = arrange(boxes, ["s0", "s4"], 3, spacing)
    assert set(layout.places) == set(NAMES)
    for one, two in combinations(NAMES, 2):
        first, second = layout.places[one], layout.places[two]
        if first.x == second.x:
            upper, lower = sorted((first, second), key=lambda place: place.y)
            height = boxes[one if upper is first else two].height
            assert upper.y + height <= lower.y + 1e-6
    for source, target in layout.lines:
        assert layout.places[target].column == layout.places[source].column + 1


def test_circles_are_found() -> None:
    ways = {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": ["d"], "e": []}
    assert circles(ways) == [["b", "c"], ["d"]]


@given(st.text(max_size=200), st.integers(5, 40))
def test_lines_of_a_box_stay_within_it(text: str, columns: int) -> None:
    assert all(width(line) <= columns for line in wrapped(text, columns))
    assert width(cut(text, columns)) <= columns


def test_draw_writes_a_picture_and_refuses_what_cannot_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "flow.yaml", tmp_path / "flow.svg"
    path.write_text("flow: x\nstart: a\nlanguages: [en]\nsteps:\n  a: {end: done}\n", "utf-8")
    assert main(["draw", str(path), "-o", str(out)]) == 0
    assert main(["draw", str(path)]) == 0
    assert capsys.readouterr().out == out.read_text("utf-8")
    assert main(["draw", str(path), "--language", "lv"]) == 2
    path.write_text("flow: x\nstart: b\nsteps:\n  a: {end: done}\n", "utf-8")
    assert main(["draw", str(path)]) == 1
    assert "unknown step 'b'" in capsys.readouterr().out
