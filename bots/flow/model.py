"""A flow as typed data: texts, slots, intents and steps.

Parsed from YAML by :mod:`bots.flow.schema`, run by :mod:`bots.flow.interpreter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LANGUAGES = ("en", "zh", "lv")
CHANNELS = ("voice", "chat", "email", "sms")
FAMILIES = ("voice", "text")
"""``text`` stands for chat, e-mail and SMS together."""

SLOT_TYPES = (
    "order-number",
    "code",
    "digits",
    "integer",
    "amount",
    "date",
    "time",
    "duration",
    "phone",
    "name",
    "email",
    "yes-no",
    "choice",
    "text",
)
CONFIRMATIONS = ("never", "unsure", "voice", "always")
SURE_ENOUGH = 0.68
"""Of a value in its usual form (0.8) that was heard with a confidence of 0.85: right in nine of ten
calls (docs/speech.md)."""
GLOBALS = ("agent", "repeat", "slower", "back", "stop", "goodbye")
"""Understood at every question, whatever the step."""
LANGUAGE_KEY = "language:"
"""What ``dtmf`` leads a key to that goes on in another language: ``language:lv``."""

ALWAYS = (
    *("agent", "stop", "goodbye", "angry", "worsening"),
    *("no_match", "no_input", "returned"),
)
"""What ``always`` may send to a step: ``no_match`` and ``no_input`` when a question's repairs are
used up, ``returned`` when a person gives the customer back to the bot."""
INSIDE = "/"
"""Between the name of a called flow and the names of its own steps, slots and variables."""
PART = "."
"""Between the name of a step and the parts that it is made of."""

ANY = ""


def scope_of(name: str) -> str:
    """The called flow whose own this step, slot or variable is; empty for the caller's."""
    return name.rpartition(INSIDE)[0]


def inside(scope: str, name: str) -> str:
    """The full name of what the flow ``scope`` calls ``name``."""
    return f"{scope}{INSIDE}{name}" if scope else name


def is_command(target: str) -> bool:
    """Whether ``dtmf`` leads a key to something that works at every question."""
    return target in GLOBALS or target.startswith(LANGUAGE_KEY)


@dataclass(frozen=True, slots=True)
class Text:
    """One thing to say, by (language, channel); ``""`` stands for any of them.

    The values are Jinja2 templates.
    """

    variants: Mapping[tuple[str, str], str]

    def find(self, language: str, channel: str, fallback: str) -> str:
        """The template that fits best; the ``fallback`` language when it has none."""
        family = "voice" if channel == "voice" else "text"
        for spoken in (language, ANY, fallback):
            for where in (channel, family, ANY):
                if (spoken, where) in self.variants:
                    return self.variants[spoken, where]
        return ""

    def languages(self) -> frozenset[str]:
        """The languages it is written in; ``""`` when it is for all."""
        return frozenset(language for language, _ in self.variants)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a ``choice`` slot: its key and the phrases that mean it, by language."""

    value: str
    key: str = ""
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that a value has to fulfil, and what is said when it does not."""

    when: str
    text: Text


