"""Real callers for tests: sipp, baresip and our own, plus tones to send and measure."""

from __future__ import annotations

import asyncio
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from channels.media.codecs import PCMU
from tests.services import free_udp_port

SIP_DATA: Final = Path(__file__).parent / "data" / "sip"
BARESIP_MODULES: Final = Path("/usr/lib/baresip/modules")
PROGRAM_S: Final = 120  # a program that runs longer has hung

Target = tuple[str, int]


def tone(hertz: float, seconds: float, rate: int = 8000, amplitude: int = 8000) -> bytes:
    """A sine as PCM s16le."""
    time = np.arange(int(rate * seconds)) / rate
    return (np.sin(2 * np.pi * hertz * time) * amplitude).astype(np.int16).tobytes()


def level(pcm: bytes, hertz: float, rate: int = 8000) -> float:
    """The amplitude of one frequency, as the loudest of 100 ms windows has it."""
    samples = np.frombuffer(pcm, np.int16).astype(float)
    size = rate // 10
    wave_form = np.exp(-2j * np.pi * hertz * np.arange(size) / rate)
    windows = samples[: len(samples) // size * size].reshape(-1, size)
    return float(max((2 * abs(windows @ wave_form) / size), default=0.0))


def write_wav(path: Path, pcm: bytes, rate: int = 8000) -> Path:
    """PCM s16le mono as a file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


def read_wav(path: Path) -> bytes:
    """The frames of a file."""
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


@dataclass(frozen=True)
class Finished:
    """How a program ended."""

    code: int
    output: str


class Program:
    """A program that runs until it ends or is stopped; both leave nothing behind."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._output = asyncio.ensure_future(process.communicate())

    @classmethod
    async def start(cls, *command: str, cwd: Path) -> Program:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process)

    async def finished(self, timeout_s: float = PROGRAM_S) -> Finished:
        try:
            async with asyncio.timeout(timeout_s):
                output, _ = await asyncio.shield(self._output)
        except TimeoutError:
            self._process.kill()
            output, _ = await self._output
        return Finished(self._process.returncode or 0, output.decode(errors="replace"))

    async def stop(self) -> Finished:
        if self._process.returncode is None:
            self._process.terminate()
        return await self.finished(5)


