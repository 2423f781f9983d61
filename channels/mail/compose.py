"""Our answer as a mail: text and HTML alike, threaded, and marked when a bot wrote it.

Threading by RFC 5322 §3.6.4; a bot's mail is ``Auto-Submitted: auto-replied``
(RFC 3834 §5) so that robots do not answer it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.mail.parsing import LOOP_HEADER, base_subject
from channels.mail.threads import message_id_of
from router.model import Author, Interaction, Message

QUOTED_LINES = 30
REFERENCES = 20
TEMPLATES = Path(__file__).parent / "templates"
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"sources": "Read more:", "wrote": "You wrote on {day}:", "about": "Your message"},
    "zh": {"sources": "了解更多：", "wrote": "您在 {day} 写道：", "about": "您的来信"},
    "lv": {"sources": "Lasiet vairāk:", "wrote": "{day} jūs rakstījāt:", "about": "Jūsu vēstule"},
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes. ``base_url`` is put before the path of a cited article."""

    company: str
    address: str
    base_url: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @ of our Message-IDs."""
        return self.address.rpartition("@")[2]


class Composer:
    """Makes mails on a letterhead."""

    def __init__(self, head: Letterhead) -> None:
        self._head = head
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        self._template = environment.get_template("reply.html")

    def compose(
        self, interaction: Interaction, line: Message, earlier: Sequence[Message], signature: str
    ) -> EmailMessage:
        """The mail for ``line``; ``earlier`` are the transcript's lines before it."""
        asked = next((m for m in reversed(earlier) if m.author is Author.CUSTOMER), None)
        words = _WORDS.get(interaction.language, _WORDS["en"])
        mail = EmailMessage(policy=SMTP)
        mail["From"] = Address(self._head.company, addr_spec=self._head.address)
        mail["To"] = interaction.address
        mail["Subject"] = _subject(interaction, words["about"])
        mail["Date"] = format_datetime(line.at)
        mail["Message-ID"] = message_id_of(line, self._head.domain)
        ids = [message_id_of(one, self._head.domain) for one in earlier if _was_mailed(one)]
        if ids:
            mail["In-Reply-To"] = message_id_of(asked, self._head.domain) if asked else ids[-1]
            mail["References"] = " ".join(ids[-REFERENCES:])
        mail[LOOP_HEADER] = self._head.domain
        if line.author is not Author.AGENT:
            mail["Auto-Submitted"] = "auto-replied" if asked else "auto-generated"
            mail["X-Auto-Response-Suppress"] = "All"
        self._fill(mail, interaction, line, asked, signature)
        return mail

    def _fill(
        self,
        mail: EmailMessage,
        interaction: Interaction,
        line: Message,
        asked: Message | None,
        signature: str,
    ) -> None:
        words = _WORDS.get(interaction.language, _WORDS["en"])
        sources = [
            {"title": cited.title, "url": f"{self._head.base_url}{cited.url}"}
            for cited in line.citations
        ]
        quoted = _shortened(asked.text) if asked else ""
        attribution = words["wrote"].format(day=f"{asked.at:%Y-%m-%d}") if asked else ""
        parts = [line.text.strip()]
        if sources:
            listed = "\n".join(f"- {source['title']}: {source['url']}" for source in sources)
            parts.append(f"{words['sources']}\n{listed}")
        parts.append(f"-- \n{signature}")
        if quoted:
            marked = "\n".join(f"> {text}".rstrip() for text in quoted.split("\n"))
            parts.append(f"{attribution}\n{marked}")
        mail.set_content("\n\n".join(parts) + "\n")
        html = self._template.render(
            language=interaction.language,
            subject=str(mail["Subject"]),
            paragraphs=[part for part in line.text.split("\n\n") if part.strip()],
            sources=sources,
            words=words,
            signature=signature,
            quoted=quoted,
            attribution=attribution,
        )
        mail.add_alternative(html, subtype="html")


def _was_mailed(line: Message) -> bool:
    by_mail = bool(line.external_id and line.external_id.startswith("<"))
    return by_mail or line.author in (Author.BOT, Author.AGENT)


def _subject(interaction: Interaction, about: str) -> str:
    # The email package decodes what looks coded in a header that is set, line breaks and all:
    # "=?utf-8?q?=0D=0ABcc=3A…?=" would be a header of the customer's own (RFC 2047 §5).
    subject = " ".join(interaction.subject.split()).replace("=?", "= ?")
    if not subject:
        return about
    is_reply = base_subject(subject) != subject.casefold()
    return subject if is_reply else f"Re: {subject}"


def _shortened(text: str) -> str:
    lines = text.strip().split("\n")
    return "\n".join([*lines[:QUOTED_LINES], *(["…"] if len(lines) > QUOTED_LINES else [])])
