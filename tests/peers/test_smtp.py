"""E-mail over real SMTP connections: swaks-like clients in, a real server as the peer out."""

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from channels.mail.attachments import AttachmentFolder
from channels.mail.compose import Letterhead
from channels.mail.inbox import MailInbox
from channels.mail.post import FolderPost, SmtpPost
from channels.mail.sender import MailSender
from channels.mail.server import MailServer
from router.events import MessageFailed, MessageSent
from router.model import (
    Author,
    Channel,
    Citation,
    Identity,
    IdentityKind,
    InteractionState,
    Message,
    NewMessage,
)
from tests.fakes.core import Core, running_core, until

CARE = "care@harbourline.example"
HEAD = Letterhead("Harbourline", CARE, "http://help.test")


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with running_core(tmp_path) as core:
        yield core


@pytest.fixture
async def server(core: Core, tmp_path: Path) -> AsyncIterator[MailServer]:
    folder = AttachmentFolder(tmp_path / "attachments")
    inbox = MailInbox(core.store, core.lifecycle, core.clock, folder, "harbourline.example")
    server = MailServer(inbox, [CARE], port=0, size_limit=200_000)
    await server.start()
    yield server
    await server.stop()


class MailPeer:
    """A mail server of somebody else's; ``answer`` is what DATA gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, loop=loop), "127.0.0.1", port or self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.answer


@pytest.fixture
async def peer() -> AsyncIterator[MailPeer]:
    peer = MailPeer()
    await peer.start()
    yield peer
    await peer.stop()


def a_mail(text: str = "Where is my parcel?", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = headers.pop("From", "Anna Liepa <Anna@Example.org>")
    mail["To"] = CARE
    mail["Subject"] = headers.pop("Subject", "Parcel HL-482913")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


async def send(server: MailServer, mail: EmailMessage | bytes, to: str = CARE) -> tuple[int, str]:
    """Hand a mail over as any mail program would; the server's last answer."""

    def talk() -> tuple[int, str]:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=policy.SMTP)
            try:
                client.ehlo()
                code, answer = client.mail("anna@example.org", [f"size={len(raw)}"])
                if code == 250:
                    code, answer = client.rcpt(to)
                if code == 250:
                    code, answer = client.data(raw)
            except smtplib.SMTPDataError as error:
                return error.smtp_code, str(error.smtp_error)
            return code, answer.decode()

    return await asyncio.to_thread(talk)


async def lines(core: Core, index: int = 0) -> list[Message]:
    interaction = (await core.interactions())[index]
    async with core.store.transaction() as tx:
        return await tx.interactions.messages(interaction.id)


async def test_mail_is_stored_before_it_is_acknowledged(core: Core, server: MailServer) -> None:
    code, answer = await send(server, a_mail(Message_ID="<one@example.org>"))
    interaction = (await core.interactions())[0]
    assert (code, interaction.id in answer) == (250, True)
    assert (interaction.channel, interaction.state) == (Channel.EMAIL, InteractionState.BOT)
    assert (interaction.address, interaction.subject) == ("anna@example.org", "Parcel HL-482913")
    line = (await lines(core))[0]
    assert (line.text, line.external_id) == ("Where is my parcel?", "<one@example.org>")


async def test_same_mail_twice_is_one_message(core: Core, server: MailServer) -> None:
    mail = a_mail(Message_ID="<one@example.org>")
    await send(server, mail)
    assert (await send(server, mail))[0] == 250
    assert len(await core.interactions()) == 1
    assert len(await lines(core)) == 1


async def test_same_mail_again_after_the_end_begins_nothing(core: Core, server: MailServer) -> None:
    from router.model import EndedBy

    mail = a_mail(Message_ID="<one@example.org>")
    await send(server, mail)
    await core.lifecycle.end((await core.interactions())[0].id, EndedBy.BOT, "done")
    await send(server, mail)
    assert len(await core.interactions()) == 1


