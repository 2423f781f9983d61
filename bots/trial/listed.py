"""Actions of a flow answered from a file: a flow is tried without the systems behind it.

The file is a list; the first entry that fits answers::

    - {url: "*/orders/HL-482913", status: 200, body: {status: in_transit}}
    - {method: POST, url: "*/callbacks", status: 201}
    - {url: "*", fails: the order system is down}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from bots.errors import ActionFailed, BadAnswers
from bots.ports import Actions

KEYS = frozenset({"method", "url", "status", "body", "fails"})


@dataclass(frozen=True, slots=True)
class Line:
    """One answer. ``url`` may hold ``*``; an empty ``method`` fits all; ``fails`` is a reason."""

    url: str
    method: str = ""
    status: int = 200
    body: Any = None
    fails: str = ""

    def fits(self, method: str, url: str) -> bool:
        """Whether it answers this request."""
        return self.method in ("", method) and fnmatchcase(url, self.url)


class ListedActions:
    """``bots.ports.Actions`` that asks nobody."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """The answer of the first line that fits. Raises ``ActionFailed``."""
        for line in self._lines:
            if line.fits(method, url):
                if line.fails:
                    raise ActionFailed(f"{method} {url}: {line.fails}")
                return line.status, line.body
        raise ActionFailed(f"{method} {url}: no line answers this")


class CarefulActions:
    """``bots.ports.Actions`` that looks up and changes nothing: the rest counts as done."""

    def __init__(self, inner: Actions) -> None:
        self._inner = inner

    async def call(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        retries: int = 1,
    ) -> tuple[int, Any]:
        """The system's answer to a question; an empty 200 to all else. As the one inside."""
        if method in ("GET", "HEAD"):
            return await self._inner.call(method, url, body, timeout_s, headers, retries)
        return 200, {}


def read_answers(path: Path) -> ListedActions:
    """The answers of a file. Raises ``BadAnswers`` or ``OSError``."""
    return parse_answers(path.read_text(encoding="utf-8"), str(path))


def parse_answers(text: str, where: str) -> ListedActions:
    """The answers of a text. Raises ``BadAnswers``, which says ``where`` it stands."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadAnswers(f"{where} is not YAML: {error}") from None
    if not isinstance(raw, list):
        raise BadAnswers(f"{where}: expected a list of answers, found {type(raw).__name__}")
    return ListedActions([_line(item, f"{where}: answer {n}") for n, item in enumerate(raw, 1)])


def _line(raw: Any, where: str) -> Line:
    if not isinstance(raw, dict) or not raw.get("url"):
        raise BadAnswers(f"{where}: expected a mapping with 'url', found {raw!r}")
    unknown = sorted(set(raw) - KEYS)
    if unknown:
        raise BadAnswers(f"{where}: unknown key {unknown[0]!r}; known are {sorted(KEYS)}")
    status = raw.get("status", 200)
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise BadAnswers(f"{where}: status {status!r} is not a number from 100 to 599")
    method, fails = str(raw.get("method", "")).upper(), str(raw.get("fails", ""))
    # As it would come over the wire: a YAML date is a string there.
    body = json.loads(json.dumps(raw.get("body"), default=str))
    return Line(str(raw["url"]), method, status, body, fails)
