"""A full disk and a read-only lake: a clear error, nothing lost, and the same command completes later."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloudtrail_logs import lake_hashes, ledger_rows, run, write_logs

OBJECTS = 30


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs: the full disk and the read-only lake are not tried")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here ({done.stderr.strip()}): the full disk is not tried")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_logs(tmp_path / "logs", OBJECTS, 150)
    return tmp_path / "logs"


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)


def collect(lake: Path, logs: Path) -> tuple[str, ...]:
    return ("collect", "cloudtrail", str(logs), "--workers", "2", "--detect", "--lake", str(lake))


def quiet(tmp_path: Path, logs: Path) -> tuple[dict[str, str], dict[str, list[tuple[object, ...]]]]:
    run(tmp_path / "quiet", *collect(tmp_path / "quiet" / "lake", logs))
    return lake_hashes(tmp_path / "quiet" / "lake"), ledger_rows(tmp_path / "quiet" / "ledger.sqlite")


def test_a_full_disk_under_the_lake(small_disk: Path, logs: Path, tmp_path: Path) -> None:
    lake, home = small_disk / "lake", tmp_path / "home"
    code, _, err = run(home, *collect(lake, logs))
    assert code == 4
    assert "the disk is full: free some space and run the same command again" in err
    assert str(lake) in err
    assert "Traceback" not in err
    entered = ledger_rows(home / "ledger.sqlite")["objects"]
    assert 0 < len(entered) < OBJECTS
    assert not any(".pending" in path for path in lake_hashes(lake))
    remount(small_disk, "size=20m")
    assert run(home, *collect(lake, logs))[0] == 3
    assert (lake_hashes(lake), ledger_rows(home / "ledger.sqlite")) == quiet(tmp_path, logs)


def test_a_full_disk_under_the_ledger(small_disk: Path, logs: Path, tmp_path: Path) -> None:
    lake, home = tmp_path / "lake", small_disk / "home"
    home.mkdir()
    (small_disk / "filler").write_bytes(bytes(150_000))
    code, _, err = run(home, *collect(lake, logs))
    assert code == 4
    assert "ledger" in err
    assert "run the same command again" in err
    assert "Traceback" not in err
    remount(small_disk, "size=20m")
    assert run(home, *collect(lake, logs))[0] == 3
    assert (lake_hashes(lake), ledger_rows(home / "ledger.sqlite")) == quiet(tmp_path, logs)


def test_a_lake_that_is_read_only(small_disk: Path, logs: Path, tmp_path: Path) -> None:
    lake, home = small_disk / "lake", tmp_path / "home"
    one = logs / "0001.json.gz"
    assert run(home, *collect(lake, one))[0] == 0
    before = lake_hashes(lake), ledger_rows(home / "ledger.sqlite")
    remount(small_disk, "ro")
    code, _, err = run(home, *collect(lake, logs))
    assert code == 4
    assert "the file system is read-only" in err
    assert "Traceback" not in err
    assert (lake_hashes(lake), ledger_rows(home / "ledger.sqlite")) == before
    remount(small_disk, "rw,size=20m")
    assert run(home, *collect(lake, logs))[0] == 3
    assert (lake_hashes(lake), ledger_rows(home / "ledger.sqlite")) == quiet(tmp_path, logs)


def test_a_lake_that_is_someone_elses(logs: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere: a lake without write permission is not tried")
    lake = tmp_path / "lake"
    lake.mkdir(mode=0o555)
    code, _, err = run(tmp_path / "home", *collect(lake, logs))
    assert code == 4
    assert "permission denied" in err
