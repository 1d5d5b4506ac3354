"""The keys that sign links: made from the secret until there are some of their own, changed, forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sakimori.notify.signing import Signer
from sakimori.respond.errors import RespondError
from sakimori.respond.keys import OLDER, link_keys, respond_key, rotate_link_keys

SECRET = b"s" * 32


def test_links_of_older_keys_count_for_a_while(tmp_path: Path) -> None:
    token = Signer(link_keys(tmp_path, SECRET)).sign("x", ("y",))
    for turn in range(OLDER):
        assert rotate_link_keys(tmp_path, SECRET, keep_older=True) == 2 + turn
        assert Signer(link_keys(tmp_path, SECRET)).read("x", token) == ["y"]
    rotate_link_keys(tmp_path, SECRET, keep_older=True)
    assert Signer(link_keys(tmp_path, SECRET)).read("x", token) is None
    assert len(link_keys(tmp_path, SECRET)) == OLDER + 1


def test_a_key_that_may_have_leaked_is_forgotten_at_once(tmp_path: Path) -> None:
    rotate_link_keys(tmp_path, SECRET, keep_older=True)
    token = Signer(link_keys(tmp_path, SECRET)).sign("x", ("y",))
    assert rotate_link_keys(tmp_path, SECRET, keep_older=False) == 1
    assert Signer(link_keys(tmp_path, SECRET)).read("x", token) is None
    assert (tmp_path / "links.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["links.key"]


def test_keys_from_the_environment_win_and_are_changed_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_LINK_KEYS", f"{'a' * 32} {'b' * 32}")
    assert link_keys(tmp_path, SECRET) == (b"a" * 32, b"b" * 32)
    with pytest.raises(RespondError, match="SAKIMORI_LINK_KEYS: put a new one before them"):
        rotate_link_keys(tmp_path, SECRET, keep_older=True)
    monkeypatch.setenv("SAKIMORI_LINK_KEYS", "short")
    with pytest.raises(RespondError, match="SAKIMORI_LINK_KEYS is short"):
        link_keys(tmp_path, SECRET)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    rotate_link_keys(tmp_path, SECRET, keep_older=True)
    (tmp_path / "links.key").chmod(0o644)
    with pytest.raises(RespondError, match="others can read"):
        link_keys(tmp_path, SECRET)


def test_processes_that_start_at_once_have_one_secret(tmp_path: Path) -> None:
    for number in range(20):
        start = threading.Barrier(8)

        def first(home: Path = tmp_path / str(number), start: threading.Barrier = start) -> bytes:
            start.wait()
            return respond_key(home)

        with ThreadPoolExecutor(8) as pool:
            found = {each.result() for each in [pool.submit(first) for _ in range(8)]}
        assert len(found) == 1
        assert [each.name for each in (tmp_path / str(number)).iterdir()] == ["respond.key"]
        assert oct((tmp_path / str(number) / "respond.key").stat().st_mode)[-3:] == "600"
