"""What the bot says where a flow leaves it open, in every language it speaks.

Two repairs per question, each in other words and more helpful, for "I did not
understand" and for "I did not hear"; after them the keys, after these a person.
"""

from __future__ import annotations

from collections.abc import Mapping

from bots.flow.model import Text


def _text(variants: Mapping[str, str | tuple[str, str]]) -> Text:
    """From language → text, or language → (for the ear, for the eye)."""
    found: dict[tuple[str, str], str] = {}
    for language, variant in variants.items():
        if isinstance(variant, str):
            found[language, ""] = variant
        else:
            found[language, "voice"], found[language, "text"] = variant
    return Text(found)


OUTSIDE = _text(
    {
        "en": ("I am putting you through. One moment, please.", "You can call {{ outside }}."),
        "zh": ("正在为您转接，请稍候。", "请拨打 {{ outside }}。"),
        "lv": ("Savienoju jūs. Lūdzu, uzgaidiet.", "Jūs varat zvanīt uz {{ outside }}."),
    }
)
"""Before somebody outside is called; in writing, how to call them."""

NO_MATCH = (
    _text(
        {
            "en": ("Sorry, I did not get that.", "Sorry, I did not understand that."),
            "zh": "抱歉，我没有听懂。",
            "lv": "Atvainojiet, es nesapratu.",
        }
    ),
    _text(
        {
            "en": (
                "I still did not understand. Please say it in a few words, "
                "or press zero for a person.",
                "I still did not understand. Please put it in other words, "
                "or write “agent” for a person.",
            ),
            "zh": (
                "我还是没有听懂。请换个说法，或按零转人工。",
                "我还是没有看懂。请换个说法，或输入“人工”。",
            ),
            "lv": (
                "Joprojām nesapratu. Lūdzu, pasakiet īsāk vai nospiediet nulli, "
                "lai runātu ar darbinieku.",
                "Joprojām nesapratu. Lūdzu, pasakiet citiem vārdiem vai rakstiet “darbinieks”.",
            ),
        }
    ),
)

NO_INPUT = (
    _text(
        {
            "en": ("I did not hear anything.", "Are you still there?"),
            "zh": "我没有听到您的声音。",
            "lv": "Es neko nedzirdēju.",
        }
    ),
    _text(
        {
            "en": (
                "I still cannot hear you. You can also use the keys of your telephone, "
                "or press zero for a person.",
                "I have not heard from you. Write “agent” if you would rather talk to a person.",
            ),
            "zh": "我还是听不到您。您也可以按键，或按零转人工。",
            "lv": "Joprojām jūs nedzirdu. Varat izmantot tālruņa taustiņus vai nospiest nulli.",
        }
    ),
)

KEYS_YES_NO = _text(
    {
        "en": "Please use the keys of your telephone: press one for yes, two for no, "
        "or zero for a person.",
        "zh": "请用电话按键回答：是请按一，不是请按二，人工服务请按零。",
        "lv": "Lūdzu, atbildiet ar tālruņa taustiņiem: viens nozīmē jā, divi nozīmē nē, "
        "nulle savieno ar darbinieku.",
    }
)
KEYS_DIGITS = _text(
    {
        "en": "Let us try it with the keys of your telephone: please type the number, "
        "or press zero for a person.",
        "zh": "我们改用电话按键吧：请按键输入号码，或按零转人工。",
        "lv": "Pamēģināsim ar tālruņa taustiņiem: lūdzu, ievadiet numuru vai nospiediet "
        "nulli, lai runātu ar darbinieku.",
    }
)
KEYS_MENU = _text(
    {
        "en": "Let us try it with the keys of your telephone.",
        "zh": "我们改用电话按键吧。",
        "lv": "Pamēģināsim ar tālruņa taustiņiem.",
    }
)
"""The question itself, which names its keys, follows."""
KEYS_CHOICE = _text(
    {
        "en": "press {key} for {name}",
        "zh": "{name}请按{key}",
        "lv": "nospiediet {key}: {name}",
    }
)
KEYS_PERSON = _text(
    {
        "en": "or zero for a person",
        "zh": "人工服务请按零",
        "lv": "vai nulli, lai runātu ar darbinieku",
    }
)

LANGUAGE = _text(
    {
        "en": "Let us go on in English.",
        "zh": "好的，我们用中文继续。",
        "lv": "Labi, turpināsim latviski.",
    }
)

RETURNED = _text(
    {
        "en": "You are back with the automatic assistant.",
        "zh": "您已回到智能助手。",
        "lv": "Jūs atkal runājat ar automātisko asistentu.",
    }
)
"""To who was with a person in between."""

BROKEN = _text(
    {
        "en": "I am sorry, something went wrong on our side. A colleague takes over.",
        "zh": "抱歉，我们这边出了问题，将由同事为您服务。",
        "lv": "Atvainojiet, pie mums kaut kas nogāja greizi. Jums palīdzēs kolēģis.",
    }
)
"""When the bot itself fails, so that nobody waits for it."""

FIRST_QUESTION = _text(
    {
        "en": "I cannot go back any further.",
        "zh": "不能再往前了。",
        "lv": "Tālāk atpakaļ vairs nevar.",
    }
)

