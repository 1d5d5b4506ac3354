"""The verbs of `sakimori protect` that drive a manager, ours or Trend's: what hosts are asked, told and shown as."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.protect.client import Client
    from sakimori.protect.client_answers import Computer

UNPROTECTED, INCOMPLETE, FAILED = 1, 3, 4

HostArgument = Annotated[str, typer.Argument(metavar="INSTANCE|HOST", help="An EC2 instance ID, or a host name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


class Scan(StrEnum):
    """What a host can be scanned for, and that its policy can be sent to it."""

    RECOMMENDATIONS = "recommendations"
    INTEGRITY = "integrity"
    MALWARE = "malware"
    POLICY = "policy"


def status(
    host: HostArgument,
    need: Annotated[
        list[str] | None, typer.Option(help="A module that must be on, such as intrusionPrevention. Repeat.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say whether a host is protected, and why not.

    Exit code 1 if it is not, 3 if that is not known because the manager does not answer.
    """
    with _client() as client:
        computer = _found(client, host)
        found = client.protection(computer, tuple(need or ()))
    if json:
        shown = {
            "computerID": computer.id,
            "name": computer.name,
            "instanceID": computer.instance_id,
            "policyID": found.computer.policy,
            "protected": found.is_protected,
            "reasons": list(found.reasons),
            "modules": {
                name: {"state": each.state, "status": each.status, "message": each.message}
                for name, each in found.computer.modules.items()
            },
        }
        typer.echo(to_line(shown))
    else:
        word = "protected" if found.is_protected else "not protected"
        typer.echo(printable(f"{computer.name} (computer {computer.id}) is {word}"))
        for reason in found.reasons:
            typer.echo(printable(f"  {reason}"))
        agent = found.computer
        typer.echo(printable(f"  {'agent':<20} {agent.agent_status:<10} {', '.join(agent.agent_messages)}"))
        for module in found.computer.modules.values():
            typer.echo(printable(f"  {module.name:<20} {module.state:<10} {module.message or module.status}"))
    if not found.is_protected:
        raise typer.Exit(UNPROTECTED)


def scan(
    host: HostArgument,
    kind: Annotated[Scan, typer.Argument(metavar="KIND", help="recommendations, integrity, malware, policy.")],
    apply: Annotated[bool, typer.Option("--apply", help="Assign what a recommendation scan says.")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="How long to wait for the effect.")] = 900.0,
) -> None:
    """Scan a host now, and wait for the effect.

    It counts as done when the manager shows a newer date. Exit code 3 if it does not in time.
    """
    from sakimori.protect import client_tasks as tasks
    from sakimori.protect.client import host as computer_of

    kinds = {
        Scan.RECOMMENDATIONS: tasks.RECOMMENDATION_SCAN,
        Scan.INTEGRITY: tasks.INTEGRITY_SCAN,
        Scan.MALWARE: tasks.MALWARE_SCAN,
        Scan.POLICY: tasks.SEND_POLICY,
    }
    if apply and kind is not Scan.RECOMMENDATIONS:
        raise typer.BadParameter("only a recommendation scan has something to apply", param_hint="--apply")
    with _client() as client:
        computer = _found(client, host)
        started = tasks.start(client, kinds[kind], computer.id)
        _say(f"{kinds[kind].says} of {computer.name} started (scheduled task {started.task})")
        at = datetime.fromtimestamp(tasks.wait(client, started, seconds=seconds) / 1000, UTC)
        _say(f"done at {at:%Y-%m-%d %H:%M:%SZ}")
        if kind is Scan.RECOMMENDATIONS:
            holder = computer_of(computer.id)
            found = client.assignments(holder)
            _say(f"{len(found.to_assign)} virtual patches to assign, {len(found.to_unassign)} to take away")
            for change in client.apply_recommendations(holder) if apply else ():
                _say(f"{change.what}: {len(change.before)} rules before, {len(change.after)} now")


def patches(
    cve: Annotated[str, typer.Argument(help="A CVE, such as CVE-2021-44228.")], json: JsonOption = False
) -> None:
    """List the virtual patches of exactly one CVE. Exit code 1 if there is none."""
    with _client() as client:
        rules = client.rules_for_cve(cve)
    for rule in rules:
        if json:
            typer.echo(to_line(dict(rule.answer)))
        else:
            typer.echo(printable(f"{rule.id}  {rule.identifier}  {rule.severity}  {rule.name}"))
    if not rules:
        _say(f"there is no virtual patch for {cve}")
        raise typer.Exit(UNPROTECTED)


