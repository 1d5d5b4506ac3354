"""`sakimori reach`: what can reach what, with a packet that proves it or everything that is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.inventories import LedgerOption, SnapshotOption, load_inventory
from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.assess.network.engine import Answer, Engine, Question

INCOMPLETE, FAILED = 3, 4

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
_WITH_PORTS = (6, 17)


def protocol_number(text: str) -> int | None:
    """`tcp`, a number, or "" and `all` for any."""
    name = text.strip().lower()
    if name in ("", "all", "any"):
        return None
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name.isdecimal() and int(name) < 256:
        return int(name)
    raise typer.BadParameter(f"{text!r} is no protocol: give tcp, udp, icmp, icmpv6 or a number below 256")


def reach(
    source: Annotated[str, typer.Option("--from", metavar="END", help="internet, an asset, an address or a CIDR.")],
    target: Annotated[str, typer.Option("--to", metavar="END", help="As --from, or all: every asset, one by one.")],
    protocol: Annotated[str, typer.Option(help="tcp, udp, icmp, icmpv6 or a number.", show_default="any")] = "",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The server's port.", show_default="any")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON; with --to all, a line a destination.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say it as a person would.")] = False,
    graph: Annotated[Path | None, typer.Option(help="Draw the path, too.", metavar="FILE.svg")] = None,
    snapshot: SnapshotOption = None,
    ledger: LedgerOption = "",
) -> None:
    """Say what can reach what, with a packet that proves it, or everything that is in the way.

    An asset is named by its id, its ARN or its name. The answer is reachable, with a packet, its path and every rule
    that lets it and its reply pass; unreachable, with all that blocks it; or unknown, with what is not modelled or not
    in the inventory: the exit code is 3 then. Reads the ledger that `sakimori discover` fills, or with --snapshot a
    folder of answers: ours, or one in Batfish's layout.
    """
    from sakimori.assess.network.engine import Engine, Question
    from sakimori.assess.network.resolve import UnknownEnd
    from sakimori.collect.memory import spare_the_collector

    if target == "all" and graph is not None:
        raise typer.BadParameter("draws one path: give one destination with --to", param_hint="--graph")
    number = protocol_number(protocol)
    if port is not None and number not in (None, *_WITH_PORTS):
        raise typer.BadParameter(f"{protocol} has no ports: only tcp and udp do", param_hint="--port")
    spare_the_collector()
    engine = Engine(load_inventory(snapshot, ledger))
    question = Question(source, target, number, port)
    try:
        if target == "all":
            unknown = _all(engine, question, as_json=as_json)
        else:
            answer = engine.ask(question)
            unknown = answer.answer == "unknown"
            _show(engine, answer, as_json=as_json, explained=explain)
            if graph is not None:
                _draw(engine, answer, graph)
    except UnknownEnd as error:
        _fail(str(error))
    if unknown:
        raise typer.Exit(INCOMPLETE)


def _all(engine: Engine, question: Question, *, as_json: bool) -> bool:
    """One answer a destination; whether any of them is unknown."""
    unknown = False
    counts = dict.fromkeys(("reachable", "unreachable", "unknown"), 0)
    for answer in engine.ask_all(question):
        counts[answer.answer] += 1
        unknown |= answer.answer == "unknown"
        typer.echo(to_line(answer.to_json()) if as_json else printable(_row(answer)))
    typer.echo(", ".join(f"{count:,} {name}" for name, count in counts.items()), err=True)
    return unknown


def _row(answer: Answer) -> str:
    """`i-0abc  reachable  tcp/22 from 1.0.0.0`: what a list has room for."""
    from sakimori.assess.network.explain import packet_text, short

    told = packet_text(answer.packet)
    if answer.answer == "unreachable":
        told = next((each.why for each in answer.blocked_by if each.first), "")
    elif answer.answer == "unknown":
        told = "; ".join(answer.unknown_because)
    return f"{short(answer.target):<40}  {answer.answer:<11}  {told}"


def _show(engine: Engine, answer: Answer, *, as_json: bool, explained: bool) -> None:
    if as_json:
        typer.echo(to_line(answer.to_json()))
        return
    for line in _explained(engine, answer) if explained else _brief(answer):
        typer.echo(printable(line))


def _explained(engine: Engine, answer: Answer) -> Iterator[str]:
    from sakimori.assess.network.explain import sentences

    return sentences(engine.net, answer)


def _brief(answer: Answer) -> Iterator[str]:
    from sakimori.assess.network.explain import packet_text, short

    yield f"{'answer':<9}{answer.answer}"
    yield f"{'packet':<9}{packet_text(answer.packet)}"
    yield f"{'there':<9}{' > '.join(map(short, answer.path))}"
    if answer.return_path:
        yield f"{'back':<9}{' > '.join(map(short, answer.return_path))}"
    for number, rule in enumerate(answer.rules):
        yield f"{'' if number else 'rules':<9}{rule}"
    for each in answer.blocked_by:
        yield f"{'first' if each.first else 'also':<9}{each.why}  [{short(each.id)}]"
    for reason in answer.unknown_because:
        yield f"{'because' if answer.answer == 'unknown' else 'granted':<9}{reason}"


def _draw(engine: Engine, answer: Answer, place: Path) -> None:
    from sakimori.assess.network.drawing import draw

    try:
        place.write_text(draw(engine.net, answer), encoding="utf-8")
    except OSError as error:
        _fail(f"cannot write {place}: {error.strerror or error}: name another file with --graph")


def _fail(message: str) -> None:
    typer.echo(printable(f"failed: {message}"), err=True)
    raise typer.Exit(FAILED)
