"""``docs/configuration.md`` names every key that the reader knows, with its default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gateway.company_text import read_text
from router.company import Person, Queue
from router.configuration.export import USUAL_AGENT, serialize_company
from router.configuration.file import Reading, read_company
from router.model import Role
from router.rules import Callback, LastAgent, Rules

DOCS = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|")
FREE = re.compile(r"\.(offer_s|capacity)\.\w+$")
"""Below these the keys are channels, not names of settings."""


def documented() -> dict[str, str]:
    """The default of every key, by its pattern."""
    found, prefix = {}, ""
    for line in DOCS.split("## Keys")[1].splitlines():
        if line.startswith("### "):
            prefix = line.split("`")[1] + "." if "`" in line else ""
        elif line.startswith("## "):
            break
        elif row := ROW.match(line):
            found[prefix + row[1]] = row[2].strip()
    return found


def example() -> Reading:
    document = read_text(DOCS.split("```yaml")[1].split("```")[0])
    assert not document.problems
    return read_company(document.raw, logins=())


def test_example_is_a_company_without_problems() -> None:
    reading = example()
    assert reading.problems == ()
    assert reading.warnings == ()


def test_every_key_is_documented_and_no_other() -> None:
    asked = {key for key in example().asked if not FREE.search(key)}
    assert set(documented()) == asked


def test_documented_defaults_are_those_that_count() -> None:
    rules = Rules(last_agent=LastAgent(1, 1), callback=Callback(1))
    company = read_company({"queues": [{"id": "x"}]}).company
    company.queues = {"x": Queue("x", "x", rules=rules)}
    company.people = (Person("x", "x", Role.AGENT, agent=USUAL_AGENT),)
    written = serialize_company(company, defaults=True)
    flat = {
        **_flat("queues[]", written["queues"][0]),
        **_flat("people[]", written["people"][0]),
        **_flat("", {key: written[key] for key in ("name", "survey")}),
    }
    told = {key: value.strip("`") for key, value in documented().items() if value.startswith("`")}
    wrong = {
        key: (told[key], value)
        for key, value in flat.items()
        if key in told and not isinstance(value, list) and told[key] != _said(value)
    }
    assert wrong == {}
    assert len(set(told) & set(flat)) > 20


def _flat(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {place: value}
    found: dict[str, Any] = {}
    for key, below in value.items():
        found |= _flat(f"{place}.{key}" if place else key, below)
    return found


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
