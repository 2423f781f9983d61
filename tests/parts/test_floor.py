"""The supervisor's floor, made from the store: who counts as a customer who waits."""

from __future__ import annotations

from gateway.desk.floor import Floor as FloorView
from gateway.waiting_room import WaitingRoom
from router.acts.transfers import ToAgent
from router.model import Channel
from tests.fakes.distribution import Floor


async def test_question_between_agents_is_shown_but_nobody_waits_for_it(floor: Floor) -> None:
    chat = await floor.handled("ana", Channel.CHAT)
    await floor.consults.consult(chat.id, "ana", ToAgent("ben"), "is this a refund?")
    room = WaitingRoom(floor.store, floor.company, floor.clock)
    view = await FloorView(floor.store, floor.company, floor.clock, room).view()
    assert (view["totals"]["waiting"], view["totals"]["with_agent"]) == (0, 1)
    assert [queue["waiting"] for queue in view["queues"]] == [0, 0]
    (question,) = [work for work in view["live"] if work["id"] != chat.id]
    assert (question["state"], question["reason"]) == ("waiting", "consultation")
    assert "position" not in question


async def test_nameless_visitor_is_told_apart_without_showing_the_whole_cookie(
    floor: Floor,
) -> None:
    await floor.arrive(Channel.CHAT, "c166d42c41899a8b40920f43363b4bf4")
    room = WaitingRoom(floor.store, floor.company, floor.clock)
    view = await FloorView(floor.store, floor.company, floor.clock, room).view()
    (work,) = view["live"]
    assert (work["customer"], work["position"]) == ("#c166d4", 1)
