"""`sakimori deploy`: responses in your own AWS account, as a function that acts on findings when they are raised."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sakimori.respond.deploy.bundle import Bundle
    from sakimori.respond.deploy.design import Design
    from sakimori.respond.deploy.stack import Planned, Stack

USAGE, FAILED, INTERRUPTED = 2, 4, 130

OPTIONS = (
    "workflow",
    "source",
    "schedule",
    "architecture",
    "retention_days",
    "protect_url",
    "protect_secret",
    "protect_key_style",
    "role",
    "kms_key",
    "email",
    "language",
)
"""What `[deploy.options]` may hold."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Deploy responses to your AWS account, change them, and take them away without a trace.",
)

NameOption = Annotated[str, typer.Option(help="The deployment's name, which all its parts begin with.")]
WorkflowOption = Annotated[
    list[str] | None, typer.Option(help="Only this workflow, as `respond list` lists it; again for more. Default: all.")
]
SourceOption = Annotated[
    list[str] | None, typer.Option(help="Only events of this source; again for more. Default: all.")
]
ScheduleOption = Annotated[
    list[str] | None, typer.Option(metavar="WORKFLOW=WHEN", help="When a workflow is due, such as waf=rate(1 day).")
]
ArchitectureOption = Annotated[str, typer.Option(help="x86_64 or arm64. Default: this machine's.")]
PackagesOption = Annotated[
    Path | None,
    typer.Option(help="A folder of packages (`pip install --target`) instead of those installed here."),
]
RetentionOption = Annotated[int, typer.Option(help="Days that the function's log is kept.")]
UrlOption = Annotated[str, typer.Option(help="The address of the workload protection manager.")]
SecretOption = Annotated[str, typer.Option(help="The ARN of the secret that holds the manager's API key.")]
StyleOption = Annotated[str, typer.Option(help="How the API key is sent: api-secret-key or authorization.")]
RoleOption = Annotated[str, typer.Option(help="The name of the role that other accounts have for the function.")]
KeyOption = Annotated[str, typer.Option(help="The ARN of your own KMS key to encrypt with. Default: AWS's keys.")]
EmailOption = Annotated[str, typer.Option(help="Who is told, by e-mail; AWS asks there for confirmation.")]
LanguageOption = Annotated[str, typer.Option(help="The language of messages: en or ja.")]
RegionOption = Annotated[str | None, typer.Option(help="The region. Default: that of your AWS configuration.")]
ProfileOption = Annotated[str | None, typer.Option(help="The AWS profile.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask: do it.")]


