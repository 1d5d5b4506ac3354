"""`sakimori rules`: look at rules, test them, and try them out before they are switched on."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.detect import FAILED, INCOMPLETE, NoPackOption, RulesOption, load_rules, severity
from sakimori.cli.output import Format, plural, printable, printable_lines, to_line, write
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from sakimori.detect.rulebook import Rulebook

FAILED_TESTS = 1

app = typer.Typer(
    name="rules", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)

RuleArgument = Annotated[list[str] | None, typer.Argument(metavar="[RULE]...", help="Rules by id. Default: all.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.callback()
def rules() -> None:
    """Look at, test and try out detection rules."""


@app.command("list")
def list_rules(
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
    min_severity: Annotated[
        Severity,
        typer.Option(
            parser=severity, metavar="LEVEL", help="Leave rules below this level out.", show_default="informational"
        ),
    ] = Severity.INFORMATIONAL,
    json: JsonOption = False,
) -> None:
    """List rules: id, level, ATT&CK techniques, title."""
    book = load_rules(rules or [], pack=not no_pack)
    silent = {rule.meta.id for rule in book.rules if not rule.reports}
    silent |= {correlation.meta.id for correlation in book.correlations if not correlation.reports}
    metas = sorted((meta for meta in book.metas.values() if meta.severity >= min_severity), key=lambda meta: meta.id)
    rows = [
        {
            "rule": meta.id,
            "severity": meta.severity.label,
            "techniques": list(meta.techniques),
            "title": meta.title + (" (only for a correlation)" if meta.id in silent else ""),
            "path": meta.path,
        }
        for meta in metas
    ]
    _print(rows, ("rule", "severity", "techniques", "title"), json=json)
    for problem in book.problems:
        if not problem.is_error:
            _say(f"not for CloudTrail: {problem}")
    _say(f"{len(rows):,} rules")
    if book.errors:
        raise typer.Exit(INCOMPLETE)


@app.command()
def show(
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
) -> None:
    """Print a rule's file, and what its matches are found by."""
    from sakimori.detect import literals

    book = load_rules(rules or [], pack=not no_pack)
    meta = book.metas[_known(book, [rule])[0]]
    typer.echo(printable_lines(Path(meta.path).read_text(encoding="utf-8")))
    single = next((each for each in book.rules if each.meta.id == rule), None)
    if single is not None:
        covers = literals.covers(single.condition)
        found = (
            " or ".join(sorted(each.decode() for each in covers[0].literals)[:8]) if covers else "nothing: every record"
        )
        _say(f"{meta.path}:{meta.line}; looked for in records that hold {printable(found)}")


@app.command("test")
def run_tests(
    only: RuleArgument = None, rules: RulesOption = None, no_pack: NoPackOption = False, json: JsonOption = False
) -> None:
    """Run each rule's embedded tests. Exit code 1 if one fails, 3 if a rule has none."""
    from sakimori.detect import rule_check

    book = load_rules(rules or [], pack=not no_pack)
    tests = rule_check.embedded_tests(book, _known(book, only or []))
    outcomes = list(rule_check.run_tests(book, tests))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if json:
        for each in outcomes:
            typer.echo(
                to_line({"rule": each.rule, "test": each.test, "expected": each.expected, "passed": each.passed})
            )
    else:
        for each in failed:
            wanted = "should match and does not" if each.expected else "should not match and does"
            typer.echo(printable(f"{each.rule}: {each.test}: {wanted}"))
    silent = {rule.meta.id for rule in book.rules if not rule.reports}
    untested = [rule for rule, own in tests.items() if not own and rule not in silent]
    for rule in untested:
        _say(f"{rule}: has no embedded tests")
    _say(f"{len(outcomes) - len(failed):,} of {len(outcomes):,} tests of {len(tests):,} rules hold")
    if failed:
        raise typer.Exit(FAILED_TESTS)
    if untested or book.errors:
        raise typer.Exit(INCOMPLETE)


