"""A bad telephone line, for measuring: noise, jitter and bursts of loss, packet by packet.

The packets go through the product's own jitter buffer and concealment, so what is measured is
what a caller on such a line gets. Pure, on virtual time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from channels.media.codecs import FRAME_SAMPLES, PCMU, SAMPLE_RATE
from channels.media.conceal import Concealment
from channels.media.jitter import Gap, JitterBuffer
from channels.media.rtp import RtpPacket

FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_MS = 20
FLUSH_FRAMES = 15
"""Ticks after the last packet, so that what waits in the buffer comes out."""


@dataclass(frozen=True, slots=True)
class Line:
    """How bad it is. ``loss`` is the share of packets lost, in bursts of ``burst_ms`` on average.

    ``jitter_ms``: packets are late by 0 to so much. ``snr_db`` below the speech is noise of
    equal power in each octave, which is what offices and streets sound like.
    """

    loss: float = 0.05
    burst_ms: float = 100.0
    jitter_ms: float = 60.0
    snr_db: float = 15.0

    def carry(self, pcm: bytes, chance: np.random.Generator) -> bytes:
        """What comes out at the other end of s16le 8 kHz audio."""
        noisy = self._noisy(np.frombuffer(pcm, dtype="<i2").astype(np.float64), chance)
        return self._through(noisy, chance)

    def _noisy(self, samples: npt.NDArray[np.float64], chance: np.random.Generator) -> bytes:
        spectrum = np.fft.rfft(chance.normal(size=samples.size))
        hertz = np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE)
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 50.0)), samples.size)
        loud = np.abs(samples) > np.abs(samples).max(initial=0.0) * 0.02
        speech = np.sqrt(np.mean(samples[loud] ** 2)) if loud.any() else 0.0
        level = speech * 10 ** (-self.snr_db / 20) / (np.sqrt(np.mean(noise**2)) or 1.0)
        mixed: bytes = np.clip(samples + noise * level, -32768, 32767).astype("<i2").tobytes()
        return mixed

    def _through(self, pcm: bytes, chance: np.random.Generator) -> bytes:
        pcm = pcm.ljust(-(-len(pcm) // FRAME_BYTES) * FRAME_BYTES, b"\0")
        count = len(pcm) // FRAME_BYTES
        lost = self._lost(count, chance)
        arriving: list[tuple[float, int]] = sorted(
            (number * FRAME_MS + chance.uniform(0, self.jitter_ms), number)
            for number in range(count)
            if not lost[number]
        )
        buffer, conceal = JitterBuffer(), Concealment(bytes(FRAME_BYTES))
        buffer.keep = True
        heard, place = [], 0
        for tick in range(count + FLUSH_FRAMES):
            while place < len(arriving) and arriving[place][0] <= tick * FRAME_MS:
                buffer.add(_packet(pcm, arriving[place][1]))
                place += 1
            while (pulled := buffer.pull()) is not Gap.EMPTY:
                if isinstance(pulled, Gap):
                    heard.append(conceal.missing())
                else:
                    heard.append(conceal.good(PCMU.decode(pulled.payload)))
        return b"".join(heard)

    def _lost(self, count: int, chance: np.random.Generator) -> list[bool]:
        """Two states (Gilbert): in a burst everything is lost."""
        ends = FRAME_MS / self.burst_ms
        begins = ends * self.loss / (1 - self.loss) if self.loss else 0.0
        lost, bad = [], False
        for _ in range(count):
            bad = chance.random() >= ends if bad else chance.random() < begins
            lost.append(bad)
        return lost


def _packet(pcm: bytes, number: int) -> RtpPacket:
    frame = pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES]
    return RtpPacket(
        payload_type=PCMU.payload_type,
        sequence=number,
        timestamp=number * FRAME_SAMPLES,
        ssrc=1,
        payload=PCMU.encode(frame),
    )