@app.command("lambda")
def write_lambda(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("sakimori-lambda"),
    name: NameOption = "sakimori",
    workflow: WorkflowOption = None,
    source: SourceOption = None,
    schedule: ScheduleOption = None,
    architecture: ArchitectureOption = "",
    packages: PackagesOption = None,
    retention_days: RetentionOption = 90,
    protect_url: UrlOption = "",
    protect_secret: SecretOption = "",
    protect_key_style: StyleOption = "api-secret-key",
    role: RoleOption = "",
    kms_key: KeyOption = "",
    email: EmailOption = "",
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Write the function's bundle, and templates for CloudFormation and Terraform, to deploy by your own means.

    Nothing is changed in AWS. The same input gives the same bytes.
    """
    from sakimori.respond.deploy.cloudformation import template, written
    from sakimori.respond.deploy.terraform import configuration

    with _explained():
        design = _design(locals())
        bundle = _bundle(design, packages)
        files = {
            "bundle.zip": bundle.data,
            "template.json": written(template(design)).encode(),
            "main.tf.json": written(configuration(design)).encode(),
        }
        out.mkdir(parents=True, exist_ok=True)
        for file, data in files.items():
            (out / file).write_bytes(data)
    made = {
        "folder": str(out),
        "files": {file: len(data) for file, data in files.items()},
        "sha256": bundle.sha256,
        "unpacked": bundle.unpacked,
        "python": design.python,
        "architecture": design.architecture,
        "workflows": list(design.workflows),
        "packages": bundle.packages,
    }
    if as_json:
        _print(made)
        return
    typer.echo(f"{out / 'bundle.zip'}: {len(bundle.data) / 1e6:.1f} MB, {bundle.unpacked / 1e6:.1f} MB unpacked")
    typer.echo(f"  for Python {design.python} on {design.architecture}; SHA-256 {bundle.sha256}")
    typer.echo(f"{out / 'template.json'}: for CloudFormation; put the bundle into a bucket of yours, then")
    typer.echo(
        f"  aws cloudformation deploy --stack-name {name} --template-file {out / 'template.json'} "
        "--capabilities CAPABILITY_NAMED_IAM --parameter-overrides BundleBucket=YOUR-BUCKET BundleKey=bundle.zip"
    )
    typer.echo(f"{out / 'main.tf.json'}: for Terraform: terraform -chdir={out} init, then apply -var region=REGION")


@app.command()
def plan(
    ctx: typer.Context,
    name: NameOption = "sakimori",
    workflow: WorkflowOption = None,
    source: SourceOption = None,
    schedule: ScheduleOption = None,
    architecture: ArchitectureOption = "",
    packages: PackagesOption = None,
    retention_days: RetentionOption = 90,
    protect_url: UrlOption = "",
    protect_secret: SecretOption = "",
    protect_key_style: StyleOption = "api-secret-key",
    role: RoleOption = "",
    kms_key: KeyOption = "",
    email: EmailOption = "",
    language: LanguageOption = "en",
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `deploy apply` would change in your account. It looks, and changes nothing."""
    from sakimori.respond.deploy.cloudformation import template

    with _explained():
        design = _design(locals())
        bundle = _bundle(design, packages)
        planned = _stack(name, region, profile).plan(template(design), bundle)
    if as_json:
        _print({"name": name, **planned.to_json()})
        return
    _show(planned)


@app.command()
def apply(
    ctx: typer.Context,
    name: NameOption = "sakimori",
    workflow: WorkflowOption = None,
    source: SourceOption = None,
    schedule: ScheduleOption = None,
    architecture: ArchitectureOption = "",
    packages: PackagesOption = None,
    retention_days: RetentionOption = 90,
    protect_url: UrlOption = "",
    protect_secret: SecretOption = "",
    protect_key_style: StyleOption = "api-secret-key",
    role: RoleOption = "",
    kms_key: KeyOption = "",
    email: EmailOption = "",
    language: LanguageOption = "en",
    region: RegionOption = None,
    profile: ProfileOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what would change, ask, and do it. Interrupted, it is applied again, or removed.

    In the mode of sakimori.toml, which is observe unless you said otherwise, the function changes nothing either.
    """
    from sakimori.respond.deploy.cloudformation import template

    with _explained():
        design = _design(locals())
        bundle = _bundle(design, packages)
        stack, wanted = _stack(name, region, profile), template(design)
        planned = stack.plan(wanted, bundle)
        if not as_json:
            _show(planned)
        if not planned.is_nothing:
            _approved(yes, "Apply this?")
        stack.apply(wanted, bundle)
        parts = stack.parts()
    if as_json:
        _print({"name": name, **planned.to_json(), "parts": parts})
        return
    for key, value in parts.items():
        typer.echo(f"{key:<14} {value}")


@app.command()
def remove(
    name: NameOption = "sakimori",
    region: RegionOption = None,
    profile: ProfileOption = None,
    keep: Annotated[
        Path | None, typer.Option("--audit-log", help="Where to keep the audit log. Default: in SAKIMORI_HOME.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take the deployment away: nothing of it stays in the account. Its audit log is kept on this machine first."""
    from sakimori.cli.deployed import audit_log_kept

    with _explained():
        stack = _stack(name, region, profile)
        there = stack.leftovers()
        for each in there if not as_json else ():
            typer.echo(f"remove {each}")
        kept = None
        if there:
            _approved(yes, "Remove it, with its book of responses?")
            kept = audit_log_kept(stack, name, region, profile, keep)
        went = stack.remove()
    if as_json:
        _print({"name": name, "removed": went, "audit_log": str(kept) if kept else None})
        return
    if kept:
        typer.echo(f"the audit log is in {kept}")
    typer.echo("removed: " + ", ".join(went) if went else f"nothing is deployed by the name {name}")


def _with_settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options; what was not given on the command line is taken from `[deploy.options]`. Raises RespondError."""
    from sakimori.cli.configuration import section
    from sakimori.respond.errors import RespondError

    settings = section("deploy.options")
    for name, value in settings.items():
        default = given.get(name)
        is_list = name in ("workflow", "source", "schedule")
        if name not in OPTIONS:
            raise RespondError(f"[deploy.options] in sakimori.toml has no {name}: it may have {', '.join(OPTIONS)}")
        if is_list != isinstance(value, list) or (not is_list and type(value) is not type(default)):
            raise RespondError(f"{name} in [deploy.options] of sakimori.toml is not what --{name} takes")
    context: typer.Context = given["ctx"]
    said = {name for name in OPTIONS if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    return given | {name: value for name, value in settings.items() if name not in said}


def _design(options: dict[str, Any]) -> Design:
    """The design that the options ask for. Raises RespondError."""
    from sakimori.respond.deploy.design import design
    from sakimori.respond.deploy.sources import SOURCES
    from sakimori.respond.errors import RespondError

    given = _with_settings(options)
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
        language=given["language"],
    )


def _bundle(design: Design, packages: Path | None) -> Bundle:
    """The bundle with the settings of sakimori.toml. Raises RespondError."""
    from sakimori.cli.configuration import section
    from sakimori.cli.home import home
    from sakimori.cli.respond_parts import chosen_policy, workflow_settings
    from sakimori.respond.deploy.bundle import build

    chosen_policy()  # a setting that is wrong is said here, and not by the function
    settings = {"modes": section("respond.modes"), "limits": section("respond.limits"), **workflow_settings()}
    return build(settings, home(), architecture=design.architecture, packages=packages)


def _stack(name: str, region: str | None, profile: str | None) -> Stack:
    from sakimori.aws.session import client
    from sakimori.respond.deploy.stack import Stack

    where = client("cloudformation", region=region, profile=profile).meta.region_name
    return Stack(name, lambda service: client(service, region=where, profile=profile), say=_say)


def _approved(yes: bool, question: str) -> None:
    """Leaves where a person says no, or nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        _say("nobody can be asked here: give --yes to do it")
        raise typer.Exit(USAGE)
    if not typer.confirm(question, err=True):
        _say("nothing was changed")
        raise typer.Exit(0)


def _show(planned: Planned) -> None:
    from sakimori.cli.output import printable

    for each in planned.first:
        typer.echo(f"first   {each}")
    for change in planned.changes:
        typer.echo(f"{change.what:<7} {change.name:<18} {change.kind}")
        for detail in change.details:
            typer.echo(f"          {printable(detail)}")
    if planned.is_nothing:
        typer.echo("nothing to change")


def _print(value: Any) -> None:
    from sakimori.cli.output import to_line

    typer.echo(to_line(value))


def _say(text: str) -> None:
    from sakimori.cli.output import printable

    typer.echo(printable(text), err=True)


@contextmanager
def _explained() -> Iterator[None]:
    from sakimori.cli.respond_parts import failures

    try:
        yield
    except KeyboardInterrupt:
        _say("interrupted: CloudFormation goes on with what it has begun; apply again, or remove")
        raise typer.Exit(INTERRUPTED) from None
    except failures() as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
