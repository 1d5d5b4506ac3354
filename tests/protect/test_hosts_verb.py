"""`sakimori protect status`, `scan` and `patches`, as a user types them, against a manager of Trend's shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from served import served
from trend_stub import COMPUTER, INSTANCE, KEY, LOG4SHELL, Trend, trend_stub
from typer.testing import CliRunner

from sakimori.cli import app


@pytest.fixture
def trend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trend]:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.setenv("SAKIMORI_PROTECT_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    with trend_stub() as stub:
        monkeypatch.setenv("SAKIMORI_PROTECT_URL", stub.url)
        yield stub


def protect(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["protect", *arguments])


def test_status_says_whether_and_why_not(trend: Trend) -> None:
    good = protect("status", INSTANCE)
    assert good.exit_code == 0
    assert f"web-1 (computer {COMPUTER}) is protected" in good.stdout
    bare = protect("status", "build-7", "--json")
    assert bare.exit_code == 1
    assert "no agent is installed and activated" in json.loads(bare.stdout)["reasons"]
    needed = protect("status", INSTANCE, "--need", "firewall")
    assert needed.exit_code == 1
    assert "firewall is off" in needed.stdout
    unknown = protect("status", "i-0nobody")
    assert unknown.exit_code == 4
    assert "knows no computer i-0nobody" in unknown.stderr


def test_a_manager_that_is_away_is_not_an_unprotected_host(trend: Trend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sakimori.cli.configuration.PATIENCE", 0.1)
    monkeypatch.setenv("SAKIMORI_PROTECT_URL", "http://localhost:9")
    away = protect("status", INSTANCE)
    assert away.exit_code == 3
    assert "Nothing is known about protection" in away.stderr


def test_scan_waits_and_applies(trend: Trend) -> None:
    done = protect("scan", INSTANCE, "recommendations", "--apply", "--seconds", "60")
    assert done.exit_code == 0, done.stderr
    assert "1 virtual patches to assign, 0 to take away" in done.stderr
    assert LOG4SHELL in trend.own_rules["computers"]
    assert protect("scan", INSTANCE, "integrity", "--apply").exit_code == 2


def test_patches_are_those_of_exactly_the_cve(trend: Trend) -> None:
    assert protect("patches", "CVE-2021-44228").stdout.split()[0] == str(LOG4SHELL)
    assert protect("patches", "CVE-2021-4422").exit_code == 1


def test_what_is_not_set_is_named(trend: Trend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAKIMORI_PROTECT_KEY_STYLE", "bearer")
    assert "is no style of the key" in protect("status", INSTANCE).stderr
    monkeypatch.delenv("SAKIMORI_PROTECT_KEY_STYLE")
    monkeypatch.delenv("SAKIMORI_PROTECT_KEY")
    assert "set SAKIMORI_PROTECT_KEY" in protect("status", INSTANCE).stderr
    (tmp_path / "sakimori.toml").write_text(f'[protect.client]\nkey = "{KEY}"\nkey_style = "authorization"\n')
    assert protect("status", INSTANCE).exit_code == 0
    (tmp_path / "sakimori.toml").write_text('[protect.client]\nkeys = "x"\n')
    assert "[protect.client] in sakimori.toml has no keys" in protect("status", INSTANCE).stderr


def test_what_trend_cannot_do_is_said(trend: Trend) -> None:
    for words in (["coverage"], ["isolate", INSTANCE]):
        done = protect(*words)
        assert done.exit_code == 4
        assert "through this API: do it in its console" in done.stderr


def test_coverage_isolation_and_release_on_our_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with served(tmp_path / "manager", tls=False) as manager:
        monkeypatch.setenv("SAKIMORI_PROTECT_URL", manager.url)
        monkeypatch.setenv("SAKIMORI_PROTECT_KEY", manager.key)
        assert protect("coverage").stderr == "0 of 0 computers are protected as their policies say\n"
        (tmp_path / "disk").mkdir()
        enrolled = protect("simulate", "disk", "--name", "web-1", "--policy", "1", "--once")
        assert enrolled.exit_code == 0, enrolled.stderr
        covered = protect("coverage")
        assert (covered.exit_code, covered.stdout.splitlines()[0]) == (1, "web-1 (computer 1) is not protected")
        assert "recommendationScan   there was none" in covered.stdout
        for word, isolated in (("isolate", True), ("release", False)):
            assert "at the next heart-beat" in protect(word, "web-1").stderr
            (row,) = (json.loads(line) for line in protect("coverage", "--json").stdout.splitlines())
            assert row["isolated"] is isolated


def test_a_manager_whose_certificate_nobody_vouches_for_is_not_talked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "disk").mkdir()
    with served(tmp_path / "manager") as manager:
        monkeypatch.setenv("SAKIMORI_PROTECT_URL", manager.url)
        monkeypatch.setenv("SAKIMORI_PROTECT_KEY", manager.key)
        for words in (("simulate", "disk", "--once"), ("coverage",)):
            untrusted = protect(*words)
            assert untrusted.exit_code == 4
            assert "Name the CA that signed it: SAKIMORI_PROTECT_CA, or ca_file" in untrusted.stderr
        monkeypatch.setenv("SAKIMORI_PROTECT_CA", "/nowhere/ca.pem")
        assert "the CA file /nowhere/ca.pem cannot be used" in protect("simulate", "disk", "--once").stderr
        monkeypatch.setenv("SAKIMORI_PROTECT_CA", str(manager.ca))
        assert protect("simulate", "disk", "--once").exit_code == 0


def test_without_an_address_the_manager_is_the_one_of_this_machine_wherever_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sakimori.cli.configuration import manager_settings

    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.setenv("SAKIMORI_PROTECT_KEY", KEY)
    monkeypatch.delenv("SAKIMORI_PROTECT_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    for served_at, url in (
        ("", "https://localhost:4119"),
        ("port = 5000", "https://localhost:5000"),
        ('host = "0.0.0.0"\nport = 5000', "https://localhost:5000"),
        ('host = "192.0.2.7"', "https://192.0.2.7:4119"),
        ('host = "2001:db8::7"', "https://[2001:db8::7]:4119"),
        ("plain_http = true", "http://localhost:4119"),
    ):
        (tmp_path / "sakimori.toml").write_text(f"[protect.serve]\n{served_at}\n")
        assert manager_settings().url == url
