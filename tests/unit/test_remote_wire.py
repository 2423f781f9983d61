"""The Wyoming protocol's bytes, and the forms of sound that servers send."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.engines.remote import parse_server, short_language
from bots.engines.remote_sound import SPOKEN_RATE, Evened, SoundBroken, WavReader, wav_of
from bots.engines.remote_wire import WyomingBroken, WyomingEvent, WyomingParser, pack
from tests.fakes.fake_speech_api import wav_stream
from tests.fakes.fake_speech_server import tone
from tests.texts import any_text

CHUNK = WyomingEvent("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, b"\x01\n\x00\x02")


def test_packed_event_is_a_line_then_data_then_payload() -> None:
    line, _, rest = pack(CHUNK).partition(b"\n")
    head = json.loads(line)
    assert head["type"] == "audio-chunk"
    size = head["data_length"]
    assert json.loads(rest[:size]) == CHUNK.data
    assert rest[size:] == CHUNK.payload
    assert head["payload_length"] == 4


def test_data_in_the_line_and_after_it_are_merged_the_later_wins() -> None:
    extra = b'{"text": "new"}'
    head = {"type": "transcript", "data": {"text": "old", "language": "en"}, "data_length": 15}
    (event,) = WyomingParser().feed(json.dumps(head).encode() + b"\n" + extra)
    assert event.data == {"text": "new", "language": "en"}


json_data = st.dictionaries(any_text(5), st.integers() | any_text(), max_size=3)
events = st.builds(WyomingEvent, any_text(8), json_data, st.binary(max_size=40))


@given(st.lists(events, max_size=5), st.integers(1, 17))
def test_events_survive_any_cutting_of_the_stream(sent: list[WyomingEvent], size: int) -> None:
    stream = b"".join(pack(event) for event in sent)
    parser = WyomingParser()
    got: list[WyomingEvent] = []
    for start in range(0, len(stream), size):
        got += parser.feed(stream[start : start + size])
    assert got == sent


@given(st.binary(max_size=200))
def test_any_bytes_give_events_or_the_one_error(stream: bytes) -> None:
    with contextlib.suppress(WyomingBroken):
        list(WyomingParser().feed(stream + b"\n"))


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"[1, 2]\n",
        b'{"data": {}}\n',
        b'{"type": "a", "data": [1]}\n',
        b'{"type": "a", "payload_length": -1}\n',
        b'{"type": "a", "payload_length": 99999999999}\n',
        b'{"type": "a", "data_length": "many"}\n',
        b'{"type": "a", "data_length": 2}\n[]',
        b"x" * 70_000,
        b"[" * 60_000 + b"\n",
    ],
)
def test_broken_event_is_refused_with_what_was_expected(line: bytes) -> None:
    with pytest.raises(WyomingBroken, match="expected"):
        list(WyomingParser().feed(line))


def samples(pcm: bytes) -> Any:
    return np.frombuffer(pcm, dtype="<i2").astype(float)


@pytest.mark.parametrize("size", [1, 7, 44, 4096])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
def test_streamed_wav_comes_out_whole_at_one_rate(rate: int, size: int) -> None:
    stream = wav_stream(tone(0.3, rate), rate)
    reader = WavReader()
    out = b"".join(reader.feed(stream[at : at + size]) for at in range(0, len(stream), size))
    out += reader.end()
    wanted = samples(tone(0.3, SPOKEN_RATE))
    assert abs(len(out) // 2 - len(wanted)) <= 2
    got = samples(out)[1000:5000]
    assert np.corrcoef(got, wanted[1000:5000])[0, 1] > 0.99


def test_wav_of_our_own_is_read_back() -> None:
    reader = WavReader()
    assert reader.feed(wav_of(tone(0.1, SPOKEN_RATE), SPOKEN_RATE)) == tone(0.1, SPOKEN_RATE)


def test_stereo_becomes_mono() -> None:
    both = np.array([[100, 300], [-50, -150]], dtype="<i2").tobytes()
    assert list(samples(Evened(SPOKEN_RATE, 2).feed(both))) == [200, -100]


@pytest.mark.parametrize(
    "stream", [b"ID3\x04" + bytes(100), b"RIFF", b"", wav_stream(b"", 1), b'{"error": "no"}']
)
def test_sound_that_is_no_wav_is_refused(stream: bytes) -> None:
    reader = WavReader()
    with pytest.raises(SoundBroken, match="expected"):
        reader.feed(stream)
        reader.end()


def test_float_samples_are_refused_instead_of_played_as_noise() -> None:
    stream = bytearray(wav_stream(bytes(100), 16000))
    stream[20] = 3
    with pytest.raises(SoundBroken, match="16 bit PCM"):
        WavReader().feed(bytes(stream))


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("wyoming://gpu.lan:10300", "gpu.lan", 10300, False),
        ("tcp://127.0.0.1:10300", "127.0.0.1", 10300, True),
        ("https://speech.example/v1/", "speech.example", 443, True),
        ("http://[::1]:8000/v1", "::1", 8000, True),
        ("http://gpu.lan:8000/v1", "gpu.lan", 8000, False),
    ],
)
def test_server_is_read_from_its_url(url: str, host: str, port: int, secure: bool) -> None:
    server = parse_server(url)
    assert (server.host, server.port, server.secure) == (host, port, secure)
    assert not server.url.endswith("/")


@pytest.mark.parametrize(
    "url",
    [
        "gpu:10300",
        "wyoming://gpu",
        "wyoming://gpu:1/x",
        "ftp://gpu:1",
        "https://",
        "https://a:b@c/",
    ],
)
def test_wrong_server_is_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(ValueError, match="expected wyoming://host:port, or https://host/v1"):
        parse_server(url)


def test_languages_as_servers_write_them_are_ours() -> None:
    assert [short_language(code) for code in ("en_GB", "zh-CN", "cmn", "lv")] == [
        "en",
        "zh",
        "zh",
        "lv",
    ]
