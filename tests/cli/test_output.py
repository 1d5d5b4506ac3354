"""What is written is complete, can be read back, and cannot command a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sakimori.cli import output
from sakimori.cli.output import Format
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity

FINDING = Finding(
    uid="0123456789abcdef0123456789abcdef",
    rule="cloudtrail_logging_stopped",
    title="CloudTrail trail stopped or deleted",
    severity=Severity.HIGH,
    tactics=("defense-evasion",),
    techniques=("T1562.008",),
    account="111122223333",
    region="eu-west-1",
    actor="arn:aws:sts::111122223333:assumed-role/web-server/i-0abc",
    source_ip="203.0.113.10",
    asset="arn:aws:cloudtrail:eu-west-1:111122223333:trail/organisation",
    count=2,
    first_seen="2026-11-20T10:00:00Z",
    last_seen="2026-11-20T10:05:00Z",
    records=("e1", "e2"),
    matched={"eventName": "StopLogging"},
)
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202egnp.exe\x7f\r\n\ud800\u2028"


def written(*findings: Finding, form: Format) -> str:
    stream = io.StringIO()
    output.write(findings, form, stream)
    return stream.getvalue()


def hostile() -> Finding:
    return replace(FINDING, title=HOSTILE, actor=HOSTILE, asset=HOSTILE, matched={"userAgent": HOSTILE, "big": 2**70})


def test_jsonl_is_the_contract() -> None:
    lines = written(FINDING, FINDING, form=Format.JSONL).splitlines()
    assert [json.loads(line) for line in lines] == [FINDING.to_json()] * 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count: int) -> None:
    assert json.loads(written(*[FINDING] * count, form=Format.JSON)) == [FINDING.to_json()] * count


def test_ocsf_is_one_event_a_line() -> None:
    assert json.loads(written(FINDING, form=Format.OCSF))["class_uid"] == 2004


def test_csv_has_the_contract_s_columns_and_one_row_a_finding() -> None:
    (row,) = csv.DictReader(io.StringIO(written(FINDING, form=Format.CSV)))
    assert list(row) == list(FINDING.to_json())
    assert row["records"] == "e1 e2"
    assert json.loads(row["matched"]) == {"eventName": "StopLogging"}


def test_csv_has_its_columns_even_without_findings() -> None:
    assert written(form=Format.CSV) == ",".join(FINDING.to_json()) + "\n"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-2+3", "@SUM(A1)", "  =1", "＝1", '=HYPERLINK("http://x";"y")'])
def test_no_cell_is_a_formula(formula: str) -> None:
    (row,) = csv.DictReader(io.StringIO(written(replace(FINDING, actor=formula, asset=formula), form=Format.CSV)))
    assert row["actor"] == row["asset"] == f"'{formula}"


@pytest.mark.parametrize("form", list(Format))
def test_nothing_in_a_log_commands_a_terminal(form: Format) -> None:
    text = written(hostile(), form=form)
    assert output._UNSAFE.findall(text.replace("\n", "")) == []
    assert "owned" in text


@pytest.mark.parametrize("form", [Format.JSONL, Format.JSON, Format.OCSF])
def test_escaping_json_loses_nothing(form: Format) -> None:
    found = json.loads(written(hostile(), form=form))
    found = found[0] if isinstance(found, list) else found
    matched = found["matched"] if "matched" in found else found["unmapped"]
    assert matched["userAgent"] == HOSTILE


@given(
    st.recursive(
        st.text() | st.integers() | st.booleans() | st.none(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_a_line_of_json_is_the_value_and_is_safe(value: object) -> None:
    line = output.to_line(value)
    assert json.loads(line) == value
    assert output.printable(line) == line


def test_a_table_in_a_pipe_is_plain_and_cuts_nothing() -> None:
    (line,) = written(FINDING, form=Format.TABLE).splitlines()
    assert line.startswith("High      2026-11-20 10:00  x2")
    assert FINDING.actor in line
    assert FINDING.asset in line
    for shown in (FINDING.uid, FINDING.rule, *FINDING.tactics, *FINDING.techniques, *FINDING.records):
        assert shown in line
    assert json.dumps(FINDING.matched, separators=(",", ":")) in line


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140, 200])
def test_a_table_on_a_terminal_is_one_line_a_finding_within_the_width(width: int) -> None:
    stream = io.StringIO()
    findings = [FINDING, hostile(), replace(FINDING, title="防人" * 60, severity=Severity.CRITICAL)]
    output.write_table(findings, Console(file=stream, width=width, force_terminal=True, color_system=None))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 + len(findings)
    assert max(output_width(line) for line in lines) <= width
    assert "High" in lines[1]


def output_width(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


def test_the_tally_sums_up_worst_first() -> None:
    tally = output.write([FINDING, replace(FINDING, severity=Severity.CRITICAL)], Format.JSONL, io.StringIO())
    assert str(tally) == "2 findings of 1 rule: 1 critical, 1 high"
    assert str(output.Tally()) == "no findings"


def test_findings_stream() -> None:
    stream = io.StringIO()

    def watched() -> object:
        yield from [FINDING] * output.TOGETHER
        assert len(stream.getvalue().splitlines()) == output.TOGETHER
        yield FINDING

    output.write(watched(), Format.JSONL, stream)  # type: ignore[arg-type]
    assert len(stream.getvalue().splitlines()) == output.TOGETHER + 1


@pytest.mark.parametrize(
    ("arn", "short"),
    [
        ("arn:aws:sts::111122223333:assumed-role/web/i-0abc", "web/i-0abc"),
        ("arn:aws:iam::111122223333:user/ann", "ann"),
        ("arn:aws:s3:::bucket/key:with:colons", "bucket/key:with:colons"),
        ("ec2.amazonaws.com", "ec2.amazonaws.com"),
        ("", ""),
    ],
)
def test_short_names(arn: str, short: str) -> None:
    assert output.short_arn(arn) == short
