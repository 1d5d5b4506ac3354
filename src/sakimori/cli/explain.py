"""`sakimori explain`: why a finding was raised, re-evaluated on its records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.detect import FAILED, INCOMPLETE, RulesOption, Run, load_rules
from sakimori.cli.explain_assessment import find_assessed, show_assessed
from sakimori.cli.explain_asset import find_asset, show_asset
from sakimori.cli.explain_status import history_json, history_lines
from sakimori.cli.home import lake_folder, ledger_place
from sakimori.cli.output import printable, printable_lines, to_line

if TYPE_CHECKING:
    from sakimori.cli.remembered import Remembered
    from sakimori.detect.engine import Matched
    from sakimori.detect.explanation import Explained
    from sakimori.detect.reading import Told
    from sakimori.detect.rulebook import Rulebook
    from sakimori.model.finding import Finding
    from sakimori.store.ledger import Ledger

AMBIGUOUS = 4
"""Findings that are looked at to see whether a beginning is ambiguous, and one more than are named then."""


def explain(
    uid: Annotated[str, typer.Argument(help="The finding's uid, or how it begins; an asset's ARN or id.")],
    records: Annotated[int, typer.Option(min=1, help="How many of its records to show.")] = 5,
    raw: Annotated[bool, typer.Option("--raw", help="Show the records as they were logged, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    rules: RulesOption = None,
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
) -> None:
    """Show why a finding was raised, re-evaluated on its records; or what an asset is, and what became of it.

    A finding of `sakimori assess` has no records: its question is asked again, of what the inventory holds now. Of an
    asset that `sakimori discover` found, there or gone, it tells what changed since, when, and in which run.

    The finding is looked for in the ledger and in the last runs of `sakimori detect`; its records are read again where
    they were found, in the lake or in the log files. Exit code 3 if records are no longer there.
    """
    if assessed := find_assessed(uid, ledger or ledger_place()):
        show_assessed(assessed, ledger or ledger_place(), as_json=as_json)
        return
    if asset := find_asset(uid, ledger or ledger_place()):
        show_asset(asset, as_json=as_json)
        return
    found = _found(uid, rules or [], lake or lake_folder(), ledger or ledger_place())
    from sakimori.detect.explanation import explain as explained

    rule = str(found.finding["rule"])
    if rule not in found.book.metas:
        _say(f"the rule {rule} is not loaded: say where it is with --rules")
        raise typer.Exit(INCOMPLETE)
    shown = list(explained(found.book, rule, _decoded(found.records, records)))
    if as_json:
        typer.echo(to_line(_as_json(found, shown, raw=raw)))
    else:
        _print(found, shown, raw=raw)
    missing = len(found.finding["records"]) - len(found.records)
    if missing:
        _say(
            f"{missing:,} of the finding's {len(found.finding['records']):,} records are no longer where they were read"
        )
        raise typer.Exit(INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as JSON, the rules it came from, and its records' texts by id, in time order."""

    finding: dict[str, Any]
    book: Rulebook
    records: dict[str, bytes]


def _found(uid: str, rules: list[Path], lake: Path, place: str | Path) -> Found:
    """The one finding whose uid begins like this. Exits where there is none, or more than one."""
    from sakimori.cli.remembered import recall
    from sakimori.store.lake import LakeError
    from sakimori.store.ledger import LedgerError, open_ledger

    if not uid:
        raise typer.BadParameter("give at least how the finding's uid begins", param_hint="UID")
    try:
        if isinstance(place, Path) and not place.exists():
            stored = []
        else:
            with open_ledger(place) as ledger:
                stored = ledger.findings_beginning(uid, AMBIGUOUS)
                if len(stored) == 1:
                    texts = _from_lake(stored[0].finding, lake, ledger)
                    history = history_json(ledger, stored[0].finding.uid)
    except (LedgerError, LakeError) as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    remembered = recall(uid)
    candidates = sorted({each.finding.uid for each in stored} | remembered.keys())
    if not candidates:
        _say(f"no finding's uid begins with {uid!r}, neither in the ledger nor in the last runs of `sakimori detect`")
        _say("and `sakimori discover` has found no asset of that ARN or id")
        raise typer.Exit(FAILED)
    if len(candidates) > 1:
        some = ", ".join(candidates[: AMBIGUOUS - 1]) + (", ..." if len(candidates) >= AMBIGUOUS else "")
        raise typer.BadParameter(f"more than one finding's uid begins with {uid!r}: {some}", param_hint="UID")
    if stored:
        finding = stored[0].finding.to_json() | {"status": stored[0].status.value, "history": history}
        return Found(finding, load_rules(rules, pack=True), _in_order(finding["records"], texts))
    return _read_again(remembered[candidates[0]], rules)


def _from_lake(finding: Finding, folder: Path, ledger: Ledger) -> dict[str, bytes]:
    """The texts of the finding's records. A lake file that cannot be read is named, and its records are missing."""
    from sakimori.store.lake import LakeError, open_lake, read_batches

    first, last = _milliseconds(finding.first_seen), _milliseconds(finding.last_seen)
    lake = open_lake(folder)
    wanted = set(finding.records)
    texts: dict[str, bytes] = {}
    for file in ledger.lake_files(first, None if last is None else last + 1000):
        try:
            for batch in read_batches(lake, [file], ["metadata.uid", "raw_data"]):
                uids = batch.column("metadata").field("uid").to_pylist()
                for at in [at for at, record_id in enumerate(uids) if record_id in wanted]:
                    texts[uids[at]] = batch.column("raw_data")[at].as_py().encode()
        except LakeError as error:
            _say(str(error))
    return texts


