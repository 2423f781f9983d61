"""What a written sentence may say: what its passages say, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from knowledge.chunking import split_article
from knowledge.grounding import Grounded, grounded
from knowledge.ingest import read_articles

DEMO = Path(__file__).parents[2] / "gateway" / "demo" / "articles"

PASSAGES = (
    "Return a parcel within 14 days. Print the label at https://harbourline.example/returns and "
    "bring the parcel to any pick-up point. You get a refund if the parcel arrives undamaged.",
    "Parcels up to 30 kg cost 4.90 EUR. Heavier parcels cannot be sent. Orders before 14:00 are "
    "shipped the same day. Our office in Riga is open from 9:00 to 17:00.",
    "Sūtījumu var atgriezt 14 dienu laikā. Smagākus sūtījumus nepieņemam. Maksa ir 4,90 EUR.",
    "您可以在14天内退回包裹。超过三十公斤的包裹不能寄送。运费是4.90元。",
)


@dataclass(frozen=True)
class Said:
    text: str
    sources: tuple[int, ...] = (1,)


@pytest.mark.parametrize(
    "said",
    [
        Said("You can return the parcel within 14 days."),
        Said("You can return your parcel within fourteen days."),
        Said("Print the label at https://harbourline.example/returns."),
        Said("If the parcel arrives undamaged, you get a refund."),
        Said("A parcel up to 30 kg costs €4.90.", (2,)),
        Said("Parcels that are heavier cannot be sent.", (2,)),
        Said("Orders before 14:00 ship the same day.", (2,)),
        Said("The office in Riga opens from 9:00 to 17:00.", (2,)),
        Said("Print the label. Parcels cost 4,90 EUR.", (1, 2)),
        Said("Atgriezt sūtījumu var 14 dienu laikā.", (3,)),
        Said("包裹可以在14天内退回。", (4,)),
    ],
)
def test_sentence_that_its_passages_carry_may_be_said(said: Said) -> None:
    language = "lv" if 3 in said.sources else "zh" if 4 in said.sources else "en"
    found = grounded(said, PASSAGES, language)
    assert isinstance(found, Grounded), found
    assert found.passages == tuple(place - 1 for place in said.sources)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said("You can return the parcel within 30 days."), "30"),
        (Said("You can return the parcel within 14 hours."), "14 hour"),
        (Said("You can return the parcel within 14 working days."), "14 work"),
        (Said("You can return the parcel within two weeks."), "2"),
        (Said("Return a parcel within 14 days at https://evil.example/returns."), "evil.example"),
        (Said("Return the parcel and write to help@evil.example."), "help@evil.example"),
        (Said("Bring the parcel to any pick-up point in Berlin."), "Berlin"),
        (Said("Returning a parcel is free within 14 days."), "free"),
        (Said("You always get a refund if the parcel arrives undamaged."), "always"),
        (Said("You get a refund."), "condition"),
        (Said("You do not get a refund if the parcel arrives undamaged."), "turns round"),
        (Said("Heavier parcels can be sent.", (2,)), "turns round"),
        (Said("Parcels up to 30 kg cannot be sent.", (2,)), "turns round"),
        (Said("Parcels up to 30 kg cost $4.90.", (2,)), "4.9 usd"),
        (Said("Parcels cost 490 EUR.", (2,)), "490"),
        (Said("The office in Riga is open from 9:00 to 14:00.", (2,)), "9:00 to 14:00"),
        (Said("Quote code HL99 to return a parcel."), "99"),
        (Said("Our director likes parcels and sails at weekends."), "more than"),
        (Said("Parcels cost 4.90 EUR."), "4.9"),
        (Said("You can return the parcel within 14 days.", ()), "names no passage"),
        (Said("You can return the parcel within 14 days.", (0,)), "names no passage"),
        (Said("You can return the parcel within 14 days.", (1, 9)), "names no passage"),
        (Said("Yes."), "nothing by itself"),
        (Said(""), "expected a sentence"),
        (Said("parcel " * 100), "expected a sentence"),
        (Said("Sūtījumu var atgriezt 30 dienu laikā.", (3,)), "30"),
        (Said("Smagākus sūtījumus pieņemam.", (3,)), "more than"),
        (Said("您可以在三天内退回包裹。", (4,)), "3"),
        (Said("包裹可以免费退回。", (4,)), "免费"),
        (Said("超过三十公斤的包裹能寄送。", (4,)), "turns round"),
    ],
)
def test_sentence_that_says_more_or_other_than_its_passages_may_not(said: Said, why: str) -> None:
    language = "lv" if 3 in said.sources else "zh" if 4 in said.sources else "en"
    found = grounded(said, PASSAGES, language)
    assert isinstance(found, str), found
    assert why in found


def test_second_sentence_hidden_behind_a_good_one_is_seen() -> None:
    said = Said("Return a parcel within 14 days. We pay you 100 EUR.")
    assert "100" in str(grounded(said, PASSAGES, "en"))


def test_articles_say_what_they_say_and_none_of_their_numbers_changes_unseen() -> None:
    """On the demo company's articles in three languages: over 1,100 sentences, 900 numbers."""
    own = refused = changed = unseen = 0
    for passage in (one for article in read_articles(DEMO) for one in split_article(article)):
        for sentence in passage.sentences:
            texts = [passage.indexed_text]
            own += 1
            refused += isinstance(grounded(Said(sentence), texts, passage.language), str)
            for number in re.finditer(r"\d+", sentence):
                other = str(int(number.group()) + 13)
                text = sentence[: number.start()] + other + sentence[number.end() :]
                changed += 1
                unseen += isinstance(grounded(Said(text), texts, passage.language), Grounded)
    assert own > 1000
    assert changed > 800
    assert refused / own < 0.01
    assert unseen == 0
