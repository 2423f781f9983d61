"""A campaign's list: what is read, and what is refused by line and column."""

from __future__ import annotations

import pytest

from bots.campaign.contacts import BadList, normal_address, parse_contacts, parse_do_not_contact

GOOD = """name,phone,timezone,slot_day
Ilze Ozola,+371 2000 0001,Europe/Riga,Monday
Chen Wei,0086-138-0000-0002,Asia/Shanghai,Tuesday
"""


def test_parse_contacts_reads_names_numbers_zones_and_fields() -> None:
    first, second = parse_contacts(GOOD, "c")
    assert (first.name, first.address, first.timezone) == (
        "Ilze Ozola",
        "+37120000001",
        "Europe/Riga",
    )
    assert first.fields == {"slot_day": "Monday"}
    assert second.address == "+8613800000002"


def test_parse_contacts_takes_sip_uris_and_a_default_zone() -> None:
    (contact,) = parse_contacts("name,address\nBob,SIP:bob@Example.ORG:5070\n", "c")
    assert contact.address == "sip:bob@example.org:5070"
    assert contact.timezone == "UTC"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("name,phone\n", "line 2"),
        ("name,number\nA,+37120000001\n", "line 1"),
        ("name,phone\nA,twelve\n", "line 2, column phone: 'twelve'"),
        ("name,phone\nA,+37120000001,extra\n", "line 2: expected 2 columns, found 3"),
        ("name,phone,timezone\nA,+37120000001,Riga\n", "line 2, column timezone: 'Riga'"),
        ("name,phone\nA,+37120000001\nB,+371 20000001\n", "already on line 2"),
        ("name,phone,phone\nA,1,2\n", "line 1"),
        ("name,phone,Day of week\nA,1,2\n", "line 1, column"),
        ('name,phone\n"A,+37120000001\n', "not CSV"),
    ],
)
def test_parse_contacts_bad_list_names_the_place(text: str, place: str) -> None:
    with pytest.raises(BadList, match=place):
        parse_contacts(text, "c")


def test_parse_contacts_a_field_the_flow_needs_must_have_a_value() -> None:
    with pytest.raises(BadList, match="line 1: the flow needs a column named day"):
        parse_contacts(GOOD, "c", required=["day"])
    with pytest.raises(BadList, match="line 2, column day"):
        parse_contacts("phone,day\n+37120000001,\n", "c", required=["day"])


def test_parse_do_not_contact_header_is_optional_and_reason_too() -> None:
    text = "phone,reason\n+371 20000001,asked us\n+37120000002\n\n"
    assert parse_do_not_contact(text) == [
        ("+37120000001", "asked us"),
        ("+37120000002", "imported"),
    ]
    with pytest.raises(BadList, match="line 1"):
        parse_do_not_contact("nobody\n")


@pytest.mark.parametrize("raw", ["", "+", "12345", "sip:", "sip:a b@c", "mailto:a@b.c"])
def test_normal_address_refuses_what_cannot_be_dialled(raw: str) -> None:
    assert normal_address(raw) is None
