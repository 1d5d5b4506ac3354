"""`sakimori explain`: why a finding was raised, re-evaluated on its records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.detect import FAILED, INCOMPLETE, Run, load_rules
from sakimori.cli.home import lake_folder, ledger_place
from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.detect.explanation import Explained
    from sakimori.detect.rulebook import Rulebook


def explain(
    uid: Annotated[str, typer.Argument(help="The finding's uid, or how it begins.")],
    records: Annotated[int, typer.Option(min=1, help="How many of its records to show.")] = 5,
    raw: Annotated[bool, typer.Option("--raw", help="Show the records as they were logged, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
) -> None:
    """Show why a finding was raised, re-evaluated on its records.

    The finding is looked for in the ledger and in the last runs of `sakimori detect`; its records are read again where
    they were found, in the lake or in the log files. Exit code 3 if records are no longer there.
    """
    found = _in_ledger(uid, lake or lake_folder(), ledger or ledger_place()) or _in_runs(uid)
    if found is None:
        _say(f"no finding's uid begins with {uid!r}, neither in the ledger nor in the last runs of `sakimori detect`")
        raise typer.Exit(FAILED)
    from sakimori.detect.explanation import explain as explained

    rule = str(found.finding["rule"])
    if rule not in found.book.metas:
        _say(f"the rule {rule} is not loaded any more: give its folder to `sakimori detect --rules` and run that again")
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


def _in_ledger(uid: str, lake: Path, place: str | Path) -> Found | None:
    if isinstance(place, Path) and not place.exists():
        return None
    from sakimori.store.lake import LakeError, open_lake, read_batches
    from sakimori.store.ledger import LedgerError, open_ledger

    try:
        with open_ledger(place) as ledger:
            stored = ledger.finding_by_prefix(uid)
            if stored is None:
                return None
            ids = stored.finding.records
            first, last = _milliseconds(stored.finding.first_seen), _milliseconds(stored.finding.last_seen)
            files = ledger.lake_files(first, None if last is None else last + 1000)
            texts: dict[str, bytes] = {}
            wanted = set(ids)
            for batch in read_batches(open_lake(lake), files, ["metadata.uid", "raw_data"]):
                uids = batch.column("metadata").field("uid").to_pylist()
                for at in [at for at, record_id in enumerate(uids) if record_id in wanted]:
                    texts[uids[at]] = batch.column("raw_data")[at].as_py().encode()
    except (LedgerError, LakeError) as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    finding = stored.finding.to_json() | {"status": stored.status.value}
    return Found(finding, load_rules([], pack=True), _in_order(ids, texts))


def _milliseconds(time: str) -> int | None:
    from sakimori.detect.sighting import epoch

    return epoch(time) * 1000 if time else None


def _in_runs(uid: str) -> Found | None:
    from sakimori.cli.remembered import recall

    remembered = recall(uid)
    if remembered is None:
        return None
    book = load_rules(remembered.rules, pack=remembered.pack)
    ids = remembered.finding["records"]
    texts = _read_again(book, remembered.finding["rule"], remembered.paths, set(ids))
    return Found(remembered.finding, book, _in_order(ids, texts))


def _read_again(book: Rulebook, rule: str, paths: list[str], wanted: set[str]) -> dict[str, bytes]:
    """The texts of these records, found by running their rule over the same logs again."""
    from sakimori.collect.decode import decode
    from sakimori.collect.sources import SourceError, read
    from sakimori.detect.engine import Engine, Hit
    from sakimori.detect.sighting import sighting

    class Keeper:
        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}

        def take(self, hit: Hit) -> None:
            record_id = sighting(hit.record, lambda: hit.raw).record_id
            if record_id in wanted:
                self.kept[record_id] = hit.raw

    engine = Engine(book.only([rule]).rules) if rule in book.metas else Engine(())
    texts: dict[str, bytes] = {}
    for source in Run().sources([path for path in paths if path != "-"]):
        if wanted <= texts.keys():
            break
        try:
            decoded = decode(read(source), source.path)
        except SourceError:
            continue  # its records are counted as missing at the end
        texts |= engine.scan(decoded.text, source.path, Keeper).taker.kept
    return texts


def _in_order(ids: Iterable[str], texts: dict[str, bytes]) -> dict[str, bytes]:
    return {record_id: texts[record_id] for record_id in ids if record_id in texts}


def _decoded(texts: dict[str, bytes], most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for record_id, text in list(texts.items())[:most]:
        yield record_id, json.loads(text)


def _as_json(found: Found, shown: list[Explained], *, raw: bool) -> dict[str, Any]:
    meta = found.book.metas[found.finding["rule"]]
    return {
        "finding": found.finding,
        "rule": {"id": meta.id, "path": meta.path, "line": meta.line, "description": meta.description},
        "records": [
            {
                "record": each.record_id,
                "time": each.time,
                "call": each.call,
                "rule": each.rule,
                "holds": each.holds,
                "predicates": [{"asked": r.asked, "holds": r.holds, "found": r.found} for r in each.reasons],
            }
            | ({"raw": json.loads(found.records[each.record_id])} if raw else {})
            for each in shown
        ],
    }


def _print(found: Found, shown: list[Explained], *, raw: bool) -> None:
    from sakimori.detect.explanation import LONGEST_SHOWN, SHOWN_VALUES

    finding, meta = found.finding, found.book.metas[found.finding["rule"]]
    for name in ("title", "severity", "rule", "actor", "source_ip", "asset", "account", "region"):
        typer.echo(f"{name:<11} {printable(str(finding[name]))}")
    typer.echo(f"{'when':<11} {finding['first_seen']} to {finding['last_seen']}, {finding['count']} records")
    typer.echo(f"{'ATT&CK':<11} {', '.join([*finding['tactics'], *finding['techniques']])}")
    typer.echo(f"\n{meta.description}")
    if meta.severity_reason:
        typer.echo(f"Why {meta.severity.label.lower()}: {meta.severity_reason}")
    typer.echo(f"Rule file: {meta.path}:{meta.line}")
    for each in shown:
        verdict = "holds" if each.holds else "does NOT hold any more"
        typer.echo(f"\n{each.time}  {printable(each.call)}  record {printable(each.record_id)}: {each.rule} {verdict}")
        for reason in each.reasons:
            values = [to_line(value)[:LONGEST_SHOWN] for value in reason.found if value is not None][:SHOWN_VALUES]
            stands = f"  [{', '.join(values)}]" if values else ""
            typer.echo(f"  {'yes' if reason.holds else 'no':<4}{'  ' * reason.depth}{printable(reason.asked)}{stands}")
        if raw:
            typer.echo(printable_json(found.records[each.record_id]))


def printable_json(text: bytes) -> str:
    """A record as indented JSON, without anything that commands a terminal."""
    return "\n".join(map(printable, json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()))


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
