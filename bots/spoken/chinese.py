"""Mandarin as it is said: 两 before what is counted, 零 in gaps, 元 角 分. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.spoken.tongue import Day, Number, Rule, abbreviations

DIGITS = "零一二三四五六七八九"
TWO = re.compile(
    r"\s?(?:多)?(?:个|天|周|小时|分钟|秒|年|次|件|位|名|人|份|张|台|条|种|元|块|欧|美|英镑|公斤|千克|公里|"
    r"米|升|吨|倍|点|箱|包|封|页|户|笔|项|步|遍|家|套|部|本|只|辆|千瓦|立方|平方|毫|厘|克|兆|万|千|亿|岁|成)"
)
"""Before these 2 is 两; not before 月, 号, 日, 楼, 分."""
NAMES = {"EUR": "欧元", "USD": "美元", "GBP": "英镑", "CNY": "元"}
CENTS = {"EUR": "欧分", "USD": "美分", "GBP": "便士"}
UNITS = {
    "kg": "公斤", "g": "克", "mg": "毫克", "t": "吨", "km": "公里", "m": "米", "cm": "厘米",
    "mm": "毫米", "m²": "平方米", "m³": "立方米", "l": "升", "ml": "毫升", "kWh": "千瓦时",
    "MWh": "兆瓦时", "kW": "千瓦", "W": "瓦", "V": "伏", "A": "安", "°C": "摄氏度", "°": "度",
    "km/h": "公里每小时", "KB": "千字节", "MB": "兆", "GB": "吉字节", "Mbit/s": "兆比特每秒",
    "Hz": "赫兹", "h": "小时", "min": "分钟", "s": "秒", "month": "月", "year": "年", "day": "天",
    "week": "周", "hour": "小时",
}  # fmt: skip
SHORT = {"e.g.": "例如", "i.e.": "即", "vs.": "对", "vs": "对", "tel.": "电话", "Tel.": "电话",
         "№": "编号"}  # fmt: skip

_WEEK = "(?:周|星期|礼拜)[一二三四五六日天]"


def cardinal(number: int) -> str:
    """205 → 二百零五; below 10¹⁶. Two is 二 except before 千, 万 and 亿 at the beginning."""
    if number < 20:
        return (
            DIGITS[number] if number < 10 else "十" + (DIGITS[number % 10] if number > 10 else "")
        )
    return _sections(number)


def _sections(number: int) -> str:
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万")):
        if number >= size:
            many, rest = divmod(number, size)
            head = ("两" if many == 2 else _section_or_more(many)) + name
            gap = "零" if 0 < rest < size // 10 else ""
            return head + gap + (_sections(rest) if rest > 19 else _small(rest))
    return _below_myriad(number)


def _section_or_more(number: int) -> str:
    return _sections(number) if number > 19 else _small(number, leading=True)


def _small(number: int, *, leading: bool = False) -> str:
    if number == 0:
        return ""
    if number < 10:
        return DIGITS[number]
    return ("十" if leading else "一十") + (DIGITS[number % 10] if number > 10 else "")


def _below_myriad(number: int) -> str:
    said, gap, began = "", False, False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, size)
        if digit == 0:
            gap = began
            continue
        two = digit == 2 and not began and name in ("千", "百")
        said += ("零" if gap else "") + ("两" if two else DIGITS[digit]) + name
        gap, began = False, True
    return said


class Chinese:
    """Implements ``bots.spoken.tongue.Tongue``."""

    code = "zh"
    decimal_mark = "."
    cue = (
        r"(?:验证码|密码|编码|代码|订单号码?|订单编号|订单|单号|账号|帐号|卡号|号码|编号|尾号|工号|分机|"
        r"拨打|电话|客户号|邮编|房间|航班|No\.)"
    )
    words: Mapping[str, str] = {
        "@": "艾特", ".": "点", "/": "斜杠", "-": "杠", "_": "下划线", "+": "加", "&": "和",
        "=": "等于", "<": "小于", ">": "大于", "≤": "不超过", "≥": "不少于", "±": "正负",
        "×": "乘", "°": "度", "§": "第", "#": "编号", "~": "约", "≈": "约", "minus": "负",
        "to": "到", ":": "比", "24/7": "每周七天、每天二十四小时", "→": "到", "€": "欧元",
        "$": "美元", "£": "英镑", "¥": "元", "%": "百分号", "‰": "千分号",
    }  # fmt: skip

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Dates with 年月日, 第, 点半, ranges of weekdays."""
        return (
            (re.compile(r"(?<!\d)(\d{4})\s?[-–—~～]\s?(\d{4})\s?年"),
             lambda found: f"{_digits(found[1])}到{_digits(found[2])}年"),
            (re.compile(r"(\d{4})\s?年(?:\s?(\d{1,2})\s?月(?:份|\s?(\d{1,2})\s?([日号]))?)?"),
             _year),
            (re.compile(r"(?<!\d)(\d{1,2})\s?月(份|\s?(\d{1,2})\s?([日号]))?"), _month),
            (re.compile(r"第\s?(\d+)"), lambda found: f"第{_plain(int(found[1]))}"),
            (re.compile(rf"(?<![\d.,:/-])(\d{{4,12}})(?={TWO.pattern})"),
             lambda found: cardinal(int(found[1])) if found[1][0] != "0" else None),
            (re.compile(r"No\.(?=\s?\d)"), lambda _: "编号"),
            (re.compile(rf"({_WEEK})\s?[-–—~～]\s?({_WEEK})"),
             lambda found: f"{found[1]}到{found[2]}"),
            (re.compile(r"(?<![\d.])(\d{1,2})\s?[-–—~～]\s?(\d{1,2})(?=\s?(?:日|号|楼|层))"),
             lambda found: f"{_plain(int(found[1]))}到{_plain(int(found[2]))}"),
            (re.compile(r"(?<![\d.])(\d{1,2})(?=\s?(?:日|号|楼|层|期|班))"),
             lambda found: _plain(int(found[1]))),
            abbreviations(SHORT),
        )  # fmt: skip

    def count(self, number: Number, after: str = "") -> str:
        """As ``Tongue``; 2 is 两 before a measure word."""
        if number.value == 2 and not number.fraction and TWO.match(after):
            said = "两"
        else:
            said = cardinal(number.value)
            if number.fraction:
                said += "点" + "".join(DIGITS[int(digit)] for digit in number.fraction)
        return f"负{said}" if number.minus else said

    def year(self, year: int) -> str:
        """2026 → 二零二六."""
        return "".join(DIGITS[int(digit)] for digit in str(year))

    def spelled(self, digit: str) -> str:
        """As ``Tongue``."""
        return DIGITS[int(digit)]

    def joined(self, groups: list[list[str]]) -> str:
        """As ``Tongue``; letters keep spaces between them."""
        said = []
        for group in groups:
            latin = any(word.isascii() for word in group)
            said.append((" " if latin else "").join(group))
        return "，".join(said)

    def money(self, number: Number, currency: str, before: str = "") -> str:
        """12.50 CNY → 十二元五角."""
        minor, name = number.minor, NAMES[currency]
        if minor is None:
            return f"{self.count(number)}{name}"
        sign = "负" if number.minus else ""
        whole = self.count(Number(number.whole), name) + name
        if minor == 0:
            return sign + whole
        small = _jiao(minor, number.value) if currency == "CNY" else _cents(minor, CENTS[currency])
        return sign + (small if number.value == 0 else whole + small)

    def measured(self, number: Number, unit: str, before: str = "", first: str = "") -> str | None:
        """As ``Tongue``."""
        if unit == "%":
            return f"{first}百分之{self.count(number)}"
        name = UNITS.get(unit)
        return None if name is None else f"{first}{self.count(number, name)}{name}"

    def per(self, said: str, unit: str) -> str | None:
        """As ``Tongue``."""
        return f"每{UNITS.get(unit, unit)}{said}"

    def clock(self, hour: int, minute: int, before: str = "") -> str:
        """14:05 → 十四点零五分."""
        said = ("两" if hour == 2 else cardinal(hour)) + "点"
        if minute == 0:
            return said
        return f"{said}{'零' if minute < 10 else ''}{cardinal(minute)}分"

    def hours(self, begin: tuple[int, int], end: tuple[int, int], before: str = "") -> str:
        """As ``Tongue``."""
        return f"{self.clock(*begin)}到{self.clock(*end)}"

    def date(self, day: Day, before: str = "") -> str:
        """2026-03-02 → 二零二六年三月二日."""
        year = f"{self.year(day.year)}年" if day.year is not None else ""
        return f"{year}{cardinal(day.month)}月{cardinal(day.day)}日"

    def share(self, part: int, whole: int) -> str:
        """As ``Tongue``."""
        return "一半" if (part, whole) == (1, 2) else f"{cardinal(whole)}分之{cardinal(part)}"


