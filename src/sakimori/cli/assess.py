"""`sakimori assess`: what an attacker could do with what is there. One file a subject, `assess_SUBJECT.py`."""

from __future__ import annotations

import typer

from sakimori.cli import assess_access, assess_network

app = typer.Typer(
    name="assess", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.callback()
def assess() -> None:
    """Find what an attacker could do with what is in the accounts."""


app.command("access")(assess_access.access)
app.command("network")(assess_network.network)
