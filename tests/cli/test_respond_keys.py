"""`sakimori respond rotate` and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.notify.signing import Signer
from sakimori.respond.keys import link_keys, respond_key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.delenv("SAKIMORI_LINK_KEYS", raising=False)
    return tmp_path


def rotate(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["respond", "rotate", *words])
    return done.exit_code, done.stderr


def test_the_keys_before_count_on_until_they_are_forgotten(home: Path) -> None:
    def signer() -> Signer:
        return Signer(link_keys(home, respond_key(home)))

    sent = signer().sign("x", ("y",))
    assert rotate() == (0, "a new key signs links from now on; the one before it counts on\n")
    assert signer().read("x", sent) == ["y"]
    assert rotate() == (0, "a new key signs links from now on; the 2 before it count on\n")
    assert rotate("--forget") == (0, "a new key signs links from now on; no other counts\n")
    assert signer().read("x", sent) is None


def test_keys_that_are_set_elsewhere_are_changed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_LINK_KEYS", "a" * 32)
    code, said = rotate()
    assert code == 4
    assert said.startswith("failed: ")
    assert "SAKIMORI_LINK_KEYS" in said
