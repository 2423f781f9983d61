"""Settings: typed, checked, documented."""

from pathlib import Path

import pytest

from bots.engines.llm import Price
from bots.engines.local import Hardware, VoiceModel
from gateway.settings import Endpoint, Settings, settings_table
from router.errors import BadConfiguration

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_defaults_are_embedded_on_loopback() -> None:
    settings = Settings.from_env({})
    assert settings.host == "127.0.0.1"
    assert settings.embedded
    assert settings.store_url == "sqlite+aiosqlite:///.data/parley.db"


def test_values_are_typed_and_command_line_wins() -> None:
    env = {"PARLEY_PORT": "9000", "PARLEY_SMTP_OUT": "127.0.0.1:25", "PARLEY_RTP_PORTS": "100-200"}
    settings = Settings.from_env(env, port=9001, host=None)
    assert settings.port == 9001
    assert settings.smtp_out == Endpoint("127.0.0.1", 25)
    assert settings.rtp_ports == (100, 200)


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"PARLEY_PROT": "1"}, "PARLEY_PROT"),
        ({"PARLEY_PORT": "eighty"}, "PARLEY_PORT='eighty'"),
        ({"PARLEY_SPEECH": "cloud"}, "auto, offline, whisper"),
        ({"PARLEY_SMTP_OUT": "mailhost"}, "host:port"),
        ({"PARLEY_RTP_PORTS": "5-6"}, "at least four"),
        ({"PARLEY_SPEECH_REMOTE": "gpu:10300"}, "wyoming://host:port, or https://host/v1"),
        ({"PARLEY_SPEECH_REMOTE_VOICES": "alba"}, "en=alba"),
        ({"PARLEY_SPEECH_REMOTE_VOICE": "wyoming://gpu:10200"}, "PARLEY_SPEECH_REMOTE_VOICES must"),
        ({"PARLEY_WHISPER_DEVICE": "gpu"}, "auto, cpu, cuda or cuda:1"),
        ({"PARLEY_PIPER_VOICES": "en_GB-alba-medium"}, "en=alba"),
        ({"PARLEY_PIPER_VOICES": "en=alba@9"}, "a length scale of 0.3 to 3"),
        ({"PARLEY_PIPER_VOICES": "en=#p225"}, "a voice's name or file before #"),
        ({"PARLEY_SPEECH_REMOTE_S": "0"}, "PARLEY_SPEECH_REMOTE_S='0'"),
        (
            {"PARLEY_SPEECH_REMOTE": "http://gpu.lan/v1", "PARLEY_SPEECH_REMOTE_KEY": "secret"},
            "unencrypted to gpu.lan:80: use https",
        ),
        ({"PARLEY_LLM_URL": "https://models.lan/v1"}, "PARLEY_LLM_MODEL"),
        ({"PARLEY_LLM_URL": "wyoming://models.lan:1"}, "https://host/v1"),
        ({"PARLEY_LLM_FOR": "answer,everything"}, "unknown use 'everything'"),
        ({"PARLEY_LLM_PRICE": "0.15"}, "PARLEY_LLM_PRICE='0.15'"),
        ({"PARLEY_LLM_PRICE": "-1,2"}, "two prices"),
        ({"PARLEY_OUTSIDE": "installers=67000000"}, "for 'installers'"),
        ({"PARLEY_OUTSIDE": "In Stallers=+37167000000"}, "no name of small letters"),
        ({"PARLEY_LLM_AT_ONCE": "0"}, "from 1 to 1000"),
        (
            {
                "PARLEY_LLM_URL": "http://gpu.lan/v1",
                "PARLEY_LLM_MODEL": "m",
                "PARLEY_LLM_KEY": "llm",
            },
            "unencrypted to gpu.lan:80: use https",
        ),
    ],
)
def test_wrong_setting_is_named(env: dict[str, str], named: str) -> None:
    with pytest.raises(BadConfiguration) as failure:
        Settings.from_env(env)
    assert named in str(failure.value)


def test_speech_models_are_read_with_where_and_how_they_run() -> None:
    env = {
        "PARLEY_DATA": "/kept",
        "PARLEY_WHISPER_MODEL": "large-v3",
        "PARLEY_WHISPER_DEVICE": "cuda:1",
        "PARLEY_WHISPER_COMPUTE": "int8_float16",
        "PARLEY_PIPER_VOICES": "en=en_GB-vctk-medium#p225@1.1, lv=/voices/lv.onnx",
    }
    local = Settings.from_env(env).local_models
    assert (local.folder, local.whisper) == (Path("/kept/models"), "large-v3")
    assert local.hardware == Hardware("cuda:1", "int8_float16")
    assert local.voices == {
        "en": VoiceModel(Path("en_GB-vctk-medium"), "p225", 1.1),
        "lv": VoiceModel(Path("/voices/lv.onnx")),
    }


def test_speech_servers_are_read_and_a_wyoming_server_only_hears() -> None:
    speech = Settings.from_env({"PARLEY_SPEECH_REMOTE": "wyoming://gpu:10300"}).remote_speech
    assert str(speech.hears) == "gpu:10300"
    assert speech.speaks is None
    env = {
        "PARLEY_SPEECH_REMOTE": "https://gpu/v1",
        "PARLEY_SPEECH_REMOTE_KEY": "secret",
        "PARLEY_SPEECH_REMOTE_VOICES": "en=alba, lv=aivars",
        "PARLEY_SPEECH_REMOTE_S": "1.5",
    }
    speech = Settings.from_env(env).remote_speech
    assert speech.speaks == speech.hears
    assert speech.voices == {"en": "alba", "lv": "aivars"}
    assert speech.patience.first_s == 1.5
    speech = Settings.from_env(
        env | {"PARLEY_SPEECH_REMOTE_VOICE": "wyoming://gpu:1"}
    ).remote_speech
    assert str(speech.speaks) == "gpu:1"
    env["PARLEY_SPEECH_REMOTE"] = "http://127.0.0.1:8000/v1"
    assert Settings.from_env(env).remote_speech.key == "secret", "to this machine it may go"


def test_postgres_url_gets_its_driver() -> None:
    settings = Settings.from_env({"DATABASE_URL": "postgresql://u:p@127.0.0.1/x"})
    assert settings.store_url == "postgresql+asyncpg://u:p@127.0.0.1/x"
    assert not settings.embedded


def test_every_setting_is_documented() -> None:
    assert settings_table() in DOCS.read_text()


def test_language_model_is_read_with_its_key_by_name() -> None:
    env = {
        "PARLEY_LLM_URL": "https://models.lan/v1",
        "PARLEY_LLM_MODEL": "small",
        "PARLEY_LLM_KEY": "llm",
        "PARLEY_LLM_FOR": "summary, answer",
        "PARLEY_LLM_FIRST_S": "1.5",
        "PARLEY_LLM_PRICE": "0.15,0.60",
    }
    settings = Settings.from_env(env)
    options = settings.language_model({"llm": "sk-secret", "crm": "other"})
    assert options is not None
    assert (options.key, options.model, str(options.server)) == (
        "sk-secret",
        "small",
        "models.lan:443",
    )
    assert options.patience.first_s == 1.5
    assert options.price == Price(0.15, 0.60)
    assert settings.llm_for == ("summary", "answer")
    assert "sk-secret" not in repr(options)
    with pytest.raises(BadConfiguration, match="secret 'llm', which is not there"):
        settings.language_model({})
    assert Settings.from_env({}).language_model({}) is None