async def test_mail_without_message_id_gets_one_and_is_still_known(
    core: Core, server: MailServer
) -> None:
    mail = a_mail(Message_ID="")
    await send(server, mail)
    await send(server, mail)
    found = await lines(core)
    assert len(found) == 1
    assert str(found[0].external_id).endswith("@made.parley>")


async def test_reply_continues_its_thread(core: Core, server: MailServer) -> None:
    await send(server, a_mail(Message_ID="<one@example.org>"))
    reply = a_mail(
        "And the fee?\n\nOn Mon, Apr 2, 2012 at 6:26 PM, Us <care@x.org> wrote:\n\n> Old words",
        Subject="RE: Re: Parcel HL-482913",
        In_Reply_To="<one@example.org>",
    )
    await send(server, reply)
    assert len(await core.interactions()) == 1
    second = (await lines(core))[1]
    assert second.text == "And the fee?"
    assert "Old words" in second.quoted


async def test_new_subject_on_an_old_thread_is_a_new_matter(core: Core, server: MailServer) -> None:
    await send(server, a_mail(Message_ID="<one@example.org>"))
    await send(server, a_mail("Help", Subject="My bill", In_Reply_To="<one@example.org>"))
    assert len(await core.interactions()) == 2


async def test_strangers_reply_does_not_enter_the_thread(core: Core, server: MailServer) -> None:
    await send(server, a_mail(Message_ID="<one@example.org>"))
    stranger = a_mail(
        "Me too",
        From="eve@example.net",
        Subject="Re: Parcel HL-482913",
        References="<one@example.org>",
    )
    await send(server, stranger)
    found = await core.interactions()
    assert len(found) == 2
    assert found[0].conversation_id != found[1].conversation_id


async def test_unknown_mailbox_is_refused(core: Core, server: MailServer) -> None:
    assert (await send(server, a_mail(), to="boss@harbourline.example"))[0] == 550
    assert await core.interactions() == []


async def test_tagged_mailbox_is_ours(core: Core, server: MailServer) -> None:
    assert (await send(server, a_mail(), to="Care+spring@Harbourline.example"))[0] == 250
    assert (await core.interactions())[0].service_address == CARE


async def test_oversize_mail_is_refused(core: Core, server: MailServer) -> None:
    assert (await send(server, a_mail("x" * 300_000)))[0] == 552
    assert await core.interactions() == []


async def test_store_failure_asks_the_sender_to_keep_the_mail(
    core: Core, server: MailServer, tmp_path: Path
) -> None:
    async with core.store.transaction() as tx:
        await tx.log.put_document("probe", 1)
    database = tmp_path / "parley.db"
    hidden = tmp_path / "gone.db"
    await core.store.stop()
    for path in (database, *tmp_path.glob("parley.db-*")):
        path.rename(hidden.with_name(hidden.name + path.name.removeprefix("parley.db")))
    database.mkdir()
    assert (await send(server, a_mail()))[0] == 451
    database.rmdir()
    for path in list(tmp_path.glob("gone.db*")):
        path.rename(tmp_path / path.name.replace("gone.db", "parley.db"))
    assert (await send(server, a_mail()))[0] == 250


async def test_broken_bytes_are_taken_as_far_as_they_go(core: Core, server: MailServer) -> None:
    raw = (
        b"From: =?utf-9?q?=ff?= <anna@example.org>\r\nSubject: =?broken\r\nContent-Type: "
        b'multipart/mixed; boundary="\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xfe bytes'
    )
    assert (await send(server, raw))[0] == 250
    assert (await core.interactions())[0].address == "anna@example.org"


async def test_html_on_one_very_long_line_is_taken(core: Core, server: MailServer) -> None:
    raw = b"From: anna@example.org\r\nContent-Type: text/html\r\n\r\n<p>" + b"word " * 4000
    assert (await send(server, raw + b"</p>\r\n"))[0] == 250


async def test_mail_without_any_sender_is_refused(core: Core, server: MailServer) -> None:
    def talk() -> int:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
            client.ehlo()
            client.mail("<>")
            client.rcpt(CARE)
            return client.data(b"Subject: nobody\r\n\r\nhello\r\n")[0]

    assert await asyncio.to_thread(talk) == 554
    assert await core.interactions() == []


