"""The language of flows as JSON Schema (draft 2020-12), for editors. Pure.

It is made from what ``bots.flow.schema`` accepts, so that the two cannot drift apart; a key that
has no entry here is allowed with any value. An editor with it completes keys and marks mistakes
while they are typed; ``python -m bots check`` finds many more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bots.flow.declared import INTENT_KEYS, SLOT_KEYS
from bots.flow.fallback import OFFERS
from bots.flow.model import (
    ALWAYS,
    CHANNELS,
    CONFIRMATIONS,
    FAMILIES,
    LANGUAGES,
    SLOT_TYPES,
)
from bots.flow.schema import STEP_KEYS, TOP_KEYS
from bots.flow.verbs import (
    LEAST_RING_S,
    METHODS,
    MOST_RETRIES,
    MOST_RING_S,
    MOST_TIMEOUT_S,
    OUTCOMES,
    WAYS,
)
from bots.turn import PROFILES

URI = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
WORD: Schema = {"type": ["string", "number", "boolean"]}
"""What YAML may make of a word that is taken as text."""
STEP: Schema = {"type": "string", "minLength": 1, "description": "the name of a step"}
TEXT: Schema = {"$ref": "#/$defs/text"}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer"}
SECONDS: Schema = {"type": "integer", "minimum": 1}
STRINGS: Schema = {"type": "array", "items": WORD}
NAMES: Schema = {"type": "object", "additionalProperties": WORD}
STEPS: Schema = {"type": "object", "additionalProperties": STEP}
QUEUE: Schema = {"anyOf": [STRING, STRINGS]}
PHRASES: Schema = {
    "type": "object",
    "propertyNames": {"enum": list(LANGUAGES)},
    "additionalProperties": {**STRINGS, "minItems": 1},
}


def _object(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _one_of(words: Iterable[str]) -> Schema:
    return {"enum": list(words)}


CHECK = _object({"when": WORD, "text": TEXT}, ("when", "text"))
CHECKS: Schema = {"anyOf": [CHECK, {"type": "array", "items": CHECK}]}

VERBS: Mapping[str, Schema] = {
    "say": TEXT,
    "ask": TEXT,
    "answer": STRING,
    "do": _object(
        {
            "method": _one_of(METHODS),
            "url": STRING,
            "headers": NAMES,
            "body": NAMES,
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_TIMEOUT_S},
            "retries": {"enum": list(range(MOST_RETRIES + 1))},
            "expects": {"type": "object", "description": "JSON Schema of the answer's body"},
        },
        ("url",),
    ),
    "branch": {
        "type": "array",
        "minItems": 1,
        "items": _object({"when": WORD, "go": STEP}, ("when", "go")),
    },
    "set": NAMES,
    "call": {**STRING, "description": "the name of another flow in this folder"},
    "transfer": _object(
        {"queue": QUEUE, "agent": STRING, "flow": STRING, "outside": {"type": "string"}}
        | {"ring_s": {"type": "number", "minimum": LEAST_RING_S, "maximum": MOST_RING_S}}
    ),
    "callback": _object({"number": STRING, "at": STRING, "queue": STRING}, ("number",)),
    "survey": TEXT,
    "verify": _one_of(WAYS),
    "handoff": {**STRING, "description": "the reason"},
    "message": {**STRING, "description": "the reason"},
    "end": {**STRING, "description": "the reason"},
}
"""What stands behind the verb of a step."""

KEYS: Mapping[str, Schema] = {
    "next": STEP,
    "otherwise": STEP,
    "unknown": STEP,
    "on_error": STEP,
    "on_status": STEPS,
    "routes": STEPS,
    "dtmf": {
        "type": "object",
        "propertyNames": {"pattern": "^[0-9*#]+$"},
        "additionalProperties": WORD,
    },
    "slot": STRING,
    "slots": {"type": "array", "items": STRING, "minItems": 2},
    "missing": {"type": "object", "additionalProperties": TEXT},
    "check": CHECKS,
    "resumes": FLAG,
    "declined": STEP,
    "irreversible": FLAG,
    "needs": _object({"level": {"enum": [1, 2]}, "prove": STEP}, ("level", "prove")),
    "wrong": STEP,
    "failed": STEP,
    "closed": STEP,
    "refused": STEP,
    "on_end": STEPS,
    "on_outcome": {**STEPS, "propertyNames": {"enum": list(OUTCOMES)}},
    "with": NAMES,
    "agent": STRING,
    "nobody": {"anyOf": [STEP, {"enum": [False]}]},
    "to": STRING,
    "reason": STRING,
    "turn": _one_of(PROFILES),
    "protected": FLAG,
    "again": TEXT,
    "confirm": TEXT,
    "keys": TEXT,
    "no_match": TEXTS,
    "no_input": TEXTS,
    "text": TEXT,
    "save": NAMES,
    "tried": STRING,
    "queue": QUEUE,
    "skills": {"type": "object", "additionalProperties": {"enum": [1, 2, 3, 4, 5]}},
}
"""What may stand beside the verb of a step."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "say": ("next",),
    "answer": ("next", "unknown"),
    "do": ("next", "on_error"),
    "branch": ("otherwise",),
    "set": ("next",),
    "call": ("next",),
    "callback": ("next", "refused"),
    "survey": ("next",),
    "verify": ("next", "failed"),
}

