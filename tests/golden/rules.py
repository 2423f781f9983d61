"""What must hold in every call, whatever was said, pressed, coughed or broken.

1. The transcript has of the bot's words those that went over the wire, to the word, and all of
   them; nothing that was not heard, nothing lost.
2. Every answer of the caller is taken once and answered once.
3. The bot stops when the caller speaks over a question, and does not begin to speak while the
   caller speaks.
4. A call ends once, with an outcome that agrees with its end.
5. After a hand-over, or its end, the bot says nothing.
6. A question that failed is put in other words.
7. The line is never dead: somebody speaks, or the bot notices that nobody does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bots.conversation import Turn
from bots.flow.model import SayStep
from bots.keys import HINTS
from bots.spare import APOLOGIES
from bots.spoken.aligned import Pieces, sentences, spoken_of, written_of
from bots.spoken.reading import aligned
from bots.turn import BARGE_IN_S, Profile, profile_for
from bots.voice import VoiceOutcome
from evals.call_script import UNCLEAR, Keys, World
from router.model import Author, NewMessage
from tests.golden.stage import Stage
from tests.golden.wire import UNKNOWN, Mark
from tests.scripted import FRAME_S

STOP_S = 0.06
BACK_UP_CHARS = 10
"""A saying that was stopped so early begins anew when it goes on."""
BEGIN_S = 0.3
"""The bot lets at least so much silence pass behind the caller's last sound."""
NOTICE_S = 2.0
"""How much later than after its limit of silence the bot may speak: a cough is listened to for as
long as an answer would be, and then the limit counts anew."""


_WORD = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")


@dataclass
class Sentence:
    """One sentence on the wire, and how many letters of what was spoken were played."""

    pieces: Pieces
    upto: int = 0

    @property
    def whole(self) -> bool:
        """Whether it was played to its end."""
        return self.upto >= len(spoken_of(self.pieces))

    @property
    def words(self) -> str:
        """As they are written, those of which all was played; a number is one word."""
        left, written = self.upto, ""
        for piece in self.pieces:
            if left >= len(piece.spoken):
                written += piece.written
            elif piece.plain:
                written += piece.written[:left]
                # The rest of a word that was cut counts for nothing.
                ends = [word.end() for word in _WORD.finditer(written + piece.written[left:])]
                return written[: max((end for end in ends if end <= len(written)), default=0)]
            else:
                break
            left -= len(piece.spoken)
        return written.rstrip()


def check(stage: Stage) -> None:
    """All rules; the message names the call and what happened in it."""
    for rule in (
        _transcript_is_what_was_heard,
        _answers_are_taken_once,
        _bot_gives_way,
        _bot_does_not_begin_over_the_caller,
        _call_ends_once,
        _silent_afterwards,
        _ladders_differ,
        _line_is_never_dead,
    ):
        try:
            rule(stage)
        except AssertionError as error:
            raise AssertionError(
                f"{stage.script.name}: {rule.__name__}: {error}\n{stage}"
            ) from None


def on_the_wire(stage: Stage) -> list[Sentence]:
    """The sentences that the caller heard, in order, resumed ones once (rule 1)."""
    known = {spoken_of(pieces): pieces for pieces in _everything_said(stage)}
    found: list[Sentence] = []
    source = 0
    for tick in stage.ticks:
        if tick.bot is None or tick.bot.source == UNKNOWN:
            continue
        began = tick.bot.source != source or (tick.bot.place == 0 and found[-1].upto > 0)
        # A slow voice plays the first letter more than once.
        if began and not (tick.bot.source == source and found[-1].upto == 1):
            found.append(Sentence(known[stage.voice.texts[tick.bot.source - 1]]))
        source = tick.bot.source
        found[-1].upto = max(found[-1].upto, tick.bot.place + 1)
    return found


def _transcript_is_what_was_heard(stage: Stage) -> None:
    heard = on_the_wire(stage)
    language = str(stage.dialogue.asked[-1].memory["language"])
    for line in stage.records.lines:
        if line.author is Author.BOT:
            _take(heard, line, language)
    left = [sentence.words for sentence in heard if _told(sentence)]
    assert not left, f"heard, and not in the transcript: {left}"


def _take(heard: list[Sentence], line: NewMessage, language: str) -> None:
    """Take what this line of the transcript has from what was heard."""
    cut = bool(line.meta.get("interrupted"))
    text = line.text.removesuffix("—").rstrip() if cut else line.text
    wanted = [written_of(sentence) for sentence in sentences(aligned(text, language))]
    if text in APOLOGIES.values():
        wanted = [text]
    for place, words in enumerate(wanted):
        while (heard and not _told(heard[0])) or (heard and _begun_anew(heard, words)):
            heard.pop(0)
        assert heard, f"in the transcript, and not heard: {words!r}"
        sentence = heard.pop(0)
        found = sentence.words
        if cut and len(words) == 1 and found[:1] == words and found != words:
            # One letter that is said anew at once looks like a slow voice's first one.
            heard.insert(0, sentence)
            continue
        assert found == words, f"in the transcript {words!r}, heard {found!r}"
        last = place == len(wanted) - 1
        assert sentence.whole or (cut and last), f"{found!r} was heard in part, and is told whole"


def _begun_anew(heard: list[Sentence], words: str) -> bool:
    first = heard[0]
    return first.upto <= BACK_UP_CHARS and not first.whole and first.words != words


def _told(sentence: Sentence) -> bool:
    return bool(sentence.words)