@dataclass(frozen=True, slots=True)
class Slot:
    """A typed value the flow collects.

    ``confirm`` says when it is read back before it is used: on which channels, or only when
    the recogniser was not sure of it.
    ``prefill`` takes it from any sentence of the customer; ``implies`` is the
    intent assumed when it comes alone. ``answer`` puts it into the answers of a
    campaign. ``prefix`` and ``length`` shape order numbers and digits, ``pattern`` codes;
    ``low``..``high`` bound integers, and times in hours. ``currency`` (ISO 4217) refuses
    amounts of another one. ``past`` takes a date without a year for the last one that was,
    ``month_first`` reads 03/04 as the 4th of March. ``country`` (ISO 3166) is that of a telephone
    number without a country code; ``among`` lists the names that are possible.
    ``consent``: a yes to what cannot be undone, which counts only once the whole question was
    heard. ``sensitive`` is what nobody may keep (``bots.flow.sensitive``). ``label`` is how
    customers call it ("the amount"), for corrections; ``checks`` hold before it is used,
    wherever it was given.
    """

    name: str
    type: str
    confirm: str = "never"
    prefill: bool = False
    implies: str = ""
    answer: bool = False
    prefix: str = ""
    length: int = 0
    low: int | None = None
    high: int | None = None
    choices: tuple[Choice, ...] = ()
    optional: bool = False
    pattern: str = ""
    currency: str = ""
    past: bool = False
    month_first: bool = False
    country: str = ""
    among: tuple[str, ...] = ()
    consent: bool = False
    sensitive: bool = False
    label: Text | None = None
    checks: tuple[Check, ...] = ()

    def to_be_confirmed(self, kept: Mapping[str, Any], channel: str) -> bool:
        """Whether the value ``kept`` (``value``, ``confidence``, ``confirmed``) is read back."""
        if kept["confirmed"]:
            return False
        unsure = self.confirm == "unsure" and kept["confidence"] < SURE_ENOUGH
        spoken = self.confirm == "voice" and channel == "voice"
        return unsure or spoken or self.confirm == "always"


