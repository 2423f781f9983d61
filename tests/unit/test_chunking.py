"""Articles cut into passages and sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunking import (
    LIMIT_WORDS,
    count_words,
    plain_text,
    split_article,
    split_sentences,
)
from knowledge.model import Article


def article(body: str, *asked: str, language: str = "en") -> Article:
    return Article("a", "Parcels", language, body, asked=asked)


def test_heading_begins_a_passage_and_is_carried() -> None:
    passages = split_article(article("First words.\n\n## Times\nOpen at 8.\n\nClosed at 9."))
    assert [(p.heading, p.text) for p in passages] == [
        ("", "First words."),
        ("Times", "Open at 8. Closed at 9."),
    ]
    assert passages[1].indexed_text == "Parcels. Times. Open at 8. Closed at 9."


def test_list_stays_with_its_lead_in_items_are_sentences() -> None:
    [passage] = split_article(article("You need:\n\n- a box\n- **tape**\n  that is wide\n"))
    assert passage.sentences == ("You need:", "a box.", "tape that is wide.")


def test_table_rows_become_sentences_rule_line_goes() -> None:
    [passage] = split_article(
        article("Prices:\n\n| Size | Price | Day |\n|---|---|---|\n| S | 3.20 | 1 |\n")
    )
    assert passage.sentences == ("Prices:", "Size: Price, Day.", "S: 3.20, 1.")


def test_long_paragraph_is_split_between_sentences() -> None:
    long = " ".join(f"Sentence number {i} has exactly seven words." for i in range(60))
    passages = split_article(article(long))
    assert len(passages) > 2
    assert all(count_words(passage.text) <= LIMIT_WORDS for passage in passages)
    assert " ".join(passage.text for passage in passages) == long


def test_asked_phrasings_are_found_but_have_no_sentences() -> None:
    passages = split_article(article("Text.", "Where is it?", "Lost?"))
    assert [p.indexed_text for p in passages[1:]] == ["Where is it?", "Lost?"]
    assert all(not p.sentences for p in passages[1:])
    assert len({p.id for p in passages}) == 3


def test_passage_ids_stay_the_digest_follows_the_text() -> None:
    [old] = split_article(article("One."))
    [new] = split_article(article("Two."))
    assert old.id == new.id
    assert old.digest != new.digest
    assert split_article(article("One.", language="lv"))[0].id != old.id


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It costs 3.20 euros. Pay now!", ["It costs 3.20 euros.", "Pay now!"]),
        ("Ask e.g. Anna. She knows.", ["Ask e.g. Anna.", "She knows."]),
        ("包裹在柜子里。请带证件！好吗？", ["包裹在柜子里。", "请带证件！", "好吗？"]),
        (
            "Zvaniet līdz plkst. 17:00. Ēka ir slēgta.",
            ["Zvaniet līdz plkst. 17:00.", "Ēka ir slēgta."],
        ),
        ('He said "go." Then he left.', ['He said "go."', "Then he left."]),
        ("", []),
    ],
)
def test_sentences_end_where_people_see_the_end(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_plain_text_keeps_words_of_links_and_emphasis() -> None:
    assert plain_text("See [the **map**](/map) and `code_x`, 2*3") == "See the map and code_x, 2*3"


@given(st.text(alphabet="ab.!? \n#-|:*0包。", max_size=300))
def test_any_text_can_be_cut_nothing_is_lost(body: str) -> None:
    for passage in split_article(article(body)):
        assert passage.sentences
        assert "".join("".join(passage.sentences).split()) == "".join(passage.text.split())
