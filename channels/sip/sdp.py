"""Session descriptions for one audio stream (RFC 4566) and their negotiation (RFC 3264).

1. The first audio line over RTP/AVP with a port is ours; others are answered with port 0.
2. The offerer's order of codecs decides; the answer names one codec and the telephone
   events, if both sides know them.
3. ``sendonly`` is answered with ``recvonly`` and the other way round; that is hold. An
   address of 0.0.0.0 is hold in the old manner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from channels.errors import BadSdp, NothingInCommon
from channels.media.codecs import CODECS, Codec

EVENTS: Final = "telephone-event"
OUR_EVENTS_TYPE: Final = 101
PTIME_MS: Final = 20
_STATIC: Final = {0: "PCMU", 8: "PCMA"}
_MIRROR: Final = {
    "sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive",
}  # fmt: skip
_MOST_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class AudioLine:
    """The audio stream of a description: where the other side listens, and for what.

    ``codecs`` are (payload type, G.711 name) in the order of preference.
    """

    host: str
    port: int
    codecs: tuple[tuple[int, str], ...]
    events_type: int | None
    direction: str


@dataclass(frozen=True, slots=True)
class Description:
    """A parsed description; ``media`` are the raw m= values, ``index`` the audio one."""

    audio: AudioLine
    media: tuple[str, ...]
    index: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides settled on; ``direction`` is ours."""

    codec: Codec
    payload_type: int
    events_type: int | None
    remote: tuple[str, int]
    direction: str

    @property
    def we_send(self) -> bool:
        """False while the far end holds the call."""
        return self.direction in ("sendrecv", "sendonly")


@dataclass(slots=True)
class _Section:
    media: str
    host: str
    direction: str
    maps: dict[int, tuple[str, int]]


def parse(text: str) -> Description:
    """Read a description. Raises ``BadSdp`` naming the line."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    if lines[0] != "v=0":
        raise BadSdp(f"'v=0' expected first, got {lines[0][:40]!r}")
    if len(lines) > _MOST_LINES:
        raise BadSdp(f"at most {_MOST_LINES} lines expected, got {len(lines)}")
    sections = _sections(lines)
    for index, section in enumerate(sections):
        line = _audio_line(section)
        if line is not None:
            return Description(line, tuple(section.media for section in sections), index)
    raise BadSdp("no audio line over RTP/AVP with a port")


def _sections(lines: list[str]) -> list[_Section]:
    """One per m= line; the session's address and direction are their defaults."""
    session = _Section("", "", "sendrecv", {})
    current, found = session, list[_Section]()
    for line in lines:
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            raise BadSdp(f"'x=value' expected, got {line[:40]!r}")
        if kind == "m":
            current = _Section(value, session.host, session.direction, {})
            found.append(current)
        elif kind == "c":
            current.host = _host(value)
        elif kind == "a":
            _attribute(current, value)
    return found


def _host(value: str) -> str:
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
        raise BadSdp(f"'c=IN IP4 address' expected, got {value[:40]!r}")
    return parts[2].split("/")[0]


def _attribute(section: _Section, value: str) -> None:
    if value in _MIRROR:
        section.direction = value
    elif value.startswith("rtpmap:"):
        number, _, encoding = value[7:].strip().partition(" ")
        name, _, rest = encoding.strip().partition("/")
        rate = rest.partition("/")[0]
        # One without a rate says nothing that we could use; RFC 4475's valid messages have such.
        if number.isdecimal() and rate.isdecimal():
            section.maps[int(number)] = (name, int(rate))


def _audio_line(section: _Section) -> AudioLine | None:
    """The line when it is one that we can take part in."""
    parts = section.media.split()
    if len(parts) < 4:
        raise BadSdp(f"'m=audio port RTP/AVP types' expected, got {section.media[:40]!r}")
    port, types = parts[1].partition("/")[0], parts[3:]
    if not port.isdecimal() or int(port) > 65535:
        raise BadSdp(f"a port expected, got {parts[1]!r}")
    if parts[0] != "audio" or parts[2] != "RTP/AVP" or port == "0":
        return None
    if not section.host:
        raise BadSdp("no c= line for the audio")
    codecs, events = list[tuple[int, str]](), None
    for number in (int(kind) for kind in types if kind.isdecimal()):
        name, rate = section.maps.get(number, (_STATIC.get(number, ""), 8000))
        if name.upper() in CODECS and rate == 8000:
            codecs.append((number, name.upper()))
        elif name.lower() == EVENTS and rate == 8000:
            events = number
    direction = "inactive" if section.host == "0.0.0.0" else section.direction
    return AudioLine(section.host, int(port), tuple(codecs), events, direction)


def agree(theirs: Description, allowed: tuple[str, ...]) -> Agreement:
    """Settle on a codec. Raises ``NothingInCommon``."""
    line = theirs.audio
    for number, name in line.codecs:
        if name in allowed:
            return Agreement(
                CODECS[name],
                number,
                line.events_type,
                (line.host, line.port),
                _MIRROR[line.direction],
            )
    offered = ", ".join(name for _, name in line.codecs) or "no G.711"
    raise NothingInCommon(f"{' or '.join(allowed)} expected, {offered} offered")


def offer(host: str, port: int, allowed: tuple[str, ...], session: int) -> str:
    """Our offer: every allowed codec and telephone events."""
    types = [(CODECS[name].payload_type, name) for name in allowed]
    return _serialize(host, session, [_audio(port, types, OUR_EVENTS_TYPE, "sendrecv")])


def answer(theirs: Description, ours: Agreement, host: str, port: int, session: int) -> str:
    """Our answer, with as many m= lines as the offer."""
    lines = [_rejected(media) for media in theirs.media]
    codecs = [(ours.payload_type, ours.codec.name)]
    lines[theirs.index] = _audio(port, codecs, ours.events_type, ours.direction)
    return _serialize(host, session, lines)


def _rejected(media: str) -> list[str]:
    kind, _port, *rest = media.split()
    return [f"m={kind} 0 {' '.join(rest)}"]


def _audio(
    port: int, codecs: list[tuple[int, str]], events_type: int | None, direction: str
) -> list[str]:
    types = [str(number) for number, _ in codecs]
    maps = [f"a=rtpmap:{number} {name}/8000" for number, name in codecs]
    if events_type is not None:
        types.append(str(events_type))
        maps += [f"a=rtpmap:{events_type} {EVENTS}/8000", f"a=fmtp:{events_type} 0-15"]
    return [
        f"m=audio {port} RTP/AVP {' '.join(types)}",
        *maps,
        f"a=ptime:{PTIME_MS}",
        f"a={direction}",
    ]


def _serialize(host: str, session: int, media: list[list[str]]) -> str:
    family = "IP6" if ":" in host else "IP4"
    head = [
        "v=0",
        f"o=parley {session} {session} IN {family} {host}",
        "s=call",
        f"c=IN {family} {host}",
        "t=0 0",
    ]
    return "\r\n".join([*head, *(line for lines in media for line in lines), ""])
