"""The telephone front end of the offline recogniser: the model's features, widened."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pocketsphinx
import pytest
import soxr

from bots.engines.telephone_band import (
    BANDS,
    CEPSTRA,
    LOG_FLOOR,
    RATE,
    MelBands,
    Network,
    NoiseRemoval,
    TelephoneBand,
    cepstra,
)
from evals.render import load

Samples = npt.NDArray[np.int16]
PIECE = RATE * 60 // 1000


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.load()


def spoken(words: str = "where-is-my-order") -> Samples:
    """A caller, brought to 16 kHz."""
    (line, *_) = [each for each in load() if each.id == words]
    narrow = np.frombuffer(line.pcm(), dtype="<i2")
    wide: Samples = soxr.resample(narrow, RATE // 2, RATE)
    return wide


def test_pieces_give_the_same_as_the_whole(network: Network) -> None:
    samples = spoken()
    whole = TelephoneBand(network).hear(samples, last=True)
    band = TelephoneBand(network)
    pieces = [band.hear(samples[at : at + PIECE]) for at in range(0, samples.size, PIECE)]
    pieces.append(band.hear(np.zeros(0, np.int16), last=True))
    assert np.concatenate(pieces) == pytest.approx(whole, abs=1e-3)
    assert whole.shape == ((samples.size - 410) // 160 + 1, CEPSTRA)


def test_cepstra_lag_no_more_than_the_network_looks_ahead(network: Network) -> None:
    samples = spoken()
    band = TelephoneBand(network)
    frames = (samples.size - 410) // 160 + 1
    assert len(band.hear(samples)) == frames - network.ahead
    assert len(band.hear(np.zeros(0, np.int16), last=True)) == network.ahead


def test_features_are_those_that_pocketsphinx_makes_itself() -> None:
    # The same recording through pocketsphinx's own front end and through ours, without the
    # network: two searches that hear the same give the same words with nearly the same score.
    samples = spoken()
    log_mel = np.log(NoiseRemoval().clean(MelBands().hear(samples)) + LOG_FLOOR)
    decoder = pocketsphinx.Decoder(
        hmm=pocketsphinx.get_model_path("en-us/en-us"), lm=None, allphone=None, loglevel="FATAL"
    )
    decoder.add_jsgf_string("g", "#JSGF V1.0;grammar g;public <a> = where is my order;")
    decoder.activate_search("g")
    scores = []
    for ours in (False, True):
        decoder.set_cmn("45," + ",".join(["0"] * (CEPSTRA - 1)))
        decoder.start_utt()
        if ours:
            for at in range(0, len(log_mel), 6):
                decoder.process_cep(cepstra(log_mel[at : at + 6]).tobytes(), False, False)
        else:
            decoder.process_raw(samples.tobytes())
        decoder.end_utt()
        scores.append(sum(segment.ascore for segment in decoder.seg()))
    assert scores[1] == pytest.approx(scores[0], rel=0.02)


def test_what_the_line_cut_off_is_as_loud_as_in_wideband_speech(network: Network) -> None:
    # Of the bands above 3.4 kHz nothing is left on the line; the network gives them back.
    samples = spoken()
    heard = np.log(NoiseRemoval().clean(MelBands().hear(samples)) + LOG_FLOOR)
    widened = network.widen(heard)
    high = slice(BANDS - 4, BANDS)
    before = heard[network.ahead : -network.ahead]
    speech = before.mean(1) > np.percentile(before.mean(1), 60)
    assert (widened[speech, high] - before[speech, high]).mean() > 3
    assert abs(widened[speech, high].mean() - network.offset[high].mean()) < 2


def test_silence_and_nothing_at_all_are_no_errors(network: Network) -> None:
    assert TelephoneBand(network).hear(np.zeros(0, np.int16), last=True).shape == (0, CEPSTRA)
    quiet = TelephoneBand(network).hear(np.zeros(RATE, np.int16), last=True)
    assert np.isfinite(quiet).all()
