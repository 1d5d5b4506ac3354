"""`sakimori respond rotate`: new keys for the links in messages."""

from __future__ import annotations

from typing import Annotated

import typer

from sakimori.cli.home import home

FAILED = 4


def rotate(
    forget: Annotated[bool, typer.Option("--forget", help="Links that were sent before count no more.")] = False,
) -> None:
    """Sign the links in messages with a new key from now on.

    The two keys before it go on to count, unless they are to be forgotten: do that when one may have leaked. A listener
    keeps the keys that it began with: restart it.
    """
    from sakimori.respond.errors import RespondError
    from sakimori.respond.keys import respond_key, rotate_link_keys

    try:
        count = rotate_link_keys(home(), respond_key(home()), keep_older=not forget)
    except RespondError as error:
        typer.echo(f"failed: {error}", err=True)
        raise typer.Exit(FAILED) from None
    older = {1: "no other counts", 2: "the one before it counts on"}.get(count, f"the {count - 1} before it count on")
    typer.echo(f"a new key signs links from now on; {older}", err=True)
