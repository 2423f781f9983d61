"""Finds private data in a text: where it stands, what it is, how it ends. Pure.

1. What has a check digit is believed only with it, and a card only with the prefix and the
   length of a scheme and in groups as people write cards: order numbers, amounts and dates in
   a row are none.
2. A security code is three or four digits behind the words that name it, or alone when the
   line before asked for it.
3. What was found first is not looked at again: an IBAN holds no card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.redaction import checks
from router.redaction.policy import Kind
from router.redaction.tokens import Token, chains, fold, has_digits, tokens

MOST_CARD = max(checks.CARD_LENGTHS)
HASH = 24
"""Letters and digits in a row from which on they are an id of a machine and no card."""
END = 4

_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_CHINESE = re.compile(r"(?<![0-9A-Za-z])\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx](?![0-9A-Za-z])")
_CARD_CODE = (
    r"cvv2?|cvc2?|cvn|csc|card verification (?:code|number|value)"
    r"|security (?:code|number)|(?:three|3|four|4)[- ]digit (?:code|number)"
    r"|(?:code|number|digits) on the back|drosibas kod\w*|安全码|背面的?(?:三位)?(?:数字|号码)"
    r"|pin(?: ?code| ?kod\w*| number)?|密码"
)
_NAMED = re.compile(rf"(?<![^\W\d_])(?:{_CARD_CODE})(?![a-z])")
_BETWEEN = re.compile(
    r"(?:[\s:=.,\-–—#\"'“”是为：，]|is|are|it's|its|the|my|code|number|of|that|card|on|back|digits"
    r"|ir|kods|mans)*"
)
"""What may stand between the name of a code and the code."""
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+(?![\w-])", re.ASCII)
_SPELLED_EMAIL = re.compile(
    r"\b\w+(?:(?: (?:dot|point|punkts|underscore|dash) |\.)\w+)* (?:at|et) "
    r"\w+(?:(?: (?:dot|point|punkts) |\.)\w+)+\b"
)
_FOREIGN_PHONE = re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ ().\-]{0,2}\d){6,13}(?!\w)", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w+.,/:-])(?:[26]\d[ -]?\d{3}[ -]?\d{3}|[26]\d{3}[ -]\d{4}"
    r"|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\(\d{3}\) ?\d{3}[ -]\d{4})(?![\w/:-]|[.,]\d)",
    re.ASCII,
)
_ORDER = re.compile(r"(?:order|parcel|number|no\.|nr\.|#|pasutijum\w*|sutijum\w*|订单号?)\W*$")


@dataclass(frozen=True, slots=True)
class Finding:
    """Characters ``start``..``end`` are of a ``kind``; ``end4`` are the last four of its own."""

    start: int
    end: int
    kind: Kind
    end4: str = ""


def find(text: str, kinds: frozenset[Kind], asked: str = "") -> list[Finding]:
    """All of these kinds, in order of place. ``asked`` is what the customer was asked before."""
    if not text:
        return []
    found: list[Finding] = []
    for each in _look(text, kinds, asked):
        if all(each.end <= one.start or one.end <= each.start for one in found):
            found.append(each)
    return sorted(found, key=lambda finding: finding.start)


def _look(text: str, kinds: frozenset[Kind], asked: str) -> Iterator[Finding]:
    """The surest first."""
    if Kind.EMAIL in kinds:
        yield from _emails(text)
    if not has_digits(text):
        return
    listed = tokens(text)
    if Kind.IBAN in kinds:
        yield from _ibans(text, listed)
    numbers = list(chains(text, listed))
    if Kind.CARD in kinds:
        for chain in numbers:
            yield from _cards(text, chain)
    if Kind.PERSONAL_CODE in kinds:
        yield from _personal_codes(text, numbers)
    if Kind.SOCIAL_SECURITY in kinds:
        for match in _SSN.finditer(text):
            yield Finding(*match.span(), Kind.SOCIAL_SECURITY)
    if Kind.SECURITY_CODE in kinds:
        yield from _security_codes(text, numbers, asked)
    if Kind.PHONE in kinds:
        yield from _phones(text, numbers)


# -- cards ---------------------------------------------------------------------------------


def _cards(text: str, chain: Sequence[Token]) -> Iterator[Finding]:
    first = 0
    while first < len(chain):
        last = _card_from(text, chain, first)
        if last is None:
            first += 1
            continue
        digits = "".join(token.digits for token in chain[first : last + 1])
        yield Finding(chain[first].start, chain[last].end, Kind.CARD, digits[-END:])
        first = last + 1


def _card_from(text: str, chain: Sequence[Token], first: int) -> int | None:
    """The last token of the longest card that begins at ``first``."""
    if chain[first].loose or text[: chain[first].start].endswith("+"):
        return None
    digits, best = "", None
    for last in range(first, len(chain)):
        digits += chain[last].digits
        if len(digits) > MOST_CARD:
            break
        if chain[last].loose or not checks.is_card(digits):
            continue
        if _as_people_write(text, chain[first : last + 1]):
            best = last
    return best


def _as_people_write(text: str, group: Sequence[Token]) -> bool:
    """Whether digits stand in groups as on a card, or were said."""
    if any(token.said for token in group):
        return True
    lengths = [len(token.digits) for token in group]
    if len(lengths) == 1:
        return not _in_a_hash(text, group[0])
    if max(lengths) <= 2 or set(lengths[:-1]) == {3}:
        return True
    if len(lengths) == 2:
        gap = text[group[0].end : group[1].start]
        # Two telephone numbers, one below the other, may begin as a card does.
        return min(lengths) >= 4 and (gap in (" ", "-") or not group[0].digits.startswith("2"))
    return lengths in ([4, 6, 5], [4, 6, 4]) or set(lengths[:-1]) == {4}


def _in_a_hash(text: str, token: Token) -> bool:
    start, end = token.start, token.end
    while start and _is_plain(text[start - 1]):
        start -= 1
    while end < len(text) and _is_plain(text[end]):
        end += 1
    return end - start >= HASH and end - start > token.end - token.start


def _is_plain(char: str) -> bool:
    return char.isascii() and char.isalnum()


# -- accounts and people ----------------------------------------------------------------------


def _ibans(text: str, listed: Sequence[Token]) -> Iterator[Finding]:
    """Written or spelled: country, two digits, then letters and digits in the country's number."""
    for place, token in enumerate(listed):
        length = token.end - token.start
        spelled = length == 1 and place + 1 < len(listed) and not token.said
        if spelled or text[token.start : token.start + 2].upper() in checks.IBAN_LENGTHS:
            found = _iban_from(text, listed, place)
            if found is not None:
                yield found


