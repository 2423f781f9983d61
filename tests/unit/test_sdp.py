from __future__ import annotations

import pytest
from hypothesis import given

from channels.errors import BadSdp, NothingInCommon
from channels.media.codecs import PCMA, PCMU
from channels.sip.sdp import agree, answer, offer, parse
from tests.texts import any_text

BOTH = ("PCMU", "PCMA")


def described(*lines: str, host: str = "192.0.2.1") -> str:
    return "\r\n".join(["v=0", "o=x 1 1 IN IP4 h", "s=-", f"c=IN IP4 {host}", "t=0 0", *lines, ""])


def test_our_offer_parses_to_what_we_mean() -> None:
    line = parse(offer("127.0.0.1", 4000, BOTH, 1)).audio
    assert (line.host, line.port, line.direction) == ("127.0.0.1", 4000, "sendrecv")
    assert line.codecs == ((0, "PCMU"), (8, "PCMA"))
    assert line.events_type == 101


def test_offerers_order_decides_and_its_numbers_are_used() -> None:
    theirs = parse(described("m=audio 7 RTP/AVP 9 8 0 96", "a=rtpmap:96 telephone-event/8000"))
    ours = agree(theirs, BOTH)
    assert (ours.codec, ours.payload_type, ours.events_type) == (PCMA, 8, 96)
    text = answer(theirs, ours, "127.0.0.1", 4000, 2)
    assert "m=audio 4000 RTP/AVP 8 96\r\n" in text


def test_dynamic_number_for_g711() -> None:
    ours = agree(parse(described("m=audio 7 RTP/AVP 97", "a=rtpmap:97 pcmu/8000/1")), BOTH)
    assert (ours.codec, ours.payload_type, ours.events_type) == (PCMU, 97, None)


def test_map_without_a_rate_is_passed_over() -> None:
    lines = ("m=audio 7 RTP/AVP 0 12", "m=video 3 RTP/AVP 31", "a=rtpmap:31 LPC")
    assert agree(parse(described(*lines)), BOTH).codec is PCMU


@pytest.mark.parametrize(
    ("theirs", "ours", "we_send"),
    [
        ("sendrecv", "sendrecv", True),
        ("sendonly", "recvonly", False),
        ("recvonly", "sendonly", True),
        ("inactive", "inactive", False),
    ],
)
def test_direction_is_mirrored(theirs: str, ours: str, we_send: bool) -> None:
    agreed = agree(parse(described("m=audio 7 RTP/AVP 0", f"a={theirs}")), BOTH)
    assert (agreed.direction, agreed.we_send) == (ours, we_send)


def test_address_of_zeros_is_hold_in_the_old_manner() -> None:
    assert not agree(parse(described("m=audio 7 RTP/AVP 0", host="0.0.0.0")), BOTH).we_send


def test_other_lines_are_answered_with_port_zero_in_their_places() -> None:
    theirs = parse(described("m=video 9 RTP/AVP 31", "m=audio 7 RTP/AVP 0", "c=IN IP4 192.0.2.9"))
    agreed = agree(theirs, BOTH)
    assert agreed.remote == ("192.0.2.9", 7)
    text = answer(theirs, agreed, "127.0.0.1", 4000, 2)
    lines = [line for line in text.split("\r\n") if line.startswith("m=")]
    assert lines == ["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0"]


def test_nothing_in_common_is_said() -> None:
    with pytest.raises(NothingInCommon):
        agree(parse(described("m=audio 7 RTP/AVP 9 18")), BOTH)
    with pytest.raises(NothingInCommon):
        agree(parse(described("m=audio 7 RTP/AVP 8")), ("PCMU",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        described(),
        described("m=audio 0 RTP/AVP 0"),
        described("m=audio x RTP/AVP 0"),
        described("m=audio 99999 RTP/AVP 0"),
        described("m=audio 7"),
        described("m=audio 7 RTP/SAVP 0"),
        "v=0\r\nm=audio 7 RTP/AVP 0\r\n",
        described("c=somewhere", "m=audio 7 RTP/AVP 0"),
        described("not a line", "m=audio 7 RTP/AVP 0"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadSdp):
        parse(text)


@given(any_text(200))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for candidate in (text, "v=0\r\n" + text, described(text)):
        try:
            parse(candidate)
        except BadSdp:
            continue
