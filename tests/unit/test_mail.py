"""Reading mails: quotes cut, robots recognised, any bytes survived."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.markup import sanitise, to_text
from channels.mail.parsing import base_subject, parse_mail
from channels.mail.quoting import split_reply


@pytest.mark.parametrize(
    "below",
    [
        "On Mon, Apr 2, 2012 at 6:26 PM, Us <care@x.org> wrote:\n\n> Old",
        "On Mon, Apr 2, 2012 at 6:26 PM, Somebody with a long name\n<care@x.org> wrote:\n> Old",
        '02.04.2012 14:20 пользователь "Us" <\ncare@x.org> написал:\n\n> Old',
        "2026. gada 3. maijā Us <care@x.org> rakstīja:\n> Old",
        "在 2026年5月3日，Us <care@x.org> 写道：\n> Old",
        "Am 03.05.2026 um 10:00 schrieb Us:\n> Old",
        "-----Original Message-----\nFrom: Us\nSent: today\nSubject: Old\n\nOld",
        "________________________________\nFrom: Us <care@x.org>\nSent: Monday\nTo: me\nOld",
        "发件人: Us\n发送时间: 今天\n收件人: me\n主题: Old\n\nOld",
        "> Subject: Old\n> From: us\n> Date: today\n>\n> Old",
        "-- \nAnna Liepa\nOld Street 5",
        "Sent from my iPhone",
    ],
)
def test_what_the_customer_wrote_stays_and_the_rest_is_kept_apart(below: str) -> None:
    reply = split_reply(f"Where is my parcel?\nI have 3 questions.\n\n{below}\n")
    assert reply.text == "Where is my parcel?\nI have 3 questions."
    assert reply.quoted.startswith(below.split("\n")[0][:5].strip())


def test_answers_between_and_below_the_quote_are_kept() -> None:
    body = "On 3 May 2026, Us wrote:\n> When?\nTomorrow.\n> Where?\nAt home."
    assert split_reply(body).text == "Tomorrow.\nAt home."


@pytest.mark.parametrize(
    "text",
    [
        "I need:\n- my parcel\n- my money",
        "Thanks, I got it.\nBut it is broken.",
        "From: the locker\nI want it at home.",
        "The prices were:\n10 and 20",
        "Dear Sirs\n\nThanks,\nAlex",
    ],
)
def test_plain_words_are_not_mistaken_for_quotes(text: str) -> None:
    assert split_reply(text).text == text


def test_nothing_but_a_quote_is_shown_whole() -> None:
    assert split_reply("> only this").text == "> only this"


@given(st.text(alphabet="> \nOn:@1wrote-_From", max_size=200))
def test_no_text_is_lost_altogether(text: str) -> None:
    reply = split_reply(text)
    assert bool(text.strip()) == bool(reply.text or reply.quoted)


@pytest.mark.parametrize(
    "piece", ["On a ", "On 1 \n", "From: x\n", "> \n", "a@:\n", "-- ", "Thanks,\n", "\n", "1:\n"]
)
def test_hostile_bodies_take_linear_time(piece: str) -> None:
    body = piece * (50_000 // len(piece))
    begun = time.process_time()
    split_reply(body)
    assert time.process_time() - begun < 1.0


@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    mail = parse_mail(raw, "anna@example.org")
    assert mail.message_id
    mail.text.encode()


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("Auto-Submitted: auto-replied", "auto-replied"),
        ("Auto-Submitted: auto-generated; x=y", "auto-generated"),
        ("Auto-Submitted: no", ""),
        ("Precedence: bulk", "bulk"),
        ("List-Id: <news.x.org>", "list"),
        ("X-Parley-Sent-By: harbourline.example", "loop"),
        ("X-Parley-Sent-By: other.example", ""),
        ("Content-Type: multipart/report; boundary=b", "bounce"),
    ],
)
def test_robots_are_recognised(header: str, why: str) -> None:
    raw = f"From: anna@example.org\r\n{header}\r\n\r\nHello\r\n".encode()
    assert parse_mail(raw, "anna@example.org", "harbourline.example").automatic == why


def test_null_return_path_is_a_robot() -> None:
    assert parse_mail(b"From: a@b.org\r\n\r\nHi", "<>").automatic == "robot"


@pytest.mark.parametrize("subject", ["Re: Bill", "RE: re[2]: Bill", "Fwd: AW:  Bill", "回复：Bill"])
def test_reply_prefixes_do_not_change_the_subject(subject: str) -> None:
    assert base_subject(subject) == "bill"


def test_html_only_mail_gives_its_words_and_its_quote() -> None:
    html = "<p>Hello&nbsp;there</p><style>p{}</style><blockquote><p>Old</p></blockquote>"
    raw = f"From: a@b.org\r\nContent-Type: text/html\r\n\r\n{html}".encode()
    mail = parse_mail(raw)
    assert (mail.text, mail.quoted) == ("Hello there", "> Old")
    assert to_text("<br><br><br><br>x") == "x"


@pytest.mark.parametrize(
    "evil",
    [
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' java\tscript:alert(1)'>x</a>",
        "<img src='http://spy.example/a.gif'>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<div style='background:url(http://spy.example)'>x</div>",
        "<iframe src='//spy.example'></iframe><form action='//spy.example'>",
        "<a href='data:text/html,alert(1)'>x</a>",
    ],
)
def test_html_is_made_harmless(evil: str) -> None:
    clean = sanitise(evil).lower()
    assert not any(word in clean for word in ("script", "spy.example", "alert", "onerror", "style"))
