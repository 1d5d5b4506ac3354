"""Integrity monitoring on real file trees."""

from __future__ import annotations

import os
import random
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from sakimori.protect.agent import integrity
from sakimori.protect.agent.file_tree import look
from sakimori.protect.catalogue import api, reading

RULES = [{**rule, "ID": n} for n, rule in api.as_api(reading.load())["integritymonitoringrules"].items()]


def rule(base: str = "/etc", **more: Any) -> dict[str, Any]:
    values = {
        "fileIncludeSubDirectories": True,
        "fileIncludedValues": ["*"],
        "fileAttributes": ["CONTENTS", "PERMISSIONS"],
    }
    return {"ID": 1, "template": "file", "fileBaseDirectory": base, "severity": "high", **values, **more}


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    for path, text in {
        "etc/passwd": "root:x:0:0\n",
        "etc/ssh/sshd_config": "Port 22\n",
        "etc/cron.d/backup": "0 3 * * * root backup\n",
        "usr/bin/ls": "ls",
        "home/ann/.ssh/authorized_keys": "ssh-ed25519 AAAA ann\n",
        "home/ben/.ssh/authorized_keys": "ssh-ed25519 AAAA ben\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def told(found: integrity.Scan) -> set[tuple[str, str]]:
    return {(change.change, change.path) for change in found.changes}


def test_what_appears_changes_and_goes_is_told_once(host: Path) -> None:
    first = integrity.scan(host, [rule()], None)
    assert first.changes == []
    assert first.new_rules == [1]
    (host / "etc/passwd").write_text("root:x:0:0\neve:x:0:0\n")
    (host / "etc/ld.so.preload").write_text("/tmp/x.so\n")
    (host / "etc/cron.d/backup").unlink()
    second = integrity.scan(host, [rule()], first.baseline)
    assert told(second) == {
        ("updated", "/etc/passwd"),
        ("created", "/etc/ld.so.preload"),
        ("deleted", "/etc/cron.d/backup"),
    }
    (updated,) = (change for change in second.changes if change.change == "updated")
    assert updated.attributes.keys() == {"contents"}
    assert integrity.scan(host, [rule()], second.baseline).changes == []


def test_only_the_attributes_asked_for_count(host: Path) -> None:
    only = rule(fileAttributes=["PERMISSIONS"])
    first = integrity.scan(host, [only], None)
    (host / "etc/passwd").write_text("changed")
    (host / "etc/ssh/sshd_config").chmod(0o666)
    (change,) = integrity.scan(host, [only], first.baseline).changes
    assert (change.path, change.attributes["permissions"][1]) == ("/etc/ssh/sshd_config", "0666")


def test_patterns_of_names_paths_and_bases(host: Path) -> None:
    wanted = {
        ("/etc", ("passwd",)): {"/etc/passwd"},
        ("/etc", ("cron.d/*",)): {"/etc/cron.d/backup"},
        ("/home/*/.ssh", ("authorized_keys",)): {"/home/ann/.ssh/authorized_keys", "/home/ben/.ssh/authorized_keys"},
        ("/nowhere", ("*",)): set(),
    }
    for (base, include), paths in wanted.items():
        found = integrity.scan(host, [rule(base, fileIncludedValues=list(include))], None)
        assert set(found.baseline.rules[1].entries) == paths
    flat = integrity.scan(host, [rule(fileIncludeSubDirectories=False)], None)
    assert set(flat.baseline.rules[1].entries) == {"/etc/passwd"}
    without = integrity.scan(host, [rule(fileExcludedValues=["ssh/*", "passwd"])], None)
    assert set(without.baseline.rules[1].entries) == {"/etc/cron.d/backup"}


def test_links_are_seen_and_never_followed(host: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (host / "etc/link").symlink_to(tmp_path / "outside")
    (host / "srv").symlink_to(tmp_path)
    first = integrity.scan(host, [rule(), rule("/srv", ID=2)], None)
    assert first.baseline.rules[1].entries["/etc/link"].contents == f"-> {tmp_path / 'outside'}"
    assert first.baseline.rules[2].entries == {}
    (tmp_path / "outside").write_text("other")
    assert integrity.scan(host, [rule()], first.baseline).changes == []
    (host / "etc/link").unlink()
    (host / "etc/link").write_text("a file now")
    assert told(integrity.scan(host, [rule()], first.baseline)) == {("updated", "/etc/link")}


def test_a_pipe_is_not_opened(host: Path) -> None:
    os.mkfifo(host / "etc/pipe")
    assert integrity.scan(host, [rule()], None).baseline.rules[1].entries["/etc/pipe"].type == "special"


def test_what_cannot_be_read_is_said_and_is_not_deleted(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = integrity.scan(host, [rule()], None)

    def refuse(path: Path, *, contents: bool) -> Any:
        if path.name == "passwd":
            raise PermissionError(13, "Permission denied")
        return look(path, contents=contents)

    monkeypatch.setattr(integrity, "look", refuse)
    second = integrity.scan(host, [rule()], first.baseline)
    assert second.changes == []
    assert second.not_evaluated == [(1, "/etc/passwd", "Permission denied")]
    assert "/etc/passwd" in second.baseline.rules[1].entries


def test_a_rule_that_changed_begins_anew_and_others_go_on(host: Path) -> None:
    first = integrity.scan(host, [rule(), rule("/usr/bin", ID=2)], None)
    (host / "etc/passwd").write_text("x")
    (host / "usr/bin/ls").write_text("trojan")
    second = integrity.scan(host, [rule(fileIncludedValues=["pass*"]), rule("/usr/bin", ID=2)], first.baseline)
    assert second.new_rules == [1]
    assert told(second) == {("updated", "/usr/bin/ls")}


def test_registry_rules_are_not_evaluated_here(host: Path) -> None:
    found = integrity.scan(host, [rule(template="registry", name="Run keys")], None)
    assert [(rule_id, what) for rule_id, what, _ in found.not_evaluated] == [(1, "Run keys")]


def test_every_rule_of_the_catalogue_can_be_scanned(host: Path) -> None:
    found = integrity.scan(host, RULES, None)
    files = [each["ID"] for each in RULES if each["template"] == "file"]
    assert sorted(found.baseline.rules) == sorted(files)
    assert {rule_id for rule_id, _, _ in found.not_evaluated} == {each["ID"] for each in RULES} - set(files)


def test_random_changes_are_told_as_a_plain_comparison_tells_them(tmp_path: Path) -> None:
    rng = random.Random(5)
    root = tmp_path / "host"
    names = [f"etc/{folder}{name}" for folder in ("", "a/", "a/b/") for name in ("x.conf", "y.conf", "z.txt")]
    watched = rule(fileIncludedValues=["*.conf"], fileExcludedValues=["a/y.conf"])

    def plain() -> dict[str, tuple[bytes, int]]:
        found = {}
        for name in names:
            path, relative = root / name, name.removeprefix("etc/")
            if path.is_file() and fnmatch(relative, "*.conf") and relative != "a/y.conf":
                found[f"/{name}"] = (path.read_bytes(), path.stat().st_mode & 0o7777)
        return found

    (root / "etc/a/b").mkdir(parents=True)
    before, known = plain(), integrity.scan(root, [watched], None)
    for _ in range(60):
        for name in rng.sample(names, rng.randint(0, 4)):
            path = root / name
            if path.exists() and rng.random() < 0.4:
                path.unlink()
            else:
                path.write_text(str(rng.randint(0, 2)))
                path.chmod(rng.choice([0o600, 0o644]))
        after = plain()
        found = integrity.scan(root, [watched], known.baseline)
        wanted = {("created", path) for path in after.keys() - before.keys()}
        wanted |= {("deleted", path) for path in before.keys() - after.keys()}
        wanted |= {("updated", path) for path in before.keys() & after.keys() if before[path] != after[path]}
        assert told(found) == wanted
        before, known = after, found
