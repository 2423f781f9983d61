"""What a flow's templates may use, and how things are told to the person who takes over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow import render
from bots.flow.model import DoStep, Flow, SetStep
from bots.flow.outcome import Memory, NeedHttp

PERSON = ("name", "note", "disposition")
"""What ``person`` holds after somebody had the customer; empty before."""


def values_of(flow: Flow, memory: Memory, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a template may use; what nothing has set yet is empty."""
    values: dict[str, Any] = dict.fromkeys(_settable(flow), "")
    trusted = {**flow.variables, **settings}
    values |= {name: render.Plain(value) for name, value in trusted.items()}
    values |= memory["vars"]
    values |= {name: slot["value"] for name, slot in memory["slots"].items()}
    intent = flow.intents.get(memory["intent"] or "")
    names = ("name", "channel", "language", "question", "answer", "unanswered", "value")
    values |= {name: memory[name] for name in names}
    values |= {
        "intent": memory["intent"] or "",
        "intent_label": intent.label if intent else "",
        "queue": memory["queue"] or flow.queue,
        "words": _words(flow, memory),
        "person": dict.fromkeys(PERSON, "") | memory.get("person", {}),
        "heard": _Heard(memory.get("heard", {})),
    }
    return values


def request_of(step: DoStep, values: Mapping[str, Any]) -> NeedHttp:
    """A step's action, filled in."""
    body = None
    if step.body is not None:
        body = {key: render.text(template, values) for key, template in step.body.items()}
    return NeedHttp(step.method, render.address(step.url, values), body, step.timeout_s)


def _words(flow: Flow, memory: Memory) -> _Words:
    language, channel = memory["language"], memory["channel"]
    fallback = flow.languages[0]
    return _Words(
        {code: text.find(language, channel, fallback) for code, text in flow.words.items()}
    )


class _Words(dict[str, str]):
    """Codes in words; a code without a word stands for itself."""

    def __missing__(self, code: str) -> str:
        return code


class _Heard(dict[str, bool]):
    """Which steps' words were heard to their end; of the others nothing was."""

    def __missing__(self, step: str) -> bool:
        return False


def _settable(flow: Flow) -> set[str]:
    names = set(flow.slots)
    for step in flow.steps.values():
        if isinstance(step, SetStep):
            names |= set(step.values)
        elif isinstance(step, DoStep):
            names |= set(step.save)
    return names


def how(status: int) -> str:
    """How an action went, for the person who reads the hand-over."""
    if 200 <= status < 300:
        return "done"
    return {0: "no answer", 404: "not found"}.get(status, f"failed with status {status}")


def shortened(text: str, limit: int = 80) -> str:
    """One line of at most ``limit`` characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= limit else one_line[: limit - 1] + "…"
