"""`sakimori.toml`: where it is looked for, what it may hold, what is said of one that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app

RULE = """\
title: Somebody of ours
name: ours
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    recipientAccountId|expand: '%admin_accounts%'
  condition: selection
level: low
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("rule.yml").write_text(RULE)
    records = [{"eventName": "GetUser", "eventID": f"e{n}", "recipientAccountId": str(n) * 12} for n in range(3)]
    Path("log.json").write_text(json.dumps({"Records": records}))
    return tmp_path / "home"


def detect() -> Result:
    return CliRunner().invoke(app, ["detect", "log.json", "--no-pack", "--rules", "rule.yml", "--format", "jsonl"])


def found() -> list[str]:
    return [record for line in detect().stdout.splitlines() for record in json.loads(line)["records"]]


def settings(value: str) -> str:
    return f"[detect.placeholders]\nadmin_accounts = {value}\n"


def test_placeholders_of_the_current_folder_before_those_of_the_home(home: Path) -> None:
    assert detect().exit_code == 3
    assert "admin_accounts" in detect().stderr
    (home / "sakimori.toml").write_text(settings('["111111111111", "222222222222"]'))
    assert sorted(found()) == ["e1", "e2"]
    Path("sakimori.toml").write_text(settings('"000000000000"'))
    assert found() == ["e0"]
    Path("sakimori.toml").write_text(settings("[111111111111]"))
    assert found() == ["e1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[detect", "sakimori.toml is not TOML"),
        ("\udcff", "sakimori.toml is not TOML"),
        ("detect = 3", "sakimori.toml has no setting detect: it may have detect.placeholders"),
        ("[detect]\nplaceholders = 3", "[detect.placeholders] in sakimori.toml is not a table"),
        ("[detect.placholders]", "sakimori.toml has no setting detect.placholders"),
        ("[store.x]", "sakimori.toml has no setting store.x"),
        (settings("[]"), "admin_accounts in [detect.placeholders] of sakimori.toml is not a list of texts"),
        (settings("{a = 1}"), "is not a list of texts"),
        (settings("[[1]]"), "is not a list of texts"),
    ],
)
def test_a_file_that_is_wrong(text: str, told: str) -> None:
    Path("sakimori.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = detect()
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.replace("│", " ").split())


def test_a_file_that_is_a_folder() -> None:
    Path("sakimori.toml").mkdir()
    assert "sakimori.toml cannot be read" in detect().stderr
    assert detect().exit_code == 2
