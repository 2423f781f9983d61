"""Words that tell a customer's mood, and how much: English, latviešu (stems), 中文.

Weights are from -3 to 3. ``ANGRY`` phrases also tell how angry, from 0 to 1. Everything is folded:
lower case, without accents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


def _weights(listed: Mapping[int, str]) -> dict[str, float]:
    return {word: float(weight) for weight, words in listed.items() for word in words.split()}


EN = _weights({
    3: """excellent amazing fantastic wonderful brilliant awesome perfect outstanding superb love
    loved delighted thrilled lifesaver fabulous incredible""",
    2: """great happy pleased glad lovely impressed helpful thank thanks thankful grateful
    appreciate appreciated nice kind friendly best super recommend satisfied cheers solved quick
    easy fast smooth smoothly excited quickly relieved professional enjoy enjoyed""",
    1: """good fine well better ok okay cool works worked correct right polite clear relief hope
    welcome fair interesting useful works safe""",
    -1: """
    problem problems issue issues late delayed delay missing lost broken damaged cracked wrong
    error errors fail fails failed failing unable slow worried worry confused confusing unclear
    unfortunately sadly bad trouble stuck waiting overcharged faulty defective leaking dirty cold
    expensive twice incorrect complicated difficult hard unhappy refuse refused stopped crash
    crashes crashed mistake mistakes inconvenient annoying tired bother sad unsure ignored
    disconnected overdue stolen scratched bent smashed shattered spoiled ruined forgot noise noisy
    rubbish sorry chasing delays""",
    -2: """
    disappointed disappointing
    frustrated frustrating frustration upset poor awful horrible
    unacceptable terrible useless annoyed rude dreadful pathetic hopeless misleading misled angry
    nightmare mess hate hated worst lied lie lies liar incompetent shocking appalling fed outrageous
    dissatisfied unprofessional nonsense absurd joke ridiculous lousy crap cheated cheat scam
    fraud robbery ripoff scandal scandalous clueless careless insulting insult""",
    -3: """disgusting disgusted disgrace disgraceful furious livid outraged despicable infuriating
    scammers thieves crooks idiots idiot morons moron stupid bullshit shit shitty fuck fucking
    fucked damn damned bloody bastards wtf garbage shambles atrocious abysmal fuming enraged""",
})  # fmt: skip
LV = _weights({
    3: "lielisk brinisk izcil perfekt fantastisk apbrinojam satriecos",
    2: "paldies priec apmierinat patik pateic laipn jauk ertu atri atra palidzej izdevas tencin",
    1: "lab pareiz skaidr kartib der strada",
    -1: """problem kavej aizkavej pazud trukst salauzt bojat saplis nepareiz kludain klud nestrada
    nevar diemzel slikt neskaidr gaid nesanem nav-pienac aizmirs dubult auksts netir dargi dargs
    noguris uztrauc nezin sarezgit""",
    -2: """vilies vilus nepienem neapmierinat slikts briesmig dusm nejedzig apnik kauns rupj
    melo melus haoss murgs besi kaitin krap nolaidig sliktak bezjedzig neprofesional""",
    -3: "riebig saniknot idiot stulb negods sudi velns sasodit nahren muld-k nekauniba",
})  # fmt: skip
ZH = _weights({
    3: "太棒了 非常满意 完美 太好了 特别好 超级好 太感谢",
    2: """谢谢 感谢 满意 开心 高兴 喜欢 不错 很好 真好 方便 很快 辛苦 帮了大忙 解决了
    好评 贴心 耐心 给力""",
    1: "可以 好的 没问题 没事 没关系 清楚",
    -1: """问题 晚了 延误 迟到 丢了 坏了 破了 破损 错了 不对 缺少 少了 没收到 收不到
    不能用 用不了 打不开 慢 麻烦 担心 困惑 不明白 着急 等了 太贵 扣错 多扣 没人 失败 漏水 不清楚""",
    -2: """失望 生气 不满 差劲 糟糕 太差 烦 受不了 投诉 无语 敷衍 欺骗 骗 态度差 不负责
    推脱 过分 离谱 坑 难用 不像话 气人 没用""",
    -3: "垃圾 愤怒 气死 恶心 混蛋 骗子 他妈 妈的 滚 无耻 忍无可忍 岂有此理 废物 傻",
})  # fmt: skip

NEGATIONS = frozenset(
    {"not", "no", "never", "none", "nothing", "without", "hardly", "barely", "isn't", "wasn't"}
    | {"don't", "doesn't", "didn't", "can't", "cannot", "couldn't", "won't", "wouldn't", "aren't"}
    | {"nobody", "neither", "nor", "dont", "didnt", "isnt", "cant", "wont", "ne", "nav", "nebija"}
    | {"neesmu", "nebiju", "neesam", "nejutos"}
    | {"nevar", "nekad", "haven't", "hasn't", "ain't", "weren't", "stop"}
)
STRONGER: Mapping[str, float] = {
    "very": 1.5, "really": 1.5, "so": 1.5, "extremely": 1.5, "totally": 1.5, "absolutely": 1.5,
    "completely": 1.5, "utterly": 1.5, "incredibly": 1.4, "beyond": 1.4, "super": 1.4, "too": 1.4,
    "such": 1.4, "truly": 1.4, "seriously": 1.4, "highly": 1.4, "deeply": 1.4, "quite": 1.3,
    "pretty": 1.3, "fucking": 1.3, "bloody": 1.3, "damn": 1.3, "loti": 1.5, "parak": 1.4,
    "pavisam": 1.4, "slightly": 0.6, "somewhat": 0.6, "bit": 0.6, "little": 0.6, "mazliet": 0.6,
    "nedaudz": 0.6,
}  # fmt: skip
ZH_STRONGER = re.compile(r"(?:太|非常|特别|十分|真的?|极其|超级?|实在|很|好)$")
ZH_NEGATION = re.compile(r"(?:不|没有?|别|无|未)(?:是|太|怎么)?$")


def _phrases(lines: str) -> str:
    """Whole words: one pattern a line, or several with bars."""
    return rf"\b(?:{'|'.join(line.strip() for line in lines.strip().splitlines())})\b"


ANGRY: tuple[tuple[str, float, float], ...] = (
    (_phrases(r"""
        fuck\w*|shit\w*|bullshit|bastards?|wtf|arse\w*|bollocks|crap|piss\w* off
        shut up|go to hell|screw you|get lost|rip(?:ping)? me off|ripped off|daylight robbery
     """), 0.6, -1.5),
    (_phrases(r"""
        furious|livid|outraged|fuming|angry|enraged|infuriating|mad (?:at|about)
     """), 0.55, 0),
    (_phrases(r"""
        idiots?|morons?|stupid|incompetent|clueless|liars?|thieves|crooks|scam(?:mers?)?
        you lied|lied to me|bloody|damn|useless|robots? (?:that|who) (?:doesn't|don't)
     """), 0.5, 0),
    (_phrases(r"""
        ridiculous|disgrace\w*|disgusting|outrageous|unacceptable|pathetic|appalling
        shambles|absolute joke|is a joke|worst (?:company|service|experience|support)
        unbelievable
     """), 0.5, 0),
    (_phrases(r"""
        fed up|sick (?:and tired )?of|(?:had|have) enough|enough is enough|enough of this
        losing my patience|out of patience|lost (?:all |my )?patience|last straw|at my wits
        had it with (?:you|this)|for (?:god|christ|heaven)'s sake|for fuck
     """), 0.55, -2),
    (_phrases(r"""
        (?:second|third|fourth|fifth|sixth|tenth|hundredth|2nd|3rd|4th|5th) time
        (?:two|three|four|five|six|ten|many|several|\d+|a hundred) times
        again and again|over and over|time and again|how many (?:more )?times
        every (?:single )?time|yet again
     """), 0.3, -1.2),
    (_phrases(r"""
        (?:file|make|lodge|raise|submit|have) a (?:formal |official )?complaint
        want to complain|complaint|complain about
     """), 0.5, -1.5),
    (_phrases(r"""
        lawyer|solicitor|sue|suing|court|legal action|trading standards|ombudsman|police
        consumer (?:rights|protection)|report you|bad review|one star|social media|twitter
     """), 0.5, -1),
    (_phrases(r"""
        cancel everything|never again|never (?:use|buy|order)|losing me|lost a customer
        switch(?:ing)? (?:to )?(?:another|a different)|lose a customer|take my business
     """), 0.35, -1.5),
    (_phrases(r"""
        immediately|right now|this instant|at once|asap|i demand|demand to|i insist
        (?:your|the|a) (?:manager|supervisor|boss)|someone in charge
     """), 0.3, -0.5),
    (_phrases(r"""
        what (?:the hell|on earth|is wrong with you)|how dare|do you even|are you even
        are you (?:kidding|joking|serious|deaf)|waste of (?:my )?(?:time|money)
        wasting my time|don't you (?:dare|get|understand|listen)|you people|you lot
        (?:nobody|no one) (?:\w+ )?(?:cares|helps|listens|answers|calls|picks|does anything)
     """), 0.5, -2),
    (_phrases(r"""
        thanks for nothing|big help you are|just great|oh great|oh brilliant|how lovely of
        nice one|well done,? (?:genius|you)|what a (?:joke|surprise)
     """), 0.5, -4.5),
    (_phrases(r"""
        all (?:day|week|morning)|hours? on hold|on hold (?:for|since)
        keeps? (?:happening|crashing|hanging)|passed around|round in circles
        still (?:no|not|nothing|haven't|hasn't|waiting|broken|the same)
     """), 0.2, -1),
    (_phrases(r"""
        sudzet\w*|sudzib\w*|jurist\w*|advokat\w*|tiesa
        dusm\w+|saniknot\w+|nekauniba|apnic\w+|idiot\w*|stulb\w*|negods|kauns|krapsan\w*
        nepienemam\w+|murgs|besi|sasodit\w*|sudi
     """), 0.5, -1),
    (_phrases(r"""
        (?:tres|otr|ceturt|piekt)\w+ reiz\w*|tresoreiz|jau atkal|cik reizes|vairs nevaru
     """), 0.5, -1.2),
    ("投诉|律师|消费者协会|12315|曝光|举报|告你们", 0.5, -1.5),
    ("第[二三四五六七八九十]次|[三四五六七八九十]遍|又[坏错丢]|一直没|多少次|好几[次遍]",
     0.5, -1.2),
    ("气死|愤怒|生气|受不了|垃圾|骗子|混蛋|他妈|妈的|滚|无耻|忍无可忍|岂有此理|太过分|不像话"
     "|废物|什么态度", 0.55, 0),
)  # fmt: skip
"""What tells anger: pattern, how much (0..1), and its weight beside that of its words."""
TOLD: tuple[tuple[str, float], ...] = (
    (r"\b(?:couldn't be (?:better|happier)|can't complain|nothing to complain)\b", 2),
    (_phrases(r"""
        (?:can't|cannot|can not|couldn't|unable to) (?:\w+ )?(?:log|get|find|open|access|see)
        (?:can't|cannot|can not|couldn't|unable to) (?:\w+ )?(?:pay|use|reach|sign|enter)
     """), -1.2),
    (_phrases(r"""
        (?:didn't|doesn't|don't|won't|isn't|did not|does not|do not|not|never) (?:help|work\w*|ring)
        (?:didn't|doesn't|won't|did not|does not|not|never) (?:come|arrive\w*|show|turn|deliver\w*)
        (?:didn't|doesn't|don't|won't|did not|does not|do not|not) (?:like|understand|load|respond)
        (?:didn't|haven't|did not|have not|never) (?:\w+ )?(?:receive\w*|got|gotten|get|heard)
     """), -1.2),
    (_phrases(r"""
        a pity|a shame|declined|longer than (?:promised|expected|planned)|rejected|too late
     """), -1.2),
)  # fmt: skip
"""What was told without a word of mood: pattern and weight."""
COUNTERED = re.compile(
    r"\b(?:no (?:problems?|worries|complaints?|issues?|trouble|rush)|not bad|never mind|no longer|"
    r"not a problem|can't complain|without (?:any )?(?:problems?|issues?)|don't worry|"
    r"nav problemu|no need|nothing wrong)\b|没问题|不错|没关系|没事|问题解决"
)
"""Phrases of bad words that say nothing bad."""
