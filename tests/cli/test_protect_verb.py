"""`sakimori protect`: keys from the command line, and what is refused before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.protect import secrets

RUN = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(secrets._COSTS, secrets.KEY, {"n": 2, "r": 1, "p": 1, "maxmem": 1 << 20})
    return tmp_path


def test_keys_are_made_listed_and_revoked() -> None:
    made = RUN.invoke(app, ["protect", "key", "create", "for CI", "--role", "2"])
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("skm-0-1-")
    listed = RUN.invoke(app, ["protect", "key", "list"])
    assert listed.stdout == "1\tfor CI\trole 2\tactive\n"
    assert made.stdout.strip() not in listed.stdout
    assert RUN.invoke(app, ["protect", "key", "revoke", "1"]).exit_code == 0
    assert RUN.invoke(app, ["protect", "key", "list"]).stdout == ""
    again = RUN.invoke(app, ["protect", "key", "revoke", "1"])
    assert (again.exit_code, "no ApiKey with ID 1" in again.stderr) == (4, True)


def test_a_role_that_is_not_there_is_refused() -> None:
    made = RUN.invoke(app, ["protect", "key", "create", "x", "--role", "99"])
    assert (made.exit_code, "no Role with ID 99" in made.stderr) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--plain-http", "--host", "0.0.0.0"], "plain HTTP is for this machine only"),
        (["--certificate", "cert.pem"], "belong together"),
        (["--certificate", "cert.pem", "--key", "key.pem"], "is not there"),
    ],
)
def test_what_would_be_unsafe_is_refused(arguments: list[str], reason: str) -> None:
    done = RUN.invoke(app, ["protect", "serve", *arguments])
    assert done.exit_code in (2, 4)
    assert reason in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [("hots = '::1'", "has no hots"), ("port = 'x'", "Expected `int`"), ("names = 'a'", "Expected `array`")],
)
def test_a_setting_that_is_wrong_is_named(home: Path, settings: str, reason: str) -> None:
    (home / "sakimori.toml").write_text(f"[protect.serve]\n{settings}\n")
    done = RUN.invoke(app, ["protect", "serve"])
    assert done.exit_code == 2
    assert reason in " ".join(done.stderr.replace("│", " ").split())
