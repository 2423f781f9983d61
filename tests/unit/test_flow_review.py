"""The second reading of a flow: what runs but not well is named with line and fix."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bots.__main__ import main
from bots.flow.drawing.svg import draw
from bots.flow.review.finding import Level
from bots.flow.review.keywords import named_keys
from bots.flow.review.report import Paint, lines
from bots.flow.review.review import review, review_file
from bots.flow.schema import read_flow
from tests.talking import FLOWS

FINE = """\
flow: shop
start: greet
languages: [en, lv]
queue: orders
always: {goodbye: bye}
variables: {company: Shop, api: "http://shop.test"}
slots:
  size:
    type: choice
    choices:
      small: {key: "1", phrases: {en: [small, little], lv: [mazs]}}
      large: {key: "2", phrases: {en: [large, huge], lv: [liels]}}
intents:
  order:
    label: to order
    go: ask_size
    examples:
      en: [I want to order, order something, buy one, can I buy it, place an order, sell me one]
      lv: [gribu pasūtīt, pasūtīt kaut ko, nopirkt vienu, vai varu pirkt, veikt pasūtījumu, pirkt]
steps:
  greet:
    say: {en: "Hello from {{ company }}.", lv: "Labdien, šeit {{ company }}."}
    next: help
  help:
    ask:
      en: "How can I help? Press one to order."
      lv: "Kā varu palīdzēt? Nospiediet viens, lai pasūtītu."
    dtmf: {"1": ask_size}
    otherwise: person
  ask_size:
    ask:
      en: "Small or large? Press one for small, two for large."
      lv: "Mazs vai liels? Nospiediet viens, ja mazs, divi, ja liels."
    no_match: [{en: "Say small or large.", lv: "Sakiet mazs vai liels."}]
    slot: size
    next: order
  order:
    do: {method: POST, url: "{{ api }}/orders", body: {size: "{{ size }}"}}
    save: {number: number}
    tried: ordered {{ size }}
    next: told
    on_error: person
  told:
    say: {en: "It is number {{ number }}.", lv: "Numurs ir {{ number }}."}
    next: bye
  person:
    handoff: no-answer
    text: {en: "I am putting you through to a colleague.", lv: "Savienoju jūs ar kolēģi."}
  bye: {end: resolved, text: {en: Goodbye., lv: Uz redzēšanos.}}
