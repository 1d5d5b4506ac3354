"""`sakimori protect`: the workload protection manager, its keys and its certificate."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli import protect_hosts, protect_modes
from sakimori.cli.home import home, ledger_place

if TYPE_CHECKING:
    from sakimori.protect.manager import Manager
    from sakimori.protect.tls import Identity

FAILED = 4

app = typer.Typer(
    name="protect", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
key = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
app.add_typer(key, name="key")

TenantOption = Annotated[int, typer.Option(help="The tenant's ID; 0 is the primary one.")]


@app.callback()
def protect() -> None:
    """Run the workload protection manager, its keys, and what it enforces."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: this machine only.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="The port to listen on. Default: 4119.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="A name or address that clients reach it by, for its certificate. Repeat.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="A PEM certificate with its chain, to be shown.")] = None,
    private_key: Annotated[Path | None, typer.Option("--key", help="The certificate's private key, PEM.")] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="No TLS: only on an address that nobody else can reach.")
    ] = False,
) -> None:
    """Serve the manager's API over HTTPS until stopped.

    On first start it makes a certificate authority, a certificate and a first API key, which is printed this once.
    The API is the one of Trend Micro's Server & Workload Protection; its description is at /api/openapi.json.
    """
    from sakimori.cli.configuration import protect_settings
    from sakimori.protect.serving import DEFAULT_PORT, CannotListenError, is_loopback, listening
    from sakimori.protect.serving import serve as run

    settings = protect_settings()
    host = host or settings.host
    port = port or settings.port or DEFAULT_PORT
    plain = plain_http or settings.plain_http
    if plain and not is_loopback(host):
        raise typer.BadParameter(f"{host} can be reached by others: plain HTTP is for this machine only")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    identity = (
        None
        if plain
        else _identity(host, certificate or settings.certificate, private_key or settings.key, name or settings.names)
    )
    try:
        calls = listening(host, port)
    except CannotListenError as error:
        raise _failed(str(error)) from None
    manager = _manager(settings.options())
    first = _tried(manager.prepare)
    if first is not None:
        typer.echo(first)
        _say("printed the first API key, with full access: it is not shown again")
    if identity is not None and identity.ca is not None:
        _say(f"clients must trust {identity.ca}")
    shown = f"[{host}]" if ":" in host else host
    _say(f"listening on {'http' if plain else 'https'}://{shown}:{port}/api")
    run(manager, calls, identity)


@key.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is called.")],
    role: Annotated[int, typer.Option(help="The role's ID: 1 is Full Access, 2 Auditor.")] = 2,
    tenant: TenantOption = 0,
) -> None:
    """Make an API key and print it, this once."""
    manager = _manager(None)
    manager.prepare_tenant()
    typer.echo(_tried(lambda: manager.new_key(name, role, tenant)))


@key.command("list")
def list_keys(tenant: TenantOption = 0) -> None:
    """List API keys: ID, name, role, state. Their secrets are not kept and cannot be shown."""
    for id, body in _manager(None).key_list(tenant):
        state = "active" if body.get("active", True) else "off"
        typer.echo(f"{id}\t{body.get('keyName', '')}\trole {body.get('roleID')}\t{state}")


@key.command("revoke")
def revoke_key(
    id: Annotated[int, typer.Argument(help="The key's ID.")],
    tenant: TenantOption = 0,
) -> None:
    """Remove an API key for good. A manager that is running notices within a second."""
    _tried(lambda: _manager(None).revoke_key(id, tenant))
    _say(f"key {id} is void")


def _identity(host: str, certificate: Path | None, private_key: Path | None, names: list[str]) -> Identity:
    from sakimori.protect import tls

    if (certificate is None) != (private_key is None):
        raise typer.BadParameter("a certificate and its key belong together: give both --certificate and --key")
    try:
        if certificate is not None and private_key is not None:
            return tls.given(certificate, private_key)
        own = [each for each in (host, *names) if each not in ("0.0.0.0", "::")]  # noqa: S104 - these are no names
        return tls.own(home() / "protect" / "tls", [*tls.usual_names(), *own])
    except tls.CertificateError as error:
        raise _failed(str(error)) from None


def _manager(options: Any) -> Manager:
    from sakimori.protect.manager import Manager
    from sakimori.store.database import LedgerError, connect

    try:
        return Manager(connect(ledger_place()), options)
    except LedgerError as error:
        raise _failed(str(error)) from None


def _tried(what: Any) -> Any:
    from sakimori.protect.errors import ProtectError
    from sakimori.store.database import LedgerError

    try:
        return what()
    except (ProtectError, LedgerError) as error:
        raise _failed(str(error)) from None


def _failed(reason: str) -> typer.Exit:
    _say(reason)
    return typer.Exit(FAILED)


def _say(text: str) -> None:
    typer.echo(text, err=True)


for _name, _command in (*protect_modes.COMMANDS, *protect_hosts.COMMANDS):
    app.command(_name)(_command)
