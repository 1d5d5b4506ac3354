"""The options of `deploy`: the same for its three verbs, from the command line or from `[deploy.options]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from sakimori.cli.deploy_options import SETTINGS, chosen_design, designed
from sakimori.respond.errors import RespondError

GOT: list[tuple[Any, int]] = []
app = typer.Typer()


@app.command()
@designed
def made(options: dict[str, Any], extra: int = 7) -> None:
    """A verb with an option of its own."""
    GOT.append((chosen_design(options), extra))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    GOT.clear()
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    [(design, _)] = GOT
    return design


def settings(home: Path, text: str) -> None:
    (home / "sakimori.toml").write_text(f"[deploy.options]\n{text}\n", encoding="utf-8")


def test_a_verb_keeps_its_own_options_beside_the_shared_ones() -> None:
    run("--extra", "3", "--retention-days", "7")
    assert GOT[0][1] == 3
    assert GOT[0][0].retention_days == 7


def test_what_is_in_the_settings_need_not_be_said_and_what_is_said_counts(home: Path) -> None:
    settings(home, 'retention_days = 30\nlanguage = "ja"')
    assert (run().retention_days, GOT[0][0].language) == (30, "ja")
    GOT.clear()
    assert (run("--retention-days", "7").retention_days, GOT[0][0].language) == (7, "ja")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("packages = 'x'", "has no packages: it may have"),
        ("name = 'x'", "has no name: it may have"),
        ("retention_days = '5'", "retention_days in"),
        ("workflow = 'waf'", "is not what --workflow takes"),
        ("language = ['ja']", "is not what --language takes"),
    ],
)
def test_a_setting_that_cannot_be_is_named(home: Path, text: str, reason: str) -> None:
    settings(home, text)
    with pytest.raises(RespondError, match=reason):
        run()


def test_a_schedule_names_a_workflow_and_a_time() -> None:
    with pytest.raises(RespondError, match="is not WORKFLOW=WHEN"):
        run("--schedule", "waf")


def test_settings_are_the_options_but_for_those_of_one_call() -> None:
    assert "retention_days" in SETTINGS
    assert not {"ctx", "name", "packages"} & set(SETTINGS)
