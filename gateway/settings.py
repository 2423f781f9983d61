"""Every setting, read from the environment once, typed and checked.

An unknown ``PARLEY_`` name or a malformed value stops the start with a message
that names it. ``docs/settings.md`` lists them; a test keeps the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bots.engines.llm import AT_ONCE, ModelOptions, Price, parse_model_server
from bots.engines.llm import FIRST_S as MODEL_FIRST_S
from bots.engines.llm import WHOLE_S as MODEL_WHOLE_S
from bots.engines.llm import Patience as ModelPatience
from bots.engines.local import Hardware, LocalModels, VoiceModel, parse_voice
from bots.engines.remote import FIRST_S, Patience, RemoteSpeech, Server, parse_server
from bots.engines.remote import Protocol as SpeechProtocol
from bots.flow.model import LANGUAGES
from bots.flow.verbs import PARTY
from bots.nlu.understanding import EMBEDDED
from knowledge.sentence_models import DEFAULT_MODEL
from router.errors import BadConfiguration

PREFIX = "PARLEY_"
DEMO_TOKEN = "demo-token"  # noqa: S105 - public on purpose; a start beyond loopback is refused
DEMO = Path(__file__).parent / "demo"
SPEECH = ("auto", "offline", "whisper")
MODEL_USES = ("understanding", "rewriting", "answer", "summary")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port of another server."""

    host: str
    port: int


def _text(value: str) -> str:
    return value


def _port(value: str) -> int:
    number = int(value)
    if not 0 <= number <= 65535:
        raise ValueError("expected a port from 0 to 65535")
    return number


