"""Whether an action's answer has the shape that the flow expects. Pure.

The part of JSON Schema (draft 2020-12) that describes an answer: ``type``, ``properties``,
``required``, ``items``, ``enum``, ``minimum``, ``maximum``, ``minLength``, ``maxLength``. Any
other keyword is named when the flow is read, so that none is silently ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
KEYWORDS = frozenset(
    {"type", "properties", "required", "items", "enum", "minimum", "maximum"}
    | {"minLength", "maxLength", "description"}
)


def problems_of_schema(schema: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """What of the schema is not understood."""
    for keyword in schema:
        if keyword not in KEYWORDS:
            yield f"{where}unknown keyword {keyword!r}; known are {sorted(KEYWORDS)}"
    for name in _types(schema):
        if name not in TYPES:
            yield f"{where}unknown type {name!r}; use one of {list(TYPES)}"
    inner = dict(schema.get("properties") or {})
    if "items" in schema:
        inner["items"] = schema["items"]
    for name, each in inner.items():
        if isinstance(each, Mapping):
            yield from problems_of_schema(each, f"{where}{name}: ")
        else:
            yield f"{where}{name}: expected a schema, found {each!r}"


def misfit(schema: Mapping[str, Any], value: Any, where: str = "the answer") -> str:
    """The first thing that does not fit; empty when all does."""
    types = _types(schema)
    if types and not any(_is(value, name) for name in types):
        return f"{where} is no {' or '.join(types)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is none of {schema['enum']}"
    return _out_of_bounds(schema, value, where) or _misfit_inside(schema, value, where)


def _types(schema: Mapping[str, Any]) -> list[str]:
    named = schema.get("type", [])
    return [str(each) for each in named] if isinstance(named, list) else [str(named)]


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def _out_of_bounds(schema: Mapping[str, Any], value: Any, where: str) -> str:
    size: float | None = None
    low, high = "minimum", "maximum"
    if isinstance(value, str):
        size, low, high = len(value), "minLength", "maxLength"
    elif isinstance(value, int | float):
        size = value
    if size is None:
        return ""
    if low in schema and size < schema[low]:
        return f"{where} is below {low} {schema[low]}"
    return f"{where} is above {high} {schema[high]}" if schema.get(high, size) < size else ""


def _misfit_inside(schema: Mapping[str, Any], value: Any, where: str) -> str:
    if isinstance(value, Mapping):
        for name in schema.get("required", ()):
            if name not in value:
                return f"{where} has no {name!r}"
        for name, each in (schema.get("properties") or {}).items():
            found = misfit(each, value[name], f"{where}.{name}") if name in value else ""
            if found:
                return found
    elif isinstance(value, list) and "items" in schema:
        for place, item in enumerate(value):
            found = misfit(schema["items"], item, f"{where}[{place}]")
            if found:
                return found
    return ""
