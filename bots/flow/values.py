"""What a flow's templates may use, and how things are told to the person who takes over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bots.flow import render
from bots.flow.model import (
    INSIDE,
    CallbackStep,
    CallStep,
    DoStep,
    Flow,
    OutsideStep,
    SetStep,
    inside,
    scope_of,
)
from bots.flow.outcome import Memory, NeedHttp

PERSON = ("name", "note", "disposition")
"""What ``person`` holds after somebody had the customer; empty before."""
NOBODY = {"why": "", "phone": False, "email": False}
"""What ``nobody`` holds; filled when no person came: why, and how the customer is reached."""
IDEMPOTENCY = "Idempotency-Key"
"""The header by which a server knows a request that it has had (draft-ietf-httpapi-idempotency)."""


def values_of(flow: Flow, memory: Memory, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a template may use; what nothing has set yet is empty.

    Inside a called flow that is what is its own, by the names that it uses.
    """
    scope = scope_of(memory["step"])
    values: dict[str, Any] = dict.fromkeys(_local(scope, dict.fromkeys(_settable(flow))), "")
    trusted = {**_local(scope, flow.variables), **settings}
    values |= {name: render.Plain(value) for name, value in trusted.items()}
    values |= _local(scope, memory["vars"])
    slots = {name: slot["value"] for name, slot in memory["slots"].items()}
    values |= _local(scope, slots)
    intent = flow.intents.get(memory["intent"] or "")
    names = ("name", "channel", "language", "question", "answer", "unanswered", "value")
    values |= {name: memory[name] for name in names}
    values |= {
        "intent": memory["intent"] or "",
        "intent_label": intent.label if intent else "",
        "queue": memory["queue"] or flow.queue,
        "words": _words(flow, memory),
        "proved": (memory.get("authentication") or {}).get("level", 0),
        "person": dict.fromkeys(PERSON, "") | memory.get("person", {}),
        "nobody": NOBODY | memory.get("nobody", {}),
        "mood": memory.get("mood", {}).get("name", "neutral"),
        "heard": _Heard(_local(scope, memory.get("heard", {}))),
    }
    return values


def _local(scope: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to the scope, by its short names."""
    whole = scope + INSIDE if scope else ""
    return {
        name.removeprefix(whole): value for name, value in named.items() if scope_of(name) == scope
    }


def request_of(step: DoStep, values: Mapping[str, Any], key: str) -> NeedHttp:
    """A step's action, filled in. ``key`` is what makes a second try of it the same deed."""
    body = None
    if step.body is not None:
        body = {name: render.text(template, values) for name, template in step.body.items()}
    headers = {name: render.header(template, values) for name, template in step.headers.items()}
    if key:
        headers.setdefault(IDEMPOTENCY, key)
    url = render.address(step.url, values)
    return NeedHttp(step.method, url, body, step.timeout_s, headers, step.retries)


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
        scope = scope_of(step.id)
        match step:
            case SetStep():
                names |= {inside(scope, name) for name in step.values}
            case DoStep() | CallStep():
                names |= {inside(scope, name) for name in step.save}
            case CallbackStep():
                names.add(inside(scope, "opens"))
            case OutsideStep():
                names.add(inside(scope, "outside"))
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
