"""The repository's own promises: pinned, hashed, and made for the machines that it says."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
APART = ("requirements-trend-build.lock", "requirements-trend.lock", "requirements-peers.lock")
"""Locks of programs that we are tested with or measured against, in environments of their own."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(lock: str) -> dict[str, set[str]]:
    """Name -> the versions that a lock pins (more than one where it differs between Pythons)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE
    ):
        found.setdefault(name, set()).add(version)
    return found


def wanted(group: str | None) -> list[Requirement]:
    if group is None:
        return [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    entries = PROJECT["dependency-groups"][group]
    names = [entry["include-group"] for entry in entries if isinstance(entry, dict)]
    own = [Requirement(entry) for entry in entries if isinstance(entry, str)]
    return own + [requirement for name in names for requirement in wanted(name)]


@pytest.mark.parametrize(
    ("lock", "group"), [(LOCKS[0], None), (LOCKS[0], "build"), (LOCKS[1], None), (LOCKS[1], "dev")]
)
def test_the_locks_hold_what_the_project_asks_for(lock: str, group: str | None) -> None:
    versions = pinned(lock)
    for requirement in wanted(group):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert versions.get(name), f"{name} is not in {lock}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions[name]), f"{name}: run `make lock`"


def test_what_runs_is_what_is_tested() -> None:
    tested = pinned(LOCKS[1])
    assert {name: versions for name, versions in pinned(LOCKS[0]).items() if tested.get(name) != versions} == {}


@pytest.mark.parametrize("lock", [*LOCKS, *APART])
def test_every_pin_has_hashes_and_no_lock_names_a_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(index-url|extra-index-url|find-links|trusted-host)", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    explained = set(re.findall(r"^([a-z-]+):.*## \w", makefile, re.MULTILINE))
    assert set(phony[1].split()) - explained == {"setup", "setup-dev"}


@pytest.mark.parametrize(
    "script", [".ci/run", *(f"tools/{path.name}" for path in sorted((ROOT / "tools").glob("*.sh")))]
)
def test_scripts_parse_and_may_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    shell = (ROOT / script).read_text().partition("\n")[0].split()[-1].rpartition("/")[2]
    subprocess.run([shell, "-n", ROOT / script], check=True)


def test_a_machine_without_a_fit_python_is_told_what_to_type(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for tool in ("dirname", "cat", "cksum", "cut"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    lonely = tmp_path / "clone" / "tools"
    lonely.mkdir(parents=True)
    (lonely / "setup.sh").write_bytes((ROOT / "tools/setup.sh").read_bytes())
    for name in (LOCKS[0], "pyproject.toml"):
        (tmp_path / "clone" / name).write_bytes((ROOT / name).read_bytes())
    result = subprocess.run(
        ["/bin/sh", lonely / "setup.sh", LOCKS[0]], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "no Python 3.11, 3.12 or 3.13 on PATH" in result.stderr
    assert "apt-get install python3" in result.stderr


def test_no_two_test_files_have_one_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == [], "pytest collects only one of them"
