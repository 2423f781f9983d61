"""Telephone speech as the wideband acoustic model of pocketsphinx expects to hear it.

The model was trained on 16 kHz speech; a telephone line carries nothing above 3.4 kHz, so a
third of its 25 mel bands would hold the noise of the codec. This front end makes the model's
own features (sphinxbase's mel cepstra, with its noise removal) and puts, before the cosine
transform, what a small network expects of the whole spectrum, given 130 ms of what the line
let through. The network has heard real people both ways (``evals.telephone_band``).

1. Samples in, cepstra out; frames are 10 ms. Nothing is kept of one utterance for the next.
2. Cepstra come ``AHEAD`` frames late, since the network looks so far ahead.

Pure numpy: about 2 % of a core for a voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 16000
SHIFT, WINDOW, FFT = 160, 410, 512
"""A frame each 10 ms, 25.6 ms long."""
BANDS, LOWEST_HZ, HIGHEST_HZ = 25, 130.0, 6800.0
CEPSTRA = 13
LIFTER = 22
PREEMPHASIS = 0.97
LOG_FLOOR = 1e-4
WEIGHTS = Path(__file__).with_suffix(".npz")

Array = npt.NDArray[np.float64]


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hertz(mel: float) -> float:
    return float(700 * (10 ** (mel / 2595) - 1))


def mel_filters() -> Array:
    """Triangles of equal area, ``(FFT // 2 + 1, BANDS)``, corners on bins."""
    bin_hz = RATE / FFT
    low, high = _mel(LOWEST_HZ), _mel(HIGHEST_HZ)
    corners = [
        int(_hertz(low + number * (high - low) / (BANDS + 1)) / bin_hz + 0.5) * bin_hz
        for number in range(BANDS + 2)
    ]
    bins = np.arange(FFT // 2 + 1) * bin_hz
    filters = np.zeros((FFT // 2 + 1, BANDS))
    for band, (left, middle, right) in enumerate(
        zip(corners, corners[1:], corners[2:], strict=False)
    ):
        rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
        filters[:, band] = np.clip(np.minimum(rising, falling), 0, None) * 2 / (right - left)
    return filters


_FILTERS = mel_filters()
_HAMMING = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))
_COSINES = np.cos(np.pi * np.arange(CEPSTRA)[:, None] / BANDS * (np.arange(BANDS) + 0.5)) * np.sqrt(
    2 / BANDS
)
_COSINES[0] = np.sqrt(1 / BANDS)
_LIFT = 1 + LIFTER / 2 * np.sin(np.arange(CEPSTRA) * np.pi / LIFTER)


def cepstra(log_mel: Array) -> npt.NDArray[np.float32]:
    """``(frames, CEPSTRA)`` of ``(frames, BANDS)``: orthonormal cosine transform, liftered."""
    lifted: npt.NDArray[np.float32] = ((log_mel @ _COSINES.T) * _LIFT).astype(np.float32)
    return lifted


class MelBands:
    """Samples of one utterance to mel powers, piece by piece."""

    def __init__(self) -> None:
        self._waiting = np.zeros(0)
        self._last = 0.0

    def hear(self, samples: npt.NDArray[np.int16]) -> Array:
        """``(frames, BANDS)`` of the frames that are whole by now."""
        if samples.size:
            before = np.concatenate(([self._last], samples[:-1]))
            self._last = float(samples[-1])
            self._waiting = np.concatenate((self._waiting, samples - PREEMPHASIS * before))
        count = max(0, (self._waiting.size - WINDOW) // SHIFT + 1)
        if not count:
            return np.zeros((0, BANDS))
        frames = np.lib.stride_tricks.sliding_window_view(self._waiting, WINDOW)
        spectrum = np.fft.rfft(frames[: count * SHIFT : SHIFT] * _HAMMING, FFT)
        self._waiting = self._waiting[count * SHIFT :]
        powers: Array = (spectrum.real**2 + spectrum.imag**2) @ _FILTERS
        return powers


class NoiseRemoval:
    """sphinxbase's spectral subtraction with temporal masking (fe_noise.c), on mel powers.

    The model was trained with it, so it is part of the features, not a matter of taste.
    """

    POWER, RISE, FALL, PEAK, MASKED = 0.7, 0.995, 0.5, 0.85, 0.2
    MOST = 20.0
    NEIGHBOURS = 4

    def __init__(self) -> None:
        self._power: Array | None = None
        self._noise = self._floor = self._peak = np.zeros(BANDS)
        around = np.arange(BANDS)
        self._first = np.maximum(around - self.NEIGHBOURS, 0)
        self._behind = np.minimum(around + self.NEIGHBOURS, BANDS - 1) + 1

    def clean(self, powers: Array) -> Array:
        """``(frames, BANDS)``, in the order of the frames."""
        cleaned = np.empty_like(powers)
        for number, frame in enumerate(powers):
            cleaned[number] = frame * self._gain(frame)
        return cleaned

    def _gain(self, frame: Array) -> Array:
        if self._power is None:
            self._power = frame.copy()
            self._noise = self._floor = frame / self.MOST
        power = self._power = self.POWER * self._power + (1 - self.POWER) * frame
        self._noise = self._lower_envelope(self._noise, power)
        signal = np.maximum(power - self._noise, 1.0)
        self._floor = self._lower_envelope(self._floor, signal)
        masking = self._peak * self.PEAK
        self._peak = np.maximum(masking, signal)
        signal = np.where(signal < self.PEAK * masking, masking * self.MASKED, signal)
        signal = np.maximum(signal, self._floor)
        gain = np.clip(signal / np.maximum(power, 1e-9), 1 / self.MOST, self.MOST)
        sums = np.concatenate(([0.0], np.cumsum(gain)))
        smooth: Array = (sums[self._behind] - sums[self._first]) / (self._behind - self._first)
        return smooth

    def _lower_envelope(self, envelope: Array, value: Array) -> Array:
        slowness = np.where(value >= envelope, self.RISE, self.FALL)
        followed: Array = slowness * envelope + (1 - slowness) * value
        return followed


@dataclass(frozen=True, slots=True)
class Network:
    """Two hidden layers: log mel bands of ``2 * ahead + 1`` telephone frames to a wideband one.

    ``mean`` and ``spread`` scale what goes in, ``offset`` is added to what comes out;
    ``cepstral_mean`` is that of the speech it was trained to give.
    """

    layers: tuple[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]], ...]
    mean: Array
    spread: Array
    offset: Array
    cepstral_mean: Array

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Network:
        """From an ``.npz`` of ``evals.telephone_band``."""
        with np.load(path) as kept:
            layers = tuple(
                (
                    kept[f"weights{number}"].astype(np.float32),
                    kept[f"biases{number}"].astype(np.float32),
                )
                for number in range(3)
            )
            scales = (kept[name] for name in ("mean", "spread", "offset", "cepstral_mean"))
            return cls(layers, *scales)

    @property
    def ahead(self) -> int:
        """Frames that it looks to either side."""
        inputs: int = self.layers[0][0].shape[1]
        return (inputs // BANDS - 1) // 2

    def widen(self, log_mel: Array) -> Array:
        """``(frames, BANDS)``: two times ``ahead`` fewer than there are in ``log_mel``."""
        scaled = ((log_mel - self.mean) / self.spread).astype(np.float32)
        context = 2 * self.ahead + 1
        views = np.lib.stride_tricks.sliding_window_view(scaled, (context, BANDS))
        values = views.reshape(len(scaled) - context + 1, context * BANDS)
        for number, (weights, biases) in enumerate(self.layers):
            values = values @ weights.T + biases
            if number < len(self.layers) - 1:
                values = np.maximum(values, 0)
        widened: Array = values + self.offset
        return widened


class TelephoneBand:
    """One utterance: 16 kHz samples of a telephone line to cepstra for the wideband model."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._bands = MelBands()
        self._noise = NoiseRemoval()
        self._waiting = np.zeros((0, BANDS))
        self._begun = False

    def hear(
        self, samples: npt.NDArray[np.int16], *, last: bool = False
    ) -> npt.NDArray[np.float32]:
        """``(frames, CEPSTRA)`` that are certain by now; with ``last`` all that are left."""
        ahead = self._network.ahead
        powers = self._noise.clean(self._bands.hear(samples))
        fresh = np.log(powers + LOG_FLOOR)
        if len(fresh) and not self._begun:
            # Before the first frame it was as quiet as in it, and after the last as in that.
            self._begun = True
            fresh = np.concatenate((np.repeat(fresh[:1], ahead, axis=0), fresh))
        waiting = np.concatenate((self._waiting, fresh))
        if last and len(waiting):
            waiting = np.concatenate((waiting, np.repeat(waiting[-1:], ahead, axis=0)))
        if len(waiting) <= 2 * ahead:
            self._waiting = waiting
            return np.zeros((0, CEPSTRA), np.float32)
        self._waiting = waiting[len(waiting) - 2 * ahead :]
        return cepstra(self._network.widen(waiting))
