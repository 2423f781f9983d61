"""Who sits behind a chat window, and how much of that is proven.

1. A visitor is known by a random secret that only their browser keeps. Whoever
   has it may read that visitor's chats; we keep a digest of it.
2. A site that embeds the widget may vouch for its signed-in customer with a
   token: ``base64url(JSON) "." base64url(HMAC-SHA256)`` over the first part,
   with the members ``sub``, ``exp`` (seconds since 1970) and optionally
   ``name`` and ``email``. Then the login is the address of the chat.
3. A mail address that is only typed into the form recognises the customer, so
   that the agent sees the history, but proves nothing: it is marked unverified
   and opens no other chat than this browser's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from channels import identity
from channels.text_errors import BadAddress, BadToken
from router.model import Customer, Identity, IdentityKind, new_id
from router.ports import Store, Transaction

TOKEN_MAX = 4_096


class Claims(msgspec.Struct, frozen=True):
    """What the embedding site says of its customer."""

    sub: str
    exp: float
    name: str = ""
    email: str = ""


def sign_claims(secret: str, claims: Claims) -> str:
    """The token that the embedding site makes."""
    body = _encoded(msgspec.json.encode(claims))
    return f"{body}.{_encoded(_mac(secret, body))}"


def read_claims(secret: str, token: str, now: datetime) -> Claims:
    """Check signature and age. Raises ``BadToken``."""
    body, _, signature = token.partition(".")
    if not secret:
        raise BadToken("no chat secret is set here, so that no sign-in can be checked")
    if len(token) > TOKEN_MAX or not body or not signature:
        raise BadToken("expected two parts joined by a full stop")
    if not hmac.compare_digest(_encoded(_mac(secret, body)).encode(), signature.encode()):
        raise BadToken("it is signed with another secret")
    try:
        claims = msgspec.json.decode(_decoded(body), type=Claims)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise BadToken(f"its first part is not the expected JSON: {error}") from error
    if claims.exp <= now.timestamp():
        raise BadToken("it has expired; load the page again")
    if not claims.sub:
        raise BadToken("its member sub is empty")
    return claims


@dataclass(frozen=True, slots=True)
class Visitor:
    """``key`` is the digest of the secret; ``identity`` the address of the chats."""

    key: str
    identity: Identity
    name: str = ""
    email: str = ""
    verified: bool = False
    language: str | None = None

    def meta(self) -> dict[str, Any]:
        """What the agent is told about how sure we are."""
        if not self.email:
            return {}
        return {"email": self.email, "email_verified": self.verified}


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a browser says of its visitor."""

    secret: str
    token: str = ""
    name: str = ""
    email: str = ""
    language: str = ""


LANGUAGES = ("en", "zh", "lv")


def admit(said: Introduction, chat_secret: str, now: datetime) -> Visitor:
    """The visitor. Raises ``BadToken``; a malformed mail address is ignored."""
    key = identity.visitor_key(said.secret)
    short = said.language.split("-")[0].lower()
    language = short if short in LANGUAGES else None
    if said.token:
        claims = read_claims(chat_secret, said.token, now)
        login = Identity(IdentityKind.LOGIN, claims.sub)
        return Visitor(key, login, claims.name, _mail(claims.email), True, language)
    cookie = Identity(IdentityKind.COOKIE, key)
    return Visitor(key, cookie, said.name.strip(), _mail(said.email), False, language)


async def recognise(store: Store, visitor: Visitor, now: datetime) -> None:
    """Join the visitor's address and mail address to one customer, where that harms nobody.

    Raises ``Conflict`` when somebody else has just joined one of them to another.
    """
    if not visitor.email:
        return
    async with store.reading() as tx:
        if _settled(*await _known(tx, visitor)):
            return
    async with store.transaction() as tx:
        await tx.interactions.lock(f"{visitor.identity.kind}:{visitor.identity.value}")
        await _join(tx, visitor, now)


async def _known(tx: Transaction, visitor: Visitor) -> tuple[Customer | None, Customer | None]:
    """Whose address and whose mail address it is."""
    by_mail = Identity(IdentityKind.EMAIL, visitor.email)
    found = await tx.people.find_customers([visitor.identity, by_mail])
    return found.get(visitor.identity), found.get(by_mail)


async def _join(tx: Transaction, visitor: Visitor, now: datetime) -> None:
    by_mail = Identity(IdentityKind.EMAIL, visitor.email)
    mine, theirs = await _known(tx, visitor)
    if mine is None and theirs is None:
        await tx.people.add_customer(
            Customer(
                id=new_id(),
                name=visitor.name,
                identities=(visitor.identity, by_mail),
                language=visitor.language or "en",
                created_at=now,
            )
        )
    elif mine is None and theirs is not None:
        await tx.people.add_identity(theirs.id, visitor.identity)
    elif mine is not None and theirs is None:
        await tx.people.add_identity(mine.id, by_mail)
    elif mine is not None and theirs is not None and not _settled(mine, theirs):
        await tx.people.merge_customers(theirs.id, mine.id)


def _settled(mine: Customer | None, theirs: Customer | None) -> bool:
    """Whether there is nothing to join: one customer, or two that are both known by more."""
    return (
        mine is not None and theirs is not None and (mine.id == theirs.id or not _anonymous(mine))
    )


def _anonymous(customer: Customer) -> bool:
    return all(one.kind is IdentityKind.COOKIE for one in customer.identities)


def _mail(raw: str) -> str:
    try:
        return identity.normalise_mail(raw) if raw else ""
    except BadAddress:
        return ""


def _mac(secret: str, body: str) -> bytes:
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