async def test_html_is_made_harmless(core: Core, server: MailServer) -> None:
    mail = a_mail()
    mail.add_alternative(
        '<p onclick="x()">Hi <script>alert(1)</script><a href="javascript:alert(2)">bad</a>'
        '<a href="https://ok.example/">good</a><img src="https://spy.example/p.gif" alt="pic">'
        '<img src="cid:logo"></p>',
        subtype="html",
    )
    await send(server, mail)
    html = (await lines(core))[0].html or ""
    assert "javascript" not in html
    assert "alert" not in html
    assert "onclick" not in html
    assert "spy.example" not in html
    assert 'href="https://ok.example/"' in html
    assert 'src="cid:logo"' in html


async def test_attachment_is_kept_under_its_hash(
    core: Core, server: MailServer, tmp_path: Path
) -> None:
    mail = a_mail()
    mail.add_attachment(
        b"%PDF-1.4 bill", maintype="application", subtype="pdf", filename="../b.pdf"
    )
    await send(server, mail)
    noted = (await lines(core))[0].meta["attachments"][0]
    folder = AttachmentFolder(tmp_path / "attachments")
    kept = folder.path(noted["kept"])
    assert kept is not None
    assert (kept.read_bytes(), noted["name"], noted["size"]) == (b"%PDF-1.4 bill", "../b.pdf", 13)
    assert folder.path("../parley.db") is None


async def test_auto_reply_in_a_thread_is_noted_but_not_the_customers_word(
    core: Core, server: MailServer
) -> None:
    await send(server, a_mail(Message_ID="<one@example.org>"))
    away = a_mail(
        "I am away", Subject="Re: Parcel HL-482913", References="<one@example.org>",
        Auto_Submitted="auto-replied",
    )  # fmt: skip
    assert (await send(server, away))[0] == 250
    noted = (await lines(core))[1]
    assert (noted.author, noted.meta["auto"]) == (Author.SYSTEM, True)


async def test_unknown_automatic_mail_goes_to_people_not_to_the_bot(
    core: Core, server: MailServer
) -> None:
    await send(server, a_mail("Big sale", Subject="News", Precedence="bulk"))
    interaction = (await core.interactions())[0]
    assert (interaction.state, interaction.meta["auto"]) == (InteractionState.WAITING, "bulk")


async def begun(core: Core, server: MailServer) -> str:
    await send(server, a_mail(Message_ID="<one@example.org>"))
    return (await core.interactions())[0].id


async def answer_by_bot(core: Core, interaction_id: str, text: str = "It is here.") -> None:
    async with core.store.transaction() as tx:
        interaction = await tx.interactions.get(interaction_id)
    cited = Citation("track", "Track a parcel", "/help/en/track")
    await core.lifecycle.save_bot_turn(
        interaction, {}, [NewMessage(Author.BOT, text, citations=(cited,))]
    )


async def outcomes(core: Core) -> list[str]:
    async with core.store.transaction() as tx:
        facts = await tx.log.facts(types=[MessageSent, MessageFailed])
    return [type(fact).__name__ for fact in facts]


@contextlib.asynccontextmanager
async def sending(core: Core, post: SmtpPost | FolderPost) -> AsyncIterator[MailSender]:
    sender = MailSender(core.store, core.lifecycle, core.clock, post, HEAD)
    await sender.start(core.bus)
    try:
        yield sender
    finally:
        await sender.stop()


async def test_bots_answer_is_threaded_cited_and_marked_automatic(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: len(peer.mails) == 1)
        await until(lambda: _is(outcomes(core), ["MessageSent"]))
    mail = peer.mails[0]
    assert mail["To"] == "anna@example.org"
    assert mail["Subject"] == "Re: Parcel HL-482913"
    assert mail["In-Reply-To"] == "<one@example.org>"
    assert mail["Auto-Submitted"] == "auto-replied"
    plain = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "It is here." in plain.get_content()
    assert "http://help.test/help/en/track" in plain.get_content()
    assert "> Where is my parcel?" in plain.get_content()
    assert '<a href="http://help.test/help/en/track"' in html.get_content()


