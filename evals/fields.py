"""Plain data as it came from a YAML file, read field by field and refused by place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from router.errors import ParleyError


class BadSuite(ParleyError):
    """A suite file is wrong; the message names the place and the fix."""


def mapping(raw: Any, place: str) -> Mapping[str, Any]:
    """A mapping. Raises ``BadSuite``."""
    if not isinstance(raw, Mapping):
        raise BadSuite(f"{place}: expected a mapping, found {type(raw).__name__}")
    return raw


def sequence(raw: Any, place: str) -> list[Any]:
    """A list. Raises ``BadSuite``."""
    if not isinstance(raw, list):
        raise BadSuite(f"{place}: expected a list, found {type(raw).__name__}")
    return raw


def texts(raw: Any, place: str) -> tuple[str, ...]:
    """One text or several. Raises ``BadSuite``."""
    if isinstance(raw, str):
        return (raw,)
    if not isinstance(raw, list | tuple) or not all(isinstance(item, str) for item in raw):
        raise BadSuite(f"{place}: expected a text or a list of texts, found {raw!r}")
    return tuple(raw)


def text(item: Mapping[str, Any], key: str, place: str) -> str:
    """A text that is there and not empty. Raises ``BadSuite``."""
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise BadSuite(f"{place}.{key}: expected a text, found {value!r}")
    return value


def number(item: Mapping[str, Any], key: str, place: str) -> float | None:
    """A number from 0, None where there is none. Raises ``BadSuite``."""
    value = item.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSuite(f"{place}.{key}: expected a number from 0, found {value!r}")
    return float(value)


def refuse_unknown(item: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    """Raises ``BadSuite`` for a key that is not among the ``known``."""
    unknown = sorted(str(key) for key in item if key not in set(known))
    if unknown:
        raise BadSuite(f"{place}: unknown {unknown}; known are {sorted(known)}")
