"""SMS rules without a wire: signature, segments, what is sent."""

from datetime import UTC, datetime

import pytest
from hypothesis import given

from channels.segments import count_segments
from channels.sms import TEXT_MAX, render_text
from channels.text_errors import BadSignature
from channels.twilio_api import check_signature, sign
from router.model import Author, Citation, Message
from tests.texts import any_text

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]


def test_signature_equals_the_providers_own_vector() -> None:
    assert sign("12345", URL, FIELDS) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("token", "url", "fields"),
    [
        ("54321", URL, FIELDS),
        ("12345", URL + "&x", FIELDS),
        ("12345", URL, [*FIELDS, ("Body", "hi")]),
    ],
)
def test_anything_changed_makes_the_signature_wrong(
    token: str, url: str, fields: list[tuple[str, str]]
) -> None:
    with pytest.raises(BadSignature):
        check_signature(token, url, fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" * 5, "GSM-7", 162, 2),
        ("ā", "UCS-2", 1, 1),
        ("包" * 70, "UCS-2", 70, 1),
        ("包" * 71, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
    ],
)
def test_segments(text: str, encoding: str, units: int, parts: int) -> None:
    found = count_segments(text)
    assert (found.encoding, found.units, found.parts) == (encoding, units, parts)


@given(any_text(700))
def test_parts_always_hold_the_text(text: str) -> None:
    found = count_segments(text)
    one, part = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert found.units <= (one if found.parts == 1 else found.parts * part)


def line(text: str, *citations: Citation) -> Message:
    return Message("m1", "i1", 1, Author.BOT, text, datetime.now(UTC), citations=citations)


def test_text_ends_with_the_address_of_its_source() -> None:
    cited = Citation("track", "Track", "/help/en/track")
    assert render_text(line("Here.", cited), "http://x") == "Here.\nhttp://x/help/en/track"


def test_long_text_is_cut_at_a_word() -> None:
    text = render_text(line("word " * 1000), "")
    assert len(text) <= TEXT_MAX
    assert text.endswith("word…")
