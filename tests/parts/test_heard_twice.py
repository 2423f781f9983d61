"""The second hearing (the real Moonshine): what it adds, and that nobody waits for it in vain."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from bots.engines import twice
from bots.engines.moonshine import DECODER, Moonshine, find_model
from bots.engines.phrases import Corpus
from bots.engines.second_hearing import Heard, SecondHearing
from bots.engines.twice import TwiceRecognition, TwiceTranscriber
from bots.ports import Expectation, Hypothesis
from evals.render import load
from tests.scripted import SILENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = Expectation()
KNOWN = ("the meter reading is wrong", "how can i pay my bill", "my package is damaged")


def folder() -> Path:
    found = find_model()
    assert found is not None, "the package moonshine-voice is not installed"
    return found


FOLDER = folder()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears() -> AsyncIterator[TwiceTranscriber]:
    transcriber = TwiceTranscriber(Corpus(KNOWN), 1, FOLDER)
    await transcriber.start()
    yield transcriber
    await transcriber.stop()


@pytest.fixture(scope="module")
def second() -> SecondHearing:
    return SecondHearing(Moonshine(FOLDER), Corpus(KNOWN))


def line(name: str, voice: str = "") -> bytes:
    """A caller's line, with a little of the quiet telephone line around it."""
    item = next(one for one in load() if one.id == name and voice in ("", one.voice))
    return SILENCE * 10 + item.pcm() + SILENCE * 15


def begun(ears: TwiceTranscriber, pcm: bytes, expect: Expectation) -> TwiceRecognition:
    recognition = ears.open(expect)
    for start in range(0, len(pcm), len(SILENCE)):
        recognition.feed(pcm[start : start + len(SILENCE)])
    return recognition


async def hears(ears: TwiceTranscriber, name: str, expect: Expectation = OPEN) -> Hypothesis:
    return await begun(ears, line(name), expect).finish()


async def test_sentence_that_the_company_never_wrote_is_understood(ears: TwiceTranscriber) -> None:
    assert (await hears(ears, "forgot-password")).text == "i forgot my password"
    assert (await hears(ears, "weather")).text == "what is the weather like tomorrow"


async def test_number_is_digits_in_words(ears: TwiceTranscriber) -> None:
    heard = await hears(ears, "number-482913", Expectation("order-number", length=6))
    assert heard.text == "four eight two nine one three"
    assert heard.confidence > 0.8


async def test_sentence_instead_of_a_number_is_a_sentence(ears: TwiceTranscriber) -> None:
    heard = await hears(ears, "speak-to-person", Expectation("order-number", length=6))
    assert "person" in heard.text


async def test_closed_question_knows_its_answers(ears: TwiceTranscriber) -> None:
    heard = await hears(ears, "no", Expectation("yes-no"))
    assert heard.text.split()[0] == "no"
    five = Expectation("choice", ("one", "two", "three", "four", "five"))
    assert (await hears(ears, "survey-four", five)).text == "four"


async def test_where_nobody_speaks_the_first_hearing_is_believed(second: SecondHearing) -> None:
    noise = np.random.default_rng(3).normal(0, 300, 12_000).astype("<i2").tobytes()
    heard = second.hear(noise)
    assert heard.nobody
    for first in (Hypothesis("", 0.0), Hypothesis("what was heard", 0.4)):
        assert second.judge(heard, first, Expectation()) is first


async def test_who_agrees_is_surer_and_what_nobody_said_is_unsure(second: SecondHearing) -> None:
    heard = second.hear(line("pay-bill"))
    text = next(one for one in load() if one.id == "pay-bill").text
    agreed = second.judge(heard, Hypothesis(text, 0.9), Expectation())
    alone = second.judge(heard, Hypothesis("the meter is wrong", 0.9), Expectation())
    assert agreed.text == alone.text == text
    assert agreed.confidence > max(0.85, alone.confidence)


