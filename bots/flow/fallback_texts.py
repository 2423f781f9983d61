"""What is said when no person comes, and how customers say what they would rather. Pure.

Templates, as a flow's own: ``nobody.why`` tells whether anybody is there at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bots.flow.model import CHANNELS, LANGUAGES, Text

Words = Mapping[str, str]

BUSY: Words = {
    "en": "All colleagues are still busy.",
    "zh": "同事们都在忙。",
    "lv": "Visi kolēģi vēl ir aizņemti.",
}
AWAY: Words = {
    "en": "No colleague is here just now.",
    "zh": "目前没有同事在线。",
    "lv": "Pašlaik neviena kolēģa nav.",
}
SPOKEN: Mapping[str, Words] = {
    "callback": {
        "en": "To be called back, say “call me back” or press {key}.",
        "zh": "需要我们回电，请说“回电”或按{key}。",
        "lv": "Lai mēs atzvanītu, sakiet “atzvaniet” vai nospiediet {key}.",
    },
    "message": {
        "en": "To leave a message, say “message” or press {key}.",
        "zh": "需要留言，请说“留言”或按{key}。",
        "lv": "Lai atstātu ziņu, sakiet “ziņa” vai nospiediet {key}.",
    },
    "wait": {
        "en": "To keep your place and wait, say “wait” or press {key}.",
        "zh": "继续等待，请说“等待”或按{key}。",
        "lv": "Lai gaidītu, sakiet “gaidu” vai nospiediet {key}.",
    },
}
WRITTEN: Mapping[str, Words] = {
    "callback": {"en": "a call back", "zh": "回电", "lv": "atzvanīšana"},
    "message": {"en": "an answer by e-mail", "zh": "邮件答复", "lv": "atbilde pa e-pastu"},
    "wait": {"en": "keep waiting", "zh": "继续等待", "lv": "gaidīt tālāk"},
}
RATHER: Words = {
    "en": "What would you like? {list}. Write the number or the words.",
    "zh": "您希望怎样？{list}。请回复数字或文字。",
    "lv": "Ko jūs vēlaties? {list}. Rakstiet ciparu vai vārdus.",
}
KEYS: Mapping[str, Sequence[str]] = {
    "en": ("one", "two", "three"),
    "zh": ("一", "二", "三"),
    "lv": ("viens", "divi", "trīs"),
}
PHRASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "callback": {
        "en": ("call back", "callback", "call me back", "call me", "a call back", "ring me back"),
        "zh": ("回电", "给我回电", "打给我", "回拨"),
        "lv": ("atzvaniet", "atzvaniet man", "piezvaniet man", "atzvanīšana", "zvanu"),
    },
    "message": {
        "en": ("message", "leave a message", "e-mail", "email", "mail", "answer by e-mail"),
        "zh": ("留言", "邮件", "邮件答复", "发邮件"),
        "lv": ("ziņa", "ziņu", "atstāt ziņu", "e-pasts", "pa e-pastu"),
    },
    "wait": {
        "en": ("wait", "keep waiting", "I will wait", "hold", "I'll hold", "stay on the line"),
        "zh": ("等待", "继续等待", "我等", "继续等"),
        "lv": ("gaidu", "gaidīt", "gaidīt tālāk", "es gaidīšu", "pagaidīšu"),
    },
}


def _text(variants: Mapping[str, str | tuple[str, str]]) -> Text:
    found: dict[tuple[str, str], str] = {}
    for language, words in variants.items():
        spoken, written = words if isinstance(words, tuple) else (words, words)
        found |= {(language, "voice"): spoken, (language, "text"): written}
    return Text(found)


def question(offer: Sequence[str]) -> Text:
    """How things stand, and what the customer may choose."""
    return Text({key: f"{_stands(key[0])} {words}" for key, words in _offered(offer).items()})


def again(offer: Sequence[str]) -> Text:
    """The choices alone."""
    return Text(_offered(offer))


def _stands(language: str) -> str:
    why = "{% if nobody.why in ('waited', 'estimate', 'full') %}"
    return f"{why}{BUSY[language]}{{% else %}}{AWAY[language]}{{% endif %}}"


def _offered(offer: Sequence[str]) -> dict[tuple[str, str], str]:
    found = {}
    for language in LANGUAGES:
        for channel in CHANNELS:
            if channel == "voice":
                found[language, channel] = _by_voice(offer, language)
            else:
                found[language, channel] = _in_writing(offer, language)
    return found


def _by_voice(offer: Sequence[str], language: str) -> str:
    keys = zip(offer, KEYS[language], strict=False)
    return " ".join(SPOKEN[name][language].replace("{key}", key) for name, key in keys)


def _in_writing(offer: Sequence[str], language: str) -> str:
    listed = [f"{n} – {WRITTEN[name][language]}" for n, name in enumerate(offer, start=1)]
    joint = "；" if language == "zh" else "; "
    return RATHER[language].replace("{list}", joint.join(listed))


WAIT_ON = _text(
    {
        "en": (
            "All right. You keep your place; the next free colleague takes your call.",
            "All right. You keep your place, and a colleague answers you here.",
        ),
        "zh": (
            "好的。您的位置保留不变，有同事空闲时即为您接听。",
            "好的。您的位置保留不变，同事会在这里答复您。",
        ),
        "lv": (
            "Labi. Jūsu vieta paliek; atbildēs pirmais brīvais kolēģis.",
            "Labi. Jūsu vieta paliek, un kolēģis atbildēs šeit.",
        ),
    }
)
ALL_RIGHT = _text({"en": "All right.", "zh": "好的。", "lv": "Labi."})
NUMBER = _text(
    {
        "en": "Which number shall we call?",
        "zh": "请问我们应拨打哪个号码？",
        "lv": "Uz kādu numuru lai zvanām?",
    }
)
NUMBER_SO = _text(
    {
        "en": (
            "Please say or key in the whole number, with its country code.",
            "Please write the whole number with its country code, as +371 26123456.",
        ),
        "zh": (
            "请说出或按键输入完整号码，包括国家代码。",
            "请写完整号码，包括国家代码，例如 +371 26123456。",
        ),
        "lv": (
            "Lūdzu, nosauciet vai ievadiet visu numuru ar valsts kodu.",
            "Lūdzu, rakstiet visu numuru ar valsts kodu, piemēram, +371 26123456.",
        ),
    }
)
MAIL_SO = _text(
    {
        "en": "An address looks like name@example.com.",
        "zh": "邮箱地址的格式如 name@example.com。",
        "lv": "Adrese izskatās šādi: name@example.com.",
    }
)
PROMISED = _text(
    {
        "en": "Thank you. A colleague calls you as soon as somebody is free, and will know what "
        "we talked about. Goodbye.",
        "zh": "谢谢。同事有空会尽快给您回电，并了解我们的对话。再见。",
        "lv": "Paldies. Kolēģis jums piezvanīs, tiklīdz kāds būs brīvs, un zinās mūsu sarunu. "
        "Uz redzēšanos.",
    }
)
NO_CALL = _text(
    {
        "en": "I cannot note a call to that number just now.",
        "zh": "抱歉，暂时无法登记该号码的回电。",
        "lv": "Diemžēl šobrīd nevaru pieteikt zvanu uz šo numuru.",
    }
)
MAIL = _text(
    {
        "en": "Which e-mail address shall we answer to?",
        "zh": "请问我们应答复到哪个邮箱？",
        "lv": "Uz kādu e-pasta adresi lai atbildam?",
    }
)
NOTE = _text(
    {
        "en": "What should my colleague know? Please write it in one message; what we have "
        "written so far goes with it.",
        "zh": "请用一条消息写明需要同事了解的内容；我们之前的对话会一并转交。",
        "lv": "Kas kolēģim jāzina? Lūdzu, uzrakstiet vienā ziņā; līdzšinējā saruna tiek nodota "
        "kopā ar to.",
    }
)
MAILED = _text(
    {
        "en": "Thank you. A colleague answers you by e-mail. Goodbye.",
        "zh": "谢谢。同事会通过电子邮件答复您。再见。",
        "lv": "Paldies. Kolēģis jums atbildēs pa e-pastu. Uz redzēšanos.",
    }
)