@app.command()
def lint(
    only: RuleArgument = None, rules: RulesOption = None, no_pack: NoPackOption = False, json: JsonOption = False
) -> None:
    """Warn of predicates that do nothing, rules that cannot be indexed, missing ATT&CK tags. Exit code 1 if any."""
    from sakimori.detect import rule_check

    book = load_rules(rules or [], pack=not no_pack)
    wanted = set(_known(book, only or []))
    warnings = sorted(warning for warning in rule_check.lint(book) if not wanted or warning.rule in wanted)
    for warning in warnings:
        row = {"path": warning.path, "line": warning.line, "rule": warning.rule, "reason": warning.reason}
        typer.echo(to_line(row) if json else printable(str(warning)))
    _say(f"{len(warnings):,} warnings, {len(book.errors):,} rules not used")
    if book.errors:
        raise typer.Exit(INCOMPLETE)
    if warnings:
        raise typer.Exit(FAILED_TESTS)


@app.command()
def cost(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="CloudTrail logs to measure on.")],
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
    top: Annotated[int, typer.Option(min=1, help="How many rules to show, the costliest first.")] = 25,
    json: JsonOption = False,
) -> None:
    """Show each rule's share of the evaluation time, and how selective it is, over given logs."""
    from sakimori.cli.detect import Run
    from sakimori.detect import rule_cost

    book = load_rules(rules or [], pack=not no_pack)
    run = Run()
    measured = rule_cost.measure(book, run.sources(paths), run.refuse)
    rows = [
        {
            "rule": each.rule,
            "share_of_time": each.share if json else f"{each.share:.1%}",
            "us_per_1000_records": round(each.seconds * 1e9 / max(1, measured.records), 1),
            "looked_at": each.looked_at,
            "matched": each.matched,
            "selectivity": each.matched / measured.records if json else f"{each.matched / measured.records:.4%}",
        }
        for each in measured.rules[:top]
    ]
    _print(rows, tuple(rows[0]) if rows else (), json=json)
    _say(
        f"{measured.records:,} records; {len(measured.rules):,} rules looked at some; {measured.seconds:.2f} s in rules"
    )
    if run.refused or book.errors:
        raise typer.Exit(INCOMPLETE)


@app.command()
def backtest(
    only: RuleArgument = None,
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How far back in the lake.")] = 30,
    form: Annotated[Format | None, typer.Option("--format", help="Default: table on a terminal, else jsonl.")] = None,
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
) -> None:
    """Show what rules would have raised on your own history in the lake. Nothing is stored."""
    from sakimori.cli.home import lake_folder, ledger_place
    from sakimori.detect import backtesting
    from sakimori.store.lake import LakeError, open_lake
    from sakimori.store.ledger import LedgerError, open_ledger

    book = load_rules(rules or [], pack=not no_pack)
    wanted = _known(book, only or [])
    try:
        with open_ledger(ledger or ledger_place()) as known:
            result = backtesting.backtest(
                book.only(wanted) if wanted else book, open_lake(lake or lake_folder()), known, days
            )
    except (LakeError, LedgerError) as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    write(result.findings, form or (Format.TABLE if sys.stdout.isatty() else Format.JSONL), sys.stdout)
    for rule, count in result.per_rule:
        _say(f"{count:>7,}  {rule}")
    _say(
        f"{plural(len(result.findings), 'finding')} in {plural(result.records, 'record')} of the {days} days up to "
        f"{result.until}"
        if result.records
        else f"the lake holds no records of the last {days} days: bring logs in with `sakimori collect cloudtrail PATH`"
    )
    if book.errors:
        raise typer.Exit(INCOMPLETE)


def _known(book: Rulebook, ids: list[str]) -> list[str]:
    """The ids, all of which must be loaded rules."""
    for rule in ids:
        if rule not in book.metas:
            close = difflib.get_close_matches(rule, book.metas, n=3)
            hint = f"; did you mean {' or '.join(close)}?" if close else "; `sakimori rules list` shows all"
            raise typer.BadParameter(f"there is no rule {rule!r}{hint}", param_hint="RULE")
    return ids


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, json: bool) -> None:
    if json:
        for row in rows:
            typer.echo(to_line(row))
        return
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, [column, *(line[at] for line in cells)])) for at, column in enumerate(columns)]
    for line in [list(columns), *cells] if rows else []:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return printable(
        ", ".join(value) if isinstance(value, list) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def _say(text: str) -> None:
    typer.echo(printable(text), err=True)
