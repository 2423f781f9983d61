"""Templates of a flow: Jinja2 in its sandbox, with filters for the ear.

Customer text only ever enters as a value, never as a template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, meta
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
BARE_DIGITS = 5
"""From so many digits on, a voice reads a number as a code by itself."""


class Plain(str):
    """A value that goes into an address as it is, for instance the API's base URL."""

    __slots__ = ()


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


def _environment(finalize: Callable[[object], object] | None = None) -> SandboxedEnvironment:
    # Plain text goes out, each channel escapes for itself, so nothing is escaped here.
    env = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=finalize)
    env.filters.update(spoken=spoken, day=day)
    env.globals.clear()
    return env


TEXTS = _environment()
ADDRESSES = _environment(_quoted)
"""Every value but :class:`Plain` is percent-encoded, so that no customer can bend a URL."""


# Compiling costs a millisecond and the templates of the loaded flows are few.
_text = lru_cache(COMPILED)(TEXTS.from_string)
_address = lru_cache(COMPILED)(ADDRESSES.from_string)
_condition = lru_cache(COMPILED)(TEXTS.compile_expression)


def text(template: str, values: Mapping[str, Any]) -> str:
    """The template filled in. Raises ``jinja2.TemplateError``."""
    return _text(template).render(values).strip()


def address(template: str, values: Mapping[str, Any]) -> str:
    """The same for a URL; what is filled in is percent-encoded."""
    return _address(template).render(values).strip()


def truth(condition: str, values: Mapping[str, Any]) -> bool:
    """Whether the Jinja2 expression holds."""
    return bool(_condition(condition)(**values))


def names_in(template: str) -> set[str]:
    """The variables a template uses. Raises ``jinja2.TemplateSyntaxError``."""
    return meta.find_undeclared_variables(TEXTS.parse(template))


__all__ = ["Plain", "TemplateError", "address", "day", "names_in", "spoken", "text", "truth"]