def _iban_from(text: str, listed: Sequence[Token], place: int) -> Finding | None:
    code = ""
    start = reached = listed[place].start
    if start and _is_plain(text[start - 1]):
        return None
    for token in listed[place:]:
        if token.start - reached > 3 or text[reached : token.start].strip(" -\u2013.,\n\u00a0"):
            return None
        code += _characters(text, token).upper()
        reached = token.end
        wanted = checks.IBAN_LENGTHS.get(code[:2], 0)
        if len(code) >= 2 and (not wanted or len(code) > wanted):
            return None
        if len(code) == wanted and checks.is_iban(code):
            return Finding(start, token.end, Kind.IBAN, code[-END:])
    return None


def _characters(text: str, token: Token) -> str:
    """A word's own letters, or the digits that are meant; "o" alone is a letter or a zero."""
    if token.digits and token.word != "o":
        return token.digits
    return text[token.start : token.end]


def _personal_codes(text: str, numbers: Sequence[Sequence[Token]]) -> Iterator[Finding]:
    for match in _CHINESE.finditer(text):
        if checks.is_chinese_code(re.sub(r"[ -]", "", match[0])):
            yield Finding(*match.span(), Kind.PERSONAL_CODE)
    for chain in numbers:
        for group in _windows(chain, 18):
            if group[0].said and checks.is_chinese_code(_digits(group)):
                yield _of(group, Kind.PERSONAL_CODE)
        for group in _windows(chain, 11):
            if _may_be_latvian(text, chain, group) and checks.is_latvian_code(_digits(group)):
                yield _of(group, Kind.PERSONAL_CODE)


def _may_be_latvian(text: str, chain: Sequence[Token], group: Sequence[Token]) -> bool:
    """In its own shape, or alone: of eleven digits in a longer number many would pass the check."""
    if text[: group[0].start].endswith("+"):
        return False
    lengths = [len(token.digits) for token in group]
    if not any(token.said for token in group) and lengths in ([11], [6, 5]):
        return True
    alone = len(group) == len(chain)
    return alone and (max(lengths) <= 2 or any(token.said for token in group))


def _windows(chain: Sequence[Token], length: int) -> Iterator[Sequence[Token]]:
    """Neighbours that have so many digits together."""
    for first in range(len(chain)):
        total = 0
        for last in range(first, len(chain)):
            total += len(chain[last].digits)
            if total == length:
                yield chain[first : last + 1]
            if total >= length:
                break


def _digits(group: Sequence[Token]) -> str:
    return "".join(token.digits for token in group)


def _of(group: Sequence[Token], kind: Kind, end4: str = "") -> Finding:
    return Finding(group[0].start, group[-1].end, kind, end4)


# -- codes by their name -----------------------------------------------------------------------


def _security_codes(text: str, numbers: Sequence[Sequence[Token]], asked: str) -> Iterator[Finding]:
    plain = fold(text)
    if len(plain) != len(text):
        plain = text.lower()
    for named in _NAMED.finditer(plain):
        for chain in numbers:
            behind = named.end() <= chain[0].start and len(_digits(chain)) in (3, 4)
            if behind and _BETWEEN.fullmatch(plain, named.end(), chain[0].start):
                yield _of(chain, Kind.SECURITY_CODE)
    if asked and len(numbers) == 1 and _NAMED.search(fold(asked)):
        others = len(re.findall(r"\w+", text)) - len(numbers[0])
        if len(_digits(numbers[0])) in (3, 4) and others <= 3:
            yield _of(numbers[0], Kind.SECURITY_CODE)


# -- addresses -----------------------------------------------------------------------------


def _emails(text: str) -> Iterator[Finding]:
    for match in _EMAIL.finditer(text):
        yield Finding(*match.span(), Kind.EMAIL)
    if " at " in text or " et " in text:
        for match in _SPELLED_EMAIL.finditer(text.lower() if text.isascii() else text):
            yield Finding(*match.span(), Kind.EMAIL)


def _phones(text: str, numbers: Sequence[Sequence[Token]]) -> Iterator[Finding]:
    for pattern in (_FOREIGN_PHONE, _PHONE):
        for match in pattern.finditer(text):
            before = fold(text[max(0, match.start() - 20) : match.start()])
            if pattern is _FOREIGN_PHONE or not _ORDER.search(before):
                yield Finding(*match.span(), Kind.PHONE, re.sub(r"\D", "", match[0])[-END:])
    for chain in numbers:
        digits = _digits(chain)
        said = all(token.said for token in chain)
        if said and (
            (len(digits) == 8 and digits[0] in "26") or (len(digits) == 11 and digits[:3] == "371")
        ):
            yield _of(chain, Kind.PHONE, digits[-END:])
