"""``python -m gateway config`` over a real database: what it says, its exit codes, what it does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gateway.__main__ import main

COMPANY = """\
queues:
- id: orders
  target_s: 20
people:
- {login: ana, password: pw-ana, queues: [orders]}
- {login: adam, password: pw-adam, role: admin}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARLEY_FLOWS", str(tmp_path / "no-flows"))
    path = tmp_path / "company.yaml"
    path.write_text(COMPANY, "utf-8")
    return path


def config(tmp_path: Path, *arguments: str) -> int:
    return main(["config", *arguments, "--data", str(tmp_path / "data")])


def test_check_says_every_problem_with_its_line(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config(tmp_path, "check", str(file)) == 0
    assert "is fine: 1 queues, 2 people" in capsys.readouterr().out
    file.write_text(COMPANY.replace("20", "soon").replace("[orders]", "[order]"), "utf-8")
    assert config(tmp_path, "check", str(file)) == 1
    told = capsys.readouterr().err
    assert f"{file}:3: problem: queues[0].target_s: expected a whole number" in told
    assert f"{file}:5: problem: people[0].queues[0]" in told
    assert "2 problems; nothing was changed" in told
    file.write_text("queues: [", "utf-8")
    assert config(tmp_path, "check", str(file)) == 1
    assert "is not YAML" in capsys.readouterr().err
    assert config(tmp_path, "check", str(tmp_path / "none.yaml")) == 2
    assert not (tmp_path / "data").exists()


def test_import_export_versions_and_roll_back(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config(tmp_path, "export") == 2
    assert "parley.db" in capsys.readouterr().err
    assert config(tmp_path, "import", str(file), "--author", "adam") == 0
    file.write_text(COMPANY.replace("20", "45"), "utf-8")
    assert config(tmp_path, "import", str(file), "--dry-run") == 0
    told = capsys.readouterr().out
    assert "queues.orders.target_s: 20 → 45" in told
    assert "password" not in told, "the same password is no change"
    assert config(tmp_path, "import", str(file), "--note", "slower", "--author", "adam") == 0
    assert config(tmp_path, "import", str(file)) == 0
    assert "nothing differs from version 2" in capsys.readouterr().out

    assert config(tmp_path, "roll-back", "1", "--author", "eve") == 0
    capsys.readouterr()
    assert config(tmp_path, "versions") == 0
    newest, second, _ = capsys.readouterr().out.splitlines()
    assert newest.startswith("*    3")
    assert newest.endswith("eve              back to version 1")
    assert second.endswith("adam             slower")

    assert config(tmp_path, "export") == 0
    exported = capsys.readouterr().out
    assert "pw-" not in exported
    assert yaml.safe_load(exported)["queues"][0]["target_s"] == 20
    assert config(tmp_path, "export", "--version", "2") == 0
    assert yaml.safe_load(capsys.readouterr().out)["queues"][0]["target_s"] == 45
    assert config(tmp_path, "roll-back", "9") == 2


def test_bad_file_is_not_imported(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config(tmp_path, "import", str(file)) == 0
    file.write_text(COMPANY + "- {login: eve, queues: [orders]}\n", "utf-8")
    assert config(tmp_path, "import", str(file)) == 1
    assert f"{file}:7: problem: people[2].password" in capsys.readouterr().err
    assert config(tmp_path, "versions") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
