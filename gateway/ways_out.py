"""How texts and mails leave, as the settings say: a provider and a server, or folders."""

from __future__ import annotations

import secrets

from channels.mail.compose import Letterhead, notice
from channels.mail.post import FolderPost, Post, SmtpPost
from channels.twilio_api import FolderSms, SmsProvider, TwilioAccount, TwilioRest
from gateway.proofs import Send
from gateway.settings import Settings


def post_of(settings: Settings) -> Post:
    """The mail server, or a folder of mails."""
    out = settings.smtp_out
    if out is None:
        return FolderPost(settings.data / "outbox" / "mail")
    return SmtpPost(out.host, out.port, settings.smtp_user, settings.smtp_password)


def sms_provider_of(settings: Settings) -> SmsProvider:
    """The provider (a ``TwilioRest``, to be closed), or a folder of texts."""
    if not settings.twilio_url:
        return FolderSms(settings.data / "outbox", settings.twilio_from)
    account = TwilioAccount(
        settings.twilio_url, settings.twilio_sid, settings.twilio_token, settings.twilio_from
    )
    return TwilioRest(account)


def head_of(settings: Settings, company: str) -> Letterhead:
    """Who our mails are from."""
    return Letterhead(company, settings.mail_address, settings.base_url)


def sending(texts: SmsProvider, post: Post, head: Letterhead) -> Send:
    """One-time codes by text through the provider, by mail through the post."""

    async def send(way: str, address: str, text: str) -> None:
        if way == "sms":
            await texts.send(address, text, "")
        else:
            await post.send(notice(head, address, text))

    return send


def key_of(settings: Settings) -> bytes:
    """What codes are hashed with.

    Without a secret of the house only the process that sent a code can check it.
    """
    return settings.chat_secret.encode() or secrets.token_bytes(32)