def _answers_are_taken_once(stage: Stage) -> None:
    lines = [line for line in stage.records.lines if line.author is Author.CUSTOMER]
    given = [heard for heard in stage.dialogue.heard if heard.text or heard.digits]
    deaf = sum(line.text == UNCLEAR for line in lines)
    assert len(given) <= len(lines) + 1 <= len(given) + deaf + 2, (given, lines)
    turns = len(stage.dialogue.asked) + deaf
    assert stage.records.turns <= turns, f"{stage.records.turns} turns saved of {turns}"


def _bot_gives_way(stage: Stage) -> None:
    fixed = {*_final_words(stage), *_filler_words(stage), *_protected_words(stage)}
    most = round((BARGE_IN_S + STOP_S) / FRAME_S) + 1
    both = 0
    for tick in stage.ticks:
        over = tick.bot and tick.caller and _text(stage, tick.bot) not in fixed
        both = both + 1 if over else 0
        assert both <= most, f"at {tick.at:.2f} s both have spoken for {both * FRAME_S:.2f} s"


def _text(stage: Stage, mark: Mark) -> str:
    return "" if mark.source == UNKNOWN else stage.voice.texts[mark.source - 1]


def _bot_does_not_begin_over_the_caller(stage: Stage) -> None:
    if any(isinstance(step, World | Keys) for step in stage.script.steps):
        return
    since_caller = since_bot = 1000
    for tick in stage.ticks:
        if tick.bot and since_bot > round(BEGIN_S / FRAME_S):
            quiet_s = since_caller * FRAME_S
            assert quiet_s >= BEGIN_S, f"at {tick.at:.2f} s it begins {quiet_s:.2f} s behind words"
        since_bot = 0 if tick.bot else since_bot + 1
        since_caller = 0 if tick.caller else since_caller + 1


def _call_ends_once(stage: Stage) -> None:
    assert len(stage.records.ends) == 1, f"ended {len(stage.records.ends)} times"
    (how,) = stage.records.ends
    by = {
        VoiceOutcome.HANDED_OFF: "person: ",
        VoiceOutcome.ENDED: "bot: ",
        VoiceOutcome.CALLER_LEFT: "customer: ",
    }
    assert stage.outcome is not None
    assert how.startswith(by[stage.outcome]), f"{stage.outcome}, but {how}"
    assert stage.leg.hang_ups == (stage.outcome is VoiceOutcome.ENDED)
    working = [one for one in stage.hears.opened if not (one.finished or one.cancelled)]
    assert not working, "somebody still listens"


def _silent_afterwards(stage: Stage) -> None:
    late = [tick.at for tick in stage.ticks if tick.bot and not tick.handled]
    assert not late, f"speaks at {late[0]:.2f} s"
    memory = stage.dialogue.asked[-1].memory
    assert not memory["over"] or stage.outcome is not None


def _ladders_differ(stage: Stage) -> None:
    turns = stage.dialogue.asked
    for before, after, heard in zip(turns, turns[1:], stage.dialogue.heard, strict=False):
        if heard.text in ("", UNCLEAR) and not heard.digits:
            assert _words(before) != _words(after), f"the same again: {_words(after)!r}"


def _line_is_never_dead(stage: Stage) -> None:
    worlds = [step for step in stage.script.steps if isinstance(step, World)]
    if any(one.unspeakable for one in worlds):
        return  # what cannot be said is silence
    slow = sum(one.recogniser_s + one.service_s + one.voice_s for one in worlds)
    patience_s = max(_profile(turn).no_input_s for turn in stage.dialogue.asked)
    dead = 0
    for tick in stage.ticks:
        alive = tick.bot or tick.caller or tick.key or not tick.handled
        dead = 0 if alive else dead + 1
        silent_s = dead * FRAME_S
        assert silent_s <= patience_s + NOTICE_S + slow, f"{silent_s:.1f} s at {tick.at:.1f} s"


def _everything_said(stage: Stage) -> Iterator[Pieces]:
    for turn in stage.dialogue.asked:
        kind = turn.expectation.kind
        hints = HINTS.get({"order-number": "digits"}.get(kind, kind), HINTS["open"])
        said = [*(reply.spoken for reply in turn.replies), *turn.fillers]
        yield from _spoken(turn, [*said, *hints.values()])
    for language, text in APOLOGIES.items():
        yield aligned(text, language)  # made in one piece


def _profile(turn: Turn) -> Profile:
    return profile_for(turn.listen or turn.expectation.kind)


def _final_words(stage: Stage) -> Iterator[str]:
    last = stage.dialogue.asked[-1]
    if last.handoff is not None or last.ended is not None:
        yield from map(spoken_of, _spoken(last, [reply.spoken for reply in last.replies]))


def _protected_words(stage: Stage) -> Iterator[str]:
    flow, first = stage.dialogue.flow, stage.dialogue.asked[0]
    for step in flow.steps.values():
        if isinstance(step, SayStep) and step.protected:
            text = step.text.find(str(first.memory["language"]), "voice", flow.languages[0])
            yield from map(spoken_of, _spoken(first, [text]))


def _filler_words(stage: Stage) -> Iterator[str]:
    for turn in stage.dialogue.asked:
        yield from map(spoken_of, _spoken(turn, turn.fillers))


def _spoken(turn: Turn, lines: Sequence[str]) -> Iterator[Pieces]:
    for line in lines:
        yield from sentences(aligned(line, str(turn.memory["language"])))


def _words(turn: Turn) -> str:
    return " ".join(reply.text for reply in turn.replies)
