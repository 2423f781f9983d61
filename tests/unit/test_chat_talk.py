"""What a chat's tab has to look at, and what it knows already."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels.chat_talk import News, Talk, Told
from channels.visitor import Introduction, admit
from router.events import BotStarted, InteractionQueued, MessageAdded
from router.model import (
    Author,
    Channel,
    Direction,
    Interaction,
    InteractionState,
    Message,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATE = {"type": "state", "interaction": "one", "with": "bot"}


async def _nowhere(frame: dict[str, Any]) -> None:
    """Nobody reads it."""


def chat(state: InteractionState = InteractionState.BOT, version: int = 1) -> Interaction:
    return Interaction(
        id="one",
        channel=Channel.CHAT,
        direction=Direction.INBOUND,
        customer_id="anna",
        conversation_id="matter",
        address="visitor",
        service_address="web",
        state=state,
        created_at=NOW,
        version=version,
    )


def line(seq: int) -> Message:
    return Message(f"m{seq}", "one", seq, Author.CUSTOMER, "words", NOW)


def added(seq: int, state: str = "bot", author: Author = Author.BOT) -> MessageAdded:
    return MessageAdded(
        at=NOW,
        interaction_id="one",
        message_id=f"m{seq}",
        seq=seq,
        channel="chat",
        author=author,
        text="words",
        state=state,
    )


def talk(seq: int = 3, known: Interaction | None = None) -> Talk:
    """A tab that has been shown so many lines of the chat."""
    made = Talk(admit(Introduction("v" * 32), "", NOW), _nowhere)
    made.showed(known or chat(), seq, STATE)
    made.current = "one"
    return made


def test_bots_next_line_is_read_without_the_state() -> None:
    tab = talk()
    tab.hear(added(4))
    assert tab.take_news() == News(chats={"one": False})
    assert tab.take_news() == News()


def test_lines_that_were_read_together_are_read_once() -> None:
    tab = talk()
    tab.hear(added(4))
    tab.take_news()
    tab.hear(added(5))
    tab.showed(chat(), 5, None)
    assert tab.take_news() == News()


def test_line_that_is_shown_already_is_no_news() -> None:
    tab = talk()
    tab.hear(added(3))
    assert tab.take_news() == News()
    assert not tab.woken.is_set()


def test_line_in_a_state_that_is_not_known_has_the_state_looked_at() -> None:
    tab = talk()
    tab.hear(added(3, state="agent"))
    tab.hear(added(4, state="bot"))
    assert tab.take_news() == News(chats={"one": True})


def test_lines_beside_a_person_always_have_the_state_looked_at() -> None:
    tab = talk(known=chat(InteractionState.AGENT))
    tab.hear(added(4, state="agent", author=Author.AGENT))
    assert tab.take_news() == News(chats={"one": True})


def test_change_is_looked_at_but_not_the_bot_that_is_known() -> None:
    tab = talk()
    started = BotStarted(at=NOW, interaction_id="one", channel="chat", flow="front-desk")
    tab.hear(started)
    assert tab.take_news() == News()
    tab.hear(InteractionQueued(at=NOW, interaction_id="one", channel="chat", queue="orders"))
    assert tab.take_news() == News(chats={"one": True})
    handled = talk(known=chat(InteractionState.AGENT))
    handled.hear(started)
    assert handled.take_news() == News(chats={"one": True})


def test_line_stored_here_is_told_without_a_look() -> None:
    tab = talk()
    lines = [Told(chat(), line(4)), Told(chat(), line(5))]
    for each in lines:
        tab.tell(each)
    assert tab.take_news() == News(told=lines)


def test_line_stored_here_behind_one_that_is_missing_is_read() -> None:
    tab = talk()
    tab.tell(Told(chat(), line(4)))
    tab.tell(Told(chat(), line(6)))
    assert tab.take_news() == News(chats={"one": True})


def test_line_stored_here_that_was_shown_is_not_told_again() -> None:
    tab = talk()
    tab.tell(Told(chat(), line(3)))
    assert tab.take_news() == News()


def test_line_of_a_chat_that_has_moved_on_is_read_with_its_state() -> None:
    for known, stored in (
        (chat(InteractionState.WAITING, version=3), chat(version=2)),
        (chat(), chat(InteractionState.WAITING, version=2)),
    ):
        tab = talk(known=known)
        tab.tell(Told(stored, line(4)))
        assert tab.take_news() == News(chats={"one": True})


def test_line_is_not_told_beside_a_look_that_will_find_it() -> None:
    tab = talk()
    tab.tell(Told(chat(), line(4)))
    tab.look_at("one")
    assert tab.take_news() == News(chats={"one": True})
    tab.tell(Told(chat(), line(4)))
    tab.wake()
    assert tab.take_news() == News(all_chats=True)


def test_own_line_is_waited_for_while_it_is_being_stored() -> None:
    tab = talk()
    tab.saying += 1
    tab.hear(added(4, author=Author.CUSTOMER))
    tab.hear_of_new("two")
    assert tab.take_news() == News()
    tab.saying -= 1
    tab.hear(added(4, author=Author.CUSTOMER))
    assert tab.take_news() == News(chats={"one": False})
    tab.hear_of_new("two")
    assert tab.take_news() == News(all_chats=True)


def test_line_of_another_tab_is_not_missed_while_ours_is_being_stored() -> None:
    tab = talk()
    tab.saying += 1
    tab.hear(added(5, author=Author.CUSTOMER))
    tab.saying -= 1
    tab.tell(Told(chat(), line(4)))
    assert tab.take_news() == News(chats={"one": True})


def test_tab_waits_while_its_chat_does() -> None:
    tab = talk()
    assert not tab.waiting
    waiting = replace(chat(InteractionState.WAITING), version=2)
    tab.showed(waiting, 3, {**STATE, "with": "waiting"})
    assert tab.waiting