NO_HURRY = _text(
    {
        "en": "No hurry, I am still here.",
        "zh": "不着急，我还在。",
        "lv": "Nesteidzieties, es gaidu.",
    }
)

FILLERS = (
    _text(
        {
            "en": "One moment, I am looking that up.",
            "zh": "请稍等，我查一下。",
            "lv": "Mirklīti, es to noskaidroju.",
        }
    ),
    _text(
        {
            "en": "Just a second, please.",
            "zh": "请等一下。",
            "lv": "Vienu mirkli, lūdzu.",
        }
    ),
    _text(
        {
            "en": "Let me check that for you.",
            "zh": "我帮您看一下。",
            "lv": "Tūlīt paskatīšos.",
        }
    ),
)
"""Said on a call while an action or an answer takes its time, one after the other."""

CONFIRM = _text(
    {
        "en": ("I have {{ value|spoken }}. Is that right?", "I have {{ value }}. Is that right?"),
        "zh": ("您说的是 {{ value|spoken('zh') }}，对吗？", "您说的是 {{ value }}，对吗？"),
        "lv": (
            "Es sapratu {{ value|spoken('lv') }}. Vai pareizi?",
            "Es sapratu {{ value }}. Vai pareizi?",
        ),
    }
)

HANDOFF = _text(
    {
        "en": (
            "I am putting you through to a colleague, who will see what we talked about. "
            "Please hold on.",
            "I am handing you over to a colleague, who sees everything you wrote. "
            "You do not have to repeat it.",
        ),
        "zh": "我正在为您转接同事，他能看到我们的对话，您无需重复。",
        "lv": "Savienoju jūs ar kolēģi, kurš redzēs mūsu sarunu. Jums nekas nebūs jāatkārto.",
    }
)

GOODBYE = _text(
    {
        "en": "Thank you and goodbye.",
        "zh": "谢谢，再见。",
        "lv": "Paldies un uz redzēšanos.",
    }
)

BETWEEN = _text(
    {
        "en": "Is it about {first}, or about {second}?",
        "zh": "请问是关于{first}，还是关于{second}？",
        "lv": "Vai tas ir par {first}, vai par {second}?",
    }
)
"""``first`` and ``second`` are the names of two matters."""
BETWEEN_AGAIN = _text(
    {
        "en": (
            "For {first} press one, for {second} press two. You can also say the first, "
            "the second, or neither.",
            "Please answer 1 for {first}, 2 for {second}, or “neither”.",
        ),
        "zh": (
            "{first}请按一，{second}请按二。您也可以说第一个、第二个，或者都不是。",
            "{first}请回复 1，{second}请回复 2，都不是请回复“都不是”。",
        ),
        "lv": (
            "Par {first} nospiediet viens, par {second} nospiediet divi. Varat arī teikt "
            "pirmais, otrais vai neviens.",
            "Lūdzu, atbildiet: 1 par {first}, 2 par {second} vai “neviens”.",
        ),
    }
)

BACK_TO = _text(
    {
        "en": "Now back to {about}.",
        "zh": "我们回到{about}。",
        "lv": "Tagad atgriezīsimies pie jautājuma par {about}.",
    }
)
BACK = _text(
    {
        "en": "Now back to where we were.",
        "zh": "我们回到刚才的问题。",
        "lv": "Tagad atgriezīsimies pie iepriekšējā.",
    }
)

CORRECTED = _text(
    {
        "en": ("I have changed that to {{ value|spoken }}.", "I have changed that to {{ value }}."),
        "zh": ("已改为 {{ value|spoken('zh') }}。", "已改为 {{ value }}。"),
        "lv": ("Izlaboju: {{ value|spoken('lv') }}.", "Izlaboju: {{ value }}."),
    }
)
TOO_LATE = _text(
    {
        "en": "That has been carried out already, I cannot change it any more. "
        "A colleague can: just say or write “agent”.",
        "zh": "该操作已经完成，我无法再更改。需要更改请说或输入“人工”。",
        "lv": "Tas jau ir izpildīts, un es to vairs nevaru mainīt. Kolēģis var: "
        "sakiet vai rakstiet “darbinieks”.",
    }
)

STOPPED = _text(
    {
        "en": "All right, I leave it there.",
        "zh": "好的，就到这里。",
        "lv": "Labi, tad beidzam.",
    }
)

CODE_SENT = _text(
    {
        "en": "To be sure that it is you, I have sent a code of six digits to the address we "
        "have of you. What is the code?",
        "zh": "为确认您的身份，我已将六位验证码发送到您登记的地址。请问验证码是多少？",
        "lv": "Lai pārliecinātos, ka tas esat jūs, nosūtīju sešu ciparu kodu uz jūsu adresi, kas "
        "mums zināma. Kāds ir kods?",
    }
)
CODE_WRONG = _text(
    {
        "en": "That is not the code. Please look again: what are its six digits?",
        "zh": "验证码不正确。请再看一下，六位数字是多少？",
        "lv": "Tas nav īstais kods. Lūdzu, paskatieties vēlreiz: kādi ir seši cipari?",
    }
)
CODE = _text(
    {
        "en": "What is the code of six digits?",
        "zh": "六位验证码是多少？",
        "lv": "Kāds ir sešu ciparu kods?",
    }
)
