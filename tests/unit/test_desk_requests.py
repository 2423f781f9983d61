"""The desk socket's requests, its words, and what goes onto pages."""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path

import pytest
from hypothesis import given

import gateway.pages
from gateway.desk import requests as ask
from gateway.desk.requests import parse_hello, parse_request, ref_of
from gateway.pages.recording import NoRecording, byte_range, inside
from gateway.pages.render import embed_json, percent, span
from gateway.pages.words import WORDS_FILE, Words, chosen_language
from router.errors import BadMessage
from router.events import ALL
from router.model import Author, Channel, IdentityKind, InteractionState, Presence, Role
from tests.texts import any_text

PAGES = Path(gateway.pages.__file__).parent
DOCS = Path(gateway.pages.__file__).parents[2] / "docs"


def test_request_is_read_into_its_type() -> None:
    request = parse_request('{"type": "presence", "ref": 3, "presence": "away", "reason": "lunch"}')
    assert request == ask.SetPresence(ref=3, presence=Presence.AWAY, reason="lunch")


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("not json", "desk socket"),
        ("[]", "desk socket"),
        ('{"type": "dance", "ref": 1}', "dance"),
        ('{"type": "accept", "ref": 1}', "offer_id"),
        ('{"type": "accept", "ref": "1", "offer_id": "x"}', "ref"),
        ('{"type": "accept", "ref": 1, "offer_id": "x", "more": 1}', "more"),
        ('{"type": "keys", "ref": 1, "interaction_id": "x", "digits": "5;"}', "digits"),
        ('{"type": "send", "ref": 1, "interaction_id": "x", "draft_id": "d", "text": ""}', "text"),
    ],
)
def test_malformed_request_is_refused_naming_the_place(raw: str, names: str) -> None:
    with pytest.raises(BadMessage, match=names):
        parse_request(raw)


@given(any_text())
def test_no_line_breaks_the_reader(raw: str) -> None:
    for parse in (parse_request, parse_hello):
        with pytest.raises(BadMessage):
            parse(raw)
    ref_of(raw)


def test_answer_to_a_malformed_request_still_finds_its_ref() -> None:
    assert ref_of('{"type": "dance", "ref": 9}') == 9
    assert ref_of("{") is None


def test_every_request_is_documented() -> None:
    text = (DOCS / "desk.md").read_text("utf-8")
    for kind in typing.get_args(ask.Request):
        tag = kind.__struct_config__.tag
        assert f"`{tag}`" in text, f"docs/desk.md says nothing of the request {tag!r}"


def test_every_text_that_a_page_asks_for_is_written() -> None:
    words = Words()
    known = words.all("en")
    asked = set()
    for path in [*PAGES.glob("templates/desk/*.html"), *PAGES.glob("static/desk/*.js")]:
        asked |= set(re.findall(r"\bt\(\s*['\"]([a-z_.]+)['\"]\s*[,)]", path.read_text("utf-8")))
    assert sorted(key for key in asked if key not in known) == []


def test_every_name_of_the_domain_has_a_word() -> None:
    known = Words().all("en")
    families = {
        "channel": Channel,
        "author": Author,
        "state": InteractionState,
        "presence": Presence,
        "identity": IdentityKind,
        "role": Role,
    }
    wanted = [f"{family}.{member}" for family, kind in families.items() for member in kind]
    assert [key for key in wanted if key not in known] == []


def test_every_text_is_translated_with_the_same_places() -> None:
    texts = json.loads(WORDS_FILE.read_text("utf-8"))
    for language in ("zh", "lv"):
        assert sorted(set(texts["en"]) - set(texts[language])) == []
        for key, text in texts["en"].items():
            places = set(re.findall(r"\{(\w+)\}", text))
            assert set(re.findall(r"\{(\w+)\}", texts[language][key])) == places, key


def test_places_of_a_fact_sentence_are_fields_of_the_fact() -> None:
    words = Words()
    for kind in ALL:
        text = words.text("en", f"fact.{kind.__name__}")
        if text.startswith("fact."):
            continue
        assert set(re.findall(r"\{(\w+)\}", text)) <= set(kind.__dataclass_fields__), kind


def test_language_is_the_cookies_else_the_browsers_else_english() -> None:
    assert chosen_language("lv", "zh") == "lv"
    assert chosen_language("xx", "zh-CN,zh;q=0.9,en;q=0.8") == "zh"
    assert chosen_language(None, "fr") == "en"


def test_embedded_json_cannot_end_its_script_element() -> None:
    text = str(embed_json({"bad": "</script><!--&"}))
    assert "<" not in text
    assert json.loads(text) == {"bad": "</script><!--&"}


def test_figures_are_shown_with_a_dash_for_no_data() -> None:
    assert [span(None), span(59.6), span(3661)] == ["–", "1:00", "1:01:01"]
    assert [percent(None), percent(0.805)] == ["–", "80%"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("bytes=0-9", (0, 9)),
        ("bytes=90-", (90, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=95-200", (95, 99)),
        ("bytes=100-", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_byte_range_of_a_file_of_100(wanted: str, found: tuple[int, int] | None) -> None:
    assert byte_range(wanted, 100) == found


def test_recording_outside_the_data_folder_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(b"x")
    data = tmp_path / "data"
    data.mkdir()
    (data / "call.wav").write_bytes(b"x")
    assert inside(data, "call.wav").name == "call.wav"
    for place in ("../secret.wav", str(tmp_path / "secret.wav"), "nothing.wav"):
        with pytest.raises(NoRecording):
            inside(data, place)
