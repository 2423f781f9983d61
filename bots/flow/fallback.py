"""What a customer may choose when no person comes: steps made from the flow's ``nobody``. Pure.

1. The customer is asked when nobody is there, when the queue is closed, or when nobody took it
   within ``after_s`` of this channel; where none is given for it, never.
2. The way to a call, a mail or a message is the flow's own steps, so that what is known is not
   asked for: the number they call from, an address of the record, a slot of that type.
3. Whoever goes on waiting has the place of before (``router.acts.nobody``). Nobody is asked a
   second time in one conversation: from then on the queue's rules hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bots.flow import fallback_texts as texts
from bots.flow.model import (
    PART,
    AskStep,
    BranchStep,
    CallbackStep,
    Choice,
    EndStep,
    Fallback,
    HandOffStep,
    SayStep,
    Slot,
    Step,
    Text,
)
from bots.flow.run import Next, Run
from router.model import Channel
from router.rules import Action, Overflow, Way, When

NOBODY = "nobody"
"""The key of a flow, the first of its steps, and what they know of it."""
AFTER_S: Mapping[str, int] = {Channel.VOICE: 90, Channel.CHAT: 120}
"""Seconds of waiting by channel. Who wrote a mail or a text waits for no answer at once."""
OFFERS = ("callback", "message", "wait")
MESSAGE, CALLBACK = "message", "callback"
CHOICE, NUMBER, MAIL, NOTE = (f"nobody_{name}" for name in ("choice", "number", "mail", "note"))
SLOTS = frozenset({CHOICE, NUMBER, MAIL, NOTE})


@dataclass(frozen=True, slots=True)
class Offered:
    """The steps and slots that ``nobody`` stands for."""

    steps: tuple[Step, ...]
    slots: tuple[Slot, ...]


def rules(run: Run, step: HandOffStep) -> tuple[Overflow, ...]:
    """What becomes of a hand-over that nobody takes, before the queue's own rules."""
    channel = run.memory["channel"]
    if step.instead:
        way = Way.VOICEMAIL if channel == Channel.VOICE else Way.EMAIL
        way = Way.CALLBACK if step.instead == CALLBACK else way
        return (Overflow(When.WAITED, Action(way, reach=run.fill(step.reach))),)
    known = run.flow.nobody or Fallback("", AFTER_S)
    after_s = known.after_s.get(channel)
    asked = bool(run.memory[NOBODY]) or step.again
    if asked or after_s is None or not _target(run, step):
        return ()
    back = Action(Way.BOT)
    return (
        Overflow(When.CLOSED, back),
        Overflow(When.UNSTAFFED, back),
        Overflow(When.WAITED, back, after_s),
    )


def entry(run: Run, why: Mapping[str, object]) -> Next:
    """Where the flow goes on when its customer comes back; None where it says nothing."""
    handed = run.flow.steps.get(run.memory["handed"].get("step", ""))
    target = _target(run, handed if isinstance(handed, HandOffStep) else None)
    if target:
        run.tried(f"no colleague came ({why['why']}): asked what the customer would rather")
    return target or None


def _target(run: Run, step: HandOffStep | None) -> str:
    if step is not None and (step.alone or step.nobody):
        return step.nobody
    return run.flow.nobody.go if run.flow.nobody else ""


# -- the steps ---------------------------------------------------------------------------