def _jiao(minor: int, whole: int) -> str:
    jiao, fen = divmod(minor, 10)
    said = f"{_before_measure(jiao)}角" if jiao else ("零" if whole else "")
    return said + (f"{_before_measure(fen)}分" if fen else "")


def _cents(minor: int, name: str) -> str:
    return f"{_before_measure(minor)}{name}"


def _before_measure(number: int) -> str:
    return "两" if number == 2 else cardinal(number)


def _plain(number: int) -> str:
    """An ordinal or a name: two is 二."""
    return "二百" if number == 200 else cardinal(number)


def _year(found: re.Match[str]) -> str | None:
    year, month, day, word = found.groups()
    if month and not 1 <= int(month) <= 12:
        return None
    said = f"{Chinese().year(int(year)) if int(year) >= 1000 else _digits(year)}年"
    if month:
        said += f"{cardinal(int(month))}月"
    if day:
        return f"{said}{cardinal(int(day))}{word}"
    return said + ("份" if found.group().endswith("份") else "")


def _month(found: re.Match[str]) -> str | None:
    if not 1 <= int(found[1]) <= 12:
        return None
    said = f"{cardinal(int(found[1]))}月"
    if found[3]:
        return f"{said}{cardinal(int(found[3]))}{found[4]}"
    return said + ("份" if found[2] else "")


def _digits(text: str) -> str:
    return "".join(DIGITS[int(digit)] for digit in text)
