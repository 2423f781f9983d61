"""Whether others than this machine can reach us, and then: no secret that everybody knows.

The demo's passwords and its webhook token stand in the open in this repository. They are
fine on a loopback address; anywhere else a start with them is refused, unless
``PARLEY_DEMO_OPEN=1`` says that it is a demo which anybody may enter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import yaml

from gateway.auth.passwords import password_matches
from gateway.settings import DEMO, DEMO_TOKEN, Settings
from router.errors import ParleyError
from router.model import Account

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DEMO_COMPANY = DEMO / "company.yaml"


class KnownSecret(ParleyError):
    """Others can reach this, and a secret of the public demo would let them in.

    Change the secret, listen on 127.0.0.1, or set PARLEY_DEMO_OPEN=1 for an open demo.
    """

    def __init__(self, where: str, secret: str, mend: str) -> None:
        super().__init__(
            f"others can reach {where}, and {secret}: {mend}, or listen on 127.0.0.1, "
            "or set PARLEY_DEMO_OPEN=1 if this is a demo that anybody may enter"
        )


def exposed_at(settings: Settings) -> str | None:
    """The address by which others reach us; None when only this machine does."""
    if settings.host not in LOOPBACK:
        return settings.host
    outside = urlsplit(settings.public_url).hostname or ""
    return outside if outside and outside not in LOOPBACK else None


def refuse_known_secrets(settings: Settings, *, takes_webhooks: bool) -> None:
    """Raises ``KnownSecret`` for a setting that everybody knows. Before anything starts."""
    where = exposed_at(settings)
    if where is None or settings.demo_open:
        return
    if settings.demo and settings.company == DEMO_COMPANY:
        raise KnownSecret(
            where,
            "PARLEY_DEMO=1 makes the demo company's sign-ins, whose passwords are public",
            "set PARLEY_DEMO=0 and PARLEY_COMPANY to your own company file",
        )
    if takes_webhooks and settings.twilio_token == DEMO_TOKEN:
        raise KnownSecret(
            where, "PARLEY_TWILIO_TOKEN is the demo's", "set PARLEY_TWILIO_TOKEN to your own"
        )


def refuse_known_passwords(settings: Settings, accounts: Iterable[Account]) -> None:
    """Raises ``KnownSecret`` when a sign-in has a password of the demo. Takes 50 ms for each."""
    where = exposed_at(settings)
    if where is None or settings.demo_open:
        return
    public = _demo_passwords()
    known = [
        account.login
        for account in accounts
        if account.login in public
        and password_matches(account.password_hash, public[account.login])
    ]
    if known:
        raise KnownSecret(
            where,
            f"the database has sign-ins with the demo's passwords ({', '.join(sorted(known))})",
            "use a PARLEY_DATA or DATABASE_URL that the demo never filled",
        )


def _demo_passwords() -> dict[str, str]:
    raw: dict[str, Any] = yaml.safe_load(DEMO_COMPANY.read_text("utf-8"))
    return {person["login"]: person["password"] for person in raw["people"]}
