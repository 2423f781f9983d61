"""Reads a flow from YAML and checks it; every problem is named at once.

A message gives file, line, step, what is wrong and how to mend it::

    front-desk.yaml:41: step 'help': unknown step 'ordr'; did you mean 'order'?
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from bots.errors import BadFlow
from bots.flow import check, fallback, link
from bots.flow.declared import read_intent, read_slot
from bots.flow.document import Section, load
from bots.flow.model import (
    CHANNELS,
    INSIDE,
    LANGUAGES,
    CallStep,
    Fallback,
    Flow,
    Letter,
    Slot,
    Step,
)
from bots.flow.phrases import FILLERS, NO_INPUT, NO_MATCH
from bots.flow.reader import Reader
from bots.flow.verbs import STEP_KEYS, read_step

T = TypeVar("T")
VERSION_LENGTH = 12
TOP_KEYS = frozenset(
    {"flow", "start", "languages", "queue", "always", "slots", "intents", "steps"}
    | {"variables", "no_match", "no_input", "filler", "confirm", "letter", "words", "nobody"}
)


def read_flow(path: Path) -> Flow:
    """The flow of a file, with those beside it that it calls.

    Raises ``BadFlow`` with all problems, or ``OSError``.
    """

    def beside(name: str) -> tuple[str, str] | None:
        file = path.with_name(f"{name}{path.suffix}")
        return (file.read_text(encoding="utf-8"), str(file)) if file.is_file() else None

    return _read(path.stem, beside, ())


def read_texts(name: str, texts: Mapping[str, str]) -> Flow:
    """The flow ``name`` of these texts, with those among them that it calls.

    Raises ``BadFlow`` with all problems; its files are called as the texts are.
    """

    def beside(other: str) -> tuple[str, str] | None:
        return (texts[other], f"{other}.yaml") if other in texts else None

    return _read(name, beside, ())


def called_by(flow: Flow) -> set[str]:
    """The flows that a flow calls, by name; those that they call are among them."""
    return {name for scope in flow.starts for name in scope.split(INSIDE)}


def parse_flow(source: str, path: str = "flow", called: Mapping[str, Flow] | None = None) -> Flow:
    """The flow in this YAML text. ``called`` are the flows that it may call, by name.

    Raises ``BadFlow`` with all its problems.
    """
    flow = _parsed(source, path)
    return link.linked(flow, called or {})


Beside = Callable[[str], tuple[str, str] | None]
"""The text of a flow by name, and where it stands."""


def _read(name: str, beside: Beside, callers: tuple[str, ...]) -> Flow:
    found = beside(name)
    if found is None:
        raise BadFlow((f"no flow {name!r}",))
    flow = _parsed(*found)
    chain = (*callers, name)
    problems, called = [], {}
    for step in flow.steps.values():
        if not isinstance(step, CallStep) or step.flow in called:
            continue
        if step.flow in chain:
            circle = " → ".join((*chain, step.flow))
            problems.append(check.at(flow, step, f"flows call each other in a circle: {circle}"))
        elif len(chain) > link.MAX_DEPTH:
            problems.append(check.at(flow, step, f"more than {link.MAX_DEPTH} calls deep"))
        elif beside(step.flow) is not None:
            called[step.flow] = _read(step.flow, beside, chain)
    if problems:
        raise BadFlow(tuple(problems))
    return link.linked(flow, called)


def _parsed(source: str, path: str) -> Flow:
    top = load(source, path)
    reader = _File(path)
    version = hashlib.sha256(source.encode()).hexdigest()[:VERSION_LENGTH]
    flow = reader.flow(top, version)
    problems = reader.problems or check.problems(flow)
    if problems:
        raise BadFlow(tuple(problems))
    return flow


class _File(Reader):
    """Turns plain data into the flow, collecting problems on the way."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._made: dict[str, Slot] = {}

    def flow(self, top: Section, version: str) -> Flow:
        """The whole file."""
        self.known(top, TOP_KEYS)
        self.line = top.line
        self.languages = tuple(self.words(top, "languages")) or ("en",)
        for language in self.languages:
            if language not in LANGUAGES:
                self.bad(f"unknown language {language!r}; use some of {list(LANGUAGES)}")
        steps = self._steps(top)
        slots = self._each(top, "slots", lambda *raw: read_slot(self, *raw))
        nobody = self._nobody(top, steps, slots) if "nobody" in top else None
        words = self.section(top, "words")
        return Flow(
            name=self.needed(top, "flow"),
            version=version,
            start=self.needed(top, "start"),
            languages=self.languages,
            steps=steps,
            slots=slots | self._made,
            intents=self._each(top, "intents", lambda *raw: read_intent(self, *raw)),
            always=self.names(top, "always"),
            queue=self.queue(top),
            variables=self.names(top, "variables"),
            no_match=self.texts(top, "no_match") or NO_MATCH,
            no_input=self.texts(top, "no_input") or NO_INPUT,
            filler=self.texts(top, "filler") or FILLERS,
            confirm=self.optional_text(top, "confirm"),
            letter=self._letter(top),
            words={name: self.text(words, name) for name in words},
            nobody=nobody,
            path=self.path,
        )

    def _steps(self, top: Section) -> dict[str, Step]:
        made = self._each(top, "steps", lambda *raw: read_step(self, *raw))
        steps: dict[str, Step] = {}
        for each in made.values():
            self._made |= {slot.name: slot for slot in each.slots}
            for step in each.steps:
                if step.id in steps:
                    self.bad(f"two steps are called {step.id!r}; rename one", step.line)
                steps[step.id] = step
        if not steps:
            self.bad("no steps; add a 'steps:' mapping")
        return steps

    def _nobody(self, top: Section, steps: dict[str, Step], slots: Mapping[str, Slot]) -> Fallback:
        """What happens when no person comes; the steps of its offers join the others."""
        self.where, self.line = "nobody: ", top.lines["nobody"]
        raw = self.section(top, "nobody")
        self.known(raw, frozenset({"go", "offer", "text", "after_s", "country"}))
        go = str(raw.get("go", ""))
        if go and set(raw) & {"offer", "text"}:
            self.bad("'go' leads to a step of your own; leave out 'offer' and 'text'")
        after_s = self._after_s(raw)
        if not go:
            go = fallback.NOBODY
            offer = self.words(raw, "offer") or list(fallback.OFFERS)
            for name in offer:
                if name not in fallback.OFFERS:
                    self.bad(f"offer: unknown {name!r}; use some of {list(fallback.OFFERS)}")
                    return Fallback(go, after_s)
            text = self.optional_text(raw, "text")
            made = fallback.made(self.line, offer, text, slots.values(), self._country(raw))
            for step in made.steps:
                if step.id in steps:
                    self.bad(f"a step is called {step.id!r}; rename it or name it under 'go'")
                steps[step.id] = step
            self._made |= {slot.name: slot for slot in made.slots}
        self.where = ""
        return Fallback(go, after_s)

    def _country(self, raw: Section) -> str:
        country = str(raw.get("country", "")).upper()
        if country and not (country.isalpha() and len(country) == 2):
            self.bad(f"country {country!r} is not the two letters of ISO 3166, as LV")
        return country

    def _after_s(self, raw: Section) -> Mapping[str, int]:
        """Seconds by channel; one number is for the telephone and the chat."""
        given = raw.get("after_s", fallback.AFTER_S)
        by_channel = (
            dict.fromkeys(fallback.AFTER_S, given) if isinstance(given, int) else dict(given)
        )
        for channel, seconds in by_channel.items():
            if channel not in CHANNELS or not isinstance(seconds, int) or seconds < 1:
                self.bad(f"after_s: {channel}: {seconds!r} is no channel with whole seconds")
        return {str(channel): seconds for channel, seconds in by_channel.items()}

    def _each(
        self, top: Section, key: str, parse: Callable[[str, Section], T | None]
    ) -> dict[str, T]:
        found: dict[str, T] = {}
        section = self.section(top, key)
        for name, raw in section.items():
            self.where, self.line = f"{key.rstrip('s')} {name!r}: ", section.lines[name]
            if not isinstance(raw, Section):
                self.bad(f"expected a mapping, found {raw!r}")
                continue
            item = parse(name, raw)
            if item is not None:
                found[name] = item
        self.where = ""
        return found

    def _letter(self, top: Section) -> Letter | None:
        raw = self.section(top, "letter")
        if not raw:
            return None
        self.known(raw, frozenset(["opening", "closing"]))
        if set(raw) != {"opening", "closing"}:
            self.bad("letter needs 'opening' and 'closing'")
            return None
        return Letter(self.text(raw, "opening"), self.text(raw, "closing"))


__all__ = ["STEP_KEYS", "TOP_KEYS", "parse_flow", "read_flow"]
