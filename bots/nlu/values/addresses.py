"""E-mail addresses as people say and write them. Pure.

"ann dot lee at example dot com", "j o h n one two", "john smith all one word", "s as in sugar",
"double n", "underscore", "ann (at) example . com": lower case, without accents.

1. A written address wins.
2. Else the words around "at" are read outwards: signs said as words, letters, digits and single
   words; to its right a domain with at least one dot.
3. Words without a sign between them are one part only where they were said to be, or where
   nothing else is said: then it is a ``GUESS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.nlu.numbers import EN_DIGITS, EN_TEENS, EN_TENS, EN_TIMES, LV_DIGITS, ZH_DIGITS
from bots.nlu.values.codes import NAMES
from bots.nlu.values.found import GUESS, LIKELY, SURE, Found

_DOT = r"(?:\.|\s*[\[(]dot[\])]\s*)"
WRITTEN = re.compile(
    rf"(?<![\w.+-])[a-z0-9_](?:[a-z0-9_+-]|{_DOT})*\s?(?:@|[\[(]at[\])])\s?"
    rf"(?:[a-z0-9-]+{_DOT})+[a-z]{{2,}}"
)
ADDRESS = re.compile(r"(?<![\w.+-])[a-z0-9_][a-z0-9._+-]*@(?:[a-z0-9-]+\.)+[a-z]{2,}")
SAID: Mapping[str, str] = {
    "@": r"at sign|at zime|at|et|艾特|小老鼠|\[at\]|\(at\)|@",
    ".": r"dot|punkts|point|period|full stop|点|\[dot\]|\(dot\)|\.",
    "-": r"dash|hyphen|minus|defise|domuzime|横杠|减号|-",
    "_": r"underscore|under score|underline|apakssvitra|下划线|_",
    "+": r"plus|\+",
}
"""What stands for a sign of an address."""
_ENDINGS = """
com net org info biz edu gov mil int name pro coop museum aero jobs mobi travel app dev shop store
online site tech cloud email blog club live news world group team studio agency company solutions
"""
ENDINGS = frozenset(_ENDINGS.split())
DOMAIN = 24
"""Tokens within which a domain has its first dot, letter by letter."""
ONE_WORD = re.compile(r",?\s*\b(?:all|as|in)?\s*(?:one|a single) word\b,?|\bno spaces?\b|\bkopa\b")
PROVIDERS: Mapping[str, str] = {
    "g mail": "gmail", "gee mail": "gmail", "hot mail": "hotmail", "out look": "outlook",
    "i cloud": "icloud", "proton mail": "protonmail", "in box": "inbox", "ya hoo": "yahoo",
    "web mail": "webmail",
}  # fmt: skip
_STOP = """
is it its it's that's this the my your our address email e-mail mail to me send use on under
yes yeah sure ok okay well um uh so hi hello please adrese epasts ir mans mana es write reach
contact was be would be for and um er try think with account login i'm was his her their one's
registered changed updated can you got via just there or
no not sorry wait mean actually rather nope ne nevis
"""
STOP = frozenset(_STOP.split())
_TOKEN = re.compile(
    r"(?P<sign>" + "|".join(
        f"(?:{words})" if words[0] == "[" else rf"(?<![a-z0-9])(?:{words})(?![a-z])"
        for words in SAID.values()
    ) + r")|(?P<word>[a-z0-9]+(?:'s)?)|(?P<han>[零〇一二三四五六七八九幺])|(?P<stop>[,;:!?，。：])"
)  # fmt: skip
Token = tuple[str, str, int, int]
"""Kind ("sign", "word", "stop"), characters, and where."""


def emails(plain: str) -> list[Found]:
    """All addresses, in order."""
    written = [Found(_joined(m.group()), *m.span(), SURE) for m in WRITTEN.finditer(plain)]
    # What was written is blanked out, so that places stay.
    left = WRITTEN.sub(lambda match: "," * len(match.group()), plain)
    return sorted([*written, *_spoken(left)], key=lambda one: one.start)


def _joined(written: str) -> str:
    """ "ann (at) example . com" without its spaces and brackets."""
    dotted = re.sub(r"\s*[\[(]dot[\])]\s*", ".", written)
    return re.sub(r"\s*(?:@|[\[(]at[\])])\s*", "@", dotted)


def _spoken(plain: str) -> list[Found]:
    together = ONE_WORD.search(plain) is not None
    bare = ONE_WORD.sub(lambda match: " " * len(match.group()), plain)
    for said, name in PROVIDERS.items():
        bare = bare.replace(said, name + " " * (len(said) - len(name)))
    tokens = _tokens(bare)
    found: list[Found] = []
    for i, (kind, sign, _, _) in enumerate(tokens):
        if kind == "sign" and sign == "@":
            one = _around(tokens, i, together)
            if one and not any(one.overlaps(other) for other in found):
                found.append(one)
    return found


def _tokens(plain: str) -> list[Token]:
    raw = [(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(plain)]
    tokens: list[Token] = []
    i = 0
    while i < len(raw):
        kind, text, start, end = raw[i]
        if kind == "sign":
            sign = next(s for s, words in SAID.items() if re.fullmatch(words, text))
            tokens.append(("sign", sign, start, end))
            i += 1
        elif kind == "word":
            chars, used = _characters([word for _, word, _, _ in raw[i : i + 5]])
            tokens.append(("word", chars, start, raw[i + used - 1][3]))
            i += used
        else:
            tokens.append(("word", ZH_DIGITS[text], start, end) if kind == "han" else
                          ("stop", text, start, end))  # fmt: skip
            i += 1
    return tokens


def _characters(words: list[str]) -> tuple[str, int]:
    """What the first word stands for, and how many were used for it."""
    word, following = words[0], words[1] if len(words) > 1 else ""
    if word in EN_TIMES and following:
        once = EN_DIGITS.get(following, following)
        if len(once) == 1:
            return once * EN_TIMES[word], 2
    letter = word if len(word) == 1 else NAMES.get(word, "").lower()
    if letter and following in ("as", "for", "like") and len(words) > 2:
        used = 3 if words[2] != "in" else 4
        example = words[used - 1] if len(words) >= used else ""
        if len(example) > 1 and example[0] == letter:
            return letter, used
    if word in EN_TENS:
        unit = EN_DIGITS.get(following, "0")
        if unit != "0" and following not in ("to", "too", "for", "won", "ate"):
            return str(EN_TENS[word] + int(unit)), 2
        return str(EN_TENS[word]), 1
    digit = EN_DIGITS.get(word) if word not in ("o", "to", "too", "for", "won", "ate") else None
    number = digit or LV_DIGITS.get(word) or EN_TEENS.get(word)
    return (str(number), 1) if number else (word, 1)


def _around(tokens: list[Token], at: int, together: bool) -> Found | None:
    first, local, guessed = _local(tokens, at, together)
    last, domain, guess = _domain(tokens, at)
    address = f"{local}@{domain}"
    if not local or ADDRESS.fullmatch(address) is None or not _is_ending(domain):
        return None
    sure = GUESS if (guessed or guess) and not together else LIKELY
    return Found(address, tokens[first][2], tokens[last][3], sure)


def _is_ending(domain: str) -> bool:
    """Whether what was heard last ends addresses: the two letters of a country, or "com"."""
    ending = domain.rsplit(".", 1)[-1]
    return len(ending) == 2 or ending in ENDINGS


def _local(tokens: list[Token], at: int, together: bool) -> tuple[int, str, bool]:
    """Where the part before the ``@`` begins, the part, and whether words had to be joined."""
    i, text, guessed, signed = at - 1, "", False, True
    if i > 0 and tokens[i][1] == ",":
        i -= 1
    while i >= 0:
        kind, chars, _, _ = tokens[i]
        if kind == "stop" or chars == "@":
            break
        if kind == "word" and not signed and (chars in STOP or chars.endswith("'s")):
            break
        if kind == "word" and not signed and not together:
            guessed = guessed or _are_words(chars, _last_word(text))
        text, signed = chars + text, kind == "sign"
        i -= 1
    return i + 1, text.strip(".-+"), guessed


def _are_words(one: str, other: str) -> bool:
    """Whether both are more than a letter or some digits."""
    return not any(len(part) < 2 or part.isdigit() for part in (one, other))


def _last_word(text: str) -> str:
    """The run of letters or digits that ``text`` begins with."""
    match = re.match(r"[a-z]+|\d+", text)
    return match.group() if match else ""


def _domain(tokens: list[Token], at: int) -> tuple[int, str, bool]:
    """Where the domain ends, the domain, and whether words had to be joined."""
    i, text, last, guessed = at + 1, "", at, False
    dotted = False
    while i < len(tokens):
        kind, chars, _start, _ = tokens[i]
        if kind == "stop" or chars in ("@", "_", "+"):
            break
        single = len(chars) == 1 and kind == "word"
        after = tokens[i + 1][1] if i + 1 < len(tokens) else ""
        if kind == "word" and chars in STOP and after not in (".", "-"):
            break
        if kind == "word" and text and text[-1] not in ".-":
            ahead = any(k == "sign" and c == "." for k, c, _, _ in tokens[i + 1 : i + DOMAIN])
            if dotted and not (single and len(_tail(text)) < 3 and _spelt(tokens, i)):
                break
            if not ahead and not dotted:
                break
            guessed = guessed or not (single or len(_tail(text)) <= 1 or chars.isdigit())
        if kind == "sign" and i + 1 >= len(tokens):
            break
        dotted = dotted or chars == "."
        text, last = text + chars, i
        i += 1
    return last, text.rstrip(".-"), guessed


def _tail(text: str) -> str:
    return re.split(r"[.-]", text)[-1]


def _spelt(tokens: list[Token], i: int) -> bool:
    """Whether the token before is a single letter as well: "dot l v"."""
    return len(tokens[i - 1][1]) == 1 and tokens[i - 1][0] == "word"
