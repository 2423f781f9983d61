"""Codec: what is packed comes back, and what is wrong is named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import commands, events
from router.acts.parties import TransferOutcome
from router.bus import codec
from router.commands import HoldCall, Order
from router.errors import BadMessage, LocalError
from router.events import Fact, HoldStarted, OfferMade
from tests.texts import any_text

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

texts = any_text(20)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1), timezones=zones
)
floats = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**53), 2**53)
values: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    str | None: st.none() | texts,
    bool: st.booleans(),
    int: whole,
    float: floats,
    float | None: st.none() | floats,
    int | None: st.none() | whole,
    bool | None: st.none() | st.booleans(),
    datetime: moments,
    datetime | None: st.none() | moments,
    TransferOutcome: st.sampled_from(TransferOutcome),
    TransferOutcome | None: st.none() | st.sampled_from(TransferOutcome),
    tuple[str, ...]: st.lists(texts, max_size=3).map(tuple),
    Mapping[str, str]: st.dictionaries(texts, texts, max_size=3),
    Mapping[str, Any]: st.dictionaries(
        texts, st.none() | st.booleans() | whole | texts | st.lists(texts, max_size=2), max_size=3
    ),
}


def examples(kinds: tuple[type[Any], ...]) -> st.SearchStrategy[Any]:
    """Any value of any of the classes, every field filled in."""

    def build(kind: type[Any]) -> st.SearchStrategy[Any]:
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: values[hints[each.name]] for each in fields(kind)})

    return st.one_of([build(kind) for kind in kinds])


@given(examples(events.ALL))
def test_fact_any_values_comes_back_from_the_wire(fact: Fact) -> None:
    back = codec.unpack_fact_bytes(codec.pack_fact_bytes(fact))
    assert back == fact
    assert back is not None
    assert back.at.tzinfo is UTC


@given(examples(events.ALL))
def test_fact_any_values_comes_back_from_a_json_column(fact: Fact) -> None:
    stored = json.loads(json.dumps(codec.pack_fact(fact)))
    assert set(stored) == {"type", "body"}
    assert codec.unpack_fact(stored["type"], stored["body"]) == fact


@given(examples(commands.ALL))
def test_order_any_values_comes_back(order: Order) -> None:
    assert codec.unpack_order(codec.pack_order(order)) == order


@given(st.binary(max_size=60))
def test_bytes_that_are_no_envelope_are_a_bad_message(data: bytes) -> None:
    with pytest.raises(BadMessage):
        codec.unpack_fact_bytes(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_json_body_is_a_fact_or_a_bad_message(body: Any) -> None:
    data = json.dumps({"type": "PresenceChanged", "body": body}).encode()
    with pytest.raises(BadMessage):
        codec.unpack_fact_bytes(data)


def test_envelope_form_is_type_and_body_with_utc_times() -> None:
    at = datetime(2026, 3, 1, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    data = codec.pack_fact_bytes(HoldStarted(at=at, id="f", interaction_id="i", agent_id="a"))
    assert json.loads(data) == {
        "type": "HoldStarted",
        "body": {"at": "2026-03-01T09:30:00Z", "id": "f", "interaction_id": "i", "agent_id": "a"},
    }


def test_unknown_type_is_passed_over() -> None:
    data = b'{"type": "MoonLanded", "body": {"at": 3}}'
    assert codec.unpack_fact_bytes(data) is None
    assert codec.unpack_order(data) is None
    assert codec.unpack_fact("MoonLanded", {}) is None
    assert codec.type_of(data) == "MoonLanded"


def test_unknown_field_is_passed_over() -> None:
    body = {"at": "2026-03-01T09:30:00Z", "id": "f", "agent_id": "a", "mood": "good"}
    expected = HoldStarted(at=NOW, id="f", agent_id="a")
    assert codec.unpack_fact("HoldStarted", body) == expected
    data = json.dumps({"type": "HoldStarted", "body": body, "trace": 1}).encode()
    assert codec.unpack_fact_bytes(data) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"agent_id": None}, "agent_id"),
        ({"agent_id": 7}, "agent_id"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2026-03-01T09:30:00"}, "expires_at"),
    ],
)
def test_misshapen_field_is_named(change: dict[str, Any], said: str) -> None:
    offer = OfferMade(at=NOW, offer_id="o", agent_id="a", queue="q", channel="chat", expires_at=NOW)
    packed = codec.pack_fact(offer)
    body = packed["body"] | change
    with pytest.raises(BadMessage, match=said):
        codec.unpack_fact("OfferMade", body)
    with pytest.raises(BadMessage, match=said):
        codec.unpack_fact_bytes(json.dumps({"type": "OfferMade", "body": body}).encode())


@pytest.mark.parametrize("kind", [*events.ALL, *commands.ALL], ids=lambda kind: kind.__name__)
def test_missing_required_field_is_named(kind: type[Fact] | type[Order]) -> None:
    data = json.dumps({"type": kind.__name__, "body": {}}).encode()
    unpack = codec.unpack_fact_bytes if issubclass(kind, Fact) else codec.unpack_order
    if kind is commands.Done:
        assert unpack(data) is not None
        return
    with pytest.raises(BadMessage, match=rf"{kind.__name__}: .*missing required field"):
        unpack(data)


def test_fact_without_time_zone_is_refused_when_packed() -> None:
    with pytest.raises(LocalError, match="time zone"):
        codec.pack_fact(HoldStarted(at=datetime(2026, 3, 1), agent_id="a"))


def test_fact_with_text_that_is_no_unicode_is_refused_when_packed() -> None:
    with pytest.raises(LocalError, match="surrogates"):
        codec.pack_fact_bytes(HoldStarted(at=NOW, agent_id="\ud800"))


def test_class_that_is_not_listed_is_refused() -> None:
    with pytest.raises(LocalError, match="Fact is not listed"):
        codec.pack_fact(Fact(at=NOW))
    with pytest.raises(BadMessage, match="envelope"):
        codec.type_of(b"[]")
    assert codec.unpack_fact_bytes(codec.pack_order(HoldCall(interaction_id="i"))) is None
