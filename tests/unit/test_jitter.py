from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.media.jitter import BEHIND, CAPACITY, MOST_LOST, WINDOW, Gap, JitterBuffer, Verdict
from channels.media.rtp import RtpPacket


def packet(sequence: int, ssrc: int = 1) -> RtpPacket:
    return RtpPacket(0, sequence % 65536, sequence * 160, ssrc, b"%d" % (sequence % 65536))


def feed(buffer: JitterBuffer, *sequences: int) -> list[Verdict]:
    return [buffer.add(packet(sequence)) for sequence in sequences]


def pull(buffer: JitterBuffer, count: int) -> list[int | Gap]:
    pulled = [buffer.pull() for _ in range(count)]
    return [item if isinstance(item, Gap) else item.sequence for item in pulled]


def test_packets_come_out_in_order() -> None:
    buffer = JitterBuffer()
    feed(buffer, 10, 12, 11, 13)
    assert pull(buffer, 4) == [10, 11, 12, 13]


def test_nothing_plays_until_the_depth_is_reached() -> None:
    buffer = JitterBuffer(depth=2)
    assert pull(buffer, 1) == [Gap.FILLING]
    feed(buffer, 1)
    assert pull(buffer, 1) == [Gap.FILLING]
    feed(buffer, 2)
    assert pull(buffer, 2) == [1, 2]


def test_first_packet_seen_was_not_the_first_sent() -> None:
    buffer = JitterBuffer()
    feed(buffer, 6, 5)
    assert pull(buffer, 2) == [5, 6]


def test_missing_packet_with_others_behind_is_lost_once() -> None:
    buffer = JitterBuffer()
    feed(buffer, 1, 2, 4, 5)
    assert pull(buffer, 5) == [1, 2, Gap.LOST, 4, 5]
    assert buffer.counts.lost == 1


def test_late_and_double_packets_are_counted_and_dropped() -> None:
    buffer = JitterBuffer()
    feed(buffer, 1, 2, 4, 5)
    pull(buffer, 4)
    assert feed(buffer, 3, 5) == [Verdict.LATE, Verdict.DUPLICATE]
    assert (buffer.counts.late, buffer.counts.duplicate) == (1, 1)


def test_sequence_numbers_wrap_around() -> None:
    buffer = JitterBuffer()
    feed(buffer, 65534, 65535, 65536, 65537)
    assert pull(buffer, 4) == [65534, 65535, 0, 1]


def test_pause_of_the_sender_is_empty_then_it_fills_again() -> None:
    buffer = JitterBuffer(patience=3)
    feed(buffer, 1, 2)
    assert pull(buffer, 6) == [1, 2, Gap.EMPTY, Gap.EMPTY, Gap.EMPTY, Gap.FILLING]
    feed(buffer, 3, 4)
    assert pull(buffer, 2) == [3, 4]


def test_outage_is_not_waited_for_twice() -> None:
    buffer = JitterBuffer(patience=5)
    feed(buffer, 1, 2)
    assert pull(buffer, 5) == [1, 2, Gap.EMPTY, Gap.EMPTY, Gap.EMPTY]
    feed(buffer, 6, 7)
    assert pull(buffer, 2) == [6, 7]
    assert buffer.counts.lost == 3


def test_burst_after_a_stall_does_not_delay_the_rest_of_the_call() -> None:
    buffer = JitterBuffer(depth=2)
    feed(buffer, *range(40))
    assert len(buffer) <= CAPACITY
    assert buffer.counts.trimmed > 0
    last = 40
    pulled = pull(buffer, len(buffer))
    assert pulled == list(range(last - len(pulled), last))


def test_delay_of_a_passed_disturbance_wears_off() -> None:
    buffer = JitterBuffer(depth=2)
    feed(buffer, *range(8))
    sequence = 8
    for _ in range(8 * WINDOW):
        pull(buffer, 1)
        feed(buffer, sequence)
        sequence += 1
    assert len(buffer) <= 3


