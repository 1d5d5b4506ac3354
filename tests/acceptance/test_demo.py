"""`sakimori demo` finds its attack and nothing else, and every command that it recommends works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def sakimori(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAKIMORI_"))}
    return subprocess.run(
        [sys.executable, "-m", "sakimori", *words],
        env=environment | {"SAKIMORI_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    home = tmp_path_factory.mktemp("home")
    return home, sakimori("demo", "--events", "5000", home=home)


def test_it_finds_the_attack_and_nothing_else(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, run = demo
    assert run.returncode == 0, run.stderr
    found = [line for line in run.stdout.splitlines() if line.startswith(("Critical", "High", "Medium"))]
    assert len(found) >= 7
    assert [line for line in found if "203.0.113.66" not in line] == []
    for act in (
        "trail stopped",
        "Access key created",
        "snapshot shared",
        "Deployment instructions",
        "Credentials of an EC2",
    ):
        assert any(act in line for line in found), act


def test_every_command_that_it_recommends_works(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, run = demo
    advice = run.stdout[run.stdout.index("Where to look next") : run.stdout.index("and then your own")]
    commands = re.findall(r"^  \S+ -m sakimori (.*)$", advice, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["explain", "hunt", "coverage", "rules"]
    for command in commands:
        result = sakimori(*shlex.split(command), home=home / "demo")
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        assert result.stdout


def test_it_can_be_run_again(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    home, _ = demo
    assert sakimori("demo", "--events", "1000", home=home).returncode == 0


def test_it_deletes_nothing_that_it_did_not_make(tmp_path: Path) -> None:
    mine = tmp_path / "demo" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("precious")
    run = sakimori("demo", home=tmp_path)
    assert run.returncode == 4
    assert "holds something else" in run.stderr
    assert mine.read_text() == "precious"
