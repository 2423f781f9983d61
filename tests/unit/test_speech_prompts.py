"""Sentences, codes and what was heard of them."""

from __future__ import annotations

import asyncio

import pytest

from bots.engines.lexicon import number_words, phones_of_ipa, words_of
from bots.engines.phrases import Corpus, question_lines
from bots.ports import Expectation
from bots.speech import Prompts, Saying, resampled
from bots.spoken.aligned import Pieces, heard, sentences, written_of
from bots.spoken.reading import aligned
from tests.scripted import (
    PacedScriptedVoice,
    ScriptedLeg,
    ScriptedVoice,
    TimedScriptedVoice,
    tone,
)


def cut(text: str, language: str = "en") -> list[str]:
    return [written_of(part) for part in sentences(aligned(text, language))]


def heard_of(text: str, played_ms: int, total_ms: int, language: str = "en") -> str:
    pieces: Pieces = aligned(text, language)
    return heard(pieces, played_ms, total_ms)


def test_text_is_cut_into_sentences_in_three_languages() -> None:
    assert cut("Hello there. How are you? Fine!") == ["Hello there.", "How are you?", "Fine!"]
    assert cut("您好。请问有什么可以帮您？", "zh") == ["您好。", "请问有什么可以帮您？"]
    assert cut("Labdien! Kā varu palīdzēt?", "lv") == ["Labdien!", "Kā varu palīdzēt?"]
    assert cut("It costs 4.50 euros.") == ["It costs 4.50 euros."]
    assert cut(" . ") == []


def test_long_sentence_is_cut_at_its_commas() -> None:
    long = ", ".join(["this is a clause of a rather long sentence"] * 6) + "."
    parts = cut(long)
    assert len(parts) > 1
    assert all(len(part) <= 160 for part in parts)
    assert " ".join(parts) == long


def test_what_was_heard_is_whole_words_by_proportion() -> None:
    text = "Your parcel is on the van."
    assert heard_of(text, 0, 1000) == ""
    assert heard_of(text, 1000, 1000) == text
    assert heard_of(text, 500, 1000) == "Your parcel"
    assert heard_of("您的包裹在路上", 500, 1000, "zh") == "您的包"


async def test_cut_prompt_is_told_as_it_was_written_not_as_it_was_said() -> None:
    leg, voice = ScriptedLeg(), ScriptedVoice()
    line = "It costs 12.50 EUR in total."
    saying = Saying(leg, Prompts(voice), [line], "en", leg.seconds)
    playing = asyncio.create_task(saying.play())
    await leg.run_for(len("It costs twelve euros") * 0.05)
    assert saying.heard() == ["It costs"]
    await leg.run_for(len(" fifty in") * 0.05)
    saying.stop()
    assert await playing is False
    assert saying.heard() == ["It costs 12.50 EUR"]
    assert voice.made == ["It costs twelve euros fifty in total."]


async def test_slower_prompt_is_made_apart_and_kept_apart() -> None:
    voice = PacedScriptedVoice()
    prompts = Prompts(voice)
    usual = await prompts.sound("Hello.", "en", 8000)
    slow = await prompts.sound("Hello.", "en", 8000, 0.5)
    assert len(slow.pcm) == 2 * len(usual.pcm)
    assert await prompts.sound("Hello.", "en", 8000) == usual
    plain = Prompts(ScriptedVoice())
    assert await plain.sound("Hello.", "en", 8000, 0.5) == usual


async def test_word_times_of_the_voice_cut_where_proportion_would_not() -> None:
    voice = TimedScriptedVoice({"Hello": 1.0, "my friend.": 0.5})
    leg = ScriptedLeg()
    prompts = Prompts(voice)
    for _ in range(2):
        # The second time from the cache, with its times.
        saying = Saying(leg, prompts, ["Hello my friend."], "en", leg.seconds)
        playing = asyncio.create_task(saying.play())
        await leg.run_for(0.98)
        assert saying.heard() == [""]
        await leg.run_for(0.1)
        saying.stop()
        assert await playing is False
        assert saying.heard() == ["Hello"]
    assert voice.made == ["Hello my friend."]


async def test_audio_is_cached_and_two_callers_share_one_synthesis() -> None:
    voice = ScriptedVoice()
    prompts = Prompts(voice)
    first, second = await asyncio.gather(
        prompts.sound("Hello.", "en", 8000), prompts.sound("Hello.", "en", 8000)
    )
    assert first == second == await prompts.sound("Hello.", "en", 8000)
    assert voice.made == ["Hello."]


async def test_cache_forgets_the_oldest_when_it_is_full() -> None:
    voice = ScriptedVoice()
    prompts = Prompts(voice, cache_bytes=12000)
    for text in ("Number one.", "Number two.", "Number one."):
        await prompts.sound(text, "en", 8000)
    assert voice.made == ["Number one.", "Number two.", "Number one."]


async def test_caller_who_leaves_does_not_take_the_audio_from_another() -> None:
    prompts = Prompts(ScriptedVoice())
    leaving = asyncio.create_task(prompts.sound("Hello.", "en", 8000))
    staying = asyncio.create_task(prompts.sound("Hello.", "en", 8000))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying


def test_resampling_keeps_the_length_in_time() -> None:
    assert len(resampled(tone(samples=800), 8000, 16000)) == pytest.approx(3200, abs=8)
    assert resampled(b"", 8000, 16000) == b""


def test_numbers_become_words_for_the_recogniser() -> None:
    assert words_of("Up to 30 kg, €12.50, don’t wait: HL-482913") == [
        *("up", "to", "thirty", "kg", "twelve", "fifty", "don't", "wait", "hl"),
        *("four", "eight", "two", "nine", "one", "three"),
    ]
    assert number_words("1999") == ["one", "thousand", "nine", "hundred", "ninety", "nine"]
    assert number_words("007") == ["zero", "zero", "seven"]


def test_unknown_words_get_cmu_phones_from_ipa() -> None:
    assert phones_of_ipa("hˈɑːɹbɚlˌaɪn") == "HH AA R B ER L AY N"


def test_closed_question_adds_its_own_answers_to_the_corpus() -> None:
    choices = question_lines(Expectation("choice", ("billing", "orders")))
    assert choices.count(["billing"]) > 10
    assert ["yes"] in question_lines(Expectation("yes-no"))
    assert question_lines(Expectation()) == []
    assert ["parcels", "go", "daily"] in Corpus(sentences=("Parcels go daily.",)).lines()
