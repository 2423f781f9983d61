"""Speech servers for many call processes: what may be named in the settings.

Two kinds: the Wyoming protocol (``wyoming://host:port``) and an OpenAI-compatible audio API
(``https://host/v1``). A key is sent over plain HTTP only to this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

CONNECT_S = 1.0
FIRST_S = 3.0
WHOLE_S = 15.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
EXPECTED = "expected wyoming://host:port, or https://host/v1"
HINTS = 12
"""Phrases that go along with an utterance; more push the beginning of a prompt out."""
UNKNOWN_CONFIDENCE = 0.7
"""For servers that do not say how sure they are: enough to go on, not to skip confirming."""
_CHINESE = frozenset({"cmn", "yue", "zh"})


class Protocol(StrEnum):
    """What a speech server speaks."""

    WYOMING = "wyoming"
    API = "api"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a speech server is. ``url`` is an API's base, without a slash at its end."""

    protocol: Protocol
    host: str
    port: int
    url: str

    @property
    def secure(self) -> bool:
        """Whether a secret may be sent there: encrypted, or not over a network."""
        return self.url.startswith("https://") or self.host in LOOPBACK

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a speech server may take. Seconds.

    ``first_s``: from the end of the caller's speech to its text, from a text to its first
    sound, and from one piece of sound to the next. ``whole_s``: for all sound of one text.
    """

    connect_s: float = CONNECT_S
    first_s: float = FIRST_S
    whole_s: float = WHOLE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSpeech:
    """The speech servers of an installation; None for what none does.

    ``model`` and ``voice_model`` are names at the server, empty for its own choice.
    ``voices`` maps a language to the name of a voice; with some named, other languages are
    left to the local voices.
    """

    hears: Server | None = None
    speaks: Server | None = None
    key: str = field(default="", repr=False)
    model: str = ""
    voice_model: str = ""
    voices: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = Patience()


def parse_server(text: str) -> Server:
    """A speech server's URL. Raises ``ValueError`` that says what was expected."""
    parts = urlsplit(text)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{EXPECTED}, without a user, a query or a fragment")
    host = parts.hostname
    if not host or parts.scheme not in ("wyoming", "tcp", "http", "https"):
        raise ValueError(EXPECTED)
    if parts.scheme in ("http", "https"):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return Server(Protocol.API, host, port, text.rstrip("/"))
    if parts.port is None or parts.path.strip("/"):
        raise ValueError(EXPECTED)
    return Server(Protocol.WYOMING, host, parts.port, text)


def short_language(code: str) -> str:
    """Two letters of a language code as servers write it: ``en_GB``, ``zh-CN``, ``cmn``."""
    first = code.lower().replace("_", "-").split("-")[0]
    return "zh" if first in _CHINESE else first