"""


def test_well_made_flow_has_nothing_to_mend() -> None:
    assert review(FINE).findings == ()


SAY_TOLD = 'say: {en: "It is number {{ number }}.", lv: "Numurs ir {{ number }}."}'
NO_MATCH = '    no_match: [{en: "Say small or large.", lv: "Sakiet mazs vai liels."}]\n'
PRESS = "Press one to order."
SPARE = ("slots:\n", "slots:\n  spare: {type: date}\n")

Change = tuple[str, str]


@pytest.mark.parametrize(
    ("rule", "at", "changes"),
    [
        ("dead-end", "told:", [("    next: bye\n", "    next: told\n")]),
        ("circle", "told:", [("    next: bye\n", "    next: told\n")]),
        ("failure-unnoticed", "on_error: told", [("on_error: person", "on_error: told")]),
        ("slow-action", "do: {", [('size }}"}}', 'size }}"}, timeout_s: 12}')]),
        ("untold-action", "order:", [("    tried: ordered {{ size }}\n", "")]),
        ("missing-language", "say: {en", [(', lv: "Numurs ir {{ number }}."}', "}")]),
        ("missing-language", "say: {en", [('lv: "Numurs ir {{ number }}."', 'lv: {sms: "Nr."}')]),
        ("one-wording", "say:", [(SAY_TOLD, 'say: "It is number {{ number }}."')]),
        ("long-by-voice", "en: ", [("How can I help?", "Tell me all of it, please. " * 12)]),
        ("long-by-sms", "say: ", [("It is number", "It is one of a long row of words " * 15)]),
        ("no-own-repair", "ask_size:", [(NO_MATCH, "")]),
        ("key-in-vain", "en: ", [(PRESS, "Press one to order or four to leave.")]),
        ("key-in-vain", "lv: ", [("Nospiediet viens, lai", "Nospiediet viens vai trīs, lai")]),
        ("key-untold", "dtmf:", [('dtmf: {"1": ask_size}', 'dtmf: {"1": ask_size, "5": bye}')]),
        (
            "long-menu",
            "en: ",
            [
                (PRESS, "Press one, two, three, four, five or six."),
                ('"1": ask_size', '"1": bye, "2": bye, "3": bye, "4": bye, "5": bye, "6": bye'),
            ],
        ),
        ("words-in-vain", "en: ", [(PRESS, "Press one to order, or say “banana”.")]),
        ("promised-callback", "say: ", [("Hello from", "We will call you back. This is")]),
        ("promised-person", "say: ", [("Hello from", "I am connecting you to somebody at")]),
        ("promised-message", "say: ", [("Hello from", "You will get an SMS from")]),
        ("few-examples", "en: ", [("can I buy it, place an order, sell me one", "buy it")]),
        ("no-examples", "examples:", [("      lv: [gribu", "      # [gribu")]),
        ("taken-example", "en: ", [("sell me one", "agent please")]),
        (
            "same-example",
            "en: ",
            [("intents:\n", "intents:\n  buy: {examples: {en: [buy one]}}\n")],
        ),
        ("sound-alike", "large:", [("small, little", "fifteen"), ("large, huge", "fifty")]),
        ("same-phrase", "large:", [("large, huge", "small")]),
        ("same-key", "large:", [('large: {key: "2"', 'large: {key: "1"')]),
        ("no-phrases", "small:", [(", lv: [mazs]", "")]),
        ("unused-variable", "variables:", [("company: Shop,", "company: Shop, motto: none,")]),
        ("unused-words", "words:", [("slots:\n", "words: {x: {en: ex, lv: iks}}\nslots:\n")]),
        ("unused-slot", "spare:", [SPARE]),
        ("never-filled", "spare:", [SPARE, ("Hello from", "Hello {{ spare }} from")]),
        ("unused-value", "save:", [("{number: number}", "{number: number, price: price}")]),
        (
            "never-ends",
            "greet:",
            [
                ("  bye: {end: resolved, text:", "  bye: {next: bye, say:"),
                ("    handoff: no-answer\n    text:", "    next: bye\n    say:"),
            ],
        ),
        ("cannot-run", "greet:", [("next: help\n", "next: hlep\n")]),
        ("cannot-run", "spare:", [("steps:\n", "steps:\n  spare: {end: x}\n")]),
    ],
)
def test_each_weakness_is_named_with_its_line(rule: str, at: str, changes: list[Change]) -> None:
    source = FINE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    found = [finding for finding in review(source, "shop.yaml").findings if finding.rule == rule]
    assert found, "not found"
    assert found[0].fix
    assert at in source.splitlines()[found[0].line - 1]


def test_every_rule_is_tested_here() -> None:
    rules = set()
    for path in (Path(__file__).parents[2] / "bots" / "flow" / "review").glob("*.py"):
        rules |= set(re.findall(r'^\s+"([a-z]+(?:-[a-z]+)+)",$', path.read_text("utf-8"), re.M))
    tested = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', Path(__file__).read_text("utf-8")))
    assert len(rules) > 25
    assert rules - tested == set()


def test_promise_is_kept_by_a_step_before_or_after_it() -> None:
    kept = FINE.replace("It is number", "You will get an e-mail, number")
    assert review(kept).findings == ()
    offered = FINE.replace("How can I help?", "Shall I connect you, or how can I help?")
    assert review(offered).findings == ()


PARTS = """\
flow: parts
start: when
languages: [en]
slots:
  day: {type: date}
  hour: {type: time, check: {when: "hour != '00:00'", text: "We are closed then."}}
  phone: {type: digits, length: 8}
steps:
  when:
    ask: For which day, and at what time?
    slots: [day, hour]
    missing: {day: "For which day?", hour: "At what time?"}
    no_match: ["Please say a day and a time."]
    next: pay
  pay:
    do: {method: POST, url: "http://pay.test/{{ day }}/{{ hour }}"}
    irreversible: true
    confirm: I will take ten euros now. Shall I?
    declined: rate
    tried: took the fee
    next: ask_phone
    on_error: person
  ask_phone:
    ask: We will call you back. On which number?
    slot: phone
    no_match: ["A number has eight digits."]
    next: promise
  promise:
    callback: {number: "{{ phone }}"}
    next: rate
    refused: person
  rate: {survey: "From 1 to 5, how was it?", next: bye}
  person: {transfer: {queue: billing}, text: I am connecting you to a colleague.}
  bye: {end: done}
