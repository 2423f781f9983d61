"""Drafts an agent may take over, in the form of their channel. Pure.

1. An answer is made of the articles' own sentences, with the address of its source.
2. A chat line is the answer alone; an e-mail is a whole letter with greeting, every answer,
   its sources and the agent's name; a text fits into two segments; on a call
   it is the answer without an address, to be said in the agent's own words.
3. What was said to the customer in this conversation already is not drafted again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bots.assist.model import Answered, Draft, Kind, Next, draft_id
from bots.segments import SOURCES, absolute, fit
from router.model import Channel, Citation

HELLO = {"en": "Hello {name},", "zh": "{name}，您好：", "lv": "Labdien, {name}!"}
HELLO_NOBODY = {"en": "Hello,", "zh": "您好：", "lv": "Labdien!"}
BYE = {"en": "Kind regards", "zh": "此致\n敬礼", "lv": "Ar cieņu"}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who writes to whom and how: what drafts need to know beside their matter.

    ``base_url`` is how customers reach our pages.
    """

    channel: Channel
    language: str
    customer: str = ""
    agent: str = ""
    company: str = ""
    base_url: str = ""


def answer_draft(answers: Sequence[Answered], desk: Desk) -> Draft | None:
    """One draft of these answers, the ones that are not known left out; None without any."""
    known = [one for one in answers if one.known]
    if not known:
        return None
    sources = _sources(known[:1] if desk.channel is not Channel.EMAIL else known)
    text = _form(known, sources, desk)
    return Draft(
        id=draft_id(Kind.ANSWER, text),
        kind=Kind.ANSWER,
        title=" · ".join(source.title for source in sources),
        text=text,
        sources=tuple(sources),
        score=round(known[0].score, 3),
    )


def question_draft(ahead: Next | None, desk: Desk) -> Draft | None:
    """The flow's next question as words of the agent's; None where there is none."""
    if ahead is None or not ahead.text:
        return None
    text = fit(ahead.text) if desk.channel is Channel.SMS else ahead.text
    title = ahead.missing[0].replace("_", " ") if ahead.missing else ""
    return Draft(draft_id(Kind.QUESTION, text), Kind.QUESTION, title, text)


def offer_draft(name: str, texts: Mapping[str, str], desk: Desk) -> Draft | None:
    """An offer in the conversation's language; None where it is not written in that one."""
    text = texts.get(desk.language) or texts.get("")
    if not text:
        return None
    filled = text.replace("{name}", _first_name(desk.customer)).replace("{company}", desk.company)
    text = fit(filled) if desk.channel is Channel.SMS else filled
    return Draft(draft_id(Kind.OFFER, text), Kind.OFFER, name, text)


def _form(answers: Sequence[Answered], sources: Sequence[Citation], desk: Desk) -> str:
    first = answers[0]
    link = absolute(sources[0], desk.base_url) if sources else ""
    match desk.channel:
        case Channel.SMS:
            return fit(first.text, f" {link}" if link else "")
        case Channel.EMAIL:
            return _letter(answers, sources, desk)
        case Channel.VOICE:
            return first.text
        case _:
            return "\n".join(part for part in (first.text, link) if part)


def _letter(answers: Sequence[Answered], sources: Sequence[Citation], desk: Desk) -> str:
    language = desk.language if desk.language in HELLO else "en"
    first_name = _first_name(desk.customer)
    hello = HELLO[language].format(name=first_name) if first_name else HELLO_NOBODY[language]
    more = [f"{SOURCES[language]}:"]
    more += [f"- {one.title}: {absolute(one, desk.base_url)}" for one in sources]
    bye = f"{BYE[language]}\n{desk.agent}\n{desk.company}".rstrip()
    parts = [hello, *dict.fromkeys(one.text for one in answers), "\n".join(more), bye]
    return "\n\n".join(parts)


def _first_name(name: str) -> str:
    return name.split()[0] if name.split() else ""


def _sources(answers: Sequence[Answered]) -> list[Citation]:
    """What each answer was taken from: its first citation; the others are only near."""
    cited = (one.citations[0] for one in answers if one.citations)
    return list({citation.article_id: citation for citation in cited}.values())
