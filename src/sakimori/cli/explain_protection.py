"""Findings of the protection manager, explained: the computer is looked at again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from sakimori.cli.output import printable

FAILED = 4


def looked_at_again(finding: dict[str, Any], place: str | Path) -> dict[str, Any]:
    """What the computer's agent does now of what its policy says: `open`, and the modules that do not run."""
    from sakimori.cli.configuration import protect_settings
    from sakimori.protect import gaps
    from sakimori.protect.agent_states import Beats
    from sakimori.protect.policies import Policies
    from sakimori.store.database import LedgerError, connect

    evidence = finding["evidence"]
    try:
        engine = connect(place)
        try:
            interval = protect_settings().heartbeat_seconds
            found = gaps.on(engine, evidence["tenant"], evidence["computerID"], Policies(), Beats(), interval)
        finally:
            engine.dispose()
    except LedgerError as error:
        typer.echo(printable(f"failed: {error}"), err=True)
        raise typer.Exit(FAILED) from None
    return {"open": found is not None, "modules": list(found.evidence["modules"]) if found is not None else []}


def module_lines(again: dict[str, Any]) -> list[str]:
    """The answer in words."""
    if not again["open"]:
        return ["Looked at again: its agent does what its policy says, or it is not there any more. The gap is closed."]
    lines = ["Looked at again, these do not run as its policy says:"]
    for each in again["modules"]:
        lines.append(f"  {each['module']:<20} wanted {each['wanted']}, runs {each['runs']}: {each['message']}")
    return lines
