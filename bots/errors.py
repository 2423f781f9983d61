"""What can go wrong in the bots. The docstring says what it means and how to mend it."""

from __future__ import annotations

from router.errors import ParleyError


class BadFlow(ParleyError):
    """A flow file is wrong; the message names file, line, step and the fix."""

    def __init__(self, problems: tuple[str, ...] = ()) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class NoSuchFlow(ParleyError):
    """No flow of this name is loaded. Use the name in a flow file's ``flow:`` line."""


class BadRollout(ParleyError):
    """A version of a flow cannot be put in force like that; the message says why."""


class FlowMovedOn(ParleyError):
    """Somebody else has changed what is kept of this flow since. Look at it and try again."""


class NotTrained(ParleyError):
    """The understanding was asked about a flow it has not prepared. Await ``prepare`` first."""


class LabelsUnread(ParleyError):
    """The zero-shot model cannot be used. ``PARLEY_ZERO_SHOT`` names it: check name or folder."""


class ActionFailed(ParleyError):
    """A flow's HTTP action had no usable answer: refused, timed out, or not JSON."""

    retryable = True


class ModelFailed(ParleyError):
    """The language model gave no usable answer: away, late, cut off, or not what was asked for.

    Go on without it; nothing may depend on it.
    """

    retryable = True


class RecognitionFailed(ParleyError):
    """The speech recogniser could not work on this utterance. Ask the caller again."""

    retryable = True


class LanguageNotHeard(RecognitionFailed):
    """This engine does not recognise this language; another one may."""

    retryable = False


class SynthesisFailed(ParleyError):
    """The voice could not say this text. Check the engine and the language."""

    retryable = True


class LanguageNotSpoken(SynthesisFailed):
    """This voice does not speak this language; another one may."""

    retryable = False


class BadAnswers(ParleyError):
    """A file of made-up answers is wrong; the message names the line and what is expected."""