async def test_log_probs_of_its_own_readings_are_what_it_said_of_them(
    second: SecondHearing,
) -> None:
    """Scoring a text and finding it are the same measure."""
    model = Moonshine(FOLDER)
    heard = second.hear(line("opening-hours"))
    best = heard.readings[0]
    (again,) = model.log_probs(heard.sound, [best.text])
    assert again == pytest.approx(best.log_prob, abs=0.6)
    (worse,) = model.log_probs(heard.sound, ["The cat sat on the mat."])
    assert worse < again - 10


@pytest.mark.parametrize("text", ["Where's my order?", "€ 12.50, naïve 中文", "A  b", "x"])
async def test_tokens_are_written_and_read_alike(text: str) -> None:
    tokens = Moonshine(FOLDER).tokens
    assert tokens.text(tokens.ids(text)) == text


async def test_hearing_begins_in_the_pause_and_speech_takes_it_back(
    ears: TwiceTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = ears.second
    assert second is not None
    sizes: list[int] = []
    hear = second.hear

    def noted(pcm: bytes) -> Heard:
        sizes.append(len(pcm))
        return hear(pcm)

    monkeypatch.setattr(second, "hear", noted)
    pcm = line("pay-bill")
    recognition = begun(ears, pcm + pcm, Expectation())
    heard = await recognition.finish()
    assert heard.text.count("bill") == 2
    # Begun in the last pause, with less than all of it; nothing was heard again at the end.
    assert sizes
    assert sizes[-1] < len(pcm + pcm)
    assert sizes[-1] > len(pcm) + len(pcm) // 2


async def test_late_or_broken_second_hearing_is_done_without(
    ears: TwiceTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = ears.second
    assert second is not None
    monkeypatch.setattr(twice, "PATIENCE_S", 0.2)
    monkeypatch.setattr(second, "hear", lambda pcm: time.sleep(0.6))
    assert (await hears(ears, "pay-bill")).text.endswith("pay my bill")
    await asyncio.sleep(0.7)
    monkeypatch.setattr(second, "hear", lambda pcm: 1 / 0)
    assert (await hears(ears, "pay-bill")).text.endswith("pay my bill")


async def test_model_that_does_not_load_leaves_one_hearing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    (tmp_path / "model" / DECODER).write_bytes(b"no model")
    transcriber = TwiceTranscriber(Corpus(KNOWN), 1, tmp_path / "model")
    await transcriber.start()
    try:
        assert transcriber.second is None
        assert str(tmp_path / "model") in caplog.text
        assert (await hears(transcriber, "pay-bill")).text.endswith("pay my bill")
    finally:
        await transcriber.stop()


async def test_cancelled_utterance_leaves_nothing_behind(ears: TwiceTranscriber) -> None:
    recognition = begun(ears, line("pay-bill"), Expectation())
    recognition.cancel()
    recognition.cancel()
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "second-hearing"]


async def test_caller_who_hangs_up_while_the_text_is_awaited_gives_an_empty_one(
    ears: TwiceTranscriber,
) -> None:
    """Whoever awaits it is not cancelled with it: there is a call to be ended."""
    recognition = begun(ears, line("pay-bill"), OPEN)
    waiting = asyncio.create_task(recognition.finish())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    recognition.cancel()
    assert await waiting == Hypothesis("", 0.0)


async def test_models_of_a_question_are_made_before_its_answer(ears: TwiceTranscriber) -> None:
    made: list[Expectation] = []
    second = ears.second
    assert second is not None
    prepare = second.prepare
    with pytest.MonkeyPatch.context() as patch:

        def noted(expect: Expectation) -> None:
            made.append(expect)
            prepare(expect)

        patch.setattr(second, "prepare", noted)
        ears.prepare(Expectation("yes-no", ("perhaps",)))
        async with asyncio.timeout(5):
            while not made:
                await asyncio.sleep(0.01)
    assert made == [Expectation("yes-no", ("perhaps",))]
