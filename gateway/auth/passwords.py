"""Password hashes: argon2id with argon2-cffi's defaults (RFC 9106, low-memory profile)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from router.configuration.versions import Passwords


def hash_password(password: str) -> str:
    """An argon2id hash with its own salt and parameters. Takes some 50 ms of CPU."""
    return PasswordHasher().hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Whether ``password`` gives this hash; False for a hash that cannot be read."""
    try:
        return PasswordHasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


PASSWORDS = Passwords(hash_password, password_matches)
