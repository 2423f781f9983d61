"""A start that others can reach is refused while a secret of the public demo would let them in."""

from pathlib import Path

import pytest

from gateway.auth.passwords import hash_password
from gateway.exposure import (
    KnownSecret,
    exposed_at,
    refuse_known_passwords,
    refuse_known_secrets,
)
from gateway.settings import Settings
from router.model import Account, Role

OWN = Settings(host="0.0.0.0", demo=False, twilio_token="ours", company=Path("ours.yaml"))


@pytest.mark.parametrize(
    ("host", "public_url", "where"),
    [
        ("127.0.0.1", "", None),
        ("localhost", "http://127.0.0.1:9000", None),
        ("0.0.0.0", "", "0.0.0.0"),
        ("127.0.0.1", "https://help.example.org", "help.example.org"),
    ],
)
def test_we_are_exposed_beyond_loopback_and_behind_a_public_address(
    host: str, public_url: str, where: str | None
) -> None:
    assert exposed_at(Settings(host=host, public_url=public_url)) == where


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(host="10.0.0.5", twilio_token="ours"), "PARLEY_DEMO=1"),
        (Settings(host="10.0.0.5", demo=False), "PARLEY_TWILIO_TOKEN"),
    ],
)
def test_known_secret_beyond_this_machine_is_refused_and_named(
    settings: Settings, named: str
) -> None:
    with pytest.raises(KnownSecret) as refused:
        refuse_known_secrets(settings, takes_webhooks=True)
    assert named in str(refused.value)
    assert "PARLEY_DEMO_OPEN=1" in str(refused.value)


def test_own_secrets_an_open_demo_and_a_loopback_start() -> None:
    refuse_known_secrets(OWN, takes_webhooks=True)
    refuse_known_secrets(Settings(host="0.0.0.0", demo_open=True), takes_webhooks=True)
    refuse_known_secrets(Settings(), takes_webhooks=True)


def test_webhook_token_matters_only_to_the_role_that_takes_webhooks() -> None:
    refuse_known_secrets(Settings(host="10.0.0.5", demo=False), takes_webhooks=False)


def test_sign_in_that_kept_the_demos_password_is_refused_and_named() -> None:
    kept = Account("ana", "ana", "Ana", Role.AGENT, hash_password("harbour-ana"))
    changed = Account("boris", "boris", "Boris", Role.AGENT, hash_password("our own words"))
    refuse_known_passwords(OWN, [changed])
    with pytest.raises(KnownSecret, match="ana"):
        refuse_known_passwords(OWN, [kept, changed])
    refuse_known_passwords(Settings(demo=False), [kept])
