"""Yes and no in their many forms: English, 中文, latviešu. Pure.

1. What says that somebody does not know, and what asks, is neither.
2. Denials that agree ("no problem", "that isn't wrong", "no, that's right") are yes.
3. Else a denial wins over an agreement in the same sentence ("yes… no, that's wrong"), unless it
   was taken back ("no, I mean yes").
"""

from __future__ import annotations

import re

from bots.nlu.numbers import fold

YES_EN = (
    "yes|yeah|yea|yep|yup|yah|ya|aye|yessir|sure|surely|ok|okay|okey|okie|okey dokey|correct|"
    "right(?! now| away)|"
    "alright|exactly|precisely|absolutely|definitely|certainly|totally|indeed|affirmative|"
    "of course|naturally|obviously|please do|go ahead|fine|true|perfect|"
    "(?:great|good|excellent|wonderful|lovely|brilliant)(?= *(?:$|[,.!]|thank|then|please|yes))|"
    "agreed?|accept(?:ed)?|confirm(?:ed)?|approved?|deal|granted|"
    "gladly|happy (?:to|with)|with pleasure|by all means|works? for (?:me|us)|suits? (?:me|us)|"
    "(?:that|it|this) (?:works|will do|suits)|sounds? (?:good|right|fine|great|like a plan)|"
    "looks? (?:good|right|fine|correct)|you (?:bet|got it)|let's (?:do|go)|do (?:it|that)|"
    "will do|can do|that's (?:me|it|the one|what i (?:said|want|meant))|that is (?:me|it|the one)|"
    "got it|spot on|bang on|i'?m in|count me in|uh huh|mhm|m+ ?hm+|uhu|speaking|roger|"
    "i (?:guess|think|suppose|believe|hope|reckon|imagine) so|i'?d (?:like|love) (?:that|to|it)|"
    "i(?:'d| would) (?:love|appreciate) that|might as well|if you (?:could|would|like)|"
    "that'?ll do|go on(?: then)?|if you (?:must|insist)|why yes|yh|ye|"
    "y|k|kk|ja|si|oui"
)
NO_EN = (
    "no+|nope|nah|nay|not|never|neither|none|nothing|wrong|incorrect|inaccurate|negative|false|"
    "untrue|mistaken|disagree|refuse|decline|reject|doubt|forget (?:it|that|about it)|"
    "cancel (?:it|that)|far from it|no way|nowhere near|hardly|on the contrary|"
    "leave it|skip (?:it|that)|drop it|pass|uh uh|nuh uh|unlikely|"
    "(?:do|does|did|is|was|are|were|ca|wo|would|could|should|have|has|ai)n'?t|cannot|n"
)
# Only as the whole answer: "I would like a pizza" agrees to nothing.
YES_ALONE = (
    r"(?:(?:yes|um|uh|well|oh|er|hmm|ah),? )*(?:please|(?:i|it|that|we|they|he|she) "
    r"(?:do|did|does|am|are|is|was|has|have|had|would|will|can|could|should))"
    r"(?:,? (?:now|so|thanks|thank you|please|indeed|then|for now))*"
)
AGREES_EN = (
    r"(?:no|not a) (?:problem|worries|bother|trouble)|not bad|why not|no objections?|"
    r"(?:have|has|got) no (?:objections?|problem|issue|doubt)|no,? (?:yes|yeah|you'?re right)|"
    r"no,? (?:that|it)(?:'s| is) (?:right|correct|true|it)|no doubt|without (?:a )?doubt|"
    r"(?:not|isn't|wasn't|nothing|nothing's) wrong|can'?t (?:complain|argue|say no|disagree)|"
    r"(?:don't|do not|wouldn't) (?:mind|disagree|say no|object)|not (?:a mistake|incorrect|false)|"
    r"no reason not|couldn't be better|no mistake|not wrong|can't deny|i'm not against"
)
TAKEN_BACK = r"\b(?:no|nope)\b.*\b(?:i mean|sorry|wait|actually|rather)\b.*\b(?:yes|yeah|correct)\b"
UNSURE_EN = (
    r"not (?:so |really |quite |too |entirely )?(?:sure|certain)|unsure|(?:don't|dont|do not) "
    r"(?:know|remember|understand|follow|get it|recall|have a clue)|no (?:idea|clue)|maybe|perhaps|"
    r"might be|could be|it depends|depends on|possibly|i forgot|i'?ve forgotten|not a clue|"
    r"(?:have|need|got) to (?:check|ask|think|look)|let me (?:think|check|see|look|ask)|"
    r"(?:can't|cannot|couldn't|didn't|can not) (?:hear|catch|understand|remember|tell|say(?! no))|"
    r"who knows|you tell me|hard to say|either|yes and no|looking for|hold on|one moment|"
    r"nobody told me|correct me if"
)
ASKS_EN = (
    r"^(?:(?:um|well|oh|so|er|uh|hmm|and|but|ah|sorry|excuse me)[, ]+)*"
    r"(?:what|where|when|who|whose|why(?! not)|how|which|is (?:it|that|this|there|the|my|he|she)|"
    r"are (?:you|there|they|we)|do (?:you|i|we|they)|does|did (?:you|i|he|she|they)|"
    r"can (?:you|i|we|somebody|someone)|could (?:you|i|we)|would (?:you|it)|will (?:you|it)|may i|"
    r"shall|should (?:i|we)|have you|has (?:it|he|she|my))\b"
)
YES_LV = (
    "ja|jap|jaa|jau|pareizi|pareizs|protams|labi|lieliski|der|deres|tiesi ta|ta ir|noteikti|"
    "loti labi|piekritu|apstiprinu|aha|gribu|velos|vajag|vajadzigs|ir|skaidrs|saprotams|"
    "bez saubam|ok|okei|varam|varu|jums taisniba|labprat|tiesam|precizi|derigi|izklausas labi"
)
NO_LV = (
    "ne|nepareizi|nepareizs|nav|nevajag|nevelos|nepiekritu|negribu|nepalidzeja|nekas|nekad|"
    "neder\\w*|nevar\\w*|nebij\\w*|neesmu|neapstiprinu|nekada gadijuma|nepavisam|atcelt|aplami|"
    "neizdevas|nestrada|nebus|nepatik"
)
AGREES_LV = r"nav problemu|nav iebildumu|neiebilstu|nav pretenziju|kapec ne|kapec gan ne|nav slikti"
UNSURE_LV = (
    r"nezinu|nesaprotu|neesmu (?:drosa?|parliecinat\w+)|varbut|uzgaidiet|nedzirdu|pagaidiet|"
    r"laikam|atkarigs"
)
YES_ZH = (
    r"是的?|对|好[的啊吧]?|可以|没错|不错|正确|当然|行|嗯|没问题|确认|要的?|需要|有的?|同意|愿意|"
    r"想|就是|成|确定|必须|肯定|OK|ok|没意见|不介意|不反对"
)
NO_ZH = r"不|没|错|否|别|算了|取消|拒绝|免了"
AGREES_ZH = r"没错|不错|没问题|不客气|没意见|不介意|不反对|没有问题|何不|不用说|没有错"
UNSURE_ZH = (
    r"不(?:太|是很|大)?(?:知道|清楚|确定|明白|懂|一定|好说)|说不好|没听(?:清|懂|见)|"
    r"什么|怎么|哪|吗|多少|几点|再说|等一下|稍等|也许|可能|为什么|忘了|不记得|查一下|你好"
)

