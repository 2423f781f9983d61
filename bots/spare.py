"""What a caller hears when no voice can say what should be said: a sentence kept ready, a tone.

The sentence is made while the voice still works, at the start, and never thrown away. Where
there is none (the voice never worked) two short tones tell that somebody is still there.
"""

from __future__ import annotations

import numpy as np

APOLOGIES = {
    "en": "I am sorry, something is wrong with my voice. One moment, please.",
    "zh": "很抱歉，我的语音出了问题，请稍等。",
    "lv": "Atvainojiet, man ir problēmas ar balsi. Vienu mirkli, lūdzu.",
}
VOICE_FAILED = "voice-failed"
"""The reason of the hand-over."""
SPOKEN_BY_SPARE = "prepared sentence"
SPOKEN_BY_TONE = "tone"
TONE_HZ = 425
"""The pitch of European network tones (ITU-T E.180)."""
TONE_MS, PAUSE_MS, EDGE_MS = 180, 120, 10
TONE_LEVEL = 0.06
"""Of full scale: about as loud as speech."""


def beeps(rate: int, times: int = 2) -> bytes:
    """So many short tones, PCM s16le at ``rate`` hertz."""
    count, edge = rate * TONE_MS // 1000, rate * EDGE_MS // 1000
    wave = np.sin(2 * np.pi * TONE_HZ * np.arange(count) / rate)
    wave[:edge] *= np.linspace(0, 1, edge)
    wave[-edge:] *= np.linspace(1, 0, edge)
    one = np.concatenate([wave, np.zeros(rate * PAUSE_MS // 1000)]) * TONE_LEVEL * 32767
    made: bytes = np.tile(one, times).astype("<i2").tobytes()
    return made