def _milliseconds(time: str) -> int | None:
    from sakimori.detect.sighting import epoch

    return epoch(time) * 1000 if time else None


def _read_again(remembered: Remembered, rules: list[Path]) -> Found:
    """A finding of an earlier run, its records found by running its rule over the same logs again."""
    from sakimori.collect.decode import decode
    from sakimori.collect.sources import SourceError, read
    from sakimori.detect.engine import Engine
    from sakimori.detect.sighting import sighting

    book = load_rules([*remembered.rules, *rules], pack=remembered.pack)
    rule, ids = remembered.finding["rule"], remembered.finding["records"]
    wanted = set(ids)

    class Keeper:
        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}

        def take(self, hit: Told, matched: Matched) -> None:
            record_id = sighting(hit).record_id
            if record_id in wanted:
                self.kept[record_id] = hit.raw

    engine = Engine(book.only([rule]).rules) if rule in book.metas else Engine(())
    texts: dict[str, bytes] = {}
    if "-" in remembered.paths:
        _say("what came through standard input cannot be read again: `sakimori collect` keeps it in the lake")
    for source in Run().sources([path for path in remembered.paths if path != "-"]):
        if wanted <= texts.keys():
            break
        try:
            decoded = decode(read(source), source.path)
        except SourceError:
            continue  # its records are counted as missing at the end
        texts |= engine.scan(decoded.text, source.path, Keeper).taker.kept
    return Found(remembered.finding, book, _in_order(ids, texts))


def _in_order(ids: Iterable[str], texts: dict[str, bytes]) -> dict[str, bytes]:
    return {record_id: texts[record_id] for record_id in ids if record_id in texts}


def _decoded(texts: dict[str, bytes], most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for record_id, text in list(texts.items())[:most]:
        yield record_id, json.loads(text)


def _as_json(found: Found, shown: list[Explained], *, raw: bool) -> dict[str, Any]:
    from sakimori.detect.correlation import chain_of
    from sakimori.detect.explanation import in_words

    meta = found.book.metas[found.finding["rule"]]
    return {
        "finding": found.finding,
        "rule": {
            "id": meta.id,
            "path": meta.path,
            "line": meta.line,
            "description": meta.description,
            "severity_reason": meta.severity_reason,
            "false_positives": list(meta.false_positives),
            "correlations": {each.meta.id: in_words(each) for each in chain_of(found.book.correlations, {meta.id})},
        },
        "records": [
            {
                "record": each.record_id,
                "time": each.time,
                "call": each.call,
                "rule": each.rule,
                "holds": each.holds,
                "predicates": [
                    {"depth": r.depth, "asked": r.asked, "holds": r.holds, "found": r.found} for r in each.reasons
                ],
            }
            | ({"raw": json.loads(found.records[each.record_id])} if raw else {})
            for each in shown
        ],
    }


def _print(found: Found, shown: list[Explained], *, raw: bool) -> None:
    from sakimori.detect.correlation import chain_of
    from sakimori.detect.explanation import LONGEST_SHOWN, SHOWN_VALUES, in_words

    finding, meta = found.finding, found.book.metas[found.finding["rule"]]
    for name in ("title", "severity", "rule", "actor", "source_ip", "asset", "account", "region"):
        typer.echo(f"{name:<11} {printable(str(finding[name]))}")
    when = printable(f"{finding['first_seen']} to {finding['last_seen']}")
    typer.echo(f"{'when':<11} {when}, {finding['count']} records")
    typer.echo(f"{'ATT&CK':<11} {', '.join([*finding['tactics'], *finding['techniques']])}")
    for line in history_lines(finding):
        typer.echo(line)
    typer.echo(f"\n{printable_lines(meta.description)}")
    if meta.severity_reason:
        typer.echo(f"Why {meta.severity.label.lower()}: {printable_lines(meta.severity_reason)}")
    typer.echo(f"Rule file: {printable(meta.path)}:{meta.line}")
    for correlation in chain_of(found.book.correlations, {meta.id}):
        inner = f" {correlation.meta.id}" if correlation.meta.id != meta.id else ""
        typer.echo(printable(f"Correlation{inner}: {in_words(correlation)}"))
    for each in shown:
        verdict = "holds" if each.holds else "does NOT hold any more"
        typer.echo()
        typer.echo(printable(f"{each.time}  {each.call}  record {each.record_id}: {each.rule} {verdict}"))
        for reason in each.reasons:
            values = [to_line(value)[:LONGEST_SHOWN] for value in reason.found if value is not None][:SHOWN_VALUES]
            stands = f"  [{', '.join(values)}]" if values else ""
            typer.echo(f"  {'yes' if reason.holds else 'no':<4}{'  ' * reason.depth}{printable(reason.asked)}{stands}")
        if raw:
            typer.echo(
                printable_lines(json.dumps(json.loads(found.records[each.record_id]), indent=2, ensure_ascii=False))
            )


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