def test_new_source_or_a_jump_starts_over() -> None:
    buffer = JitterBuffer()
    feed(buffer, 1, 2)
    assert buffer.add(packet(500, ssrc=2)) is Verdict.RESTARTED
    assert buffer.add(packet(9000, ssrc=2)) is Verdict.RESTARTED
    buffer.add(packet(9001, ssrc=2))
    assert pull(buffer, 2) == [9000, 9001]


@given(
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=120),
)
def test_never_out_of_order_never_twice(start: int, steps: list[tuple[int, bool]]) -> None:
    buffer, played = JitterBuffer(), list[int]()
    for offset, take in steps:
        buffer.add(packet(start + offset))
        if take and not isinstance(item := buffer.pull(), Gap):
            played.append((item.sequence - start) % 65536)
        assert len(buffer) <= CAPACITY
    assert played == sorted(set(played))


@given(st.integers(0, 65535))
def test_swapped_neighbours_all_come_out(start: int) -> None:
    buffer = JitterBuffer(depth=3)
    order = list(range(start, start + 60))
    for index in range(3, 59, 2):
        order[index], order[index + 1] = order[index + 1], order[index]
    played: list[int] = []
    for number, sequence in enumerate(order):
        buffer.add(packet(sequence))
        if number >= 4 and not isinstance(item := buffer.pull(), Gap):
            played.append(item.sequence)
    assert played == [(start + n) % 65536 for n in range(len(played))]
    assert len(played) == 56
    assert buffer.counts.late == 0


def kept() -> JitterBuffer:
    """A buffer that a bot empties."""
    buffer = JitterBuffer()
    buffer.keep = True
    return buffer


def test_bot_gets_each_packet_at_once() -> None:
    buffer = kept()
    for sequence in range(5):
        feed(buffer, sequence)
        assert pull(buffer, 2) == [sequence, Gap.EMPTY]


def test_bot_waits_for_a_packet_that_others_overtook() -> None:
    buffer = kept()
    feed(buffer, 1, 3, 4, 5)
    assert pull(buffer, 2) == [1, Gap.EMPTY]
    feed(buffer, 2)
    assert pull(buffer, 5) == [2, 3, 4, 5, Gap.EMPTY]
    assert buffer.counts.lost == 0


def test_bot_waits_for_a_lost_packet_no_longer_than_four_others() -> None:
    buffer = kept()
    feed(buffer, 1)
    pull(buffer, 1)
    feed(buffer, *range(3, 3 + BEHIND - 1))
    assert not buffer.due
    feed(buffer, 3 + BEHIND - 1)
    assert pull(buffer, 3) == [Gap.LOST, 3, 4]


def test_bot_gets_what_is_behind_a_lost_packet_when_nothing_more_comes() -> None:
    buffer = kept()
    feed(buffer, 1, 3)
    assert pull(buffer, 2 + BEHIND) == [1, *[Gap.EMPTY] * BEHIND, Gap.LOST]
    assert pull(buffer, 1) == [3]


def test_bot_hears_of_a_long_outage_only_its_beginning() -> None:
    buffer = kept()
    feed(buffer, 1)
    pull(buffer, 1)
    feed(buffer, *range(101, 101 + BEHIND))
    assert pull(buffer, MOST_LOST + 1) == [*[Gap.LOST] * MOST_LOST, 101]
    assert buffer.counts.lost == 99


def test_person_who_takes_over_from_a_bot_gets_a_cushion_again() -> None:
    buffer = kept()
    feed(buffer, 1)
    pull(buffer, 1)
    buffer.keep = False
    feed(buffer, 2)
    assert pull(buffer, 1) == [Gap.FILLING]
    feed(buffer, 3)
    assert pull(buffer, 2) == [2, 3]


@given(st.permutations(range(12)).map(lambda order: sorted(order, key=lambda n: n + order[n] / 4)))
def test_bot_gets_reordered_packets_whole_and_in_order(order: list[int]) -> None:
    buffer, heard = kept(), []
    feed(buffer, 1000)
    pull(buffer, 1)
    for number in order:
        feed(buffer, 1001 + number)
        while (pulled := buffer.pull()) is not Gap.EMPTY:
            heard.append(pulled if isinstance(pulled, Gap) else pulled.sequence - 1001)
    assert heard == list(range(12))
