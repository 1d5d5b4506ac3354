"""Every command's `--help`: that it comes, and says all that was declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from sakimori.cli import app


def leaves(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    if hasattr(command, "list_commands"):
        context = command.make_context("sakimori", [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from leaves((*words, name), command.get_command(context, name))


COMMANDS = dict(leaves((), get_command(app)))


def without_breaks(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_says_all_that_was_declared(words: tuple[str, ...]) -> None:
    """Also what looks like markup: `s3://BUCKET[/PREFIX]`."""
    shown = CliRunner().invoke(app, [*words, "--help"], catch_exceptions=False)
    assert shown.exit_code == 0
    text = without_breaks(shown.output)
    for parameter in COMMANDS[words].params:
        if not parameter.hidden:
            assert without_breaks(parameter.help or "") in text
            assert any(name in text for name in (parameter.metavar, *parameter.opts) if name)
    assert "─" not in text, "plain text, like all the others"
