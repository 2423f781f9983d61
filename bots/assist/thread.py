"""A conversation read line by line, for what helps the agent. Pure.

1. Each line is read once: what is kept does not grow with the transcript.
2. The customer's words since ours are the turn that a draft answers; the turn before it is
   the context of one that leans on it: "and how long does that take?" says nothing by itself.
3. What we did or promised is quoted from our own lines, never concluded.
4. The matter is open while a question has no answer and until the customer sounds content.
5. The bot's packet comes first; what the conversation says later is added, and an order
   number that is named again takes the old one's place.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from bots.assist import cues
from bots.assist.model import Gist, Known
from bots.flow.model import Flow, Slot
from bots.nlu.entities import parse
from bots.nlu.language import detect
from bots.nlu.numbers import fold
from bots.nlu.sentiment import Trend, follow, mood
from bots.nlu.shortcuts import matter, shortcut
from bots.nlu.values.found import LIKELY, SURE
from router.model import Author, Handoff, Message

TURN_CHARS = 1200
"""Of a longer turn the end is kept: a mail asks at its end."""
WANTS_WORDS, DONE_WORDS, ASKS_WORDS, NOTE_WORDS = 10, 10, 10, 40
KNOWN, DONE = 3, 2
"""Values and acts in the gist: all of it together is read in ten seconds."""
VALUES = 12
WORDS = 400
"""Different words kept of a conversation; the first ones say what it is about."""
OURS = 12
"""Of our own lines the last are kept: nobody is told the same twice."""
AGENT = "agent"
EVERYWHERE: Mapping[str, Slot] = {"email": Slot("email", "email")}


class Thread:
    """What is known of one conversation; ``take`` its lines in order."""

    def __init__(
        self,
        packet: Handoff | None = None,
        flow: Flow | None = None,
        language: str = "en",
    ) -> None:
        self.language = language
        self.seq = 0
        self.words: Counter[str] = Counter()
        self.waits = False
        """Whether the customer waits for a person's words."""
        self.acts: deque[str] = deque(maxlen=DONE)
        self.promised = False
        self.settled = False
        self._ours: deque[str] = deque(maxlen=OURS)
        self._turn: list[str] = []
        self._ours_last = False
        self._before = ""
        self._asks = ""
        self._wants, self._labelled = _wants(packet, flow)
        self._known: dict[str, Known] = _given(packet)
        self._slots = {**_marked(flow), **EVERYWHERE}
        self.trend = Trend()
        """How the customer's mood goes."""

    # -- reading -------------------------------------------------------------------

    def take_all(self, lines: Iterable[Message]) -> None:
        """Read lines; those read already are left out."""
        for line in lines:
            self.take(line)

    def take(self, line: Message) -> None:
        """Read the next line."""
        if line.seq <= self.seq:
            return
        self.seq = line.seq
        match line.author:
            case Author.CUSTOMER:
                self._customer(line.text)
            case Author.AGENT:
                self._agent(line.text)
            case Author.BOT:
                self._ours_last = True
                self._ours.append(line.text)
                # The bot has answered with a source; anything else it says answers nothing.
                self._asks = "" if line.citations else self._asks

    def _customer(self, text: str) -> None:
        self.language = detect(text) or self.language
        self.waits = True
        self.trend = follow(self.trend, mood(text, self.language))
        self._count(text)
        if shortcut(text) == AGENT and not matter(text):
            return  # here is the person; what was asked before is what counts
        if self._ours_last:
            self._before, self._turn, self._ours_last = self.turn, [], False
        self._turn.append(text.strip())
        question = cues.last_question(text)
        self._asks = question or self._asks
        self._wants = self._wants or cues.first_question(text)
        self.settled = cues.settles(text) and not self._asks
        self._find(text)

    def _agent(self, text: str) -> None:
        self.waits, self._ours_last, self._asks = False, True, ""
        self._ours.append(text)
        for sentence in cues.sentences(text):
            if cues.act(sentence):
                self.acts.append(cues.without_greeting(sentence))
                self.promised = self.promised or cues.promises(sentence)
        self._count(text)

    def _count(self, text: str) -> None:
        for word in words_of(text):
            if word in self.words or len(self.words) < WORDS:
                self.words[word] += 1

    def _find(self, text: str) -> None:
        for name, slot in self._slots.items():
            found = parse(slot, text, self.language)
            # Any six digits could be an order number: only one with its letters is taken.
            if found is None or found.confidence < (SURE if slot.prefix else LIKELY):
                continue
            before = self._known.pop(name, None)
            same = before is not None and before.value == found.value
            self._known[name] = before if same and before else Known(name, found.value)
        while len(self._known) > VALUES:
            del self._known[next(iter(self._known))]

    # -- what comes of it ----------------------------------------------------------

    @property
    def turn(self) -> str:
        """The customer's words since the last of ours."""
        return "\n".join(self._turn)[-TURN_CHARS:]

    def was_said(self, text: str) -> bool:
        """Whether one of our last lines has these words."""
        plain = " ".join(text.split())
        return any(plain in " ".join(one.split()) for one in self._ours)

    @property
    def angry(self) -> bool:
        """Whether somebody who sounds like this would take an offer for an insult."""
        return self.trend.angry or self.trend.worsening

    @property
    def open(self) -> bool:
        """Whether there is something left to do for the customer (rule 4)."""
        return not self.settled

    @property
    def known(self) -> tuple[Known, ...]:
        """All values, confirmed ones first, then the newest."""
        newest = reversed(self._known.values())
        return tuple(sorted(newest, key=lambda one: not one.confirmed))

    def questions(self) -> list[str]:
        """What to look up for this turn, the likeliest first.

        Only a turn that leans on what came before is read with it: customers change the subject.
        """
        turn = self.turn.strip()
        context = self._before or ("" if self._labelled else self._wants)
        if turn and cues.leans(turn) and context and context not in turn:
            return [f"{context}\n{turn}", turn]
        return [turn] if turn else []

    def asked_in_turn(self) -> list[str]:
        """The turn's sentences that ask, in order."""
        return [one for one in cues.sentences(self.turn) if cues.asks(one)]

    def gist(self) -> Gist:
        """The conversation in at most some forty words."""
        return Gist(
            wants=cut(self._wants, WANTS_WORDS),
            labelled=self._labelled,
            known=self.known[:KNOWN],
            done=tuple(cut(one, DONE_WORDS) for one in self.acts),
            whole=tuple(cut(one, NOTE_WORDS) for one in self.acts),
            asks=cut(self._asks, ASKS_WORDS) if self._asks != self._wants else "",
        )