SLOT_VALUES: Mapping[str, Schema] = {
    "type": _one_of(SLOT_TYPES),
    "confirm": _one_of(CONFIRMATIONS),
    "prefill": FLAG,
    "implies": STRING,
    "answer": FLAG,
    "optional": FLAG,
    "sensitive": FLAG,
    "label": TEXT,
    "check": CHECKS,
    "prefix": STRING,
    "length": WHOLE,
    "low": WHOLE,
    "high": WHOLE,
    "pattern": {**STRING, "format": "regex"},
    "currency": {**STRING, "pattern": "^[A-Za-z]{3}$"},
    "past": FLAG,
    "month_first": FLAG,
    "country": {**STRING, "pattern": "^[A-Za-z]{2}$"},
    "among": {"type": "array", "items": STRING},
    "choices": {
        "type": "object",
        "additionalProperties": _object({"key": WORD, "phrases": PHRASES}),
    },
}
INTENT_VALUES: Mapping[str, Schema] = {
    "label": WORD,
    "about": TEXT,
    "go": STEP,
    "queue": QUEUE,
    "small_talk": FLAG,
    "examples": PHRASES,
}
SLOT = _object({key: SLOT_VALUES.get(key, {}) for key in sorted(SLOT_KEYS)}, ("type",))
INTENT = _object({key: INTENT_VALUES.get(key, {}) for key in sorted(INTENT_KEYS)})
TOP: Mapping[str, Schema] = {
    "flow": {**STRING, "description": "the flow's name"},
    "start": STEP,
    "languages": {"type": "array", "items": _one_of(LANGUAGES), "minItems": 1},
    "queue": QUEUE,
    "always": {
        "type": "object",
        "propertyNames": {"enum": list(ALWAYS)},
        "additionalProperties": STEP,
    },
    "slots": {"type": "object", "additionalProperties": SLOT},
    "intents": {"type": "object", "additionalProperties": INTENT},
    "steps": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/step"},
    },
    "variables": NAMES,
    "no_match": TEXTS,
    "no_input": TEXTS,
    "filler": TEXTS,
    "confirm": TEXT,
    "letter": _object({"opening": TEXT, "closing": TEXT}, ("opening", "closing")),
    "words": {"type": "object", "additionalProperties": TEXT},
    "nobody": _object(
        {
            "go": STEP,
            "offer": {"type": "array", "minItems": 1, "items": _one_of(OFFERS)},
            "text": TEXT,
            "country": SLOT_VALUES["country"],
            "after_s": {
                "anyOf": [
                    SECONDS,
                    {
                        "type": "object",
                        "propertyNames": {"enum": list(CHANNELS)},
                        "additionalProperties": SECONDS,
                    },
                ]
            },
        }
    ),
}


def json_schema() -> Schema:
    """The schema of a flow file."""
    return {
        "$schema": URI,
        "title": "Parley flow",
        "type": "object",
        "properties": {key: TOP.get(key, {}) for key in sorted(TOP_KEYS)},
        "required": ["flow", "start", "steps"],
        "additionalProperties": False,
        "$defs": {
            "text": _text(),
            "step": {"oneOf": [_step(verb, keys) for verb, keys in STEP_KEYS.items()]},
        },
    }


def _step(verb: str, keys: Iterable[str]) -> Schema:
    beside = {key: KEYS.get(key, {}) for key in sorted(keys)}
    return {
        "title": verb,
        **_object({verb: VERBS.get(verb, {}), **beside}, (verb, *NEEDED.get(verb, ()))),
    }


def _text() -> Schema:
    """One string, or variants by language, by channel, or both in either order."""
    places = [*FAMILIES, *CHANNELS[1:]]
    by_channel = {"type": "object", "properties": dict.fromkeys(places, WORD)}
    by_language = {"type": "object", "properties": dict.fromkeys(LANGUAGES, WORD)}
    closed = {"additionalProperties": False}
    variants = {
        **{language: {"anyOf": [WORD, {**by_channel, **closed}]} for language in LANGUAGES},
        **{place: {"anyOf": [WORD, {**by_language, **closed}]} for place in places},
    }
    return {"anyOf": [WORD, _object(variants)]}
