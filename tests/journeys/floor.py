"""Both ends of a call in a journey: a caller's softphone and an agent's phone.

The softphone is baresip, told over its control socket what to say and press once
something has happened. The agent's phone is Chromium with a recorded microphone,
or our own WebRTC peer where the page is not what is tested.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from playwright.async_api import Page, async_playwright, expect
from scipy.signal import correlate

from channels.media.pacing import MediaClock
from channels.webrtc import WebRtcPeer
from gateway.demo.caller import LOUD, loudness
from gateway.demo.desk_client import DeskClient
from gateway.demo.recordings import Recordings
from router.model import Channel, Interaction
from tests.browser.conftest import ARGUMENTS
from tests.callers import BaresipCaller, Finished, tone, write_wav
from tests.house import ROOT, WAIT_S, House
from tests.services import find_program, free_port

F = TypeVar("F")
T = TypeVar("T")

RECORDINGS = Recordings(ROOT / "evals" / "utterances")
HUSH_MS = 1000  # silence after speech that means: your turn
STAY_S = 200  # baresip hangs up at the end of its file, so silence follows every line
HEADER_BYTES, FRAME_BYTES, BYTES_PER_MS = 44, 320, 16
CALLER_HZ, AGENT_HZ = 570, 1230
MICROPHONE_RATE = 48000
CHROMIUM_ARGUMENTS = [*ARGUMENTS, "--autoplay-policy=no-user-gesture-required"]

LISTEN = """(element) => {
  if (!element.srcObject) return false;
  const context = new AudioContext();
  window.ear = new AnalyserNode(context, {fftSize: 8192});
  context.createMediaStreamSource(element.srcObject).connect(window.ear);
  return context.resume().then(() => true);
}"""
LOUDEST = """() => {
  const bins = new Float32Array(window.ear.frequencyBinCount);
  window.ear.getFloatFrequencyData(bins);
  const top = bins.reduce((best, value, index) => value > bins[best] ? index : best, 1);
  return [top * window.ear.context.sampleRate / window.ear.fftSize, bins[top]];
}"""
LOUD_DB = -60.0

expect.set_options(timeout=WAIT_S * 1000)


async def until(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Look again and again until there is something; a clear failure when there never is."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while (found := await look()) is None:
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"{what}: not within {WAIT_S:g} s")
        await asyncio.sleep(0.1)
    return found


async def call_from(house: House, address: str) -> Interaction:
    """The newest call of that number."""

    async def look() -> Interaction | None:
        calls = [one for one in await house.newest() if one.channel is Channel.VOICE]
        return next((one for one in calls if one.address == address), None)

    return await until(look, f"a call from {address}")


async def fact_of(house: House, interaction_id: str, kind: type[F]) -> F:
    """The first fact of that kind about it, once it is there."""

    async def look() -> F | None:
        facts = await house.facts(interaction_id)
        return next((fact for fact in facts if isinstance(fact, kind)), None)

    return await until(look, kind.__name__)


def has_tone(pcm: bytes, hertz: float, rate: int = 8000) -> bool:
    """Whether some 100 ms are this tone and little else; neither speech nor music is."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    size = rate // 10
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    wave_form = np.exp(-2j * np.pi * hertz * np.arange(size) / rate)
    amplitudes = 2 * np.abs(windows @ wave_form) / size
    powers = np.mean(windows**2, axis=1)
    return bool(np.any((amplitudes > LOUD) & (amplitudes**2 / 2 > 0.7 * powers)))


