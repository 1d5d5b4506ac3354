"""The options of `sakimori deploy` that say what is deployed: declared once, for the three verbs that take them."""

from __future__ import annotations

import inspect
import platform
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sakimori.respond.deploy.design import Design

NameOption = Annotated[str, typer.Option(help="The deployment's name, which all its parts begin with.")]


def design_options(
    ctx: typer.Context,
    name: NameOption = "sakimori",
    workflow: Annotated[
        list[str] | None,
        typer.Option(help="Only this workflow, as `respond list` lists it; again for more. Default: all."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only events of this source; again for more. Default: all.")
    ] = None,
    schedule: Annotated[
        list[str] | None,
        typer.Option(metavar="WORKFLOW=WHEN", help="When a workflow is due, such as waf=rate(1 day)."),
    ] = None,
    architecture: Annotated[str, typer.Option(help="x86_64 or arm64. Default: this machine's.")] = "",
    packages: Annotated[
        Path | None,
        typer.Option(help="A folder of packages (`pip install --target`) instead of those installed here."),
    ] = None,
    retention_days: Annotated[int, typer.Option(help="Days that the function's log is kept.")] = 90,
    protect_url: Annotated[str, typer.Option(help="The address of the workload protection manager.")] = "",
    protect_secret: Annotated[str, typer.Option(help="The ARN of the secret that holds the manager's API key.")] = "",
    protect_key_style: Annotated[
        str, typer.Option(help="How the API key is sent: api-secret-key or authorization.")
    ] = "api-secret-key",
    role: Annotated[str, typer.Option(help="The name of the role that other accounts have for the function.")] = "",
    kms_key: Annotated[
        str, typer.Option(help="The ARN of your own KMS key to encrypt with. Default: AWS's keys.")
    ] = "",
    email: Annotated[str, typer.Option(help="Who is told, by e-mail; AWS asks there for confirmation.")] = "",
    notify_secret: Annotated[
        str,
        typer.Option(
            help="The ARN of the secret that holds what your routes name with _env: they go with the function."
        ),
    ] = "",
    language: Annotated[str, typer.Option(help="The language of messages: en or ja.")] = "en",
) -> None:
    """What `designed` gives a command."""


_SHARED = inspect.signature(design_options, eval_str=True).parameters
_ONLY_HERE = ("ctx", "name", "packages")
SETTINGS = tuple(name for name in _SHARED if name not in _ONLY_HERE)
"""What `[deploy.options]` may hold."""


def designed(command: Callable[..., None]) -> Callable[..., None]:
    """A command that has these options beside its own: it gets them as its first argument, by name."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def run(**given: Any) -> None:
        command({name: given.pop(name) for name in _SHARED}, **given)

    every = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*_SHARED.values(), *own)]
    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {each.name: each.annotation for each in every}
    return run


def with_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options; what was not given on the command line is taken from `[deploy.options]`. Raises RespondError."""
    from sakimori.cli.configuration import section
    from sakimori.respond.errors import RespondError

    settings = section("deploy.options")
    for name, value in settings.items():
        default = given.get(name)
        is_list = name in ("workflow", "source", "schedule")
        if name not in SETTINGS:
            raise RespondError(f"[deploy.options] in sakimori.toml has no {name}: it may have {', '.join(SETTINGS)}")
        if is_list != isinstance(value, list) or (not is_list and type(value) is not type(default)):
            raise RespondError(f"{name} in [deploy.options] of sakimori.toml is not what --{name} takes")
    context: typer.Context = given["ctx"]
    said = {name for name in SETTINGS if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    return {**given, **{name: value for name, value in settings.items() if name not in said}}


def chosen_design(options: Mapping[str, Any]) -> Design:
    """The design that the options and the settings ask for. Raises RespondError, NotifyError."""
    from sakimori.cli.configuration import section
    from sakimori.respond.deploy.design import design
    from sakimori.respond.deploy.sources import SOURCES
    from sakimori.respond.errors import RespondError

    given = with_settings(options)
    schedules: dict[str, str] = {}
    for each in given["schedule"] or ():
        workflow, equals, when = each.partition("=")
        if not equals:
            raise RespondError(f"--schedule {each!r} is not WORKFLOW=WHEN, such as waf=rate(1 day)")
        schedules[workflow.strip()] = when.strip()
    machine = {"aarch64": "arm64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    return design(
        name=given["name"],
        workflows=tuple(given["workflow"] or ()),
        sources=tuple(dict.fromkeys(given["source"] or SOURCES)),
        schedules=schedules,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        architecture=given["architecture"] or machine,
        retention_days=given["retention_days"],
        protect_url=given["protect_url"],
        protect_secret=given["protect_secret"],
        key_style=given["protect_key_style"],
        role=given["role"],
        key=given["kms_key"],
        email=given["email"],
        notify_secret=given["notify_secret"],
        routes=section("notify.routes") if given["notify_secret"] else {},
        language=given["language"],
    )
