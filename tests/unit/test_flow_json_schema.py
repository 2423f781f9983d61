"""The published JSON Schema accepts what the reader accepts and refuses the usual mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bots.flow.document import load
from bots.flow.json_schema import json_schema
from bots.flow.schema import STEP_KEYS, TOP_KEYS
from bots.flow.template import new_flow
from tests.talking import FLOWS

SCHEMA = json_schema()
PUBLISHED = Path(__file__).parents[2] / "docs" / "flow.schema.json"
TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
}
KNOWN = frozenset(
    {"$schema", "$defs", "$ref", "title", "description", "type", "enum", "anyOf", "oneOf"}
    | {"properties", "required", "additionalProperties", "propertyNames", "items", "pattern"}
    | {"minItems", "minLength", "minProperties", "exclusiveMinimum", "maximum"}
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid, for the keywords that our schema uses (JSON Schema 2020-12)."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return (
        _type_fits(value, schema)
        and ("enum" not in schema or value in schema["enum"])
        and ("anyOf" not in schema or any(fits(value, each) for each in schema["anyOf"]))
        and ("oneOf" not in schema or sum(fits(value, each) for each in schema["oneOf"]) == 1)
        and (not isinstance(value, dict) or _object_fits(value, schema))
        and (not isinstance(value, list) or _list_fits(value, schema))
        and (not isinstance(value, str) or _string_fits(value, schema))
        and (
            isinstance(value, bool) or not isinstance(value, int | float) or _within(value, schema)
        )
    )


def _type_fits(value: Any, schema: dict[str, Any]) -> bool:
    named = schema.get("type", list(TYPES))
    listed = [named] if isinstance(named, str) else named
    if isinstance(value, bool):
        return "boolean" in listed
    return any(isinstance(value, TYPES[name]) for name in listed)


def _object_fits(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
    names = schema.get("propertyNames", {})
    return (
        set(schema.get("required", ())) <= set(value)
        and len(value) >= schema.get("minProperties", 0)
        and all(fits(key, names) for key in value)
        and all(
            fits(each, known[key]) if key in known else more is not False and fits(each, more)
            for key, each in value.items()
        )
    )


def _list_fits(value: list[Any], schema: dict[str, Any]) -> bool:
    enough = len(value) >= schema.get("minItems", 0)
    return enough and all(fits(each, schema.get("items", {})) for each in value)


def _string_fits(value: str, schema: dict[str, Any]) -> bool:
    enough = len(value) >= schema.get("minLength", 0)
    return enough and re.search(schema.get("pattern", ""), value) is not None


def _within(value: float, schema: dict[str, Any]) -> bool:
    least, most = schema.get("exclusiveMinimum"), schema.get("maximum")
    return (least is None or value > least) and (most is None or value <= most)


@pytest.mark.parametrize("path", sorted(FLOWS.glob("*.yaml")), ids=lambda path: path.stem)
def test_flows_of_the_demo_company_are_valid(path: Path) -> None:
    assert fits(load(path.read_text("utf-8"), str(path)), SCHEMA)


GOOD = new_flow("bakery", "orders")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("flow: bakery\n", ""),
        ("start: greet", "strat: greet"),
        ("languages: [en]", "languages: [xx]"),
        ("    next: help\n", ""),
        ("    next: help\n", "    next: help\n    otherwise: help\n"),
        ("end: resolved", "end: resolved, hand: x"),
        ('{"1": bye', '{"one": bye'),
        ("unknown: to_person", "unknown: ''"),
        ("always: {agent:", "always: {agents:"),
    ],
)
def test_usual_mistakes_are_refused(old: str, new: str) -> None:
    assert fits(load(GOOD, "bakery"), SCHEMA)
    assert old in GOOD
    assert not fits(load(GOOD.replace(old, new), "bakery"), SCHEMA)


def test_every_key_of_the_language_is_in_the_schema() -> None:
    assert set(SCHEMA["properties"]) == TOP_KEYS
    steps = {step["title"]: set(step["properties"]) for step in SCHEMA["$defs"]["step"]["oneOf"]}
    assert steps == {verb: {verb, *keys} for verb, keys in STEP_KEYS.items()}


def test_published_schema_is_the_one_of_the_code() -> None:
    told = "run: python -m bots schema > docs/flow.schema.json"
    assert json.loads(PUBLISHED.read_text("utf-8")) == SCHEMA, told
