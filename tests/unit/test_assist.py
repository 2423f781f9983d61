"""What helps an agent: a thread read line by line, drafts by channel, filing, the next question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bots.assist.ahead import open_questions
from bots.assist.drafts import Desk, answer_draft, offer_draft, question_draft
from bots.assist.filing import Filed, Precedents, filing
from bots.assist.model import Known, Next
from bots.assist.thread import Thread, words_of
from bots.flow.schema import read_flow
from bots.segments import SMS_UNITS, SMS_WIDE, units
from knowledge.model import Answer
from router.model import Author, Channel, Citation, Handoff, Message, SlotValue

FLOW = read_flow(Path("gateway/demo/flows/front-desk.yaml"))
C, A, B = Author.CUSTOMER, Author.AGENT, Author.BOT
LATE = Citation("parcel-late", "When a parcel is late", "/help/en/parcel-late")
KNOWN = Answer(
    True, "It is searched for. It takes three days.", "It is searched for.", (LATE,), 0.8
)
PACKET = Handoff(
    reason="asked-for-person",
    summary="Wants to know where an order is.",
    intent="order_status",
    slots=(SlotValue("order_number", "HL-482913", 0.97, confirmed=True),),
    last_utterance="I want a person",
)
DESK = Desk(Channel.CHAT, "en", "Maria Lund", "Ana Kalniņa", "Harbourline", "https://h.example")


def lines(said: Sequence[tuple[Author, str]], first: int = 1) -> list[Message]:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return [Message(str(n), "one", n, who, text, at) for n, (who, text) in enumerate(said, first)]


def thread_of(*said: tuple[Author, str], packet: Handoff | None = PACKET, **more: str) -> Thread:
    thread = Thread(packet, FLOW, more.get("language", "en"))
    thread.take_all(lines(said))
    return thread


# -- the thread ----------------------------------------------------------------------------


def test_gist_tells_what_is_wanted_known_done_and_asked() -> None:
    gist = thread_of(
        (C, "Where is my parcel?"),
        (B, "A person comes."),
        (A, "Hello Maria, I have started the search with the courier."),
        (C, "Thanks. Can you also refund HL-555111? Write to maria@lund.example"),
    ).gist()
    assert (gist.wants, gist.labelled) == ("to know where an order is", True)
    assert gist.known[0].value == "HL-555111" or Known("order_number", "HL-555111") in gist.known
    assert "maria@lund.example" in {one.value for one in gist.known}
    assert gist.done == ("I have started the search with the courier.",)
    assert gist.asks == "Can you also refund HL-555111?"


def test_confirmed_value_said_again_stays_confirmed_and_another_one_takes_its_place() -> None:
    again = thread_of((C, "it is HL-482913"))
    assert again.known[0] == Known("order_number", "HL-482913", confirmed=True)
    other = thread_of((C, "sorry, HL-482914"))
    assert other.known[0] == Known("order_number", "HL-482914")


def test_question_is_answered_by_the_agents_next_line() -> None:
    thread = thread_of((C, "When do you open?"), (A, "At eight."))
    assert thread.gist().asks == ""
    assert not thread.waits


def test_gist_is_read_in_ten_seconds_whatever_was_said() -> None:
    long = "and then I would like to know " + "very " * 200 + "much when it comes?"
    gist = thread_of((C, long), (A, "I will call " + "you " * 100 + "back."), packet=None).gist()
    told = [gist.wants, *(one.value for one in gist.known), *gist.done, gist.asks]
    assert sum(len(part.split()) for part in told) <= 45


def test_short_turn_is_looked_up_with_what_came_before() -> None:
    thread = thread_of(
        (C, "My parcel was damaged on the way"), (A, "Sorry to hear that."), (C, "how long for it?")
    )
    first, second = thread.questions()
    assert first == "My parcel was damaged on the way\nhow long for it?"
    assert second == "how long for it?"


def test_lines_in_a_row_are_one_turn() -> None:
    thread = thread_of((A, "Yes?"), (C, "Where do I send it"), (C, "the meter reading?"))
    assert thread.turn == "Where do I send it\nthe meter reading?"


def test_language_follows_the_customer() -> None:
    thread = thread_of((C, "Kur ir mans sūtījums?"), (A, "Labdien!"), (C, "ok"))
    assert thread.language == "lv"


def test_matter_is_settled_by_thanks_and_opened_again_by_a_question() -> None:
    said = [(C, "Where is it?"), (A, "It comes today."), (C, "Great, thank you!")]
    assert thread_of(*said).settled
    assert not thread_of(*said, (C, "But what does it cost?")).settled
    assert not thread_of((C, "Thanks but it still does not work")).settled


def test_angry_customer_is_seen_in_the_mean_of_the_last_lines() -> None:
    moods = {"this is a disgrace": -1.0, "hello": 0.2}
    thread = Thread(None, FLOW, "en", lambda text, _: moods[text])
    thread.take_all(lines([(C, "hello")]))
    assert not thread.angry
    thread.take_all(lines([(C, "this is a disgrace")], first=2))
    assert thread.angry


def test_line_read_twice_counts_once() -> None:
    thread = thread_of((C, "parcel parcel"))
    thread.take_all(lines([(C, "parcel parcel")]))
    assert thread.words["parcel"] == 2


def test_reading_costs_the_same_per_line_however_long_the_transcript_is() -> None:
    def spent_s(count: int) -> float:
        said = [(C if n % 2 else A, f"line {n}: where is parcel number {n}?") for n in range(count)]
        thread, read = Thread(PACKET, FLOW), lines(said)
        began = time.process_time()
        thread.take_all(read)
        thread.gist()
        return time.process_time() - began

    spent_s(50)
    few = min(spent_s(100) for _ in range(3))
    many = min(spent_s(800) for _ in range(3))
    assert many / few < 8 * 2.5


def test_words_are_folded_and_chinese_is_read_in_pairs() -> None:
    assert words_of("Sūtījums ir 我的包裹 a") == ["sutijums", "我的", "的包", "包裹"]


# -- drafts --------------------------------------------------------------------------------


def test_unknown_answer_makes_no_draft() -> None:
    assert answer_draft([Answer(known=False, citations=(LATE,), score=0.4)], DESK) is None


def test_chat_draft_is_the_answer_with_its_source() -> None:
    draft = answer_draft([KNOWN], DESK)
    assert draft is not None
    assert draft.text == f"{KNOWN.text}\nhttps://h.example/help/en/parcel-late"
    assert (draft.title, draft.sources, draft.score) == (LATE.title, (LATE,), 0.8)


def test_mail_draft_is_a_whole_letter_in_the_customers_language() -> None:
    other = Answer(True, "Atveram astoņos.", "", (Citation("open", "Laiki", "/help/lv/open"),), 0.7)
    desk = Desk(
        Channel.EMAIL, "lv", "Maria Lund", "Ana Kalniņa", "Harbourline", "https://h.example"
    )
    draft = answer_draft([KNOWN, other], desk)
    assert draft is not None
    parts = draft.text.split("\n\n")
    assert parts[0] == "Labdien, Maria!"
    assert parts[1:3] == [KNOWN.text, other.text]
    assert "https://h.example/help/lv/open" in parts[3]
    assert parts[4] == "Ar cieņu\nAna Kalniņa\nHarbourline"


def test_text_draft_fits_into_two_segments_in_any_script() -> None:
    for words, limit in (("A long answer. " * 60, SMS_UNITS), ("很长的回答。" * 60, SMS_WIDE)):
        answer = Answer(True, words, words, (LATE,), 0.9)
        draft = answer_draft([answer], Desk(Channel.SMS, "en", base_url="https://h.example"))
        assert draft is not None
        counted = units(draft.text)
        assert (counted if counted is not None else len(draft.text)) <= limit
        assert draft.text.endswith("https://h.example/help/en/parcel-late")


def test_call_draft_has_no_address_to_read_aloud() -> None:
    draft = answer_draft([KNOWN], Desk(Channel.VOICE, "en"))
    assert draft is not None
    assert draft.text == KNOWN.text


def test_same_words_have_the_same_id_and_offers_name_the_customer() -> None:
    texts = {"en": "Would you like our green tariff, {name}?"}
    first, again = offer_draft("green", texts, DESK), offer_draft("green", texts, DESK)
    assert first == again is not None
    assert first is not None
    assert first.text == "Would you like our green tariff, Maria?"
    assert offer_draft("green", texts, Desk(Channel.CHAT, "zh")) is None


# -- the next question ---------------------------------------------------------------------


def test_next_question_is_the_first_value_of_the_matter_that_nobody_knows() -> None:
    listed = open_questions(FLOW, {"intent": "order_status"}, known=())
    assert listed[0][0] == "order_number"
    assert all(
        name != "order_number"
        for name, _ in open_questions(FLOW, {"intent": "order_status"}, known={"order_number"})
    )


def test_matter_that_the_articles_answer_asks_for_nothing() -> None:
    assert open_questions(FLOW, {"intent": "no such intent", "step": "help"}, known=()) == []
    assert question_draft(None, DESK) is None
    assert question_draft(Next("Which number?", ("order_number",)), DESK) is not None


# -- filing --------------------------------------------------------------------------------

CODES = ("resolved", "follow-up", "complaint", "no-one-there")


def precedents() -> Precedents:
    kept = Precedents()
    for n in range(5):
        kept.add(
            f"s{n}", filed("parcel late search courier started", "follow-up", "search started")
        )
        kept.add(f"b{n}", filed("meter reading sent photo app", "resolved", "reading taken"))
    return kept


def filed(text: str, code: str, note: str = "") -> Filed:
    return Filed(dict.fromkeys(words_of(text), 1), code, note)


def test_filing_follows_the_most_similar_conversations_and_says_why() -> None:
    thread = thread_of((C, "my parcel is late, is a search on with the courier?"), packet=None)
    first = filing(thread, precedents(), CODES)[0]
    assert (first.code, first.example) == ("follow-up", "search started")
    assert first.alike == first.compared > 0


def test_filing_without_precedents_goes_by_what_was_said() -> None:
    promised = thread_of((C, "Where is it?"), (A, "I will call you back tomorrow."))
    assert [(g.code, g.cue) for g in filing(promised, Precedents(), CODES)] == [
        ("follow-up", "promised")
    ]
    content = thread_of((C, "Where is it?"), (A, "It comes today."), (C, "Thank you"))
    assert filing(content, Precedents(), CODES)[0].code == "resolved"


def test_filing_suggests_nothing_without_evidence_nor_what_the_queue_does_not_have() -> None:
    assert filing(thread_of((C, "zebra")), Precedents(), CODES) == ()
    promised = thread_of((C, "Where is it?"), (A, "I will call you back tomorrow."))
    assert filing(promised, precedents(), ("sold",)) == ()


def test_precedents_forget_the_oldest() -> None:
    kept = Precedents()
    kept.add("first", filed("zebra common", "resolved"))
    assert kept.nearest({"zebra": 1})
    for n in range(600):
        kept.add(str(n), filed("common", "resolved"))
    assert len(kept) == 500
    assert kept.nearest({"zebra": 1}) == []
