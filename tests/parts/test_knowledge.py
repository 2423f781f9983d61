"""Reading, finding and answering, with a small encoder that knows words only."""

from __future__ import annotations

import math
import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from knowledge.answer import KnowledgeBase, focus
from knowledge.embed import BATCH_TEXTS, next_batch
from knowledge.errors import BadArticle, NoSuchArticle
from knowledge.extract import Evidence, Weights, confidence, pick_sentences
from knowledge.index import QdrantIndex
from knowledge.ingest import parse_article, read_articles
from knowledge.lexical import LexicalIndex, fuse_min_max, terms
from knowledge.model import Article, Hit, Passage
from knowledge.spoken import spoken_form

TODAY = date(2026, 7, 1)
DEMO = Path(__file__).parents[2] / "gateway" / "demo" / "articles"


class WordEncoder:
    """Vectors that are near when texts share words. Counts what it was asked."""

    name = "words"
    dimensions = 64

    def __init__(self) -> None:
        self.embedded = 0

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedded += len(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        row = [0.0] * self.dimensions
        for term in terms(text, "en"):
            row[zlib.crc32(term.encode()) % self.dimensions] += 1.0
        norm = math.sqrt(sum(value * value for value in row)) or 1.0
        return [value / norm for value in row]


ARTICLES = [
    Article(
        "locker",
        "Parcel lockers",
        "en",
        "A parcel waits 7 days.\n\n## Extend\nAdd 3 days for 1 euro.",
    ),
    Article(
        "bill",
        "Pay the bill",
        "en",
        "Pay the bill by card.\n\n## Cash\nCash is taken at the hall.",
        asked=("bill payment",),
    ),
    Article("secret", "Agents only: goodwill", "en", "Goodwill up to 20 euros.", audience="agents"),
    Article("old", "Summer offer", "en", "Half price in June.", expires=date(2026, 7, 1)),
    Article("locker", "Pakomāti", "lv", "Paka pakomātā stāv 7 dienas."),
    Article("locker", "快递柜", "zh", "包裹在柜子里保留 7 天。可以延长一次。"),
]


@pytest.fixture
async def base() -> AsyncIterator[KnowledgeBase]:
    index = QdrantIndex()
    base = KnowledgeBase(WordEncoder(), index)
    await base.start(ARTICLES, TODAY)
    yield base
    await base.stop()
    await index.stop()


async def test_answer_cites_the_article_it_is_taken_from(base: KnowledgeBase) -> None:
    answer = await base.answer("How many days waits a parcel in the locker?")
    assert answer.known
    assert "A parcel waits 7 days." in answer.text
    assert answer.citations[0].article_id == "locker"
    assert answer.citations[0].url == "/help/en/locker"
    assert answer.citations[0].quote in answer.text


async def test_answer_nothing_fits_is_not_known_and_says_nothing(base: KnowledgeBase) -> None:
    answer = await base.answer("Who won the football match?")
    assert not answer.known
    assert (answer.text, answer.spoken) == ("", "")


@pytest.mark.parametrize("question", ["", "   ", "**", "?"])
async def test_answer_empty_question_is_not_known(base: KnowledgeBase, question: str) -> None:
    assert not (await base.answer(question)).known


async def test_answer_in_own_language_else_english(base: KnowledgeBase) -> None:
    latvian = await base.answer("Cik dienas paka stāv pakomātā?", "lv")
    chinese = await base.answer("包裹在柜子里保留几天", "zh")
    german = await base.answer("parcel waits days locker", "de")
    english = await base.answer("pay the bill by card", "lv")
    assert [a.citations[0].url for a in (latvian, chinese, german, english)] == [
        "/help/lv/locker",
        "/help/zh/locker",
        "/help/en/locker",
        "/help/en/bill",
    ]
    assert chinese.text.startswith("包裹在柜子里保留 7 天。")


async def test_closed_articles_are_for_agents_only(base: KnowledgeBase) -> None:
    assert not (await base.answer("goodwill up to 20 euros")).known
    assert "secret" not in {c.article_id for c in await base.search("goodwill", audience="public")}
    assert (await base.search("goodwill"))[0].article_id == "secret"
    assert "secret" not in {article.id for article in base.articles()}
    assert not any("Goodwill" in line for line in base.corpus())


async def test_expired_articles_are_gone(base: KnowledgeBase) -> None:
    assert "old" not in {article.id for article in base.articles()}
    with pytest.raises(NoSuchArticle, match="old"):
        base.article("old")


async def test_search_names_each_article_once(base: KnowledgeBase) -> None:
    found = await base.search("bill card cash parcel", limit=3)
    ids = [citation.article_id for citation in found]
    assert ids[0] == "bill"
    assert len(ids) == len(set(ids))
    assert found[0].quote


async def test_article_missing_in_a_language_is_given_in_english(base: KnowledgeBase) -> None:
    assert base.article("locker", "lv").title == "Pakomāti"
    assert base.article("bill", "lv").language == "en"
    titles = [article.title for article in base.articles("lv")]
    assert titles == ["Pakomāti", "Pay the bill"]


async def test_load_again_embeds_only_what_changed() -> None:
    index, encoder = QdrantIndex(), WordEncoder()
    base = KnowledgeBase(encoder, index)
    first = await base.start(ARTICLES, TODAY)
    encoder.embedded = 0
    same = await base.load(ARTICLES, TODAY)
    changed = [Article("bill", "Pay the bill", "en", "Pay by card or cash."), *ARTICLES[4:]]
    after = await base.load(changed, TODAY)
    assert (same.added, same.removed, same.kept) == (0, 0, first.added)
    assert after.added == 1
    assert encoder.embedded == 1
    assert (await base.answer("pay by card or cash")).text == "Pay by card or cash."
    assert not (await base.answer("parcel waits days locker")).known
    await base.stop()
    await index.stop()


async def test_corpus_holds_titles_phrasings_and_sentences(base: KnowledgeBase) -> None:
    corpus = base.corpus()
    assert {"Parcel lockers", "bill payment", "A parcel waits 7 days."} <= set(corpus)
    assert base.corpus("lv") == ["Pakomāti", "Paka pakomātā stāv 7 dienas."]


def test_focus_keeps_the_asking_sentence_of_a_long_mail() -> None:
    mail = (
        "Dear team. " + "I have been your customer for years. " * 8 + "When do you open? Regards."
    )
    assert focus(mail) == "When do you open?"
    assert focus("  where\nis it ") == "where is it"


def test_every_demo_article_is_read_and_languages_follow_english() -> None:
    articles = read_articles(DEMO)
    by_language: dict[str, set[str]] = {}
    for article in articles:
        by_language.setdefault(article.language, set()).add(article.id)
    assert len(by_language["en"]) >= 60
    for language in ("zh", "lv"):
        assert len(by_language[language]) >= 10
        assert by_language[language] <= by_language["en"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no front matter", r"x\.md:1: expected front matter"),
        ("---\nid: a\n", r"x\.md:2: the front matter is never closed"),
        ("---\nid: a\ntitle: [\n---\nText", r"x\.md:\d: the front matter is not YAML"),
        ("---\ntitle: T\nid: A B\nlanguage: en\n---\nText", r"x\.md:3: id: expected lower-case"),
        ("---\nid: a\nlanguage: en\n---\nText", r"x\.md:1: title: expected a text, found None"),
        ("---\nid: a\ntitle: T\nlanguage: english\n---\nText", r"x\.md:4: language: .*'english'"),
        (
            "---\nid: a\ntitle: T\nlanguage: en\ntags: x\n---\nText",
            r"x\.md:5: tags: expected a list",
        ),
        (
            "---\nid: a\ntitle: T\nlanguage: en\nexpires: soon\n---\nText",
            r"x\.md:5: expires: .*soon",
        ),
        ("---\nid: a\ntitle: T\nlanguage: en\ncolour: red\n---\nText", r"x\.md:5: unknown field"),
        ("---\nid: a\ntitle: T\nlanguage: en\n---\n", r"x\.md:5: the article has no text"),
    ],
)
def test_bad_article_names_file_line_and_fault(text: str, told: str) -> None:
    with pytest.raises(BadArticle, match=told):
        parse_article(text, "x.md")