class Softphone(BaresipCaller):
    """A caller who waits for their turn. ``mark`` is where listening began, in bytes heard."""

    def __init__(self, folder: Path, number: str) -> None:
        super().__init__(folder, number)
        self.number = number
        self.mark = 0
        self._home, self._port, self._lines = folder, free_port(), 0
        self._control: asyncio.StreamWriter | None = None

    async def dial(self, house: House) -> None:
        """Call and say nothing; returns when the other side begins to speak."""
        silence = bytes(STAY_S * 1000 * BYTES_PER_MS)
        await self.call(("127.0.0.1", house.sip_port), silence, "frontdesk")

        async def connect() -> asyncio.StreamWriter | None:
            with suppress(OSError):
                return (await asyncio.open_connection("127.0.0.1", self._port))[1]
            return None

        self._control = await until(connect, "baresip's control socket")
        await until(self._answered, "the call's answer")
        await self.hears_sound(100)

    async def say(self, pcm: bytes) -> None:
        """Speak to the end; what is heard from then on answers it."""
        start = self._size("enc")
        self._play(pcm)

        async def spoken() -> bool | None:
            return self._size("enc") >= start + len(pcm) or None

        await until(spoken, "baresip's line")
        self.mark = self._size("dec")

    def hum(self, hertz: float) -> None:
        """Give a tone from now on."""
        self._play(tone(hertz, STAY_S))
        self.mark = self._size("dec")

    def hush(self) -> None:
        """Be silent from now on."""
        self._play(b"")
        self.mark = self._size("dec")

    def press(self, digits: str) -> None:
        """Press keys; they go out as RFC 4733 events."""
        self.mark = self._size("dec")
        self._command("sndcode", digits)

    async def answer(self) -> bytes:
        """What the other side says: its speech up to the silence after it."""

        async def over() -> bytes | None:
            said = self.since_mark()
            return said if _quiet_ms(said) >= HUSH_MS and _sound_ms(said) else None

        return await until(over, "an answer")

    async def hears_sound(self, milliseconds: int) -> bytes:
        """Wait for so much sound, of whatever kind: what was heard until then."""

        async def enough() -> bytes | None:
            said = self.since_mark()
            return said if _sound_ms(said) >= milliseconds else None

        return await until(enough, f"{milliseconds} ms of sound")

    async def hears_tone(self, hertz: float) -> None:
        """Wait for a tone from the other side."""

        async def look() -> bool | None:
            return has_tone(self.since_mark(), hertz) or None

        await until(look, f"{hertz:g} Hz in the softphone")

    async def hears_music(self) -> None:
        """Wait for a second of sound in which the agent's tone is not."""

        async def look() -> bool | None:
            last = self.since_mark()[-1000 * BYTES_PER_MS :]
            return (_sound_ms(last) >= 800 and not has_tone(last, AGENT_HZ)) or None

        await until(look, "hold music")

    def since_mark(self) -> bytes:
        """PCM s16le 8 kHz heard since the mark."""
        with self._dump("dec").open("rb") as file:
            file.seek(HEADER_BYTES + self.mark)
            pcm = file.read()
        return pcm[: len(pcm) // FRAME_BYTES * FRAME_BYTES]

    async def leave(self) -> Finished:
        """Hang up, if nobody else has, and end the program."""
        if self._control is not None:
            # At once, also when the program does not read any more.
            self._control.transport.abort()
        return await self.hang_up()

    async def _answered(self) -> bool | None:
        with suppress(ValueError):
            return self._size("dec") > 0 or None
        return None

    def _dump(self, direction: str) -> Path:
        (path,) = self._home.glob(f"dump-*-{direction}.wav")
        return path

    def _size(self, direction: str) -> int:
        heard = max(self._dump(direction).stat().st_size - HEADER_BYTES, 0)
        return heard // FRAME_BYTES * FRAME_BYTES

    def _play(self, pcm: bytes) -> None:
        self._lines += 1
        path = self._home / f"line{self._lines}.wav"
        write_wav(path, pcm + bytes(STAY_S * 1000 * BYTES_PER_MS))
        self._command("ausrc", f"aufile,{path}")

    def _command(self, command: str, parameters: str) -> None:
        assert self._control is not None
        text = json.dumps({"command": command, "params": parameters})
        self._control.write(f"{len(text)}:{text},".encode())

    def _config(self) -> str:
        control = f"module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{self._port}\n"
        return super()._config() + control


def _frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


def _sound_ms(pcm: bytes) -> int:
    return 20 * sum(loudness(frame) >= LOUD for frame in _frames(pcm))


def _quiet_ms(pcm: bytes) -> int:
    """How long it has been silent at the end."""
    quiet = 0
    for frame in reversed(_frames(pcm)):
        if loudness(frame) >= LOUD:
            break
        quiet += 20
    return quiet


def missing_ms(heard: bytes, said: bytes) -> int:
    """How much of what was said is nowhere in what was heard, in steps of 100 ms."""
    step = 100 * BYTES_PER_MS // 2
    line = np.frombuffer(heard, np.int16).astype(float)
    power = np.convolve(line**2, np.ones(step), "valid")
    words = np.frombuffer(said, np.int16).astype(float)
    missing = 0
    for piece in words[: len(words) // step * step].reshape(-1, step):
        own = float(piece @ piece)
        if np.sqrt(own / step) < LOUD:
            continue
        likeness = correlate(line, piece, "valid") / np.sqrt(power * own + 1)
        missing += 100 * bool(likeness.max() < 0.9)
    return missing


def speech_ms(pcm: bytes) -> int:
    """How much sound there is, if it rises and falls as speech does; else 0."""
    levels = [loudness(frame) for frame in _frames(pcm)]
    loud = [level for level in levels if level >= LOUD]
    varied = bool(loud) and float(np.std(loud)) > 0.3 * float(np.mean(loud))
    return 20 * len(loud) if varied else 0


@asynccontextmanager
async def chromium(folder: Path, hertz: float = 0) -> AsyncIterator[Page]:
    """A page whose microphone beeps at ``hertz`` (0: silence); a script error in it fails."""
    beep = tone(hertz, 0.4, MICROPHONE_RATE) if hertz else bytes(MICROPHONE_RATE)
    pause = bytes(MICROPHONE_RATE)
    microphone = write_wav(folder / "microphone.wav", (beep + pause) * 10, MICROPHONE_RATE)
    arguments = [*CHROMIUM_ARGUMENTS, f"--use-file-for-fake-audio-capture={microphone}"]
    broken: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_program("chromium"), args=arguments
        )
        context = await browser.new_context(permissions=["microphone"], locale="en")
        context.set_default_timeout(WAIT_S * 1000)
        page = await context.new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        yield page
        await browser.close()
    assert broken == []


async def sign_in(page: Page, house: House, login: str) -> None:
    """Open the agent's page and become available."""
    await page.goto(f"{house.url}/sign-in")
    await page.fill("#login", login)
    await page.fill("#password", f"harbour-{login}")
    await page.click("button[type=submit]")
    await page.wait_for_url(re.compile("/desk$"))
    await page.click("text=Become available")
    await page.wait_for_selector("#presence .dot.available")


async def page_hears(page: Page, audio: str, hertz: float | None) -> None:
    """Wait until the page's loudest frequency is this one (None: any sound)."""
    place = page.locator(audio)

    async def listening() -> bool | None:
        return await place.evaluate(LISTEN) or None

    async def heard() -> bool | None:
        found, decibel = await page.evaluate(LOUDEST)
        wanted = hertz is None or abs(found - hertz) < 15
        return (wanted and decibel is not None and decibel > LOUD_DB) or None

    await until(listening, "the page's sound")
    await until(heard, f"{hertz or 'any'} Hz in the page")


class Ear:
    """Keeps what a leg hears."""

    def __init__(self) -> None:
        self.pcm = b""

    def heard(self, pcm: bytes) -> None:
        self.pcm += pcm

    def pressed(self, digit: str) -> None:
        pass

    def hung_up(self, cause: int) -> None:
        pass


@asynccontextmanager
async def joined(desk: DeskClient, interaction_id: str) -> AsyncIterator[Ear]:
    """An agent's phone that gives a tone and keeps what it hears; hung up afterwards."""

    async def ask(sdp: str) -> str:
        answer = await desk.ask("connect", interaction_id=interaction_id, sdp=sdp)
        return str(answer["sdp"])

    peer, ear = WebRtcPeer(MediaClock()), Ear()
    leg = await peer.call(ask)
    leg.listen(ear)
    leg.play(tone(AGENT_HZ, STAY_S, leg.sample_rate))
    try:
        yield ear
    finally:
        await peer.stop()


async def ear_hears(ear: Ear, hertz: float) -> None:
    """Wait for a tone in what an agent's phone hears."""

    async def look() -> bool | None:
        return has_tone(ear.pcm[-2 * MICROPHONE_RATE :], hertz, MICROPHONE_RATE) or None

    await until(look, f"{hertz:g} Hz at the agent")
