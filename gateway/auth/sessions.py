"""Sign-in with a name and a password, and the sessions that follow.

The cookie carries 32 random bytes; the store keeps only their SHA-256, so a
copy of the database signs nobody in. Each session has its own CSRF token.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from gateway.auth.errors import TooManyTries, WrongPassword
from gateway.auth.passwords import hash_password, password_matches
from gateway.auth.throttle import Throttle
from router.model import Account, Role, Session
from router.ports import Clock, Store

COOKIE = "parley_session"
SESSION_S = 12 * 3600
WRONG_TRIES = 5
WRONG_TRIES_WINDOW_S = 300.0
MAX_PASSWORD = 256
RANK = {Role.AGENT: 0, Role.SUPERVISOR: 1, Role.ADMIN: 2}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is using this browser, and their session."""

    account: Account
    session: Session

    def may(self, role: Role) -> bool:
        """Whether the person's role includes ``role``."""
        return RANK[self.account.role] >= RANK[role]


class SignIn:
    """The door: checks passwords, opens, finds and closes sessions."""

    def __init__(self, store: Store, clock: Clock, *, session_s: int = SESSION_S) -> None:
        self._store = store
        self._clock = clock
        self._session_s = session_s
        self._wrong = Throttle(WRONG_TRIES, WRONG_TRIES_WINDOW_S)
        self._decoy: str | None = None

    async def enter(self, login: str, password: str, ip: str) -> tuple[str, SignedIn]:
        """Open a session; returns the cookie's secret and who it is.

        Raises ``WrongPassword`` and, after five in five minutes from one
        address for one name, ``TooManyTries``.
        """
        login = login.strip().lower()
        key = f"{login}\n{ip}"
        wait = self._wrong.wait_s(key, self._clock.now())
        if wait:
            raise TooManyTries(wait)
        account = await self._checked(login, password)
        if account is None:
            self._wrong.note(key, self._clock.now())
            raise WrongPassword
        self._wrong.forget(key)
        return await self._open(account)

    async def _checked(self, login: str, password: str) -> Account | None:
        async with self._store.transaction() as tx:
            account = await tx.people.account_by_login(login)
        # An unknown name costs the same time as a known one, so that names cannot be probed.
        known = account.password_hash if account is not None else await self._decoy_hash()
        if len(password) > MAX_PASSWORD:
            return None
        right = await asyncio.to_thread(password_matches, known, password)
        return account if right else None

    async def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = await asyncio.to_thread(hash_password, secrets.token_urlsafe())
        return self._decoy

    async def _open(self, account: Account) -> tuple[str, SignedIn]:
        secret = secrets.token_urlsafe(32)
        session = Session(
            token_hash=_hashed(secret),
            account_id=account.id,
            csrf_token=secrets.token_urlsafe(32),
            expires_at=self._clock.now() + timedelta(seconds=self._session_s),
        )
        async with self._store.transaction() as tx:
            await tx.people.add_session(session)
        return secret, SignedIn(account, session)

    async def who(self, secret: str) -> SignedIn | None:
        """Whose session the cookie's secret is; None when there is none (any more)."""
        if not secret:
            return None
        async with self._store.transaction() as tx:
            session = await tx.people.session(_hashed(secret), self._clock.now())
            if session is None:
                return None
            account = await tx.people.account(session.account_id)
        return SignedIn(account, session) if account is not None else None

    async def leave(self, secret: str) -> None:
        """Close the session. Safe to call twice."""
        async with self._store.transaction() as tx:
            await tx.people.drop_session(_hashed(secret))


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
