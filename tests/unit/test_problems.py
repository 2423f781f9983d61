"""Errors as problem documents."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from litestar.exceptions import NotFoundException

import gateway.auth.errors
import router.errors
from gateway.auth.errors import TooManyTries
from gateway.problems import HIDDEN, problem_of
from router.errors import (
    BadConfiguration,
    LocalError,
    NoSuchInteraction,
    OfferGone,
    ParleyError,
    ReplyTimeout,
)


def _errors() -> Iterator[type[ParleyError]]:
    for module in (router.errors, gateway.auth.errors):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, ParleyError):
                yield thing


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NoSuchInteraction("no interaction 'x'"), 404, "no-such-interaction"),
        (OfferGone(), 409, "offer-gone"),
        (ReplyTimeout(), 504, "reply-timeout"),
        (TooManyTries(30), 429, "too-many-tries"),
        (BadConfiguration("queues: none"), 422, "bad-configuration"),
        (NotFoundException(), 404, "http"),
    ],
)
def test_error_becomes_its_status_and_says_what_is_wrong(
    error: Exception, status: int, kind: str
) -> None:
    document = problem_of(error).document()
    assert document["status"] == status
    assert document["type"] == f"urn:parley:problem:{kind}"
    assert document["detail"]


def test_our_own_mistake_is_logged_and_its_detail_is_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        for error in (ValueError("secret path /etc"), LocalError("secret path /etc")):
            problem = problem_of(error)
            assert (problem.status, problem.detail) == (500, HIDDEN)
    assert "secret path" in caplog.text


def test_only_retryable_errors_say_so() -> None:
    assert problem_of(ReplyTimeout()).retryable
    assert not problem_of(OfferGone()).retryable


@pytest.mark.parametrize("kind", list(dict.fromkeys(_errors())))
def test_every_error_of_core_and_door_explains_itself(kind: type[ParleyError]) -> None:
    assert kind.__doc__
    assert len(kind.__doc__) > 20