def test_article_given_twice_names_both_files(tmp_path: Path) -> None:
    for name in ("one.md", "two.md"):
        (tmp_path / name).write_text("---\nid: a\ntitle: T\nlanguage: en\n---\nText", "utf-8")
    with pytest.raises(BadArticle, match=r"two\.md.*one\.md"):
        read_articles(tmp_path)
    with pytest.raises(BadArticle, match="no such folder"):
        read_articles(tmp_path / "missing")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "parcels", "parcel"),
        ("en", "delivered", "delivering"),
        ("en", "batteries", "battery"),
        ("lv", "rēķinu", "rēķins"),
        ("lv", "piegādes", "piegāde"),
    ],
)
def test_forms_of_one_word_share_a_term(language: str, one: str, other: str) -> None:
    assert terms(one, language) == terms(other, language)


def test_chinese_is_searched_by_characters_and_pairs() -> None:
    assert terms("停电", "zh") == ["停", "电", "停电"]


def test_lexical_rare_word_beats_common_word() -> None:
    index = LexicalIndex({"a": "parcel locker", "b": "parcel bill", "c": "parcel"}, "en")
    assert index.search("parcel bill", 3)[0][0] == "b"
    assert index.search("nothing", 3) == []
    assert index.overlap("bill unheard", "the bill") < index.overlap("bill", "the bill") == 1.0
    assert LexicalIndex({}, "en").search("bill", 3) == []


