"""What the simulated public wants: its words for each channel. Data, no I/O.

``spoken`` are ids of recorded lines; a person without recordings writes instead.
``follow`` is what somebody says next when the answer was not the end of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Matter:
    """One reason to contact the company. ``order`` says that an order number is asked for."""

    name: str
    queue: str
    opening: Words
    follow: Words = field(default_factory=dict)
    spoken: tuple[str, ...] = ()
    order: bool = False
    subject: str = "A question"


MATTERS: tuple[Matter, ...] = (
    Matter(
        "parcel status",
        "orders",
        {
            "en": ("Where is my parcel?", "hi, my order has not arrived yet", "track my parcel"),
            "lv": ("Kur ir mans sūtījums?",),
            "zh": ("我的包裹在哪里？",),
        },
        {"en": ("When will it be delivered?",)},
        ("where-is-my-order", "where-is-my-parcel", "track-parcel", "order-late"),
        order=True,
        subject="Where is my parcel?",
    ),
    Matter(
        "damaged parcel",
        "orders",
        {
            "en": ("My parcel arrived damaged, what do I do?", "the box was crushed and wet"),
            "lv": ("Sūtījums pienāca bojāts. Ko darīt?",),
            "zh": ("收到的包裹损坏了，怎么办？",),
        },
        {"en": ("Who pays for what is broken?",)},
        ("damaged-parcel",),
        subject="Damaged on arrival",
    ),
    Matter(
        "missed delivery",
        "orders",
        {
            "en": ("I missed my delivery", "The courier came while I was out."),
            "lv": ("Kurjers atbrauca, kad nebiju mājās.",),
            "zh": ("快递来时我不在家",),
        },
        spoken=("missed-delivery",),
        subject="I was not at home",
    ),
    Matter(
        "sizes and prices",
        "orders",
        {
            "en": ("How much does it cost to send a parcel?", "largest parcel I can send?"),
            "lv": ("Cik maksā nosūtīt sūtījumu?",),
            "zh": ("寄一个包裹多少钱？",),
        },
        spoken=("shipping-cost", "parcel-size"),
        subject="Prices",
    ),
    Matter(
        "high bill",
        "billing",
        {
            "en": ("Why is my bill so high?", "my electricity bill doubled, is that right?"),
            "lv": ("Kāpēc mans rēķins ir tik liels?",),
            "zh": ("为什么我的账单这么高？",),
        },
        {"en": ("I used the same as last year.",)},
        ("why-bill-high", "bill-question"),
        subject="My last bill",
    ),
    Matter(
        "instalments",
        "billing",
        {
            "en": ("Can I pay my bill in instalments?",),
            "lv": ("Vai rēķinu var maksāt pa daļām?",),
            "zh": ("账单可以分期付款吗？",),
        },
        spoken=("payment-plan",),
        subject="Paying in parts",
    ),
    Matter(
        "refund",
        "billing",
        {"en": ("When will I get my refund?", "I was charged twice for one month")},
        {"en": ("I have waited for two weeks already.",)},
        ("refund", "charged-twice"),
        subject="Refund",
    ),
    Matter(
        "power cut",
        "technical",
        {
            "en": ("I have no electricity", "is there a power cut in my street?"),
            "lv": ("Man nav elektrības.",),
            "zh": ("我家停电了",),
        },
        {"en": ("The neighbours have light.",)},
        ("power-cut", "outage"),
        subject="No power",
    ),
    Matter(
        "meter reading",
        "technical",
        {"en": ("How do I send a meter reading?", "My smart meter is not working")},
        spoken=("meter-reading", "smart-meter"),
        subject="Meter",
    ),
    Matter(
        "opening hours",
        "orders",
        {
            "en": ("What are your opening hours?",),
            "lv": ("Kāds ir darba laiks?",),
            "zh": ("你们的营业时间？",),
        },
        spoken=("opening-hours", "open-saturday"),
        subject="Opening hours",
    ),
    Matter(
        "off the subject",
        "orders",
        {"en": ("What is the weather like tomorrow?", "can I order a pizza here")},
        spoken=("weather", "pizza"),
        subject="Hello",
    ),
)

PERSON: Words = {
    "en": ("I want to speak to a person", "agent please"),
    "lv": ("Es gribu runāt ar cilvēku",),
    "zh": ("转人工",),
}
PERSON_SPOKEN = ("speak-to-person", "agent-please", "talk-to-someone", "human")
THANKS: Words = {
    "en": ("Thank you, that is all.", "thanks, bye"),
    "lv": ("Paldies, tas ir viss.",),
    "zh": ("谢谢，没有别的了",),
}
THANKS_SPOKEN = ("thats-all", "goodbye", "no-thanks")
ORDERS = ("HL-482913", "HL-305771", "HL-619024", "HL-774108", "HL-250366", "HL-918245")
"""Orders for which a spoken number is recorded: the line's id is ``number-`` and the digits."""