@dataclass(frozen=True, slots=True)
class Intent:
    """Something customers want. ``go`` is the step that serves it; empty: knowledge.

    ``label`` completes "the customer wants …" in the hand-over's summary. ``about`` names the
    matter to the customer ("a bill"), for "Is it about …, or …?".
    ``small_talk`` counts only when nothing else is said ("Hello, … Thanks, Ann").
    """

    name: str
    label: str = ""
    go: str = ""
    queue: str = ""
    small_talk: bool = False
    about: Text | None = None
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every step has. ``line`` is where it stands in the file, from 1."""

    id: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SayStep(Step):
    """Say something and go on. On a call speech does not stop what is ``protected``."""

    text: Text
    next: str
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStep(Step):
    """Ask and wait. With ``slot`` it wants that value, else an intent.

    ``routes`` sends an intent (or ``yes``, ``no``) to a step, over the intent's
    own ``go``; ``otherwise`` takes every other sentence. ``dtmf`` maps keys to
    steps, global intents, or values of a choice. ``again`` is the shorter form
    after a digression. ``keys`` asks for the keys alone, when speech did not work.
    ``turn`` names how the caller is listened to (``bots.turn.PROFILES``), where that is not
    as usual for the slot.
    ``also`` are slots that the same answer may fill; ``follows`` is set on the questions for
    what it left open. ``checks`` hold before the value is used. At a question that ``resumes``,
    a matter that was left for another one is taken up again first.
    """

    text: Text
    slot: str = ""
    also: tuple[str, ...] = ()
    follows: bool = False
    checks: tuple[Check, ...] = ()
    resumes: bool = False
    next: str = ""
    routes: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    dtmf: Mapping[str, str] = field(default_factory=dict)
    no_match: tuple[Text, ...] = ()
    no_input: tuple[Text, ...] = ()
    again: Text | None = None
    confirm: Text | None = None
    keys: Text | None = None
    turn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStep(Step):
    """Ask the knowledge base and say what it knows; ``unknown`` when it does not."""

    question: str
    next: str
    unknown: str
    text: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoStep(Step):
    """Call an HTTP action.

    ``save`` maps variables to dotted paths in the JSON body (``items.0.name``). 2xx goes to
    ``next``, a status in ``on_status`` to its step, all else to ``on_error``.
    ``headers`` may name secrets: ``{{ secret('crm') }}``. ``expects`` is a JSON Schema
    (``bots.flow.shape``) that the body of a 2xx has to fit. ``retries`` are further tries
    where nothing came or the server was busy. ``tried`` is one line for the hand-over.
    ``needs`` is the level to which the customer has to be proven. With ``wrong`` it asks
    whether what the customer told is right, and 4xx is a wrong answer (``bots.flow.proof``).
    """

    method: str
    url: str
    next: str
    on_error: str
    body: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 3.0
    retries: int = 1
    expects: Mapping[str, Any] | None = None
    save: Mapping[str, str] = field(default_factory=dict)
    on_status: Mapping[int, str] = field(default_factory=dict)
    tried: str = ""
    needs: int = 0
    wrong: str = ""

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method in ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchStep(Step):
    """The first true condition wins, else ``otherwise``."""

    cases: tuple[tuple[str, str], ...]
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStep(Step):
    """Give variables a value; each is a template. ``queue`` and ``intent`` may be set too."""

    values: Mapping[str, str]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffStep(Step):
    """Tell the customer and give the interaction to a queue of people.

    ``agent`` (a login) is asked first, if there. ``nobody`` is the step to go on with when no
    person comes, in place of the flow's own; with ``alone`` there is none. ``again`` is the
    hand-over of before once more: its reason, queue and skills. ``instead`` of waiting the
    customer is promised a ``callback``, or leaves a ``message``; ``reach`` is where to.
    """

    reason: str
    queue: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    agent: str = ""
    text: Text | None = None
    nobody: str = ""
    alone: bool = False
    again: bool = False
    instead: str = ""
    reach: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideStep(Step):
    """Put a caller through to somebody outside; in writing, tell the number and go on.

    ``party`` is a name of the operator's list of numbers, never a template: nothing that a
    customer says can choose whom we call. It rings for ``ring_s`` seconds. Nobody there:
    ``on_outcome`` has a step by ``router.acts.parties.TransferOutcome``, ``failed`` takes the rest.
    """

    party: str
    next: str
    failed: str
    on_outcome: Mapping[str, str] = field(default_factory=dict)
    ring_s: float = 25.0
    text: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep(Step):
    """Run another flow and come back with its results.

    ``arguments`` are the called flow's slots or variables, as templates; ``save`` maps ours to
    its own. It comes back at each of its ends: the end's reason in ``on_end`` leads to a
    step, any other to ``next``. Without ``next`` the conversation goes over to that flow
    for good.
    """

    flow: str
    next: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    save: Mapping[str, str] = field(default_factory=dict)
    on_end: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnStep(Step):
    """An end of a called flow: say its text and go back to the caller with the reason."""

    reason: str
    text: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStep(Step):
    """Promise a call to ``number`` at ``at``, ISO 8601, local to the queue; empty: the next free.

    ``closed`` takes a time outside the queue's hours (``opens`` is the next one within),
    ``refused`` everything else.
    """

    number: str
    next: str
    refused: str
    at: str = ""
    closed: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStep(Step):
    """Send a one-time code by ``way`` (``sms``, ``email``), or look at the ``code`` in a slot.

    ``failed`` takes it where there is nowhere to send to, or no try is left.
    """

    way: str
    next: str
    failed: str
    code: str = ""
    slot: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep(Step):
    """Record the customer's ``score``, a number from 1 to 5, as the survey's answer."""

    score: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndStep(Step):
    """Say good-bye and close the interaction with a reason."""

    reason: str
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes round the one composed e-mail reply."""

    opening: Text
    closing: Text


@dataclass(frozen=True, slots=True)
class Fallback:
    """What happens when no person comes: the step ``go``; after how many seconds by channel."""

    go: str
    after_s: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """A whole flow. ``version`` is a hash of the file; ``languages[0]`` is the fallback.

    ``words`` puts codes ("in_transit") into words; templates use ``words[code]``. ``starts``
    are the first steps of the flows that it calls, by name.
    """

    name: str
    version: str
    start: str
    languages: tuple[str, ...]
    steps: Mapping[str, Step]
    slots: Mapping[str, Slot] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)
    queue: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    no_match: tuple[Text, ...] = ()
    no_input: tuple[Text, ...] = ()
    filler: tuple[Text, ...] = ()
    confirm: Text | None = None
    letter: Letter | None = None
    words: Mapping[str, Text] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    nobody: Fallback | None = None
    path: str = ""

    def find(self, step_id: str) -> Step:
        """The step of that name; the checks at load make sure that it exists."""
        return self.steps[step_id]