def coverage(json: JsonOption = False) -> None:
    """Prove what protects each host, and name every gap with its reason. Only our own manager can.

    Exit code 1 if there is a gap.
    """
    with _client() as client:
        found = list(client.coverage())
    gaps = 0
    for each in found:
        gaps += not each["protected"]
        if json:
            typer.echo(to_line(dict(each)))
            continue
        name = each["hostName"] or each["instanceID"]
        word = "protected" if each["protected"] else "not protected"
        typer.echo(printable(f"{name} (computer {each['computerID']}) is {word}"))
        for gap in each["gaps"]:
            typer.echo(printable(f"  {gap['what']:<20} {gap['why']}"))
    _say(f"{len(found) - gaps} of {len(found)} computers are protected as their policies say")
    if gaps:
        raise typer.Exit(UNPROTECTED)


def isolate(host: HostArgument) -> None:
    """Cut a host off from everything but the manager. Only our own manager can."""
    _isolated(host, isolated=True)


def release(host: HostArgument) -> None:
    """Let a host that was isolated back."""
    _isolated(host, isolated=False)


def _isolated(host: str, *, isolated: bool) -> None:
    with _client() as client:
        computer = _found(client, host)
        client.isolate(computer.id, isolated=isolated)
    word, back = ("cut off", "release") if isolated else ("let back", "isolate")
    _say(f"{computer.name} is to be {word}: its agent does it at the next heart-beat")
    _say(f"back: sakimori protect {back} {host}")


def simulate(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="What stands for the host's disk.")],
    name: Annotated[str, typer.Option(help="The host's name.")] = "simulated",
    policy: Annotated[int, typer.Option(help="The ID of the policy that it gets, if it is new.")] = 0,
    instance: Annotated[str, typer.Option(help="The EC2 instance ID that it passes for.")] = "",
    seconds: Annotated[float, typer.Option(min=0.1, help="How far apart heart-beats are.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="One heart-beat, then leave.")] = False,
    clamd: Annotated[
        str, typer.Option(metavar="SOCKET|HOST:PORT", help="Where ClamAV's daemon is, which then looks for malware.")
    ] = "",
) -> None:
    """Run a simulated agent on a folder.

    The folder stands for a host's disk: real files and logs in it are scanned. What it cannot do it reports as not
    evaluated.
    """
    from sakimori.cli.configuration import manager_settings
    from sakimori.cli.home import home
    from sakimori.scan.malware.clamd import Clamd
    from sakimori.simulate.agent import AgentError, SimulatedAgent
    from sakimori.simulate.host import SimulatedHost

    settings = manager_settings()
    machine = SimulatedHost(name, folder.resolve(), instance_id=instance)
    state = home() / "simulated" / f"{name}.json"
    ca = Path(settings.ca_file) if settings.ca_file else None
    scanner = Clamd(clamd) if clamd else None
    with _explained(), SimulatedAgent(machine, settings.url, state, ca_file=ca, scanner=scanner) as agent:
        try:
            if not agent.state.secret:
                _say(f"{name} is computer {agent.enrol(settings.key, policy=policy)}")
            if once:
                agent.beat()
            else:
                agent.run(seconds=seconds, told=_say)
        except AgentError as error:
            _say(str(error))
            raise typer.Exit(FAILED) from None


COMMANDS: Sequence[tuple[str, Callable[..., None]]] = (
    ("status", status),
    ("scan", scan),
    ("patches", patches),
    ("coverage", coverage),
    ("isolate", isolate),
    ("release", release),
    ("simulate", simulate),
)


@contextmanager
def _client() -> Iterator[Client]:
    from sakimori.cli.configuration import manager_settings
    from sakimori.protect.client import Client

    with _explained(), Client(manager_settings()) as client:
        yield client


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong on the way to the manager, as a message and an exit code: not answering is not knowing."""
    import httpx

    from sakimori.cli.configuration import manager_settings
    from sakimori.protect import client_errors as errors
    from sakimori.protect.client_transport import is_untrusted, untrusted

    try:
        yield
    except (errors.Unreachable, errors.Unavailable, errors.RateLimited, errors.NotVerified) as error:
        _say(str(error))
        raise typer.Exit(INCOMPLETE) from None
    except errors.ManagerError as error:
        _say(str(error))
        raise typer.Exit(FAILED) from None
    except httpx.TransportError as error:
        if is_untrusted(error):
            _say(untrusted(manager_settings().url, error))
            raise typer.Exit(FAILED) from None
        _say(f"the manager does not answer: {error}")
        raise typer.Exit(INCOMPLETE) from None


def _found(client: Client, host: str) -> Computer:
    instance = host if host.startswith("i-") else ""
    computer = client.find_computer(instance_id=instance, host_name=host)
    if computer is None:
        _say(f"the manager at {client.transport.base} knows no computer {host}: install the agent there")
        raise typer.Exit(FAILED)
    return computer


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr)
