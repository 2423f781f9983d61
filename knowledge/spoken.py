"""What a listener can do without: brackets and quotation marks. Pure.

How numbers, times, codes and addresses are said is for the voice (``bots.spoken``): the
words stay as they are written, for the transcript and for text messages.
"""

from __future__ import annotations

import re

_BRACKETS = re.compile(r"\s*(?<!\])[(（][^()（）]*[)）]")
_QUOTES = re.compile('["“”„«»]')


def spoken_form(text: str) -> str:
    """The text without what is written only for the eye; links stay whole."""
    return re.sub(r"\s+", " ", _QUOTES.sub("", _BRACKETS.sub("", text))).strip()