def _flag(value: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value.lower() not in known:
        raise ValueError("expected 1 or 0")
    return known[value.lower()]


def _ports(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    low, high = _port(first), _port(last)
    if high - low < 3:
        raise ValueError("expected a range of at least four ports like 16384-16883")
    return low, high


def _endpoint(value: str) -> Endpoint | None:
    if not value:
        return None
    host, _, port = value.rpartition(":")
    if not host:
        raise ValueError("expected host:port")
    return Endpoint(host, _port(port))


def _speech(value: str) -> str:
    if value not in SPEECH:
        raise ValueError(f"expected one of {', '.join(SPEECH)}")
    return value


def _names(value: str) -> Mapping[str, str]:
    """``en=alba,lv=aivars``: a name for each language."""
    named: dict[str, str] = {}
    for item in value.split(","):
        language, _, name = item.strip().partition("=")
        if not language or not name:
            raise ValueError("expected names by language like en=alba,lv=aivars")
        named[language] = name
    return named


def _outside(value: str) -> Mapping[str, str]:
    """``installers=+37167000000,hotline=sip:help@partner.example:5060``."""
    listed = _names(value)
    for name, address in listed.items():
        if not PARTY.fullmatch(name):
            raise ValueError(f"{name!r} is no name of small letters, digits and '-'")
        if not re.fullmatch(r"\+[1-9]\d{6,14}|sip:[^@\s,]+@[^@\s,]+", address):
            raise ValueError(f"expected +37167000000 or sip:user@host for {name!r}")
    return listed


def _voices(value: str) -> Mapping[str, VoiceModel]:
    """``en=en_GB-vctk-medium#p225@1.1,lv=/voices/lv.onnx``: a Piper voice for each language."""
    return {language: parse_voice(name) for language, name in _names(value).items()}


def _languages(value: str) -> frozenset[str]:
    """``en,lv``."""
    languages = frozenset(item.strip() for item in value.split(","))
    if not languages <= set(LANGUAGES):
        raise ValueError(f"expected languages of {', '.join(LANGUAGES)}")
    return languages


def _device(value: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
        raise ValueError("expected auto, cpu, cuda or cuda:1")
    return value


def _seconds(value: str) -> float:
    number = float(value)
    if number <= 0:
        raise ValueError("expected seconds above 0")
    return number


def _at_once(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 1000:
        raise ValueError("expected a whole number from 1 to 1000")
    return number


def _price(value: str) -> Price:
    read, _, written = value.partition(",")
    price = Price(float(read), float(written))
    if price.read < 0 or price.written < 0:
        raise ValueError("expected two prices like 0.15,0.60")
    return price


def _model_uses(value: str) -> tuple[str, ...]:
    uses = tuple(name.strip() for name in value.split(","))
    if unknown := [name for name in uses if name not in MODEL_USES]:
        raise ValueError(f"unknown use {unknown[0]!r}, expected some of {', '.join(MODEL_USES)}")
    return uses


def _heartbeat(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 60:
        raise ValueError("expected whole seconds from 1 to 60")
    return number


def _setting(name: str, read: Callable[[str], Any], default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"env": name, "read": read, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation's settings, as ``docs/settings.md`` explains them."""

    host: str = _setting("PARLEY_HOST", _text, "127.0.0.1", "address of the web pages")
    port: int = _setting("PARLEY_PORT", _port, 8000, "port of the web pages")
    data: Path = _setting("PARLEY_DATA", Path, Path(".data"), "folder of all that is kept")
    public_url: str = _setting(
        "PARLEY_PUBLIC_URL", _text, "", "how the outside reaches us; empty: http://host:port"
    )
    company: Path = _setting(
        "PARLEY_COMPANY", Path, DEMO / "company.yaml", "the company file: it seeds the first start"
    )
    flows: Path = _setting("PARLEY_FLOWS", Path, DEMO / "flows", "folder of the bots' flows")
    articles: Path = _setting("PARLEY_ARTICLES", Path, DEMO / "articles", "folder of articles")
    encoder: str = _setting(
        "PARLEY_ENCODER",
        _text,
        DEFAULT_MODEL,
        "sentence encoder of intents and articles: `owner/name` (fetched once) or a folder",
    )
    encoder_languages: frozenset[str] = _setting(
        "PARLEY_ENCODER_LANGUAGES",
        _languages,
        EMBEDDED,
        "languages that it knows, as `en,zh,lv`; others are read by their spelling",
    )
    zero_shot: str = _setting(
        "PARLEY_ZERO_SHOT",
        _text,
        "",
        "NLI model that finds intents without examples by their label: `owner/name` or a folder; "
        "empty: none",
    )
    speech: str = _setting("PARLEY_SPEECH", _speech, "auto", "auto, offline or whisper")
    secrets: Path | None = _setting(
        "PARLEY_SECRETS", Path, None, "folder of the flows' secrets, a file for each by its name"
    )
    models: Path | None = _setting(
        "PARLEY_MODELS", Path, None, "folder of speech models; empty: DATA/models"
    )
    whisper_model: str = _setting(
        "PARLEY_WHISPER_MODEL",
        _text,
        "",
        "Whisper model: `small`, `owner/name` (fetched once) or a folder; empty: MODELS/whisper",
    )
    whisper_device: str = _setting(
        "PARLEY_WHISPER_DEVICE", _device, "auto", "where it runs: auto, cpu, cuda or cuda:1"
    )
    whisper_compute: str = _setting(
        "PARLEY_WHISPER_COMPUTE",
        _text,
        "",
        "how it counts, as CTranslate2 names it; empty: int8 on a CPU, float16 on a GPU",
    )
    piper_voices: Mapping[str, VoiceModel] | None = _setting(
        "PARLEY_PIPER_VOICES",
        _voices,
        None,
        "Piper voices as `en=NAME,lv=FILE.onnx`, each with `#SPEAKER` and `@LENGTH_SCALE` "
        "if wanted (`en_GB-vctk-medium#p225@1.1`); empty: those in MODELS/piper",
    )
    speech_remote: Server | None = _setting(
        "PARLEY_SPEECH_REMOTE",
        parse_server,
        None,
        "speech server that is asked before the local engines: `wyoming://host:port` hears, "
        "`https://host/v1` (OpenAI-compatible) hears and speaks; empty: none",
    )
    speech_remote_voice: Server | None = _setting(
        "PARLEY_SPEECH_REMOTE_VOICE", parse_server, None, "speech server that speaks, if another"
    )
    speech_remote_key: str = _setting(
        "PARLEY_SPEECH_REMOTE_KEY", _text, "", "key of the OpenAI-compatible speech servers"
    )
    speech_remote_model: str = _setting(
        "PARLEY_SPEECH_REMOTE_MODEL", _text, "", "model that hears; empty: whisper-1 or its own"
    )
    speech_remote_voice_model: str = _setting(
        "PARLEY_SPEECH_REMOTE_VOICE_MODEL", _text, "", "model that speaks; empty: tts-1"
    )
    speech_remote_voices: Mapping[str, str] | None = _setting(
        "PARLEY_SPEECH_REMOTE_VOICES",
        _names,
        None,
        "the server's voices as `en=alba,lv=aivars`, other languages are spoken locally; "
        "empty: alloy for all (OpenAI-compatible)",
    )
    speech_remote_s: float = _setting(
        "PARLEY_SPEECH_REMOTE_S",
        _seconds,
        FIRST_S,
        "how long a speech server may take for a text, or a first sound, before another is asked",
    )
    llm_url: Server | None = _setting(
        "PARLEY_LLM_URL",
        parse_model_server,
        None,
        "language model that helps, behind an OpenAI-compatible server: `https://host/v1`; "
        "empty: none",
    )
    llm_model: str = _setting("PARLEY_LLM_MODEL", _text, "", "name of the model at that server")
    llm_key: str = _setting(
        "PARLEY_LLM_KEY", _text, "", "name of the secret that holds the server's key; empty: none"
    )
    llm_for: tuple[str, ...] = _setting(
        "PARLEY_LLM_FOR", _model_uses, MODEL_USES, "what it may help with"
    )
    llm_first_s: float = _setting(
        "PARLEY_LLM_FIRST_S", _seconds, MODEL_FIRST_S, "seconds within which its answer must begin"
    )
    llm_whole_s: float = _setting(
        "PARLEY_LLM_WHOLE_S", _seconds, MODEL_WHOLE_S, "seconds within which it must be whole"
    )
    llm_at_once: int = _setting(
        "PARLEY_LLM_AT_ONCE", _at_once, AT_ONCE, "most requests under way in one process"
    )
    llm_price: Price = _setting(
        "PARLEY_LLM_PRICE",
        _price,
        Price(),
        "price of a million tokens read and written, as `0.15,0.60`, for the metrics",
    )
    assist_calls: bool = _setting(
        "PARLEY_ASSIST_CALLS",
        _flag,
        False,
        "write down what customer and agent say on calls, so that the desk can help there too",
    )
    sip_host: str = _setting("PARLEY_SIP_HOST", _text, "", "address for SIP and RTP; empty: host")
    sip_port: int = _setting("PARLEY_SIP_PORT", _port, 5060, "UDP port for SIP")
    rtp_ports: tuple[int, int] = _setting(
        "PARLEY_RTP_PORTS", _ports, (16384, 16883), "UDP ports for RTP, first-last"
    )
    sip_trunk: str = _setting(
        "PARLEY_SIP_TRUNK", _text, "", "host:port that takes calls to plain numbers"
    )
    outside: Mapping[str, str] | None = _setting(
        "PARLEY_OUTSIDE",
        _outside,
        None,
        "to whom flows may put callers through, as `NAME=+37167000000,NAME=sip:user@host`",
    )
    ring_s: float = _setting(
        "PARLEY_RING_S", _seconds, 25.0, "how long a campaign lets a telephone ring"
    )
    smtp_in_port: int = _setting("PARLEY_SMTP_IN_PORT", _port, 2525, "port on which mail comes in")
    smtp_out: Endpoint | None = _setting(
        "PARLEY_SMTP_OUT", _endpoint, None, "host:port for mail out; empty: kept in DATA/outbox"
    )
    smtp_user: str = _setting("PARLEY_SMTP_USER", _text, "", "login at the mail server")
    smtp_password: str = _setting("PARLEY_SMTP_PASSWORD", _text, "", "password at the mail server")
    mail_address: str = _setting(
        "PARLEY_MAIL_ADDRESS", _text, "care@harbourline.example", "our mail address"
    )
    twilio_url: str = _setting(
        "PARLEY_TWILIO_URL", _text, "", "REST base of the SMS provider; empty: kept in DATA/outbox"
    )
    twilio_sid: str = _setting("PARLEY_TWILIO_SID", _text, "ACdemo", "account at the provider")
    twilio_token: str = _setting(
        "PARLEY_TWILIO_TOKEN", _text, DEMO_TOKEN, "secret that signs webhooks"
    )
    twilio_from: str = _setting("PARLEY_TWILIO_FROM", _text, "+37160000200", "our SMS number")
    chat_secret: str = _setting(
        "PARLEY_CHAT_SECRET", _text, "", "secret with which a site signs its visitors' logins"
    )
    orders_url: str = _setting(
        "PARLEY_ORDERS_URL", _text, "", "base of the order API; empty: the demo company's own"
    )
    demo: bool = _setting("PARLEY_DEMO", _flag, True, "seed the demo company at first start")
    demo_open: bool = _setting(
        "PARLEY_DEMO_OPEN",
        _flag,
        False,
        "this is a demo that anybody may enter: accept its known passwords beyond this machine",
    )
    public: bool = _setting("PARLEY_PUBLIC", _flag, False, "let the simulated public contact us")
    demo_staff: bool = _setting(
        "PARLEY_DEMO_STAFF", _flag, False, "let three scripted agents take written work"
    )
    public_every_s: float = _setting(
        "PARLEY_PUBLIC_EVERY_S", _seconds, 60.0, "seconds between simulated contacts"
    )
    rabbit_url: str = _setting("RABBIT_URL", _text, "", "RabbitMQ; empty: the in-process bus")
    router_heartbeat_s: int = _setting(
        "PARLEY_ROUTER_HEARTBEAT_S",
        _heartbeat,
        1,
        "a router that RabbitMQ has not heard of for two to three times as long is replaced",
    )
    database_url: str = _setting(
        "DATABASE_URL", _text, "", "PostgreSQL; empty: SQLite in the data folder"
    )
    qdrant_url: str = _setting("QDRANT_URL", _text, "", "Qdrant server; empty: local mode")

    @classmethod
    def from_env(cls, env: Mapping[str, str], **overrides: Any) -> Settings:
        """Read ``env``; ``overrides`` (command line) win. Raises ``BadConfiguration``."""
        known = {item.metadata["env"]: item for item in fields(cls)}
        unknown = sorted(name for name in env if name.startswith(PREFIX) and name not in known)
        if unknown:
            raise BadConfiguration(
                f"unknown setting {', '.join(unknown)}; docs/settings.md lists the known ones"
            )
        values: dict[str, Any] = {}
        for name, item in known.items():
            text = env.get(name, "")
            if not text:
                continue
            try:
                values[item.name] = item.metadata["read"](text)
            except ValueError as error:
                raise BadConfiguration(f"{name}={text!r}: {error}") from None
        given = {name: value for name, value in overrides.items() if value is not None}
        settings = replace(cls(), **(values | given))
        settings._refuse_open_key()
        settings._refuse_unnamed_voices()
        settings._refuse_half_a_model()
        return settings

    def _refuse_open_key(self) -> None:
        """A key over plain HTTP is everybody's. Raises ``BadConfiguration``."""
        speech = self.remote_speech
        for server in (speech.hears, speech.speaks):
            api = server is not None and server.protocol is SpeechProtocol.API
            if api and server is not None and self.speech_remote_key and not server.secure:
                raise BadConfiguration(
                    f"PARLEY_SPEECH_REMOTE_KEY would go unencrypted to {server}: "
                    "use https, a server on this machine, or no key"
                )

    def _refuse_unnamed_voices(self) -> None:
        """A Wyoming server would speak every language alike. Raises ``BadConfiguration``."""
        speaks = self.remote_speech.speaks
        wyoming = speaks is not None and speaks.protocol is SpeechProtocol.WYOMING
        if wyoming and not self.speech_remote_voices:
            raise BadConfiguration(
                "PARLEY_SPEECH_REMOTE_VOICES must name the Wyoming server's voices, "
                "as en=en_GB-alba-medium; other languages are left to the local voices"
            )

    def _refuse_half_a_model(self) -> None:
        """A server without a model's name, or a key on an open line. ``BadConfiguration``."""
        if self.llm_url is None:
            return
        if not self.llm_model:
            raise BadConfiguration("PARLEY_LLM_URL needs PARLEY_LLM_MODEL, the model's name there")
        if self.llm_key and not self.llm_url.secure:
            raise BadConfiguration(
                f"PARLEY_LLM_KEY would go unencrypted to {self.llm_url}: "
                "use https, a server on this machine, or no key"
            )

    def language_model(self, secrets: Mapping[str, str]) -> ModelOptions | None:
        """The language model, None for none. Raises ``BadConfiguration`` for an unknown secret."""
        if self.llm_url is None:
            return None
        if self.llm_key and self.llm_key not in secrets:
            raise BadConfiguration(
                f"PARLEY_LLM_KEY names the secret {self.llm_key!r}, which is not there; put the "
                "key into a file of that name in the folder PARLEY_SECRETS"
            )
        return ModelOptions(
            server=self.llm_url,
            model=self.llm_model,
            key=secrets.get(self.llm_key, ""),
            patience=ModelPatience(first_s=self.llm_first_s, whole_s=self.llm_whole_s),
            at_once=self.llm_at_once,
            price=self.llm_price,
        )

    @property
    def local_models(self) -> LocalModels:
        """The speech models of this machine."""
        return LocalModels(
            self.models or self.data / "models",
            self.whisper_model,
            self.piper_voices or {},
            Hardware(self.whisper_device, self.whisper_compute),
        )

    @property
    def remote_speech(self) -> RemoteSpeech:
        """The speech servers; a Wyoming server does one thing, so it only hears."""
        hears = self.speech_remote
        api = hears is not None and hears.protocol is SpeechProtocol.API
        return RemoteSpeech(
            hears=hears,
            speaks=self.speech_remote_voice or (hears if api else None),
            key=self.speech_remote_key,
            model=self.speech_remote_model,
            voice_model=self.speech_remote_voice_model,
            voices=self.speech_remote_voices or {},
            patience=Patience(first_s=self.speech_remote_s),
        )

    @property
    def media_host(self) -> str:
        """The address for SIP and RTP."""
        return self.sip_host or self.host

    @property
    def base_url(self) -> str:
        """How a customer's browser reaches us, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def store_url(self) -> str:
        """The database, with its asynchronous driver."""
        if not self.database_url:
            return f"sqlite+aiosqlite:///{self.data / 'parley.db'}"
        scheme, _, rest = self.database_url.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+asyncpg://{rest}"
        return self.database_url

    @property
    def embedded(self) -> bool:
        """Whether this process is alone with its data folder."""
        return not (self.rabbit_url or self.database_url)


def settings_table() -> str:
    """The Markdown table of ``docs/settings.md``."""
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    for item in fields(Settings):
        default = item.default
        if default == MODEL_USES:
            default = ",".join(MODEL_USES)
        elif isinstance(default, tuple):
            default = f"{default[0]}-{default[1]}"
        elif isinstance(default, Price):
            default = f"{default.read:g},{default.written:g}"
        elif isinstance(default, frozenset):
            default = ",".join(sorted(default))
        elif isinstance(default, bool):
            default = int(default)
        elif isinstance(default, Path) and default.is_relative_to(DEMO):
            default = f"gateway/demo/{default.relative_to(DEMO)}"
        shown = "" if default is None or default == "" else f"`{default}`"
        lines.append(f"| `{item.metadata['env']}` | {shown} | {item.metadata['help']} |")
    return "\n".join(lines)
