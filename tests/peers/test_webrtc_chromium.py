"""A real browser calls: its tone is measured here, ours is measured there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page, async_playwright

from channels.errors import BadOffer
from channels.media.bridge import Bridge
from channels.media.pacing import MediaClock
from channels.phone import IncomingCall, Phone, PhoneSettings
from channels.sip.caller import CallerCall, SipCaller
from channels.sip.leg import SipLeg
from channels.webrtc import WebRtcPeer
from tests.callers import level, tone

pytestmark = [pytest.mark.peer, pytest.mark.browser]

CLEAR = 3000
LOUD_DB = -60
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)
CALL = """async (hertz) => {
  const context = window.context = new AudioContext();
  const oscillator = new OscillatorNode(context, {frequency: hertz});
  const gain = new GainNode(context, {gain: 0.3});
  const microphone = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(microphone);
  oscillator.start();
  const connection = window.connection = new RTCPeerConnection();
  for (const track of microphone.stream.getTracks()) connection.addTrack(track, microphone.stream);
  window.keys = '';
  window.channel = connection.createDataChannel('dtmf');
  window.channel.onmessage = (event) => { window.keys += event.data; };
  connection.ontrack = ({track}) => {
    const stream = new MediaStream([track]);
    const audio = new Audio();
    audio.srcObject = stream;
    audio.muted = true;
    audio.play();
    window.analyser = new AnalyserNode(context, {fftSize: 8192});
    context.createMediaStreamSource(stream).connect(window.analyser);
  };
  await connection.setLocalDescription(await connection.createOffer());
  while (connection.iceGatheringState !== 'complete')
    await new Promise((done) => { connection.onicegatheringstatechange = done; });
  return connection.localDescription.sdp;
}"""
LOUDEST = """() => {
  const bins = new Float32Array(window.analyser.frequencyBinCount);
  window.analyser.getFloatFrequencyData(bins);
  const loudest = bins.reduce((best, value, index) => value > bins[best] ? index : best, 1);
  return [loudest * window.context.sampleRate / window.analyser.fftSize, bins[loudest]];
}"""


@pytest.fixture
async def page(program: Callable[[str], str]) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"), args=list(CHROMIUM_FLAGS)
        )
        yield await browser.new_page()
        await browser.close()


@pytest.fixture
async def peer() -> AsyncIterator[WebRtcPeer]:
    peer = WebRtcPeer(MediaClock())
    yield peer
    await peer.stop()


async def hears(page: Page, hertz: float) -> None:
    """Wait until the browser's loudest frequency is this one."""
    async with asyncio.timeout(10):
        while True:
            found, decibel = await page.evaluate(LOUDEST)
            if abs(found - hertz) < 15 and decibel > LOUD_DB:
                return
            await asyncio.sleep(0.1)


class Ear:
    """Keeps what the browser says."""

    def __init__(self) -> None:
        self.pcm, self.digits = b"", ""

    def heard(self, pcm: bytes) -> None:
        self.pcm += pcm

    def pressed(self, digit: str) -> None:
        self.digits += digit

    def hung_up(self, cause: int) -> None:
        pass


async def test_chromium_calls_tones_and_keys_pass_both_ways(page: Page, peer: WebRtcPeer) -> None:
    leg, answer = await peer.answer(await page.evaluate(CALL, 700), "visitor-1")
    ear = Ear()
    leg.listen(ear)
    await page.evaluate("(sdp) => connection.setRemoteDescription({type: 'answer', sdp})", answer)
    async with asyncio.timeout(15):
        await leg.connected.wait()
    leg.play(tone(1000, 10, 48000))
    await hears(page, 1000)
    async with asyncio.timeout(10):
        while level(ear.pcm[-96_000:], 700, 48000) < CLEAR:
            await asyncio.sleep(0.05)
    await page.evaluate("() => channel.send('7')")
    leg.press("9")
    await page.wait_for_function("() => window.keys === '9'", timeout=5000)
    await page.evaluate("() => connection.close()")
    async with asyncio.timeout(10):
        await leg.closed.wait()
    assert (leg.cause, ear.digits) == (16, "7")


async def test_telephone_and_browser_are_bridged_with_hold(page: Page) -> None:
    bridges: list[Bridge] = []
    joined = asyncio.Event()
    offer = await page.evaluate(CALL, 700)
    answers: asyncio.Queue[str] = asyncio.Queue()

    async def on_call(leg: SipLeg, _call: IncomingCall) -> None:
        browser, answer = await peer.answer(offer, "agent")
        answers.put_nowait(answer)
        await browser.connected.wait()
        bridges.append(phone.bridge(leg, browser))
        joined.set()

    phone = Phone(PhoneSettings(sip_port=0, rtp_ports=(0, 0)), on_call)
    peer, caller = WebRtcPeer(phone.clock), SipCaller()
    await phone.start()
    await caller.start()
    call = await caller.call(f"sip:help@127.0.0.1:{phone.address[1]}")
    assert isinstance(call, CallerCall)
    await page.evaluate(
        "(sdp) => connection.setRemoteDescription({type: 'answer', sdp})", await answers.get()
    )
    async with asyncio.timeout(15):
        await joined.wait()
    call.leg.play(tone(1000, 30))
    await hears(page, 1000)
    assert level(await call.hear(500), 700) > CLEAR
    bridges[0].hold(bridges[0].legs[0])
    await call.hear(200)
    music = await call.hear(1000)
    assert level(music, 700) < CLEAR
    assert max(music) > 0
    bridges[0].resume(bridges[0].legs[0])
    await call.hear(200)
    assert level(await call.hear(500), 700) > CLEAR
    await call.hang_up()
    async with asyncio.timeout(5):
        assert await bridges[0].wait() is bridges[0].legs[0]
    for part in (caller, peer, phone):
        await part.stop()


@pytest.mark.parametrize(
    "offer",
    ["", "v=0\r\n", "x" * 70_000, "v=0\r\nm=audio 9 X\r\na=fingerprint:\r\na=ice-ufrag:\r\n"],
)
async def test_bad_offer_is_refused_and_leaves_nothing(peer: WebRtcPeer, offer: str) -> None:
    with pytest.raises(BadOffer):
        await peer.answer(offer)
