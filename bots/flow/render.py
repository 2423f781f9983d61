"""Templates of a flow: Jinja2 in its sandbox, with filters for the ear.

Customer text only ever enters as a value, never as a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, meta, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

# fmt: off
MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)
DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS_LV = (
    "janvārī", "februārī", "martā", "aprīlī", "maijā", "jūnijā", "jūlijā", "augustā",
    "septembrī", "oktobrī", "novembrī", "decembrī",
)
# fmt: on
COMPILED = 2048
MARK = "\0"
_MARKED = re.compile(f"{MARK}([^{MARK}]*){MARK}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
BARE_DIGITS = 5
"""From so many digits on, a voice reads a number as a code by itself."""


class Plain(str):
    """A value that goes into an address as it is, for instance the API's base URL."""

    __slots__ = ()


class Secret(str):
    """The mark of a secret in a header, between two characters that no header may hold."""

    __slots__ = ()


def secret(name: str) -> Secret:
    """The mark that stands for the secret of that name until the request is sent."""
    return Secret(f"{MARK}{name}{MARK}")


def spoken(value: object, language: str = "") -> str:
    """A code, written so that a voice reads it back digit by digit: ``4821`` → ``4 8 2 1``.

    Longer ones and ``HL-482913`` stay as they are: ``bots.spoken`` reads them in groups, in
    any language. ``language`` is for flows that still name it.
    """
    code = str(value)
    return " ".join(code) if code.isdecimal() and len(code) < BARE_DIGITS else code


def day(value: object, language: str = "en") -> str:
    """An ISO date as people say it; anything else as it is."""
    try:
        found = date.fromisoformat(str(value)[:10])
    except ValueError:
        return str(value)
    if language == "zh":
        return f"{found.month}月{found.day}日"
    if language == "lv":
        return f"{found.day}. {MONTHS_LV[found.month - 1]}"
    return f"{DAYS_EN[found.weekday()]} {found.day} {MONTHS_EN[found.month - 1]}"


def _quoted(value: object) -> object:
    return value if isinstance(value, Plain) else quote(str(value), safe="")


def _one_line(value: object) -> object:
    """No value can end a header's line (RFC 9110 §5.5), or look like a secret's mark."""
    return value if isinstance(value, Secret) else _CONTROL.sub(" ", str(value))


def _environment(finalize: Callable[[object], object] | None = None) -> SandboxedEnvironment:
    # Plain text goes out, each channel escapes for itself, so nothing is escaped here.
    env = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=finalize)
    env.filters.update(spoken=spoken, day=day)
    env.globals.clear()
    return env


TEXTS = _environment()
ADDRESSES = _environment(_quoted)
"""Every value but :class:`Plain` is percent-encoded, so that no customer can bend a URL."""


HEADERS = _environment(_one_line)
HEADERS.globals["secret"] = secret

# Compiling costs a millisecond and the templates of the loaded flows are few.
_text = lru_cache(COMPILED)(TEXTS.from_string)
_address = lru_cache(COMPILED)(ADDRESSES.from_string)
_header = lru_cache(COMPILED)(HEADERS.from_string)
_condition = lru_cache(COMPILED)(TEXTS.compile_expression)


def text(template: str, values: Mapping[str, Any]) -> str:
    """The template filled in. Raises ``jinja2.TemplateError``."""
    return _text(template).render(values).strip()


def address(template: str, values: Mapping[str, Any]) -> str:
    """The same for a URL; what is filled in is percent-encoded."""
    return _address(template).render(values).strip()


def header(template: str, values: Mapping[str, Any]) -> str:
    """The same for a header; its secrets are marks, which :func:`revealed` replaces."""
    return _header(template).render(values).strip()


def revealed(value: str, secrets: Mapping[str, str]) -> str:
    """A header with its secrets. Raises ``KeyError`` naming one that is not set."""
    return _MARKED.sub(lambda found: secrets[found.group(1)], value)


def truth(condition: str, values: Mapping[str, Any]) -> bool:
    """Whether the Jinja2 expression holds."""
    return bool(_condition(condition)(**values))


def names_in(template: str) -> set[str]:
    """The variables a template uses. Raises ``jinja2.TemplateSyntaxError``."""
    return meta.find_undeclared_variables(TEXTS.parse(template))


def secrets_in(template: str) -> tuple[set[str], bool]:
    """The secrets that a header names, and whether each stands for itself, by a plain name."""
    parsed = HEADERS.parse(template)
    calls = [call for call in parsed.find_all(nodes.Call) if _is_secret(call)]
    alone = {id(each) for output in parsed.find_all(nodes.Output) for each in output.nodes}
    plain = [call for call in calls if id(call) in alone and len(call.args) == 1]
    named = {arg.value for call in plain for arg in call.args if isinstance(arg, nodes.Const)}
    return {str(name) for name in named}, len(plain) == len(calls)


def _is_secret(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name == "secret"


__all__ = [
    "Plain",
    "TemplateError",
    "address",
    "day",
    "header",
    "names_in",
    "revealed",
    "secrets_in",
    "spoken",
    "text",
    "truth",
]
