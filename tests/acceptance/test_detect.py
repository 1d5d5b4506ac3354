"""`sakimori detect` as a user runs it: every input shape, every format, every exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import ocsf_json_schema
import pytest
from program import (
    RULE,
    attack,
    benign,
    command,
    compact,
    complaints,
    delivered,
    environment,
    findings,
    found_records,
    packed,
    sakimori,
)

from sakimori.simulate.aws import SimulatedAws

KEYS = (
    "uid rule title severity severity_id tactics techniques account region actor source_ip asset count first_seen "
    "last_seen records matched"
).split()
RECORDS = [attack(1), benign(2), attack(3)]
IDS = ["attack-1", "attack-3"]

SIGMA = """\
title: A call of ours
id: 00000000-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection:
    selection:
        eventName: DescribeTrails
    condition: selection
level: low
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.json"
    path.write_bytes(delivered(*RECORDS))
    return path


# ---- shapes


def envelope(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "x",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.cloudtrail",
        "account": "111122223333",
        "detail": record,
    }


def lake_csv(records: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["eventID", "eventJson"])
    writer.writerows([record["eventID"], compact(record)] for record in records)
    return text.getvalue().encode()


def lake_columns(records: list[dict[str, Any]]) -> bytes:
    """Rows of a query: Lake's columns, in lower case, nested values in its own notation."""
    rows = []
    for record in records:
        row = {key.lower(): value for key, value in record.items() if isinstance(value, str)}
        row["eventtime"] = record["eventTime"].replace("T", " ").replace("Z", ".000")
        row["requestparameters"] = f"{{name={record['requestParameters']['name']}}}"
        row["useridentity"] = "{type=IAMUser, arn=arn:aws:iam::111122223333:user/kaede, accountid=111122223333}"
        rows.append(row)
    return json.dumps(rows).encode()


SHAPES: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "records": lambda records: delivered(*records),
    "records-pretty": lambda records: json.dumps({"Records": records}, indent=2).encode(),
    "array": lambda records: json.dumps(records).encode(),
    "json-lines": lambda records: "\n".join(map(compact, records)).encode(),
    "one-record": lambda records: compact(records[0]).encode(),
    "eventbridge": lambda records: "\n".join(compact(envelope(record)) for record in records).encode(),
    "eventbridge-array": lambda records: json.dumps([envelope(record) for record in records]).encode(),
    "lookup-events": lambda records: json.dumps(
        {"Events": [{"EventId": "x", "CloudTrailEvent": compact(record)} for record in records]}
    ).encode(),
    "lake-json": lambda records: json.dumps([{"eventJson": compact(record)} for record in records]).encode(),
    "lake-columns": lake_columns,
    "lake-csv": lake_csv,
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_its_findings(home: Path, tmp_path: Path, shape: str, suffix: str) -> None:
    text = SHAPES[shape](RECORDS)
    path = tmp_path / f"{shape}{'.csv' if shape == 'lake-csv' else '.json'}{suffix}"
    path.write_bytes(packed(text) if suffix else text)
    done = sakimori(home, "detect", path)
    assert complaints(done) == []
    assert done.returncode == 0, done.stderr
    assert found_records(done) == (IDS[:1] if shape == "one-record" else IDS)
    first = next(finding for finding in findings(done) if finding["rule"] == RULE)
    assert (first["actor"], first["asset"]) == ("arn:aws:iam::111122223333:user/kaede", "trail-1")
    assert first["first_seen"] == first["last_seen"] == "2026-11-20T10:00:01Z"


@pytest.mark.parametrize("pack", [bytes, packed])
def test_standard_input(home: Path, pack: Callable[[bytes], bytes]) -> None:
    done = sakimori(home, "detect", "-", stdin=pack(delivered(*RECORDS)))
    assert (done.returncode, found_records(done)) == (0, IDS)


def test_folders_globs_and_several_paths(home: Path, tmp_path: Path) -> None:
    for number in range(4):
        place = tmp_path / f"AWSLogs/day{number % 2}" / f"log{number}.json.gz"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(packed(delivered(attack(number))))
    everything = [f"attack-{number}" for number in range(4)]
    assert found_records(sakimori(home, "detect", tmp_path)) == everything
    assert found_records(sakimori(home, "detect", f"{tmp_path}/*/day0/*.gz")) == ["attack-0", "attack-2"]
    assert found_records(sakimori(home, "detect", f"{tmp_path}/**/log3*", tmp_path / "AWSLogs/day0")) == [
        "attack-0",
        "attack-2",
        "attack-3",
    ]
    twice = sakimori(home, "detect", tmp_path, tmp_path / "AWSLogs/day0")
    assert found_records(twice) == everything
    assert all(finding["count"] == 1 for finding in findings(twice))