class SippCaller:
    """A call by sipp that speaks, presses keys and hangs up, as a script says.

    ``play`` takes PCM s16le 8 kHz; ``press`` sends RFC 4733 events; what comes back is
    echoed when ``echo`` is set, and not recorded (take baresip or ``SipCaller`` for that).
    """

    def __init__(self, folder: Path, user: str = "+37120000001", echo: bool = False) -> None:
        self._folder, self._user, self._echo = folder, user, echo
        self._steps: list[str] = []
        self._files = 0

    def play(self, pcm: bytes) -> SippCaller:
        self._files += 1
        path = self._folder / f"say{self._files}.ulaw"
        path.write_bytes(PCMU.encode(pcm))
        self._steps.append(
            f'<nop><action><exec rtp_stream="{escape(str(path))},1,0"/></action></nop>'
        )
        return self.wait(len(pcm) // 16 + 100)

    def press(self, digits: str) -> SippCaller:
        self._steps.append(f'<nop><action><exec play_dtmf="{digits}"/></action></nop>')
        return self.wait(400 * len(digits) + 400)

    def wait(self, milliseconds: int) -> SippCaller:
        self._steps.append(f'<pause milliseconds="{milliseconds}"/>')
        return self

    async def call(self, target: Target, hang_up: bool = True) -> Program:
        """Dial; without ``hang_up`` sipp waits for the other side's BYE."""
        scenario = self._folder / "call.xml"
        scenario.write_text(_scenario(self._user, self._steps, hang_up))
        return await run_sipp(scenario, self._folder, target, echo=self._echo)


async def run_sipp(
    scenario: Path,
    folder: Path,
    target: Target | None = None,
    *,
    port: int = 0,
    echo: bool = False,
    keys: dict[str, str] | None = None,
) -> Program:
    """One call of a scenario; without a target sipp is the called side, on ``port``.

    ``keys`` replace ``[name]`` in the scenario, also where sipp's own keywords cannot be.
    """
    text = scenario.read_text()
    for key, value in (keys or {}).items():
        text = text.replace(f"[{key}]", value)
    filled = folder / f"run-{scenario.name}"
    filled.write_text(text)
    command = ["sipp"]
    if target is not None:
        command += [f"{target[0]}:{target[1]}", "-s", "help"]
    command += ["-sf", str(filled), "-m", "1", "-nostdin", "-timeout", "90s", "-timeout_error"]
    command += ["-i", "127.0.0.1", "-p", str(port or free_udp_port())]
    command += ["-mi", "127.0.0.1", "-mp", str(free_udp_port())]
    if echo:
        command.append("-rtp_echo")
    return await Program.start(*command, cwd=folder)


# sipp sends its keys with payload type 96, whatever the description says.
_SDP: Final = """v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 96
a=rtpmap:0 PCMU/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-15"""


def _request(method: str, number: int, user: str, line: str, body: str = "") -> str:
    peer = "" if method == "INVITE" else "[peer_tag_param]"
    kind = "Content-Type: application/sdp\n" if body else ""
    return f"""{method} {line} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Sipp" <sip:{user}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>{peer}
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:{user}@[local_ip]:[local_port]>
Max-Forwards: 70
{kind}Content-Length: [len]

{body}"""


def _send(text: str, retransmit: bool) -> str:
    attribute = ' retrans="500"' if retransmit else ""
    return f"<send{attribute}><![CDATA[\n{text}\n]]></send>"


def _scenario(user: str, steps: list[str], hang_up: bool) -> str:
    invite = _request("INVITE", 1, user, "sip:[service]@[remote_ip]:[remote_port]", _SDP)
    parts = [
        _send(invite, True),
        '<recv response="100" optional="true"/><recv response="180" optional="true"/>',
        '<recv response="200" rrs="true"/>',
        _send(_request("ACK", 1, user, "[next_url]"), False),
        *steps,
    ]
    if hang_up:
        parts += [_send(_request("BYE", 2, user, "[next_url]"), True), '<recv response="200"/>']
    else:
        okay = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n"
        parts += ['<recv request="BYE"/>', _send(okay + "[last_CSeq:]\nContent-Length: 0\n", False)]
    lines = "\n".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="call">\n{lines}\n</scenario>\n'


class BaresipCaller:
    """A softphone that calls, plays a WAV once and records both directions.

    ``heard`` gives what it heard, after ``hang_up`` or the end of the call.
    """

    def __init__(self, folder: Path, user: str = "anna") -> None:
        self._folder, self._user = folder, user
        self._program: Program | None = None

    async def call(self, target: Target, speech: bytes, service: str = "help") -> None:
        """Dial and play ``speech`` (PCM s16le 8 kHz) as soon as it is answered."""
        write_wav(self._folder / "say.wav", speech)
        (self._folder / "config").write_text(self._config())
        account = f"<sip:{self._user}@127.0.0.1>;regint=0;audio_codecs=pcmu\n"
        (self._folder / "accounts").write_text(account)
        (self._folder / "contacts").write_text("")
        uri = f"sip:{service}@{target[0]}:{target[1]}"
        self._program = await Program.start(
            "baresip", "-4", "-f", str(self._folder), "-e", f"/dial {uri}", cwd=self._folder
        )

    async def hang_up(self) -> Finished:
        """End the call and the program, so that the recordings are complete."""
        assert self._program is not None
        return await self._program.stop()

    def heard(self) -> bytes:
        """PCM s16le 8 kHz of what the other side said."""
        (path,) = self._folder.glob("dump-*-dec.wav")
        return read_wav(path)

    def _config(self) -> str:
        modules = ("g711", "aufile", "aubridge", "sndfile")
        lines = [
            "poll_method epoll",
            "sip_listen 127.0.0.1:0",
            "net_interface 127.0.0.1",
            "audio_player aubridge,nobody",
            f"audio_source aufile,{self._folder}/say.wav",
            "ausrc_srate 8000",
            "auplay_srate 8000",
            f"module_path {BARESIP_MODULES}",
            *(f"module {name}.so" for name in modules),
            "module_tmp account.so",
            "module_app menu.so",
            f"snd_path {self._folder}",
            f"rtp_ports {free_udp_port()}-40000",
        ]
        return "\n".join(lines) + "\n"
