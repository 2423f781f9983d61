"""Whose turn it is in a spoken conversation: a pure machine on virtual time.

The runner tells it what happens (a 20 ms frame with or without speech, a key, a
prompt that begins or ends, what was understood) and does what it answers.

1. Five states. WAITING: nobody is asked anything. SPEAKING: a prompt is on its way.
   LISTENING: the caller has the word. INTERRUPTED: the caller spoke over the prompt,
   which is stopped. THINKING: the caller has finished and the answer is being made.
2. Speech begins with ``ONSET_S`` of it within ``ONSET_WINDOW_S``; recognition starts then.
3. While a prompt plays, only ``BARGE_IN_S`` of speech stops it; a cough does not, and its
   recognition is dropped. While a protected part of it plays (a legal notice) speech stops
   nothing, and what ended by then was no answer; who still speaks behind it stops the rest.
4. Speech that turns out to mean nothing (a backchannel, noise) after a stop is a false
   alarm: the prompt goes on where it stopped.
5. The turn ends after the profile's silence, earlier once the answer is complete, and in
   any case ``max_s`` after it began.
6. Nobody speaking for ``no_input_s`` after the prompt's end is no input.
7. A key stops the prompt and drops recognition at once. Keys are one answer when there are
   ``max_digits`` of them, at ``#``, or ``INTER_DIGIT_S`` after the last one.
8. While thinking, a filler stops at a key and at speech of ``barge_in_s``, whatever the prompt's
   own rule; the thinking goes on. Keys count for the next prompt, which they stop.
9. Words said while thinking are kept once they have ended, by silence as in a turn; a cough is
   dropped. The runner has them before it answers: they belong to the turn before, or, where
   the answer has changed something already, to the next one. Nothing is lost.
10. Speech that stops a prompt and began before ``CONTINUES_S`` of it had played was no answer
   to it: it ``continues`` the turn before.
11. An event that means nothing in a state changes nothing there and gives no action.

Times are seconds on any clock that only goes forward.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

FRAME_S = 0.02
ONSET_S = 0.06
ONSET_WINDOW_S = 0.1
BARGE_IN_S = 0.35
"""So much speech over a prompt is meant; less is a cough (telephony.md: 0.3 to 0.5 s)."""
QUIET_S = 0.3
"""A pause of this length over a prompt ends what may have been a cough."""
INTER_DIGIT_S = 2.0
NO_INPUT_S = 5.0
MAX_TURN_S = 15.0
CONTINUES_S = 0.3
"""Nobody has understood a question, and begun to answer it, by then."""
COMPLETE_S = 0.4
"""Silence that ends a turn whose answer is already complete by its type."""


class State(StrEnum):
    """Rule 1."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    LISTENING = "listening"
    INTERRUPTED = "interrupted"
    THINKING = "thinking"


class Act(StrEnum):
    """What the runner has to do."""

    START_RECOGNITION = "start-recognition"
    DROP_RECOGNITION = "drop-recognition"
    KEEP_WORDS = "keep-words"
    STOP_PLAYBACK = "stop-playback"
    RESUME_PLAYBACK = "resume-playback"
    END_TURN = "end-turn"
    TAKE_DIGITS = "take-digits"
    NO_INPUT = "no-input"


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of question is listened to. Seconds.

    ``silence_s`` ends the turn, ``complete_s`` does once the answer is complete.
    """

    silence_s: float = 0.55
    complete_s: float = COMPLETE_S
    no_input_s: float = NO_INPUT_S
    max_s: float = MAX_TURN_S
    barge_in: bool = True
    barge_in_s: float = BARGE_IN_S
    """So much speech over the prompt stops it."""


OPEN = Profile(complete_s=0.35)
PROFILES = {
    "open": OPEN,
    # "No" alone takes a quarter of a second; what was a cough lets the prompt go on.
    "yes-no": Profile(silence_s=0.4, barge_in_s=0.2),
    "choice": Profile(silence_s=0.5, barge_in_s=0.2),
    "digits": Profile(silence_s=1.3, complete_s=0.5),
    "order-number": Profile(silence_s=1.3, complete_s=0.5),
    "date": Profile(silence_s=0.8),
    "time": Profile(silence_s=0.8),
    "amount": Profile(silence_s=0.8),
    "name": Profile(silence_s=0.9, complete_s=0.5),
    "spelling": Profile(silence_s=1.6, complete_s=0.6),
    "email": Profile(silence_s=1.6, complete_s=0.6),
    # Who looks for a card or a pen says nothing for long, and then all at once.
    "silence-expected": Profile(silence_s=0.8, no_input_s=20.0),
}


def profile_for(kind: str) -> Profile:
    """The profile of an expectation's kind; an unknown kind is listened to as open."""
    return PROFILES.get(kind, OPEN)