def test_a_bucket(home: Path, aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="logs")
    for number in range(3):
        body = delivered(attack(number), benign(number))
        s3.put_object(Bucket="logs", Key=f"AWSLogs/day{number}/x.json.gz", Body=packed(body))
    s3.put_object(Bucket="logs", Key="AWSLogs/1/CloudTrail-Digest/d.json.gz", Body=b"no log")
    assert found_records(sakimori(home, "detect", "s3://logs/AWSLogs/")) == ["attack-0", "attack-1", "attack-2"]
    assert found_records(sakimori(home, "detect", "s3://logs/AWSLogs/day1")) == ["attack-1"]
    missing = sakimori(home, "detect", "s3://no-such-bucket/x")
    assert missing.returncode == 3
    assert complaints(missing)[0].startswith("s3://no-such-bucket/x: offset 0: ")


# ---- formats


def test_jsonl_has_the_keys_of_the_contract(home: Path, log: Path) -> None:
    for finding in findings(sakimori(home, "detect", log, "--format", "jsonl")):
        assert list(finding) == KEYS
        assert re.fullmatch("[0-9a-f]{32}", finding["uid"])
        assert finding["severity_id"] in range(1, 7)
        assert finding["count"] == len(finding["records"]) == 1
        assert finding["matched"]["eventName"] in ("StopLogging", "DescribeTrails")
        assert finding["techniques"]
        assert finding["tactics"]


def test_json_csv_and_table_say_the_same(home: Path, log: Path) -> None:
    told = findings(sakimori(home, "detect", log))
    assert json.loads(sakimori(home, "detect", log, "--format", "json").stdout) == told
    rows = list(csv.DictReader(io.StringIO(sakimori(home, "detect", log, "--format", "csv").stdout.decode())))
    assert [row["uid"] for row in rows] == [finding["uid"] for finding in told]
    assert list(rows[0]) == KEYS
    table = sakimori(home, "detect", log, "--format", "table").stdout.decode().splitlines()
    assert len(table) == len(told)
    assert all(finding["title"] in line and finding["uid"] in line for finding, line in zip(told, table, strict=True))


def test_ocsf_is_valid(home: Path, log: Path) -> None:
    published = ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(version="1.7.0"))
    schema = published.get_class_schema("detection_finding", profiles=["cloud"])
    validator = jsonschema.Draft202012Validator(schema)
    told = findings(sakimori(home, "detect", log, "--format", "ocsf"))
    assert len(told) == len(findings(sakimori(home, "detect", log)))
    for finding in told:
        assert [error.message for error in validator.iter_errors(finding)] == []


def test_nothing_found_is_empty_output_that_still_parses(home: Path, tmp_path: Path) -> None:
    (tmp_path / "quiet.json").write_bytes(delivered())
    outputs = {
        form: sakimori(home, "detect", tmp_path / "quiet.json", "--format", form).stdout
        for form in ("jsonl", "json", "csv", "ocsf", "table")
    }
    assert outputs.pop("json") == b"[]\n"
    assert outputs.pop("csv").startswith(b"uid,rule,title,")
    assert set(outputs.values()) == {b""}


# ---- choices and exit codes


