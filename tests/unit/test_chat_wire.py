"""The chat's frames: what is read, what is refused, what a token proves."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given

from channels import chat_wire as wire
from channels.identity import visitor_key
from channels.text_errors import BadFrame, BadToken, FrameTooLarge
from channels.visitor import Claims, Introduction, admit, read_claims, sign_claims
from router.model import IdentityKind
from tests.texts import any_text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "v" * 32


def test_hello_is_read() -> None:
    frame = wire.parse_frame('{"type":"hello","visitor":"' + SECRET + '","after_seq":3}')
    assert frame == wire.Hello(SECRET, after_seq=3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "truncated"),
        ("[]", "object"),
        ('{"type":"shout"}', "shout"),
        ('{"type":"message","client_id":"a"}', "text"),
        ('{"type":"message","client_id":"a b","text":"x"}', "client_id"),
        ('{"type":"message","client_id":"a","text":"   "}', "text"),
        ('{"type":"message","client_id":"a","text":"x","extra":1}', "extra"),
        ('{"type":"hello","visitor":"short"}', "visitor"),
        ('{"type":"survey","interaction":"i","score":6}', "score"),
        ('{"type":"message","client_id":"a","text":"\\ud800"}', ""),
    ],
)
def test_wrong_frame_names_what_is_wrong(text: str, named: str) -> None:
    with pytest.raises(BadFrame) as caught:
        wire.parse_frame(text)
    assert named in str(caught.value)


def test_binary_and_oversize_frames_are_refused() -> None:
    with pytest.raises(BadFrame):
        wire.parse_frame(b"{}")
    with pytest.raises(FrameTooLarge):
        wire.parse_frame('"' + "x" * wire.FRAME_MAX + '"')


@given(any_text(300))
def test_any_text_is_a_frame_or_an_error(text: str) -> None:
    with contextlib.suppress(BadFrame):
        wire.parse_frame(text)


def test_token_of_the_embedding_site_is_the_address() -> None:
    token = sign_claims("s3cret", Claims("anna-7", NOW.timestamp() + 60, "Anna", "A@Example.org"))
    visitor = admit(Introduction(SECRET, token), "s3cret", NOW)
    assert (visitor.identity.kind, visitor.identity.value) == (IdentityKind.LOGIN, "anna-7")
    assert (visitor.email, visitor.verified) == ("a@example.org", True)


def test_typed_mail_address_is_marked_unverified() -> None:
    visitor = admit(Introduction(SECRET, name="Eve", email="anna@example.org"), "", NOW)
    assert visitor.identity.value == visitor_key(SECRET) != SECRET
    assert visitor.meta() == {"email": "anna@example.org", "email_verified": False}


@pytest.mark.parametrize("spoil", ["other-secret", "expired", "cut", "swapped", "unset"])
def test_wrong_token_proves_nothing(spoil: str) -> None:
    expires = NOW.timestamp() + (-1 if spoil == "expired" else 60)
    token = sign_claims("other" if spoil == "other-secret" else "s3cret", Claims("anna", expires))
    if spoil == "cut":
        token = token.split(".")[0]
    if spoil == "swapped":
        evil = sign_claims("x", Claims("admin", expires)).split(".")[0]
        token = f"{evil}.{token.split('.')[1]}"
    with pytest.raises(BadToken):
        read_claims("" if spoil == "unset" else "s3cret", token, NOW)
