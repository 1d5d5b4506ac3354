"""`sakimori.toml`: in the current folder, else in SAKIMORI_HOME. Environment variables and flags win over it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from sakimori.cli.home import home

if TYPE_CHECKING:
    from sakimori.protect.client_transport import KeyStyle, Settings
    from sakimori.protect.manager import Options

SETTINGS = {
    "detect.placeholders": "Values for %placeholders% in rules: a table, name = list of texts.",
    "protect.serve": "How the workload protection manager is served: a table.",
    "console.serve": "How the console is served, and how long people stay signed in: a table.",
    "protect.client": "Which manager is driven, ours or Trend's: a table.",
    "respond.modes": "How far workflows go by themselves: observe, approve or auto, by workflow, account and tag.",
    "notify.routes": "Who is told what, by which channel: a table of tables.",
    "notify.people": "Who is responsible: the value of an asset's owner tag = the person's name.",
    "notify.options": "Where people reach our pages, and which tags name an asset's owner.",
    "respond.limits": "How much workflows may change within a while, and what they never touch.",
    "respond.paces": "How often, and how stubbornly, each API is called in an account: a table of tables.",
    "deploy.options": "The options of `sakimori deploy` that you do not want to give each time, by their names.",
    "respond.inspector": "Where the workflow inspector assigns rules.",
    "respond.s3-appspec": "Which buckets are deployed from, by which pipelines, and who usually writes there.",
    "respond.waf": "How much capacity the workflow waf may give a web ACL.",
}
"""Every setting that the file may hold, with what it means."""


def placeholders() -> dict[str, list[str]]:
    """`[detect.placeholders]`: what `%name%` in a rule with the `expand` modifier stands for."""
    return {name: _texts(name, value) for name, value in _settings().get("detect.placeholders", {}).items()}


@dataclass(frozen=True, slots=True)
class ProtectSettings:
    """`[protect.serve]`: calls are those a minute, 0 for no limit."""

    host: str = "127.0.0.1"
    port: int = 0
    names: list[str] = field(default_factory=list)
    certificate: Path | None = None
    key: Path | None = None
    plain_http: bool = False
    heartbeat_seconds: int = 60
    lease_seconds: int = 30
    calls_of_key: int = 500
    calls_of_tenant: int = 1_000
    calls_of_node: int = 5_000

    def options(self) -> Options:
        from sakimori.protect.limits import Limits
        from sakimori.protect.manager import Options

        limits = Limits(self.calls_of_key, self.calls_of_tenant, self.calls_of_node)
        return Options(limits, self.heartbeat_seconds, self.lease_seconds * 1_000)


def protect_settings() -> ProtectSettings:
    """`[protect.serve]`, with defaults for what it leaves out."""
    return _converted("protect.serve", ProtectSettings)


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`[console.serve]`. `address` is where people reach it, such as that of a proxy with TLS in front of it."""

    host: str = "127.0.0.1"
    port: int = 8471
    address: str = ""
    certificate: Path | None = None
    key: Path | None = None
    session_hours: int = 12
    idle_minutes: int = 60


def console_settings() -> ConsoleSettings:
    """`[console.serve]`, with defaults for what it leaves out."""
    return _converted("console.serve", ConsoleSettings)


S = TypeVar("S", ProtectSettings, ConsoleSettings)


def _converted(name: str, kind: type[S]) -> S:
    """A table of settings, with defaults for what it leaves out."""
    import msgspec

    given = _settings().get(name, {})
    unknown = given.keys() - {each.name for each in fields(kind)}
    if unknown:
        raise typer.BadParameter(f"[{name}] in sakimori.toml has no {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(given, kind, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"[{name}] in sakimori.toml: {error}") from None


PATIENCE = 20.0
"""Seconds that a person at a terminal waits for a manager that does not answer."""


def manager_settings() -> Settings:
    """Which manager is driven: SAKIMORI_PROTECT_URL, _KEY, _CA and _KEY_STYLE, else `[protect.client]`.

    Without an address it is the one that `sakimori protect serve` runs on this machine, with the CA that it made.
    """
    from sakimori.protect.client_transport import Settings

    given = _settings().get("protect.client", {})
    unknown = given.keys() - {"url", "key", "ca_file", "key_style"}
    if unknown:
        raise typer.BadParameter(f"[protect.client] in sakimori.toml has no {', '.join(sorted(unknown))}")
    url = os.environ.get("SAKIMORI_PROTECT_URL") or str(given.get("url", ""))
    key = os.environ.get("SAKIMORI_PROTECT_KEY") or str(given.get("key", ""))
    ca = os.environ.get("SAKIMORI_PROTECT_CA") or str(given.get("ca_file", ""))
    style = os.environ.get("SAKIMORI_PROTECT_KEY_STYLE") or str(given.get("key_style", "api-secret-key"))
    if not key:
        raise typer.BadParameter("no API key of the manager is set: set SAKIMORI_PROTECT_KEY")
    if style not in ("api-secret-key", "authorization"):
        raise typer.BadParameter(f"{style!r} is no style of the key: api-secret-key or authorization")
    own = home() / "protect" / "tls" / "ca.pem"
    if not url:
        url, ca = _own_manager(), ca or (str(own) if own.exists() else "")
    header: KeyStyle = "authorization" if style == "authorization" else "api-secret-key"
    return Settings(url, key, ca, header, patience=PATIENCE)


def _own_manager() -> str:
    """The address at which this machine's manager is reached, as `[protect.serve]` has it."""
    from sakimori.protect.serving import DEFAULT_PORT, is_loopback

    served = protect_settings()
    everywhere = served.host in ("", "0.0.0.0", "::")  # noqa: S104 - read, not listened on
    host = "localhost" if everywhere or is_loopback(served.host) else served.host
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if served.plain_http else 'https'}://{shown}:{served.port or DEFAULT_PORT}"


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise NotImplementedError(f"{kind} from {value!r}")


def section(name: str) -> dict[str, Any]:
    """The table of a setting as the file has it; {} where it has none."""
    return dict(_settings().get(name, {}))


def _texts(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, (str, int)) and not isinstance(each, bool) for each in values):
        raise typer.BadParameter(f"{name} in [detect.placeholders] of sakimori.toml is not a list of texts")
    return [str(each) for each in values]


def _settings() -> dict[str, dict[str, Any]]:
    """The file's settings, each a table, by name; a name that is not in SETTINGS is refused, for it may be a slip."""
    found: dict[str, dict[str, Any]] = {}
    for room, tables in _read().items():
        for key, table in tables.items() if isinstance(tables, dict) else [("", None)]:
            name = f"{room}.{key}".rstrip(".")
            if name not in SETTINGS:
                raise typer.BadParameter(f"sakimori.toml has no setting {name}: it may have {', '.join(SETTINGS)}")
            if not isinstance(table, dict):
                raise typer.BadParameter(f"[{name}] in sakimori.toml is not a table")
            found[name] = table
    return found


def _read() -> dict[str, Any]:
    for place in (Path("sakimori.toml"), home() / "sakimori.toml"):
        try:
            return tomllib.loads(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise typer.BadParameter(f"{place} cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise typer.BadParameter(f"{place} is not TOML: {error}") from None
    return {}
