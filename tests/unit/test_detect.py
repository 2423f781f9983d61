"""Speech or not: the gate and the network behind it, on speech, noises and our own echo.

All of it comes through G.711 µ-law. What matters is what the caller notices: whether a
prompt stops, and when a turn ends.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bots.detect import SpeechDetector, level_db, levels_db
from bots.engines.choice import choose_engines
from bots.engines.errors import EngineUnavailable
from bots.engines.espeak import EspeakVoice
from bots.engines.phrases import Corpus
from bots.engines.silero import Silero, model_file
from bots.speech import resampled
from bots.turn import BARGE_IN_S, FRAME_S, Act, TurnMachine, profile_for
from evals.render import Utterance, load
from tests.scripted import SILENCE, tone
from tests.sounds import NOISES, Samples, noise, of_pcm, on_line

LINES = {item.file.removesuffix(".ulaw"): item for item in load()}
SENTENCES = [item for item in LINES.values() if item.ms >= 600]
CALLERS = ("speak-to-person.kal16", "human.rms", "speak-to-person.slt", "order-late.awb")
SPEAKS_AT_S = 1.0


@pytest.fixture(scope="module")
def silero() -> Silero:
    """One network, as all calls of a process share it."""
    return Silero(model_file())


def over_prompt(
    line: Sequence[bytes], silero: Silero | None, kind: str = "open", ours: Sequence[bytes] = ()
) -> list[tuple[Act, float]]:
    """What a turn machine does, and when, while a prompt plays over this line."""
    detector = SpeechDetector(silero.open(8000) if silero else None)
    machine = TurnMachine()
    acts = machine.prompt_began(profile_for(kind), 0.0)
    happened = [(act, 0.0) for act in acts]
    for number, frame in enumerate(line):
        speech = detector.frame(frame, ours[number] if number < len(ours) else b"")
        now = (number + 1) * FRAME_S
        happened += [(act, now) for act in machine.frame(speech, now, detector.earlier_s)]
    return happened


def stopped_at(happened: list[tuple[Act, float]]) -> float | None:
    return next((at for act, at in happened if act is Act.STOP_PLAYBACK), None)


def turn_ends(line: Sequence[bytes], silero: Silero | None) -> list[float]:
    """When turns end on this line after an open question."""
    detector = SpeechDetector(silero.open(8000) if silero else None)
    machine = TurnMachine()
    machine.prompt_began(profile_for("open"), 0.0)
    machine.prompt_ended(0.0)
    ends = []
    for number, frame in enumerate(line):
        now = (number + 1) * FRAME_S
        speech = detector.frame(frame)
        ends += [
            now for act in machine.frame(speech, now, detector.earlier_s) if act is Act.END_TURN
        ]
    return ends


def test_level_of_silence_and_of_a_full_scale_sine() -> None:
    assert level_db(SILENCE) == -75
    assert level_db(tone(1.0)) == pytest.approx(-3.01, abs=0.1)
    assert levels_db(tone(1.0, samples=200), 8000)[0] == pytest.approx(-3.01, abs=0.1)


# -- the gate alone ------------------------------------------------------------------


@pytest.mark.parametrize("utterance", SENTENCES[::8], ids=lambda item: item.file)
def test_gate_finds_speech_with_its_beginning_and_its_end(utterance: Utterance) -> None:
    detector = SpeechDetector()
    line = on_line(of_pcm(utterance.pcm()))
    gate = [detector.frame(frame) for frame in line]
    spoken = utterance.ms // 20
    assert not any(gate[:50])
    assert gate.index(True) <= 58
    assert sum(gate) >= 0.5 * spoken
    assert not any(gate[50 + spoken + 6 :])


def test_steady_noise_closes_the_gate_within_seconds_and_speech_still_opens_it() -> None:
    detector = SpeechDetector()
    line = on_line(of_pcm(SENTENCES[0].pcm()), noise_db=-40, before_s=14)
    gate = [detector.frame(frame) for frame in line]
    assert not any(gate[650:700])
    assert sum(gate[700:]) > 25


# -- the network ----------------------------------------------------------------------


@pytest.mark.parametrize("background_db", [-60, -50])
@pytest.mark.parametrize("name", NOISES)
def test_sound_that_is_no_voice_does_not_stop_a_prompt(
    silero: Silero, name: str, background_db: float
) -> None:
    line = on_line(NOISES[name], noise_db=background_db)
    assert stopped_at(over_prompt(line, silero, "yes-no")) is None


def test_most_of_those_sounds_would_stop_it_by_their_loudness_alone() -> None:
    fooled = [
        name for name, sound in NOISES.items() if stopped_at(over_prompt(on_line(sound), None))
    ]
    assert len(fooled) >= len(NOISES) - 2


@pytest.mark.parametrize(("noise_db", "within_s"), [(-60, 0.15), (-35, 0.3), (-30, 0.3)])
def test_voices_stop_the_prompt_with_noise_15_and_10_db_below_them_too(
    silero: Silero, noise_db: float, within_s: float
) -> None:
    late = []
    for utterance in SENTENCES[::6]:
        line = on_line(of_pcm(utterance.pcm()), noise_db=noise_db)
        stopped = stopped_at(over_prompt(line, silero))
        assert stopped is not None, utterance.file
        late.append(stopped - SPEAKS_AT_S - BARGE_IN_S)
    assert float(np.median(late)) <= 0.1
    assert max(late) <= within_s


async def test_espeak_voices_stop_it_in_three_languages(silero: Silero) -> None:
    voice = EspeakVoice()
    texts = {
        "en": "I want to speak to a person",
        "zh": "我要找人工客服",
        "lv": "Es gribu darbinieku",
    }
    for language, text in texts.items():
        pcm = b"".join([piece async for piece in voice.speak(text, language)])
        caller = of_pcm(resampled(pcm, voice.sample_rate, 8000))
        level = 0.1 / np.sqrt(np.mean(caller**2))
        assert stopped_at(over_prompt(on_line(caller * level, noise_db=-40), silero)), language


@pytest.mark.parametrize("name", ["no.awb", "no.kal16", "no.rms", "no.slt"])
def test_short_no_stops_a_yes_no_question(silero: Silero, name: str) -> None:
    stopped = stopped_at(over_prompt(on_line(of_pcm(LINES[name].pcm())), silero, "yes-no"))
    assert stopped is not None
    assert stopped - SPEAKS_AT_S <= 0.32


def test_network_delays_neither_onset_nor_stop_nor_the_end_of_a_turn(silero: Silero) -> None:
    stops, ends = [], []
    for utterance in SENTENCES[::6]:
        line = on_line(of_pcm(utterance.pcm()))
        with_it, without = (stopped_at(over_prompt(line, one)) for one in (silero, None))
        assert with_it is not None
        assert without is not None
        stops.append(with_it - without)
        assert turn_ends(line, silero)[-1] <= turn_ends(line, None)[-1] + 0.021
        ends.append(turn_ends(line, silero)[-1])
    assert float(np.median(stops)) <= 0.021


def test_turn_ends_in_noise_that_keeps_the_gate_open(silero: Silero) -> None:
    utterance = LINES["speak-to-person.slt"]
    line = on_line(of_pcm(utterance.pcm()), noise_db=-33, after_s=1.5)
    assert turn_ends(line, None) == []
    (ended,) = turn_ends(line, silero)
    assert ended - SPEAKS_AT_S - utterance.ms / 1000 <= 0.75


def test_cough_while_the_bot_listens_is_no_turn(silero: Silero) -> None:
    assert turn_ends(on_line(NOISES["coughs"][:8000]), silero) == []


class Asked:
    """A network that counts how often it is asked, and says what it is told to."""

    def __init__(self, *likely: float) -> None:
        self.likely = list(likely)
        self.heard = self.skipped = 0

    def skip(self, pcm: bytes) -> None:
        self.skipped += 1

    def hear(self, pcm: bytes) -> float:
        self.heard += 1
        return self.likely.pop(0) if len(self.likely) > 1 else self.likely[0]


def test_network_is_asked_only_while_something_sounds() -> None:
    asked = Asked(0.9)
    detector = SpeechDetector(asked)
    for frame in on_line(of_pcm(LINES["no.slt"].pcm()), before_s=5):
        detector.frame(frame)
    assert asked.heard <= 20
    assert asked.skipped >= 280


def test_sound_before_the_network_agreed_counts_as_speech_in_all() -> None:
    detector = SpeechDetector(Asked(*[0.0] * 5, 0.9))
    frames = on_line(of_pcm(tone(samples=4000)), before_s=0.5, after_s=0)
    spoken = [FRAME_S + detector.earlier_s for frame in frames if detector.frame(frame)]
    assert sum(spoken) == pytest.approx(0.5, abs=0.021)


def test_network_that_gives_nonsense_leaves_it_to_the_gate() -> None:
    gate, broken = SpeechDetector(), SpeechDetector(Asked(float("nan")))
    for frame in on_line(of_pcm(LINES["no.slt"].pcm())):
        assert gate.frame(frame) == broken.frame(frame)


def test_calls_that_share_the_network_do_not_disturb_each_other(silero: Silero) -> None:
    speech, knocks = on_line(of_pcm(SENTENCES[0].pcm())), on_line(NOISES["knocks"])
    alone = [SpeechDetector(silero.open(8000))]
    expected = [alone[0].frame(frame) for frame in speech]
    one, other = SpeechDetector(silero.open(8000)), SpeechDetector(silero.open(8000))
    together = []
    for frame, knock in zip(speech, knocks, strict=False):
        together.append(one.frame(frame))
        other.frame(knock)
    assert together == expected[: len(together)]


def test_second_of_speech_costs_few_percent_of_a_core(silero: Silero) -> None:
    """A guard against a hop or a reload per frame; the figure is in docs/speech.md."""
    frames = on_line(of_pcm(LINES["speak-to-person.slt"].pcm()), before_s=0, after_s=0)
    detector = SpeechDetector(silero.open(8000))
    began = time.process_time()
    for frame in frames:
        detector.frame(frame)
    assert (time.process_time() - began) / (len(frames) * FRAME_S) < 0.2


def test_wideband_leg_is_heard_as_well(silero: Silero) -> None:
    pcm = b"".join(on_line(of_pcm(SENTENCES[0].pcm())))
    wide = resampled(pcm, 8000, 48000)
    detector = SpeechDetector(silero.open(48000), 48000)
    found = [detector.frame(wide[i : i + 1920]) for i in range(0, len(wide), 1920)]
    assert sum(found) >= 0.5 * SENTENCES[0].ms / 20


def test_file_that_is_no_network_is_refused_with_its_name(tmp_path: Path) -> None:
    broken = tmp_path / "silero_vad_v6.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(EngineUnavailable, match=r"silero_vad_v6\.onnx does not work"):
        Silero(broken)


def test_without_the_network_the_engines_are_chosen_all_the_same_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("faster_whisper.utils.get_assets_path", lambda: str(tmp_path))
    engines = choose_engines("offline", tmp_path, Corpus())
    assert engines.activity is None
    warnings = [record.message for record in caplog.records if "silero" in record.message]
    assert len(warnings) == 1


# -- our own echo (lessons.md 20) -------------------------------------------------------


def both_ways(
    delay_s: float, loss_db: float, caller: Samples | None = None
) -> tuple[list[bytes], list[bytes]]:
    """The caller's line with our prompt's echo on it, and what we play; both µ-law."""
    prompt = np.concatenate(
        [of_pcm(LINES[n].pcm()) for n in ("opening-hours.slt", "parcel-locker.rms")]
    )
    ours = on_line(prompt, noise_db=-75, before_s=0)
    came_back = np.zeros(len(prompt) + round(delay_s * 8000))
    came_back[-len(prompt) :] = of_pcm(b"".join(ours))[: len(prompt)] * 10 ** (-loss_db / 20)
    if caller is not None:
        begin = round(SPEAKS_AT_S * 8000)
        came_back[begin : begin + len(caller)] += caller[: len(came_back) - begin]
    return on_line(came_back, before_s=0), ours


@pytest.mark.parametrize("loss_db", [10, 15, 20])
@pytest.mark.parametrize("delay_s", [0.02, 0.06, 0.1, 0.15, 0.2])
def test_our_echo_does_not_stop_our_prompt(silero: Silero, delay_s: float, loss_db: float) -> None:
    line, ours = both_ways(delay_s, loss_db)
    assert stopped_at(over_prompt(line, silero, ours=ours)) is None
    assert stopped_at(over_prompt(line, None, ours=ours)) is None


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("delay_s", "loss_db"), [(0.02, 20), (0.1, 10), (0.2, 10), (0.15, 15)])
def test_caller_who_speaks_over_our_echo_stops_it(
    silero: Silero, delay_s: float, loss_db: float, caller: str
) -> None:
    for weaker_db in (0, 6):
        voice = of_pcm(LINES[caller].pcm()) * 10 ** (-weaker_db / 20)
        line, ours = both_ways(delay_s, loss_db, voice)
        stopped = stopped_at(over_prompt(line, silero, ours=ours))
        assert stopped is not None
        assert 0.2 <= stopped - SPEAKS_AT_S <= 0.75


def test_echo_is_known_by_its_shape_however_loud_and_another_voice_is_not() -> None:
    detector = SpeechDetector()
    line, ours = both_ways(0.12, 3)
    assert stopped_at(over_prompt(line, None, ours=ours)) is None
    caller = on_line(of_pcm(LINES["agent-please.rms"].pcm()) * 0.9, before_s=0)
    assert any(detector.frame(frame, mine) for frame, mine in zip(caller, ours, strict=False))


@pytest.mark.parametrize("caller", ["parcel-size.kal16", "forgot-password.rms", *CALLERS])
def test_soft_sounds_count_over_a_prompt_where_nothing_comes_back(
    silero: Silero, caller: str
) -> None:
    line, ours = both_ways(0.1, 90, of_pcm(LINES[caller].pcm()))
    over, under_nothing = (stopped_at(over_prompt(line, silero, ours=one)) for one in (ours, ()))
    assert over is not None
    assert under_nothing is not None
    assert over == pytest.approx(under_nothing, abs=0.021)


@pytest.mark.parametrize("loss_db", [8, 15, 25, 35])
@pytest.mark.parametrize("delay_s", [0.02, 0.1, 0.2])
def test_echo_that_begins_in_the_middle_of_a_call_stops_nothing(
    silero: Silero, delay_s: float, loss_db: float
) -> None:
    """The caller puts us on the loudspeaker."""
    line, ours = both_ways(delay_s, loss_db)
    quiet, _ = both_ways(0.1, 90)
    line = [*quiet[:75], *line[75:]]
    assert stopped_at(over_prompt(line, silero, ours=ours)) is None


def test_echo_of_our_noiseless_line_is_nothing() -> None:
    detector = SpeechDetector()
    assert not any(detector.frame(frame) for frame in on_line(noise(-60, 1)))
