from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadAddress
from channels.sip.address import Callee, Trunk, parse_callee
from channels.sip.causes import Outcome, cause_of, outcome_of, status_of
from channels.sip.message import Accepted, Ignored, Refused, inspect

SOURCE = ("127.0.0.1", 4000)
TORTUOUS = (
    'INVITE sip:b@example.com;x SIP/2.0\r\nTO :\r\n "B \\" b"  <sip:b@example.com> ; tag = 1\r\n'
    "f: sip:a@example.com;tag=2\r\nMax-Forwards: 0070\r\ni: one@two\r\nCSeq: 0009\r\n  INVITE\r\n"
    "v:  SIP  / 2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
    "m: <sip:a@192.0.2.2>;q=0.1\r\nl: 3\r\n\r\nabcdef"
)


def test_folded_compact_and_spaced_headers_come_out_plain() -> None:
    verdict = inspect(TORTUOUS.encode(), SOURCE)
    assert isinstance(verdict, Accepted)
    lines = verdict.text.split("\r\n")
    assert lines[1] == "Via: SIP/2.0/UDP 192.0.2.2;branch=390skdjuw;rport"
    assert 'to: "B \\" b" <sip:b@example.com>;tag=1' in lines
    assert "cseq: 0009 INVITE" in lines
    assert verdict.text.endswith("Content-Length: 3\r\n\r\nabc")


def test_refusal_goes_to_where_the_message_came_from() -> None:
    data = TORTUOUS.replace("0009\r\n  INVITE", "9 BYE").encode()
    verdict = inspect(data, SOURCE)
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.to) == (400, SOURCE)
    assert b";received=127.0.0.1" in verdict.answer
    assert b"\r\nCall-ID: one@two\r\n" in verdict.answer


def test_refusal_goes_to_the_named_port_when_the_sender_told_the_truth() -> None:
    data = b"BAD\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKx\r\n\r\n"
    verdict = inspect(data, SOURCE)
    assert isinstance(verdict, Refused)
    assert verdict.to == ("127.0.0.1", 5099)


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\0\0\0", b"  \r\n\r\n"])
def test_keep_alives_are_ignored(data: bytes) -> None:
    assert inspect(data, SOURCE) == Ignored()


@given(st.binary(max_size=300))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    for candidate in (data, TORTUOUS.encode()[:200] + data, TORTUOUS.encode() + data):
        verdict = inspect(candidate, SOURCE)
        if isinstance(verdict, Refused) and verdict.answer:
            assert verdict.answer.startswith(b"SIP/2.0 ")
            assert verdict.to[0] == SOURCE[0]


@given(st.integers(0, len(TORTUOUS) - 1), st.binary(min_size=1, max_size=2))
def test_any_damaged_message_gets_a_verdict(place: int, damage: bytes) -> None:
    data = TORTUOUS.encode()
    inspect(data[:place] + damage + data[place + 1 :], SOURCE)


@pytest.mark.parametrize(
    ("address", "callee"),
    [
        ("sip:anna@127.0.0.1:5070", Callee("anna", "127.0.0.1", 5070)),
        ("sip:+371 60 000 100@x".replace(" ", ""), Callee("+37160000100", "x", 5060)),
        ("bob@pbx.example;transport=udp", Callee("bob", "pbx.example", 5060)),
        ("+371 (60) 000-100", Callee("+37160000100", "trunk.example", 5080)),
        ("tel:112", Callee("112", "trunk.example", 5080)),
    ],
)
def test_addresses_that_can_be_called(address: str, callee: Callee) -> None:
    assert parse_callee(address, Trunk("trunk.example", 5080)) == callee


@pytest.mark.parametrize(
    "address", ["", "sip:", "sip:@x", "sip:a@b:99999", "a b@c", "a\r\nb@c", "5"]
)
def test_addresses_that_cannot(address: str) -> None:
    with pytest.raises(BadAddress):
        parse_callee(address, Trunk("trunk.example"))


def test_number_without_a_trunk_cannot_be_called() -> None:
    with pytest.raises(BadAddress):
        parse_callee("+37160000100")


def test_causes_and_outcomes() -> None:
    assert (cause_of(486), cause_of(404), cause_of(599)) == (17, 1, 41)
    assert (status_of(17)[0], status_of(21)[0], status_of(99)[0]) == (486, 603, 500)
    assert outcome_of(486, "", True).outcome is Outcome.BUSY
    assert outcome_of(408, "", False).outcome is Outcome.UNREACHABLE
    assert outcome_of(408, "", True).outcome is Outcome.NO_ANSWER
    assert outcome_of(599, "", True).outcome is Outcome.FAILED