def test_fusion_scales_each_ranking_before_adding() -> None:
    first = [("a", 0.9), ("b", 0.8), ("c", 0.1)]
    second = [("b", 20.0), ("d", 10.0)]
    fused = fuse_min_max(first, second, 0.5)
    assert fused[0][0] == "b"
    assert dict(fused)["a"] == 0.5
    assert fuse_min_max([], [], 0.5) == []


def _hit(article: str, position: int, score: float, *sentences: str) -> Hit:
    text = " ".join(sentences)
    return Hit(
        Passage(f"{article}{position}", article, "en", "T", "", text, position, sentences),
        0.0,
        score,
    )


def test_pick_takes_the_lead_in_with_its_list() -> None:
    hits = [_hit("a", 0, 1.0, "You need:", "a box.", "tape.", "time.", "luck.")]
    pick = pick_sentences(hits, [[0.9, 0.1, 0.1, 0.1, 0.1]])
    assert pick.sentences == ("You need:", "a box.", "tape.", "time.")


def test_pick_stays_in_one_article_in_its_order() -> None:
    hits = [
        _hit("a", 1, 1.0, "Second.", "Weak."),
        _hit("a", 0, 1.0, "First."),
        _hit("b", 0, 0.9, "Other."),
    ]
    pick = pick_sentences(hits, [[0.9, 0.1], [0.8], [0.85]])
    assert pick.sentences == ("First.", "Second.")
    assert pick.hit.passage.article_id == "a"


def test_confidence_grows_with_evidence() -> None:
    weights = Weights(sentence=5.0, passage=5.0, coverage=2.0, bias=-6.0)
    low = confidence(Evidence(0.2, 0.2, 0.1), weights)
    high = confidence(Evidence(0.8, 0.8, 1.0), weights)
    assert 0 < low < 0.5 < high < 1


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Call +371 6000 0911 (free).", "Call +371 6000 0911."),
        ('Press "Help" now.', "Press Help now."),
        ("拨打电话（免费）。", "拨打电话。"),
        ("See [the page](https://x.example/a).", "See [the page](https://x.example/a)."),
    ],
)
def test_spoken_form_leaves_out_what_is_only_for_the_eye(written: str, spoken: str) -> None:
    assert spoken_form(written) == spoken


def test_batches_keep_order_and_limits() -> None:
    short = ["a"] * 40
    assert len(next_batch(short)) == BATCH_TEXTS
    assert next_batch(["x" * 20_000, "y" * 20_000]) == ["x" * 20_000]
