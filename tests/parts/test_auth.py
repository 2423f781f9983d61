"""Passwords, sessions and the limit on wrong ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.auth.errors import TooManyTries, WrongPassword
from gateway.auth.passwords import hash_password, password_matches
from gateway.auth.sessions import WRONG_TRIES, SignIn
from gateway.auth.throttle import Throttle
from gateway.pages.sign_in import safe_target
from router.clock import VirtualClock
from router.model import Account, Role
from tests.fakes.ground import open_store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON)


@pytest.fixture
async def sign_in(sqlite_url: str, clock: VirtualClock) -> AsyncIterator[SignIn]:
    async with open_store(sqlite_url) as store:
        async with store.transaction() as tx:
            await tx.people.put_account(
                Account("ana", "ana", "Ana", Role.SUPERVISOR, hash_password("right"))
            )
        yield SignIn(store, clock, session_s=60)


def test_hash_fits_only_its_password_and_has_its_own_salt() -> None:
    first, second = hash_password("right"), hash_password("right")
    assert first != second
    assert password_matches(first, "right")
    assert not password_matches(first, "Right")
    assert not password_matches("not a hash", "right")


async def test_right_password_opens_a_session_that_ends_with_its_time(
    sign_in: SignIn, clock: VirtualClock
) -> None:
    secret, person = await sign_in.enter(" ANA ", "right", "10.0.0.1")
    assert person.may(Role.AGENT)
    assert person.may(Role.SUPERVISOR)
    assert not person.may(Role.ADMIN)
    found = await sign_in.who(secret)
    assert found is not None
    assert found.account.login == "ana"
    assert found.session.token_hash != secret
    clock.forward(61)
    assert await sign_in.who(secret) is None


async def test_signed_out_session_is_gone(sign_in: SignIn) -> None:
    secret, _ = await sign_in.enter("ana", "right", "10.0.0.1")
    await sign_in.leave(secret)
    assert await sign_in.who(secret) is None
    assert await sign_in.who("") is None


async def test_wrong_passwords_lock_that_name_at_that_place_for_a_while(
    sign_in: SignIn, clock: VirtualClock
) -> None:
    for _ in range(WRONG_TRIES):
        with pytest.raises(WrongPassword):
            await sign_in.enter("ana", "wrong", "10.0.0.1")
    with pytest.raises(TooManyTries, match="Try again in 300 seconds"):
        await sign_in.enter("ana", "right", "10.0.0.1")
    await sign_in.enter("ana", "right", "10.0.0.2")
    clock.forward(301)
    await sign_in.enter("ana", "right", "10.0.0.1")


async def test_unknown_name_and_endless_password_are_just_wrong(sign_in: SignIn) -> None:
    with pytest.raises(WrongPassword):
        await sign_in.enter("nobody", "right", "10.0.0.1")
    with pytest.raises(WrongPassword):
        await sign_in.enter("ana", "right" * 100, "10.0.0.1")


def test_throttle_forgets_the_oldest_key_when_there_are_too_many() -> None:
    throttle = Throttle(1, 60, max_keys=2)
    for key in ("a", "b", "c"):
        throttle.note(key, NOON)
    assert throttle.wait_s("a", NOON) == 0
    assert throttle.wait_s("c", NOON) == 60
    assert throttle.wait_s("c", NOON + timedelta(seconds=45)) == 15
    assert throttle.wait_s("c", NOON + timedelta(seconds=60)) == 0


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/floor", "/floor"),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("https://evil.example", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_sign_in_goes_on_only_to_our_own_pages(target: str, kept: str) -> None:
    assert safe_target(target) == kept