async def _is(actual: Any, expected: Any) -> bool:
    return bool(await actual == expected)


async def test_customers_reply_to_our_mail_comes_back_to_the_thread(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: len(peer.mails) == 1)
    ours = peer.mails[0]["Message-ID"]
    reply = a_mail("Thank you", Subject="Re: Parcel HL-482913", In_Reply_To=ours)
    await send(server, reply)
    assert len(await core.interactions()) == 1
    assert [line.text for line in await lines(core)][-1] == "Thank you"


async def test_agents_answer_is_signed_and_not_marked_automatic(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    interaction_id = await begun(core, server)
    await core.to_agent((await core.interactions())[0])
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await core.lifecycle.reply(interaction_id, "ana", "Here I am.")
        await until(lambda: len(peer.mails) == 1)
    assert peer.mails[0]["Auto-Submitted"] is None
    body = peer.mails[0].get_body(("plain",))
    assert body is not None
    assert "Ana Ozola, Harbourline" in body.get_content()


async def test_mail_waits_while_the_server_is_down_and_goes_out_once(
    core: Core, server: MailServer, peer: MailPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.delivery.RETRY_FIRST_S", 0.05)
    monkeypatch.setattr("channels.delivery.SWEEP_EVERY_S", 0.02)
    await peer.stop()
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: _is(_claims_free(core), True))
        assert await outcomes(core) == []
        await peer.start()
        await until(lambda: _is(outcomes(core), ["MessageSent"]))
    assert len(peer.mails) == 1


async def _claims_free(core: Core) -> bool:
    line = (await lines(core))[-1]
    async with core.store.transaction() as tx:
        free = await tx.interactions.claim_delivery(line.id, core.clock.now())
        if free:
            await tx.interactions.release_delivery(line.id)
    return free and line.author is Author.BOT


async def test_refused_mail_is_reported_with_the_servers_words(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    peer.answer = "550 5.7.1 we do not like you"
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: _is(outcomes(core), ["MessageFailed"]))
    async with core.store.transaction() as tx:
        failed = (await tx.log.facts(types=[MessageFailed]))[0]
    assert isinstance(failed, MessageFailed)
    assert "we do not like you" in failed.reason


async def test_bounce_of_our_mail_is_a_failure_of_that_line(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: len(peer.mails) == 1)
    ours = peer.mails[0]["Message-ID"]
    report = (
        "From: MAILER-DAEMON@example.org\r\nTo: care@harbourline.example\r\nSubject: failed\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="b"; '
        "report-type=delivery-status\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNo such user\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.org\r\n\r\n"
        "Final-Recipient: rfc822; anna@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\n--b--\r\n"
    )
    assert (await send(server, report.encode()))[0] == 250
    await until(lambda: _is(outcomes(core), ["MessageSent", "MessageFailed"]))
    assert len(await core.interactions()) == 1


async def test_our_own_mail_coming_back_is_refused_as_a_loop(
    core: Core, server: MailServer, peer: MailPeer
) -> None:
    async with sending(core, SmtpPost("127.0.0.1", peer.port)):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: len(peer.mails) == 1)
    code, answer = await send(server, peer.mails[0].as_bytes(policy=policy.SMTP))
    assert (code, "loop" in answer) == (554, True)


async def test_without_a_server_mails_are_kept_as_files(
    core: Core, server: MailServer, tmp_path: Path
) -> None:
    async with sending(core, FolderPost(tmp_path / "outbox")):
        await answer_by_bot(core, await begun(core, server))
        await until(lambda: _is(outcomes(core), ["MessageSent"]))
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1


async def test_customer_is_one_on_every_channel(core: Core, server: MailServer) -> None:
    await begun(core, server)
    async with core.store.transaction() as tx:
        found = await tx.people.find_customer(Identity(IdentityKind.EMAIL, "anna@example.org"))
    assert found is not None
    assert found.name == "Anna Liepa"