@dataclass(slots=True)
class _Speech:
    """What is known of the caller's present stretch of speech."""

    window: deque[float] = field(
        default_factory=lambda: deque(maxlen=round(ONSET_WINDOW_S / FRAME_S))
    )
    active: bool = False
    began_at: float = 0.0
    last_at: float = 0.0
    spoken_s: float = 0.0

    def hear(self, speech: bool, now: float, earlier_s: float) -> bool:
        """Take one frame in; True when speech begins with it (rule 2)."""
        self.window.append(FRAME_S + earlier_s if speech else 0.0)
        if self.active:
            if speech:
                self.last_at = now
                self.spoken_s += self.window[-1]
            return False
        heard = sum(self.window)
        if not speech or heard < ONSET_S - FRAME_S / 2:
            return False
        self.active, self.began_at, self.last_at, self.spoken_s = True, now - heard, now, heard
        return True

    def silent_s(self, now: float) -> float:
        return now - self.last_at

    def forget(self) -> None:
        self.active = False
        self.window.clear()


class TurnMachine:
    """One call's turns. Every method takes ``now`` and returns what to do, in order."""

    def __init__(self) -> None:
        self.state = State.WAITING
        self.digits = ""
        """Keys pressed so far for the answer under way."""
        self.answer = ""
        """The keys of the whole answer, set with TAKE_DIGITS."""
        self._profile = OPEN
        self._max_digits = 0
        self._speech = _Speech()
        self._complete = False
        self._digit_at = 0.0
        self._listening_since = 0.0
        self._stopped_prompt = False
        self._prompt_at = 0.0
        self._filling = self._protected = False
        self.continues = False
        """Whether the caller's last turn went on with the one before (rule 10)."""

    @property
    def caller_speaking(self) -> bool:
        """True from the onset of speech to the end of its turn."""
        return self.state is not State.WAITING and self._speech.active

    @property
    def last_speech_at(self) -> float | None:
        """When the caller's present or last stretch of speech ended; None before any."""
        return self._speech.last_at or None

    # -- what the bot does -------------------------------------------------------

    def prompt_began(self, profile: Profile, now: float, *, max_digits: int = 0) -> list[Act]:
        """A prompt that asks something starts to play."""
        self._profile = profile
        self._max_digits = max_digits
        self._complete = self._stopped_prompt = self._filling = self.continues = False
        self._prompt_at = now
        self.state = State.SPEAKING
        if self.digits:
            return [Act.STOP_PLAYBACK, *self._keys_over_prompt(now)]
        if self._speech.active and self._speech.silent_s(now) >= QUIET_S:
            return [self._end_aside()]
        return self._barge_in(now)

    def filler_began(self) -> None:
        """Something is said while the answer is being made (rule 8)."""
        self._filling = True

    def filler_ended(self) -> None:
        """It was said, or stopped."""
        self._filling = False

    def protect(self, protected: bool) -> None:
        """Whether speech cannot stop what is being said now (rule 3)."""
        self._protected = protected

    def prompt_ended(self, now: float) -> list[Act]:
        """The prompt was played to its end: the caller has the word."""
        if self.state is State.SPEAKING:
            self.state = State.LISTENING
            self._listening_since = now
        return []

    def rest(self) -> None:
        """Nothing more is expected from the caller."""
        self.state = State.WAITING
        self._speech.forget()
        self.digits = ""

    # -- what the caller does ----------------------------------------------------

    def frame(self, speech: bool, now: float, earlier_s: float = 0.0) -> list[Act]:
        """20 ms of the caller's line, with or without speech; also moves the timers.

        ``earlier_s`` says how much just before turns out to have been speech as well.
        """
        if self.state is State.WAITING:
            return []
        if self.digits:
            return self._digit_timer(now)
        began = self._speech.hear(speech, now, earlier_s)
        acts = [Act.START_RECOGNITION] if began else []
        match self.state:
            case State.SPEAKING:
                return acts + self._over_prompt(now)
            case State.LISTENING | State.INTERRUPTED:
                return acts + self._in_turn(now)
        return acts + self._while_thinking(now)

    def complete(self) -> None:
        """What was recognised so far is a whole answer by its type (rule 5)."""
        self._complete = True

    def incomplete(self) -> None:
        """More speech made the answer incomplete again."""
        self._complete = False

    def key(self, digit: str, now: float) -> list[Act]:
        """A key of the telephone (rules 7 and 8)."""
        if self.state is State.WAITING:
            return []
        self.digits += digit
        self._digit_at = now
        if self.state is State.THINKING:
            acts = self._stop_filler()
            if self._speech.active:
                self._speech.forget()
                acts.append(Act.DROP_RECOGNITION)
            return acts
        acts = [Act.STOP_PLAYBACK] if self.state is State.SPEAKING else []
        return acts + self._keys_over_prompt(now)

    # -- what was understood -----------------------------------------------------

    def meant_nothing(self, now: float) -> list[Act]:
        """The turn's words were a backchannel or noise (rule 4). Only after END_TURN."""
        if self.state is not State.THINKING:
            return []
        if self._stopped_prompt:
            self._stopped_prompt = False
            self.state = State.SPEAKING
            return [Act.RESUME_PLAYBACK]
        self.state = State.LISTENING
        self._listening_since = now
        return []

    # -- rules -------------------------------------------------------------------

    def _over_prompt(self, now: float) -> list[Act]:
        if not self._speech.active:
            return []
        if self._speech.silent_s(now) >= QUIET_S and not (self._meant() and self._may_stop):
            self._speech.forget()
            return [Act.DROP_RECOGNITION]
        return self._barge_in(now)

    @property
    def _may_stop(self) -> bool:
        return self._profile.barge_in and not self._protected

    def _barge_in(self, now: float) -> list[Act]:
        if not (self._speech.active and self._may_stop and self._meant()):
            return []
        self.state = State.INTERRUPTED
        self._listening_since = now
        self._stopped_prompt = True
        self.continues = self._speech.began_at - self._prompt_at <= CONTINUES_S
        return [Act.STOP_PLAYBACK]

    def _while_thinking(self, now: float) -> list[Act]:
        """Rules 8 and 9."""
        if not self._speech.active:
            return []
        acts = self._stop_filler() if self._meant() else []
        silence = self._profile.silence_s if self._meant() else QUIET_S
        too_long = now - self._speech.began_at >= self._profile.max_s
        if self._speech.silent_s(now) < silence - FRAME_S / 2 and not too_long:
            return acts
        return [*acts, self._end_aside()]

    def _stop_filler(self) -> list[Act]:
        filling, self._filling = self._filling, False
        return [Act.STOP_PLAYBACK] if filling else []

    def _end_aside(self) -> Act:
        """What was said while thinking is over: words, or a cough."""
        meant = self._meant()
        self._speech.forget()
        return Act.KEEP_WORDS if meant else Act.DROP_RECOGNITION

    def _meant(self) -> bool:
        return self._speech.spoken_s >= self._profile.barge_in_s - FRAME_S / 2

    def _in_turn(self, now: float) -> list[Act]:
        if not self._speech.active:
            if now - self._listening_since < self._profile.no_input_s:
                return []
            self.state = State.THINKING
            return [Act.NO_INPUT]
        silence = self._profile.complete_s if self._complete else self._profile.silence_s
        too_long = now - self._speech.began_at >= self._profile.max_s
        if self._speech.silent_s(now) < silence - FRAME_S / 2 and not too_long:
            return []
        self._speech.forget()
        self._complete = False
        self.state = State.THINKING
        return [Act.END_TURN]

    def _keys_over_prompt(self, now: float) -> list[Act]:
        """Speech gives way to keys; a complete answer is taken at once."""
        acts = [Act.DROP_RECOGNITION] if self._speech.active else []
        self._speech.forget()
        if self.state is State.SPEAKING:
            self.state = State.LISTENING
        self._listening_since = now
        if len(self.digits) >= max(1, self._max_digits) or self.digits.endswith("#"):
            acts += self._take_digits()
        return acts

    def _digit_timer(self, now: float) -> list[Act]:
        waiting = self.state is State.THINKING or now - self._digit_at < INTER_DIGIT_S
        return [] if waiting else self._take_digits()

    def _take_digits(self) -> list[Act]:
        hash_at = self.digits.find("#") + 1 or len(self.digits)
        end = min(hash_at, max(1, self._max_digits))
        self.answer, self.digits = self.digits[:end], self.digits[end:]
        self.state = State.THINKING
        self._stopped_prompt = False
        return [Act.TAKE_DIGITS]