def test_rules_of_the_user(home: Path, tmp_path: Path, log: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yml").write_text(SIGMA)
    both = sakimori(home, "detect", log, "--rules", tmp_path / "rules")
    assert {"mine", RULE} <= {finding["rule"] for finding in findings(both)}
    mine = sakimori(home, "detect", log, "--rules", tmp_path / "rules" / "mine.yml", "--no-pack")
    assert [(finding["rule"], finding["records"]) for finding in findings(mine)] == [("mine", ["benign-2"])]
    assert findings(mine)[0]["severity"] == "Low"


def test_no_rules_at_all_are_no_silence(home: Path, tmp_path: Path, log: Path) -> None:
    none = sakimori(home, "detect", log, "--no-pack")
    assert findings(none) == []
    assert b"no rules are in use" in none.stderr
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rule.txt").write_text(SIGMA)
    empty = sakimori(home, "detect", log, "--no-pack", "--rules", tmp_path / "rules")
    assert empty.returncode == 3
    assert f"{tmp_path}/rules:1: a folder in which no file is named .yml" in empty.stderr.decode()
    (tmp_path / "rules" / "RULE.YML").write_text(SIGMA)
    assert findings(sakimori(home, "detect", log, "--no-pack", "--rules", tmp_path / "rules"))


def test_bad_rules_are_named_by_line_and_the_rest_is_used(home: Path, tmp_path: Path, log: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "good.yml").write_text(SIGMA)
    (folder / "unknown.yml").write_text(SIGMA.replace("eventName:", "eventName|sounds-like:"))
    (folder / "broken.yml").write_text("title: x\ndetection: [\n")
    done = sakimori(home, "detect", log, "--no-pack", "--rules", folder)
    assert done.returncode == 3
    assert [finding["rule"] for finding in findings(done)] == ["good"]
    told = done.stderr.decode()
    assert f"{folder}/unknown.yml:6: " in told
    assert re.search(rf"{re.escape(str(folder))}/broken.yml:\d+: ", told)
    assert "2 rules not used" in told


def test_severities(home: Path, log: Path) -> None:
    assert {finding["severity"] for finding in findings(sakimori(home, "detect", log, "--min-severity", "high"))} == {
        "High"
    }
    assert findings(sakimori(home, "detect", log, "--min-severity", "critical")) == []
    assert sakimori(home, "detect", log, "--fail-on", "high").returncode == 1
    assert sakimori(home, "detect", log, "--fail-on", "critical").returncode == 0
    assert sakimori(home, "detect", log, "--fail-on", "grave").returncode == 2


def test_times(home: Path, log: Path) -> None:
    assert found_records(sakimori(home, "detect", log, "--since", "2026-11-20T10:00:02Z")) == ["attack-3"]
    assert found_records(sakimori(home, "detect", log, "--until", "2026-11-20T10:00:03Z")) == ["attack-1"]
    assert found_records(sakimori(home, "detect", log, "--since", "2026-11-20", "--until", "2026-11-21")) == IDS
    assert found_records(sakimori(home, "detect", log, "--since", "2026-11-20T19:00:02+09:00")) == ["attack-3"]
    assert sakimori(home, "detect", log, "--since", "yesterday").returncode == 2
    assert sakimori(home, "detect", log, "--since", "2026-11-21", "--until", "2026-11-20").returncode == 2


def test_usage_errors(home: Path, log: Path) -> None:
    for words in ((), (log, "--format", "xml"), (log, "--no-such-option"), (log, "--workers", "0")):
        done = sakimori(home, "detect", *words)
        assert done.returncode == 2
        assert done.stdout == b""
        assert done.stderr


def test_what_cannot_be_read_is_one_line_and_exit_code_3(home: Path, tmp_path: Path, log: Path) -> None:
    (tmp_path / "bad.json").write_bytes(delivered(attack(5), '{"eventName":7}', attack(6)))
    done = sakimori(home, "detect", log, tmp_path / "absent", tmp_path / "bad.json", f"{tmp_path}/*.none")
    assert done.returncode == 3
    assert found_records(done) == [*IDS, "attack-5", "attack-6"]
    where = len(delivered(attack(5))) - len("]}") + 1
    assert sorted(complaints(done)) == sorted(
        [
            f"{tmp_path}/absent: offset 0: no such file or folder",
            f"{tmp_path}/*.none: offset 0: nothing matches this pattern",
            f"{tmp_path}/bad.json: offset {where}: wrong type: eventName is a number, not a string",
        ]
    )
    assert sakimori(home, "detect", log, tmp_path / "absent", "--fail-on", "low").returncode == 1


def test_stats(home: Path, tmp_path: Path, log: Path) -> None:
    place = tmp_path / "stats.json"
    (tmp_path / "skip.metadata.json").write_text("{}")
    done = sakimori(home, "detect", tmp_path, "--stats", place)
    numbers = json.loads(place.read_text())
    assert {"objects": 1, "skipped": 1, "records": 3, "refused": 0, "bytes_in": log.stat().st_size}.items() <= (
        numbers.items()
    )
    assert numbers["findings"] == len(findings(done))
    assert numbers["matches"] >= numbers["findings"]
    assert {"rules", "compile", "match", "correlate", "output"} <= numbers["seconds"].keys()
    assert all(seconds >= 0 for seconds in numbers["seconds"].values())
    assert 10 << 20 < numbers["peak_memory_bytes"] < 1 << 30
    assert (numbers["rules_loaded"] >= 120, numbers["rules_refused"], numbers["rules_skipped"]) == (True, 0, 0)
    unwritable = sakimori(home, "detect", log, "--stats", tmp_path / "no" / "stats.json")
    assert unwritable.returncode == 4
    assert "cannot write" in unwritable.stderr.decode()


def test_workers_find_what_one_process_finds(home: Path, tmp_path: Path) -> None:
    for number in range(6):
        padding = [benign(at) for at in range(2000)]
        (tmp_path / f"{number}.json").write_bytes(delivered(*padding, attack(number)))
    one = sakimori(home, "detect", tmp_path, "--workers", "1")
    two = sakimori(home, "detect", tmp_path, "--workers", "2")
    assert one.stdout == two.stdout
    assert found_records(two) == [f"attack-{number}" for number in range(6)]


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_ctrl_c_in_the_middle_leaves_nothing_half_written(tmp_path: Path, form: str) -> None:
    logs, fresh = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    fresh.mkdir()
    text = packed(delivered(*(attack(at) for at in range(20_000))))
    for number in range(60):
        (logs / f"{number:02d}.json.gz").write_bytes(text)
    running = subprocess.Popen(
        command("detect", logs, "--format", form, "--stats", tmp_path / "stats.json"),
        env=environment(fresh),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while _children(running.pid) < 1 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    assert running.poll() is None, "it must still be at work"
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert out == b""
    assert b"interrupted" in err
    assert b"Traceback" not in err
    assert not (tmp_path / "stats.json").exists()
    assert {path.parent.name for path in fresh.rglob("*") if path.is_file()} <= {"cache"}
    assert [path for path in fresh.rglob("*") if path.is_file() and path.suffix not in (".msgpack", ".matcher")] == []


def _children(process: int) -> int:
    try:
        return len(Path(f"/proc/{process}/task/{process}/children").read_text().split())
    except OSError:
        return 0