def words_of(text: str) -> list[str]:
    """The words of a text for comparing: folded, Chinese as pairs of characters."""
    found: list[str] = []
    for run in _runs(fold(text)):
        if run[0] >= "\u3400":
            found += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
        elif len(run) > 2:
            found.append(run)
    return found


def _runs(plain: str) -> list[str]:
    """Stretches of letters, cut where the script changes."""
    runs: list[str] = []
    wide = False
    run = ""
    for char in plain:
        is_wide = char >= "\u3400"
        if char.isalpha() and (not run or is_wide == wide):
            run += char
        else:
            if run:
                runs.append(run)
            run = char if char.isalpha() else ""
        wide = is_wide
    return [*runs, run] if run else runs


def cut(text: str, words: int) -> str:
    """So many words of a text; two Chinese characters count as one word."""
    listed = text.split()
    if len(listed) > words:
        return " ".join(listed[:words]) + "…"
    room = 3 * words
    wide = sum(char >= "\u3400" for char in text)
    return f"{text[:room]}…" if wide > room else " ".join(listed)


def _wants(packet: Handoff | None, flow: Flow | None) -> tuple[str, bool]:
    """What the flow calls it, else the customer's words."""
    if packet is None:
        return "", False
    intent = flow.intents.get(packet.intent or "") if flow else None
    if intent is not None and intent.label:
        return intent.label, True
    return cues.first_question(packet.last_utterance), False


def _given(packet: Handoff | None) -> dict[str, Known]:
    slots = packet.slots if packet else ()
    return {slot.name: Known(slot.name, slot.value, slot.confirmed) for slot in slots if slot.value}


def _marked(flow: Flow | None) -> dict[str, Slot]:
    """Slots whose values are known by their looks, so that they can be found in any sentence."""
    slots = flow.slots.items() if flow else ()
    marked = {name: slot for name, slot in slots if slot.type == "order-number" and slot.prefix}
    # A called flow asks for the same number under a name of its own: one is enough.
    by_mark = {(slot.prefix, slot.length): name for name, slot in reversed(marked.items())}
    return {name: marked[name] for name in by_mark.values()}
