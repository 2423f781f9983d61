from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadDtmf
from channels.media.dtmf import DIGITS, DtmfReceiver, DtmfSender, Tone, pack_event, unpack_event


def send(digits: str) -> list[tuple[int, Tone]]:
    """(RTP timestamp, packet) of a whole sequence."""
    sender, sent, now = DtmfSender(), list[tuple[int, Tone]](), 1000
    sender.press(digits)
    while sender.busy:
        sent += [(now - tone.start, tone) for tone in sender.tick()]
        now += 160
    return sent


def receive(packets: list[tuple[int, Tone]]) -> str:
    receiver = DtmfReceiver()
    return "".join(receiver.add(when, tone.payload) or "" for when, tone in packets)


@given(st.text(DIGITS, max_size=12))
def test_every_key_is_heard_once(digits: str) -> None:
    assert receive(send(digits)) == digits


def test_a_press_is_marked_once_grows_and_ends_three_times() -> None:
    packets = send("5")
    assert len({when for when, _ in packets}) == 1
    assert [tone.marker for _, tone in packets] == [True] + [False] * 6
    events = [unpack_event(tone.payload) for _, tone in packets]
    assert [duration for _, _, duration in events] == [160, 320, 480, 640, 800, 800, 800]
    assert [end for _, end, _ in events] == [False] * 4 + [True] * 3


@given(st.data())
def test_lost_and_doubled_packets_change_nothing_while_one_of_a_press_comes(
    data: st.DataObject,
) -> None:
    packets = send("12#")
    starts = sorted({when for when, _ in packets})
    kept = []
    for start in starts:
        press = [packet for packet in packets if packet[0] == start]
        chosen = data.draw(st.lists(st.sampled_from(press), min_size=1, max_size=12))
        kept += chosen
    assert receive(kept) == "12#"


def test_packets_of_an_earlier_press_that_come_late_are_nothing_new() -> None:
    packets = send("12")
    assert receive([*packets, packets[0]]) == "12"


def test_the_same_key_twice_is_two_presses() -> None:
    assert receive(send("11")) == "11"


def test_a_very_long_press_goes_on_as_a_segment() -> None:
    receiver = DtmfReceiver()
    assert receiver.add(0, pack_event("7", False, 0xFFFF)) == "7"
    assert receiver.add(0xFFFF, pack_event("7", False, 160)) is None


def test_timestamps_may_wrap_around() -> None:
    receiver = DtmfReceiver()
    assert receiver.add(2**32 - 80, pack_event("1", True, 800)) == "1"
    assert receiver.add(2000, pack_event("2", True, 800)) == "2"


@pytest.mark.parametrize("payload", [b"", b"\x01\x0a", b"\x10\x0a\x00\xa0", b"\xff\x0a\x00\xa0"])
def test_what_is_no_key_event_is_refused(payload: bytes) -> None:
    with pytest.raises(BadDtmf):
        DtmfReceiver().add(0, payload)


def test_what_is_no_key_is_not_sent() -> None:
    with pytest.raises(BadDtmf):
        DtmfSender().press("12x")