def made(
    line: int,
    offer: Sequence[str],
    question: Text | None,
    slots: Iterable[Slot],
    country: str = "",
) -> Offered:
    """All steps of these offers. ``slots`` are the flow's: what they hold is not asked for.

    ``country`` (ISO 3166) is that of numbers without a country code; without one, that of the
    flow's own slots for numbers.
    """
    known = tuple(slots)
    country = country or next((slot.country for slot in known if slot.type == "phone"), "")
    numbers = [slot.name for slot in known if slot.type == "phone"]
    mails = [slot.name for slot in known if slot.type == "email"]
    ways = {name: _id(name) for name in offer}
    steps: list[Step] = [
        AskStep(
            id=NOBODY,
            line=line,
            text=question or texts.question(offer),
            slot=CHOICE,
            next=_id("chosen"),
            again=texts.again(offer),
            no_match=(texts.again(offer),),
        ),
        BranchStep(
            id=_id("chosen"),
            line=line,
            cases=tuple((f"{CHOICE} == '{name}'", to) for name, to in ways.items()),
            otherwise=_id("wait"),
        ),
        HandOffStep(id=_id("wait"), line=line, reason=NOBODY, again=True, text=texts.WAIT_ON),
    ]
    made_slots = [Slot(CHOICE, "choice", choices=tuple(_choices(offer)))]
    if CALLBACK in offer:
        steps += _callback(line, " or ".join([*numbers, NUMBER]))
        made_slots.append(Slot(NUMBER, "phone", confirm="voice", country=country))
    if MESSAGE in offer:
        steps += _message(line, " or ".join([*mails, MAIL]))
        made_slots += [Slot(MAIL, "email"), Slot(NOTE, "text")]
    return Offered(tuple(steps), tuple(made_slots))


def _choices(offer: Sequence[str]) -> Iterable[Choice]:
    for place, name in enumerate(offer, start=1):
        yield Choice(name, str(place), texts.PHRASES[name])


def _callback(line: int, number: str) -> list[Step]:
    """On a call the place is kept; in writing a call is promised."""
    promise, called = _id("promise"), _id("called")
    return [
        BranchStep(
            id=_id(CALLBACK),
            line=line,
            cases=(
                (f"({number} or nobody.phone) and channel == 'voice'", called),
                (f"{number} or nobody.phone", promise),
            ),
            otherwise=_id("number"),
        ),
        AskStep(
            id=_id("number"),
            line=line,
            text=texts.NUMBER,
            slot=NUMBER,
            next=_id(CALLBACK),
            no_match=(texts.NUMBER_SO,),
        ),
        HandOffStep(
            id=called,
            line=line,
            reason=NOBODY,
            again=True,
            instead=CALLBACK,
            reach=f"{{{{ {number} }}}}",
            text=texts.ALL_RIGHT,
        ),
        CallbackStep(
            id=promise,
            line=line,
            number=f"{{{{ {number} }}}}",
            next=_id("promised"),
            refused=_id("refused"),
        ),
        EndStep(id=_id("promised"), line=line, reason="callback-promised", text=texts.PROMISED),
        SayStep(id=_id("refused"), line=line, text=texts.NO_CALL, next=_id("wait")),
    ]


def _message(line: int, mail: str) -> list[Step]:
    """On a call a voice message; in writing a mail to an address that is known or given."""
    return [
        BranchStep(
            id=_id(MESSAGE),
            line=line,
            cases=(
                ("channel == 'voice'", _id("voicemail")),
                (f"{mail} or nobody.email", _id("note")),
            ),
            otherwise=_id("mail"),
        ),
        HandOffStep(
            id=_id("voicemail"),
            line=line,
            reason=NOBODY,
            again=True,
            instead=MESSAGE,
            text=texts.ALL_RIGHT,
        ),
        AskStep(
            id=_id("mail"),
            line=line,
            text=texts.MAIL,
            slot=MAIL,
            next=_id("note"),
            no_match=(texts.MAIL_SO,),
        ),
        AskStep(id=_id("note"), line=line, text=texts.NOTE, slot=NOTE, next=_id("mailed")),
        HandOffStep(
            id=_id("mailed"),
            line=line,
            reason=NOBODY,
            again=True,
            instead=MESSAGE,
            reach=f"{{{{ {mail} }}}}",
            text=texts.MAILED,
        ),
    ]


def _id(name: str) -> str:
    return f"{NOBODY}{PART}{name}"