_AGREES = re.compile(rf"\b(?:{AGREES_EN})\b")
_UNSURE = re.compile(rf"\b(?:{UNSURE_EN})\b")
_ASKS = re.compile(ASKS_EN)
_YES = re.compile(rf"\b(?:{YES_EN})\b|👍|✅|👌")
_NO = re.compile(rf"\b(?:{NO_EN})\b|👎|❌")
_TAKEN_BACK = re.compile(TAKEN_BACK)
_LEADING = re.compile(r"^(?:(?:um|well|oh|er|uh|hmm|ah)[, ]+)*(yes|yeah|yep|no|nope)\b")
_YES_LV = re.compile(rf"\b(?:{YES_LV})\b")
_NO_LV = re.compile(rf"\b(?:{NO_LV})\b")
_AGREES_LV = re.compile(rf"\b(?:{AGREES_LV})\b")
_UNSURE_LV = re.compile(rf"\b(?:{UNSURE_LV})\b|^(?:kas|kur|kad|kapec|ka|cik|vai|ko)\b")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_CODE = re.compile(r"[<>{}|=;]")
LONG, END = 12, 4
"""Words from which on a text is long, and how many at its ends may agree."""
LONG_HAN, END_HAN = 12, 4
"""The same in characters of a Chinese text."""


def yes_or_no(text: str, language: str = "en") -> bool | None:
    """True for yes, False for no, None when it is neither.

    In a long text only its first and last words agree to anything, and code never does: it
    may hold a "sure" or an "ok" of which nobody thought.
    """
    plain = fold(text).replace("’", "'").strip()
    found = _said(plain, language)
    if found and (_CODE.search(plain) or not _said(_ends(plain), language)):
        return None
    return found


def _ends(plain: str) -> str:
    """How a long text begins and ends; a short one as it is."""
    if _HAN.search(plain):
        return plain if len(plain) <= LONG_HAN else f"{plain[:END_HAN]} {plain[-END_HAN:]}"
    words = plain.split()
    return plain if len(words) <= LONG else " ".join([*words[:END], "…", *words[-END:]])


def _said(plain: str, language: str) -> bool | None:
    if _HAN.search(plain):
        return _chinese(plain)
    if language == "lv":
        latvian = _latvian(plain)
        if latvian is not None or _UNSURE_LV.search(plain):
            return latvian
    if _AGREES.search(plain) or _TAKEN_BACK.search(plain):
        return True
    leading = _LEADING.match(_UNSURE.sub(" ", plain))
    if _UNSURE.search(plain) or _ASKS.match(plain):
        return leading.group(1).startswith("y") if leading else None
    if re.fullmatch(YES_ALONE, plain.strip(".! ")):
        return True
    return _decide(plain, _YES, _NO)


def _latvian(plain: str) -> bool | None:
    if _AGREES_LV.search(plain):
        return True
    return None if _UNSURE_LV.search(plain) else _decide(plain, _YES_LV, _NO_LV)


def _decide(plain: str, yes: re.Pattern[str], no: re.Pattern[str]) -> bool | None:
    if no.search(plain):
        return False
    return True if yes.search(plain) else None


def _chinese(plain: str) -> bool | None:
    if re.search(AGREES_ZH, plain):
        return True
    if re.search(UNSURE_ZH, plain):
        return None
    if re.search(NO_ZH, plain):
        return False
    return True if re.search(YES_ZH, plain) else None


def leading_answer(text: str, language: str = "en", words: int = 3) -> bool | None:
    """The yes or no that a longer sentence begins with."""
    return yes_or_no(" ".join(text.split()[:words]), language)


def is_short_answer(text: str, words: int = 4) -> bool:
    """Whether it is little more than a yes or a no, and no question of its own."""
    plain = text.strip()
    if plain.endswith(("?", "？")):
        return False
    if _HAN.search(plain):
        return len(plain) <= words + 2
    return len(plain.split()) <= words
