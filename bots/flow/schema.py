"""Reads a flow from YAML and checks it; every problem is named at once.

A message gives file, line, step, what is wrong and how to mend it::

    front-desk.yaml:41: step 'help': unknown step 'ordr'; did you mean 'order'?
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from bots.errors import BadFlow
from bots.flow import check
from bots.flow.document import Section, load
from bots.flow.model import (
    ANY,
    CHANNELS,
    CONFIRMATIONS,
    FAMILIES,
    GLOBALS,
    LANGUAGES,
    SLOT_TYPES,
    AnswerStep,
    AskStep,
    BranchStep,
    Choice,
    DoStep,
    EndStep,
    Flow,
    HandOffStep,
    Intent,
    Letter,
    SayStep,
    SetStep,
    Slot,
    Step,
    Text,
)
from bots.flow.phrases import FILLERS, NO_INPUT, NO_MATCH
from bots.turn import PROFILES

T = TypeVar("T")
VERSION_LENGTH = 12
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TOP_KEYS = frozenset(
    {"flow", "start", "languages", "queue", "always", "slots", "intents", "steps"}
    | {"variables", "no_match", "no_input", "filler", "confirm", "letter", "words"}
)
ASK_WORDS = frozenset({"again", "confirm", "no_match", "no_input", "keys"})
STEP_KEYS: Mapping[str, frozenset[str]] = {
    "say": frozenset({"next", "protected"}),
    "ask": frozenset({"slot", "next", "routes", "otherwise", "dtmf", "turn"}) | ASK_WORDS,
    "answer": frozenset({"next", "unknown", "text"}),
    "do": frozenset({"next", "save", "on_status", "on_error", "tried"}),
    "branch": frozenset({"otherwise"}),
    "set": frozenset({"next"}),
    "handoff": frozenset({"queue", "skills", "text"}),
    "end": frozenset({"text"}),
}
"""The verbs of the language, and what else each may carry."""
SLOT_KEYS = frozenset(
    {"type", "confirm", "prefill", "implies", "answer", "prefix", "length", "low", "high"}
    | {"choices", "optional", "pattern", "currency", "past", "month_first", "country", "among"}
)


def read_flow(path: Path) -> Flow:
    """The flow of a file. Raises ``BadFlow`` with all its problems, or ``OSError``."""
    return parse_flow(path.read_text(encoding="utf-8"), str(path))


def parse_flow(source: str, path: str = "flow") -> Flow:
    """The flow in this YAML text. Raises ``BadFlow`` with all its problems."""
    top = load(source, path)
    reader = _Reader(path)
    version = hashlib.sha256(source.encode()).hexdigest()[:VERSION_LENGTH]
    flow = reader.flow(top, version)
    problems = reader.problems or check.problems(flow)
    if problems:
        raise BadFlow(tuple(problems))
    return flow


class _Reader:
    """Turns plain data into the flow, collecting problems on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []
        self.where = ""
        self.line = 0
        self.languages: tuple[str, ...] = LANGUAGES

    def flow(self, top: Section, version: str) -> Flow:
        """The whole file."""
        self._known(top, TOP_KEYS)
        self.line = top.line
        self.languages = tuple(self._words(top, "languages")) or ("en",)
        for language in self.languages:
            if language not in LANGUAGES:
                self._bad(f"unknown language {language!r}; use some of {list(LANGUAGES)}")
        steps = self._each(top, "steps", self._step)
        if not steps:
            self._bad("no steps; add a 'steps:' mapping")
        words = self._section(top, "words")
        return Flow(
            name=self._needed(top, "flow"),
            version=version,
            start=self._needed(top, "start"),
            languages=self.languages,
            steps=steps,
            slots=self._each(top, "slots", self._slot),
            intents=self._each(top, "intents", self._intent),
            always=self._names(top, "always"),
            queue=self._queue(top),
            variables=self._names(top, "variables"),
            no_match=self._texts(top, "no_match") or NO_MATCH,
            no_input=self._texts(top, "no_input") or NO_INPUT,
            filler=self._texts(top, "filler") or FILLERS,
            confirm=self._optional_text(top, "confirm"),
            letter=self._letter(top),
            words={name: self._text(words, name) for name in words},
            path=self.path,
        )

    def _each(
        self, top: Section, key: str, parse: Callable[[str, Section], T | None]
    ) -> dict[str, T]:
        found: dict[str, T] = {}
        section = self._section(top, key)
        for name, raw in section.items():
            self.where, self.line = f"{key.rstrip('s')} {name!r}: ", section.lines[name]
            if not isinstance(raw, Section):
                self._bad(f"expected a mapping, found {raw!r}")
                continue
            item = parse(name, raw)
            if item is not None:
                found[name] = item
        self.where = ""
        return found

    # steps

    def _step(self, name: str, raw: Section) -> Step | None:
        verbs = [verb for verb in STEP_KEYS if verb in raw]
        if len(verbs) != 1:
            self._bad(f"needs exactly one of {list(STEP_KEYS)}, found {verbs or list(raw)}")
            return None
        verb = verbs[0]
        self._known(raw, STEP_KEYS[verb] | {verb})
        parse: Mapping[str, Callable[[str, Section], Step]] = {
            "say": self._say,
            "ask": self._ask,
            "answer": self._answer,
            "do": self._do,
            "branch": self._branch,
            "set": self._set,
            "handoff": self._handoff,
            "end": self._end,
        }
        return parse[verb](name, raw)

    def _say(self, name: str, raw: Section) -> Step:
        return SayStep(
            id=name,
            line=self.line,
            text=self._text(raw, "say"),
            next=self._needed(raw, "next"),
            protected=self._flag(raw, "protected"),
        )

    def _ask(self, name: str, raw: Section) -> Step:
        return AskStep(
            id=name,
            line=self.line,
            text=self._text(raw, "ask"),
            slot=str(raw.get("slot", "")),
            next=self._needed(raw, "next") if "slot" in raw else str(raw.get("next", "")),
            routes=self._names(raw, "routes"),
            otherwise=str(raw.get("otherwise", "")),
            dtmf=self._names(raw, "dtmf"),
            no_match=self._texts(raw, "no_match"),
            no_input=self._texts(raw, "no_input"),
            again=self._optional_text(raw, "again"),
            confirm=self._optional_text(raw, "confirm"),
            keys=self._optional_text(raw, "keys"),
            turn=self._one_of(raw, "turn", ("", *PROFILES), ""),
        )

    def _answer(self, name: str, raw: Section) -> Step:
        return AnswerStep(
            id=name,
            line=self.line,
            question=self._needed(raw, "answer"),
            next=self._needed(raw, "next"),
            unknown=self._needed(raw, "unknown"),
            text=self._optional_text(raw, "text"),
        )

    def _do(self, name: str, raw: Section) -> Step:
        call = self._section(raw, "do")
        self._known(call, frozenset(["method", "url", "body", "timeout_s"]))
        method = str(call.get("method", "GET")).upper()
        if method not in METHODS:
            self._bad(f"unknown method {method!r}; use one of {list(METHODS)}")
        timeout_s = call.get("timeout_s", 3.0)
        if not isinstance(timeout_s, int | float) or not 0 < timeout_s <= 30:
            self._bad(f"timeout_s {timeout_s!r} is not a number of seconds above 0, at most 30")
            timeout_s = 3.0
        return DoStep(
            id=name,
            line=self.line,
            method=method,
            url=self._needed(call, "url"),
            body=self._names(call, "body") if "body" in call else None,
            timeout_s=float(timeout_s),
            save=self._names(raw, "save"),
            next=self._needed(raw, "next"),
            on_status=self._statuses(raw),
            on_error=self._needed(raw, "on_error"),
            tried=str(raw.get("tried", "")),
        )

    def _statuses(self, raw: Section) -> dict[int, str]:
        found = {}
        for status, step in self._names(raw, "on_status").items():
            if status.isdigit() and 100 <= int(status) <= 599:
                found[int(status)] = step
            else:
                self._bad(f"on_status: {status!r} is not an HTTP status from 100 to 599")
        return found

    def _branch(self, name: str, raw: Section) -> Step:
        cases: list[tuple[str, str]] = []
        listed = raw["branch"]
        for case in listed if isinstance(listed, list) else []:
            if isinstance(case, Section) and set(case) == {"when", "go"}:
                cases.append((str(case["when"]), str(case["go"])))
            else:
                self._bad(f"a case needs 'when' and 'go', found {case!r}")
        if not cases:
            self._bad("branch needs a list of cases with 'when' and 'go'")
        return BranchStep(
            id=name, line=self.line, cases=tuple(cases), otherwise=self._needed(raw, "otherwise")
        )

    def _set(self, name: str, raw: Section) -> Step:
        return SetStep(
            id=name, line=self.line, values=self._names(raw, "set"), next=self._needed(raw, "next")
        )

    def _handoff(self, name: str, raw: Section) -> Step:
        skills = {}
        for skill, level in self._section(raw, "skills").items():
            if isinstance(level, int) and 1 <= level <= 5:
                skills[skill] = level
            else:
                self._bad(f"skills: the level of {skill!r} is {level!r}, not 1 to 5")
        return HandOffStep(
            id=name,
            line=self.line,
            reason=self._needed(raw, "handoff"),
            queue=self._queue(raw),
            skills=skills,
            text=self._optional_text(raw, "text"),
        )

    def _end(self, name: str, raw: Section) -> Step:
        return EndStep(
            id=name,
            line=self.line,
            reason=self._needed(raw, "end"),
            text=self._optional_text(raw, "text"),
        )

    # slots and intents

    def _slot(self, name: str, raw: Section) -> Slot:
        self._known(raw, SLOT_KEYS)
        kind = self._one_of(raw, "type", SLOT_TYPES, "")
        choices = self._choices(raw)
        if (kind == "choice") != bool(choices):
            self._bad("a slot of type choice, and no other, needs 'choices'")
        return Slot(
            name=name,
            type=kind,
            confirm=self._one_of(raw, "confirm", CONFIRMATIONS, "never"),
            prefill=self._flag(raw, "prefill"),
            implies=str(raw.get("implies", "")),
            answer=self._flag(raw, "answer"),
            prefix=str(raw.get("prefix", "")).upper(),
            length=self._number(raw, "length") or 0,
            low=self._number(raw, "low"),
            high=self._number(raw, "high"),
            choices=choices,
            optional=self._flag(raw, "optional"),
            pattern=self._pattern(raw, kind),
            currency=str(raw.get("currency", "")).upper(),
            past=self._flag(raw, "past"),
            month_first=self._flag(raw, "month_first"),
            country=self._country(raw, kind),
            among=tuple(self._words(raw, "among")),
        )

    def _pattern(self, raw: Section, kind: str) -> str:
        pattern = str(raw.get("pattern", ""))
        if (kind == "code") != bool(pattern):
            self._bad("a slot of type code, and no other, needs a 'pattern', as '[A-Z]{2}[0-9]{6}'")
        try:
            re.compile(pattern)
        except re.error as error:
            self._bad(f"pattern {pattern!r} is no regular expression: {error}")
        return pattern

    def _country(self, raw: Section, kind: str) -> str:
        country = str(raw.get("country", "")).upper()
        if (kind == "phone") != bool(country):
            self._bad("a slot of type phone, and no other, needs 'country': two letters, as LV")
        elif country and not re.fullmatch("[A-Z]{2}", country):
            self._bad(f"country {country!r} is not the two letters of ISO 3166, as LV")
        return country

    def _choices(self, raw: Section) -> tuple[Choice, ...]:
        found = []
        for value, choice in self._section(raw, "choices").items():
            if not isinstance(choice, Section):
                self._bad(f"choice {value!r}: expected 'key' and 'phrases', found {choice!r}")
                continue
            self._known(choice, frozenset(["key", "phrases"]))
            found.append(
                Choice(value, str(choice.get("key", "")), self._examples(choice, "phrases"))
            )
        return tuple(found)

    def _intent(self, name: str, raw: Section) -> Intent:
        self._known(raw, frozenset({"label", "go", "queue", "small_talk", "examples"}))
        if name in check.YES_NO:
            self._bad("this name is built in; choose another")
        if name in GLOBALS and "go" in raw:
            self._bad(f"a built-in intent has no 'go'; set 'always: {{{name}: STEP}}'")
        return Intent(
            name=name,
            label=str(raw.get("label", name.replace("_", " "))),
            go=str(raw.get("go", "")),
            queue=self._queue(raw),
            small_talk=self._flag(raw, "small_talk"),
            examples=self._examples(raw, "examples"),
        )

    def _examples(self, raw: Section, key: str) -> dict[str, tuple[str, ...]]:
        found = {}
        for language, phrases in self._section(raw, key).items():
            if language not in self.languages:
                self._bad(f"{key}: language {language!r} is not in {list(self.languages)}")
            elif not isinstance(phrases, list) or not phrases:
                self._bad(f"{key}.{language}: expected a list of phrases")
            else:
                found[language] = tuple(str(phrase) for phrase in phrases)
        return found

    # texts

    def _text(self, raw: Section, key: str) -> Text:
        variants: dict[tuple[str, str], str] = {}
        self._collect(raw[key], key, ANY, ANY, variants)
        text = Text(variants)
        for channel in FAMILIES:
            if not text.find(self.languages[0], channel, self.languages[0]):
                self._bad(f"{key}: no text for {channel} in {self.languages[0]!r}; add one")
        return text

    def _collect(
        self, raw: Any, key: str, language: str, channel: str, into: dict[tuple[str, str], str]
    ) -> None:
        if not isinstance(raw, Section):
            into[language, channel] = str(raw).strip()
            return
        for name, inner in raw.items():
            if name in self.languages and not language:
                self._collect(inner, key, name, channel, into)
            elif name in CHANNELS + FAMILIES and not channel:
                self._collect(inner, key, language, name, into)
            else:
                usable = [*self.languages, *FAMILIES, *CHANNELS[1:]]
                self._bad(f"{key}: {name!r} is not a language or channel; use some of {usable}")

    def _optional_text(self, raw: Section, key: str) -> Text | None:
        return self._text(raw, key) if key in raw else None

    def _texts(self, raw: Section, key: str) -> tuple[Text, ...]:
        listed = raw.get(key, [])
        if not isinstance(listed, list):
            self._bad(f"{key}: expected a list of texts, one per repetition")
            return ()
        return tuple(self._text(_wrap(key, item), key) for item in listed)

    def _letter(self, top: Section) -> Letter | None:
        raw = self._section(top, "letter")
        if not raw:
            return None
        self._known(raw, frozenset(["opening", "closing"]))
        if set(raw) != {"opening", "closing"}:
            self._bad("letter needs 'opening' and 'closing'")
            return None
        return Letter(self._text(raw, "opening"), self._text(raw, "closing"))

    # plain values

    def _section(self, raw: Section, key: str) -> Section:
        found = raw.get(key)
        if isinstance(found, Section):
            return found
        if found is not None:
            self._bad(f"{key}: expected a mapping, found {found!r}")
        return Section()

    def _names(self, raw: Section, key: str) -> dict[str, str]:
        return {name: str(value) for name, value in self._section(raw, key).items()}

    def _queue(self, raw: Section) -> str:
        """One queue or a list of them, as the text of ``outcome.named_queues``."""
        found = raw.get("queue", "")
        return ", ".join(self._words(raw, "queue")) if isinstance(found, list) else str(found)

    def _words(self, raw: Section, key: str) -> list[str]:
        found = raw.get(key, [])
        if not isinstance(found, list):
            self._bad(f"{key}: expected a list, found {found!r}")
            return []
        return [str(word) for word in found]

    def _needed(self, raw: Section, key: str) -> str:
        value = raw.get(key)
        if value is None or isinstance(value, Section | list) or str(value) == "":
            self._bad(f"missing {key!r}; add '{key}: …'")
            return ""
        return str(value)

    def _one_of(self, raw: Section, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = str(raw.get(key, default))
        if value not in allowed:
            self._bad(f"{key} {value!r} is not one of {list(allowed)}")
        return value

    def _flag(self, raw: Section, key: str) -> bool:
        value = raw.get(key, False)
        if not isinstance(value, bool):
            self._bad(f"{key}: expected true or false, found {value!r}")
        return bool(value)

    def _number(self, raw: Section, key: str) -> int | None:
        value = raw.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self._bad(f"{key}: expected a whole number, found {value!r}")
        return None

    def _known(self, raw: Section, keys: frozenset[str]) -> None:
        for key in raw:
            if key not in keys:
                self._bad(f"unknown key {key!r}; known are {sorted(keys)}", raw.lines[key])

    def _bad(self, problem: str, line: int = 0) -> None:
        self.problems.append(f"{self.path}:{line or self.line}: {self.where}{problem}")


def _wrap(key: str, item: Any) -> Section:
    section = Section()
    section[key] = item
    return section
