"""The words by which ``knowledge.grounding`` compares: English, Latvian and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping

SIGNS: Mapping[str, str] = {"€": "eur", "$": "usd", "£": "gbp", "%": "percent", "￥": "cny"}
MEASURES: Mapping[str, str] = {
    **{"eur": "eur", "eiro": "eur", "usd": "usd", "dolla": "usd", "gbp": "gbp", "pound": "gbp"},
    **{"cent": "cent", "cents": "cent", "perc": "percent", "proc": "percent", "cny": "cny"},
    **{"day": "day", "dien": "day", "work": "work", "busine": "work", "darb": "work"},
    **{"calend": "calendar", "kalend": "calendar", "week": "week", "nedēļ": "week"},
    **{"month": "month", "mēne": "month", "year": "year", "gad": "year", "hour": "hour"},
    **{"stund": "hour", "minut": "minute", "minūt": "minute", "second": "second"},
    **{
        "sekund": "second",
        "am": "am",
        "pm": "pm",
        "kwh": "kwh",
        "km": "km",
        "kg": "kg",
        "mb": "mb",
    },
    **{"cm": "cm", "gb": "gb", "mbit": "mbit", "gbit": "gbit", "time": "times", "reiz": "times"},
    **{"天": "day", "日": "day", "小": "hour", "周": "week", "月": "month", "年": "year"},
    **{"分": "minute", "元": "cny", "次": "times", "个": "个", "点": "o'clock", "号": "day"},
}
"""The beginning of a measure's forms, and the one name for it."""
_EN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
)
COUNTED: Mapping[str, int] = {
    **{word: number for number, word in enumerate(_EN)},
    **{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90},
    **{"hundred": 100, "thousand": 1000},
    **{"viens": 1, "viena": 1, "vienu": 1, "divi": 2, "divas": 2, "divu": 2, "divām": 2},
    **{"trīs": 3, "četri": 4, "četras": 4, "četru": 4, "pieci": 5, "piecas": 5, "piecu": 5},
    **{"seši": 6, "sešas": 6, "septiņi": 7, "astoņi": 8, "deviņi": 9, "desmit": 10, "simts": 100},
}
DIGITS_ZH: Mapping[str, str] = {
    **{"零": "0", "一": "1", "二": "2", "两": "2", "三": "3", "四": "4", "五": "5"},
    **{"六": "6", "七": "7", "八": "8", "九": "9", "十": "10"},
}
NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|cannot|without|refuse[sd]?|nav|nē|nekad|"
    r"neviens|bez|ne(?:var|varat|drīkst|tiek|būs|maksā|bija|saņem\w*|piegād\w*|pieņem\w*))\b"
    r"|n['’]t\b|不|没|無|无|禁止|勿|未",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"\b(?:if|only|unless|except|until|provided|ja|tikai|izņemot|līdz)\b|如果|只有|仅|除非|除了|直到",
    re.IGNORECASE,
)
BINDING = frozenset(
    {
        *("free", "always", "never", "only", "must", "guarantee", "guaranteed", "guarantees"),
        *("refund", "refunds", "refunded", "every", "all", "unlimited", "immediately", "forever"),
        *("instantly", "compensation", "discount", "bonus", "bezmaksas", "vienmēr", "nekad"),
        *("tikai", "garantēts", "garantēta", "garantija", "atlaide", "atlaidi", "kompensācija"),
    }
)
BINDING_ZH = ("免费", "总是", "永远", "必须", "保证", "退款", "赔偿", "折扣", "全部", "立即")
COMMON = frozenset(
    {
        *("a", "an", "the", "of", "to", "in", "on", "at", "by", "for", "from", "with", "and", "or"),
        *(
            "if",
            "as",
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "it",
            "its",
            "this",
            "that",
            "these",
        ),
        *("those", "you", "your", "yours", "we", "our", "us", "i", "me", "my", "they", "them"),
        *("their", "do", "does", "did", "can", "could", "will", "would", "may", "might", "shall"),
        *("should", "have", "has", "had", "here", "there", "then", "so", "such", "also", "when"),
        *("where", "which", "who", "how", "what", "please", "yes", "no", "not", "cannot", "just"),
        *("un", "ir", "vai", "ar", "par", "no", "uz", "pie", "kas", "ko", "kā", "ja", "lai", "tas"),
        *("tā", "to", "jūs", "jūsu", "mēs", "mūsu", "es", "kad", "kur", "arī", "var", "varat"),
    }
)
"""Words that mean nothing by themselves."""
