"""`sakimori deploy`: responses in your own AWS account, as a function that acts on findings when they are raised."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.deploy_options import NameOption, chosen_design, designed

if TYPE_CHECKING:
    from sakimori.respond.deploy.bundle import Bundle
    from sakimori.respond.deploy.design import Design
    from sakimori.respond.deploy.stack import Planned, Stack

USAGE, FAILED, INTERRUPTED = 2, 4, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Deploy responses to your AWS account, change them, and take them away without a trace.",
)

RegionOption = Annotated[str | None, typer.Option(help="The region. Default: that of your AWS configuration.")]
ProfileOption = Annotated[str | None, typer.Option(help="The AWS profile.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask: do it.")]


@app.command("lambda")
@designed
def write_lambda(
    options: dict[str, Any],
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("sakimori-lambda"),
    as_json: JsonOption = False,
) -> None:
    """Write the function's bundle, and templates for CloudFormation and Terraform, to deploy by your own means.

    Nothing is changed in AWS. The same input gives the same bytes.
    """
    from sakimori.respond.deploy.cloudformation import template, written
    from sakimori.respond.deploy.terraform import configuration

    with _explained():
        design = chosen_design(options)
        bundle = _bundle(design, options["packages"])
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
        f"  aws cloudformation deploy --stack-name {design.name} --template-file {out / 'template.json'} "
        "--capabilities CAPABILITY_NAMED_IAM --parameter-overrides BundleBucket=YOUR-BUCKET BundleKey=bundle.zip"
    )
    typer.echo(f"{out / 'main.tf.json'}: for Terraform: terraform -chdir={out} init, then apply -var region=REGION")


@app.command()
@designed
def plan(
    options: dict[str, Any],
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `deploy apply` would change in your account. It looks, and changes nothing."""
    from sakimori.respond.deploy.cloudformation import template

    with _explained():
        design = chosen_design(options)
        bundle = _bundle(design, options["packages"])
        planned = _stack(design.name, region, profile).plan(template(design), bundle)
    if as_json:
        _print({"name": design.name, **planned.to_json()})
        return
    _show(planned)


@app.command()
@designed
def apply(
    options: dict[str, Any],
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
        design = chosen_design(options)
        bundle = _bundle(design, options["packages"])
        stack, wanted = _stack(design.name, region, profile), template(design)
        planned = stack.plan(wanted, bundle)
        if not as_json:
            _show(planned)
        if not planned.is_nothing:
            _approved(yes, "Apply this?")
        stack.apply(wanted, bundle)
        parts = stack.parts()
    if as_json:
        _print({"name": design.name, **planned.to_json(), "parts": parts})
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


def _bundle(design: Design, packages: Path | None) -> Bundle:
    """The bundle with the settings of sakimori.toml. Raises RespondError."""
    from sakimori.cli.configuration import section
    from sakimori.cli.home import home
    from sakimori.cli.respond_parts import chosen_policy, workflow_settings
    from sakimori.respond.deploy.bundle import build
    from sakimori.respond.policy import paces

    chosen_policy()  # a setting that is wrong is said here, and not by the function
    paces(section("respond.paces"))
    own = {name: section(f"respond.{name}") for name in ("modes", "limits", "paces")}
    people = {"people": section("notify.people"), **_owner_tags(section("notify.options"))}
    settings = {**own, "routes": dict(design.routes), **people, **workflow_settings()}
    if design.routes:
        _say(f"the function also tells by the routes {', '.join(design.routes)}")
    return build(settings, home(), architecture=design.architecture, packages=packages, beside=_beside(design, people))


def _owner_tags(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"owner_tags": options["owner_tags"]} if "owner_tags" in options else {}


def _beside(design: Design, people: Mapping[str, Any]) -> dict[str, bytes]:
    """What goes with the function's settings: what discovery found, as far as it is needed, and time zones."""
    from sakimori.cli.deployed import known_inventory
    from sakimori.notify.options import options
    from sakimori.respond import carried_inventory, carried_tags, carried_zones
    from sakimori.respond.carried_routes import named

    routes = named(design.routes)
    tags = carried_tags.wanted(routes, options(_owner_tags(people), people["people"])[1])
    found: dict[str, bytes] = carried_zones.zones(route.quiet.zone for route in routes)
    inventory, at = known_inventory()
    if not len(inventory):
        return found
    if "macie" in design.workflows:
        found |= _noted(carried_inventory, carried_inventory.packed(inventory, at), at, "who may read a bucket")
    if tags:
        found |= _noted(carried_tags, carried_tags.packed(inventory, tags), at, f"the tags {', '.join(sorted(tags))}")
    return found


def _noted(kind: ModuleType, body: bytes | None, at: str, what: str) -> dict[str, bytes]:
    """Says what goes along of an inventory, or that it is too much to go."""
    if body is None:
        most = f"{kind.LARGEST / 1e6:.0f} MB"
        _say(f"what the inventory tells of {what} is more than {most}: the function goes without")
        return {}
    _say(f"the inventory of {at} goes with the function, as far as it tells {what}")
    return {kind.FILE: body}


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