"""


def test_steps_that_are_made_of_parts_are_told_by_their_own_names() -> None:
    assert review(PARTS).findings == ()
    broken = review(PARTS.replace("    tried: took the fee\n", ""))
    assert [(each.step, each.rule, each.line) for each in broken.findings] == [
        ("pay", "untold-action", 15)
    ]
    unkept = PARTS.replace(
        'callback: {number: "{{ phone }}"}\n    next: rate\n    refused: person',
        'set: {note: "{{ phone }}", phone: ""}\n    next: rate',
    )
    rules = {each.rule for each in review(unkept.replace("method: POST", "method: GET")).findings}
    assert "promised-callback" in rules


def test_called_flow_is_followed_and_told_at_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "main.yaml").write_text(
        "flow: main\nstart: who\nlanguages: [en]\nsteps:\n"
        "  who: {call: asking, save: {town: town}, next: told}\n"
        '  told: {say: "{{ town }} it is.", next: bye}\n  bye: {end: done}\n',
        "utf-8",
    )
    (tmp_path / "asking.yaml").write_text(
        "flow: asking\nstart: ask\nlanguages: [en]\nslots: {town: {type: name}}\nsteps:\n"
        "  ask: {ask: Which town, slot: town, next: back}\n  back: {end: asked}\n",
        "utf-8",
    )
    assert review_file(tmp_path / "main.yaml").findings == ()
    told = review_file(tmp_path / "asking.yaml").findings
    assert {each.rule for each in told} == {"no-own-repair", "unused-slot"}
    picture = draw(read_flow(tmp_path / "main.yaml"))
    assert 'href="#step-asking/ask"' in picture
    (tmp_path / "asking.yaml").unlink()
    (missing,) = review_file(tmp_path / "main.yaml").findings
    assert (missing.rule, missing.line) == ("cannot-run", 5)


def test_retry_that_is_counted_is_no_circle() -> None:
    counted = FINE.replace("on_error: person", "on_error: count").replace(
        "  told:\n",
        '  count: {set: {tries: "{{ tries|int + 1 }}"}, next: often}\n'
        '  often: {branch: [{when: "tries|int > 2", go: person}], otherwise: order}\n  told:\n',
    )
    assert review(counted).findings == ()
    endless = counted.replace("tries|int > 2", "company == 2")
    assert "circle" in {finding.rule for finding in review(endless).findings}


def test_author_may_accept_a_finding_but_no_error() -> None:
    source = FINE.replace('    dtmf: {"1": ask_size}', '    dtmf: {"1": ask_size, "5": bye}')
    assert review(source).findings
    assert review(source.replace('"5": bye}', '"5": bye}  # accepted: key-untold')).findings == ()
    broken = FINE.replace("next: help\n", "next: hlep  # accepted: cannot-run\n")
    assert not review(broken).can_run


@pytest.mark.parametrize(
    ("language", "text", "keys"),
    [
        ("en", "Press one for orders, two for bills, or zero for a person.", "120"),
        ("en", "Reply 1 to confirm, 2 to move it, 3 to cancel.", "123"),
        ("en", "Press one if that helped, two if it did not.", "12"),
        ("en", "Say them one by one, for example four, eight, two.", ""),
        ("en", "Please key in the six digits, or press zero for a person.", "0"),
        ("en", "Press star to hear it again or the hash key.", "*#"),
        ("en", "Press two times.", ""),
        ("lv", "Nospiediet viens par pasūtījumu, divi par rēķiniem vai nulli.", "120"),
        ("lv", "Lūdzu, ievadiet sešus ciparus.", ""),
        ("zh", "查询订单请按一，账单请按二，人工服务请按零。", "120"),
        ("zh", "回复 1 确认，2 改期，3 取消。", "123"),
        ("zh", "请按键输入六位数字。", ""),
    ],
)
def test_keys_that_a_prompt_names(language: str, text: str, keys: str) -> None:
    assert "".join(named_keys(text, language)) == keys


def test_demo_flows_have_no_errors() -> None:
    for path in sorted(FLOWS.glob("*.yaml")):
        assert review_file(path).can_run


def test_check_tells_people_and_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(FINE, "utf-8")
    assert main(["check", str(tmp_path)]) == 0
    assert "7 steps, 1 intent, 1 slot, en lv: nothing to mend" in capsys.readouterr().out
    path.write_text(
        FINE.replace(', "Numurs', "").replace(', lv: "Numurs ir {{ number }}."', ""), "utf-8"
    )
    assert main(["check", str(path)]) == 0
    assert main(["check", "--strict", str(path)]) == 1
    told = capsys.readouterr().out
    assert f"▲ warning  {path}:44  step 'told'  [missing-language]" in told
    assert "→ add 'lv: …'" in told
    assert "\x1b" not in told, "no colours where there is no terminal"
    assert main(["check", "--level", "error", str(path)]) == 0
    assert "(1 not shown)" in capsys.readouterr().out
    path.write_text(FINE.replace("next: help\n", "next: hlep\n"), "utf-8")
    assert main(["check", "--json", str(path)]) == 1
    (data,) = json.loads(capsys.readouterr().out)
    assert data["can_run"] is False
    assert data["findings"][0]["line"] == 21
    assert data["findings"][0]["fix"] == "did you mean 'help'?"
    assert main(["check", str(tmp_path / "none.yaml")]) == 2


def test_terminal_gets_colours_and_the_line_itself() -> None:
    broken = review(FINE.replace("next: help\n", "next: hlep\n"), "shop.yaml")
    shown = "\n".join(lines(broken, Level.HINT, Paint(on=True)))
    assert "\x1b[1;31m✖ error\x1b[0m" in shown
    assert "  21 │" in shown
    assert "shop.yaml cannot run" in shown
