"""The sample logs are the same every time, lie as CloudTrail lays them, and are obviously fictional."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from sakimori.cli.coverage import coverage
from sakimori.simulate import samples
from sakimori.simulate.intrusion import ACTS, ATTACKER, ATTACKER_ACCOUNT
from sakimori.simulate.record import timestamp
from sakimori.simulate.samples import Written, write_day

DAY = date(2026, 11, 20)
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("10.0.0.0/16", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return write_day(tmp_path_factory.mktemp("day"), DAY, events=3_000)


def logs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.json.gz") if "CloudTrail-Digest" not in path.parts)


def records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in logs(folder):
        yield from json.loads(gzip.decompress(path.read_bytes()))["Records"]


def test_the_same_seed_gives_the_same_bytes(day: Written, tmp_path: Path) -> None:
    again = write_day(tmp_path, DAY, events=3_000)
    assert again.attack == day.attack
    for path in logs(day.folder):
        assert (tmp_path / path.relative_to(day.folder)).read_bytes() == path.read_bytes()


def test_the_count_is_what_was_written(day: Written) -> None:
    ids = [record["eventID"] for record in records(day.folder)]
    assert len(ids) == len(set(ids)) == day.events
    assert 2_900 <= day.events - len(day.attack) <= 3_000
    assert len(logs(day.folder)) == day.files
    assert set(day.attack) <= set(ids)


def test_files_lie_where_cloudtrail_puts_them(day: Written) -> None:
    layout = re.compile(
        r"AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/2026/11/(2[01])/\1_CloudTrail_\2_202611\3T\d{4}Z_\w{16}\.json\.gz"
    )
    for path in logs(day.folder):
        assert layout.fullmatch(path.relative_to(day.folder).as_posix()), path


def test_a_file_holds_one_region_and_the_quarter_hour_before_its_name(day: Written) -> None:
    for path in logs(day.folder):
        _, _, region, closed, _ = path.name.split("_")
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            assert record["awsRegion"] == region
            assert record["eventTime"].startswith("2026-11-20T")
            assert (
                record["eventTime"].replace("-", "").replace(":", "") <= closed.replace("Z", "00Z") or "1121" in closed
            )


def test_nothing_in_it_is_anybody_s(day: Written) -> None:
    for record in records(day.folder):
        source = record["sourceIPAddress"]
        if not source.endswith(".amazonaws.com"):
            assert any(ipaddress.ip_address(source) in net for net in DOCUMENTATION), source
        assert set(re.findall(r"(?<![-\w])\d{12}\b", json.dumps(record))) <= {"111122223333", ATTACKER_ACCOUNT}
        key = record["userIdentity"].get("accessKeyId", "EXAMPLE")
        assert key.endswith("EXAMPLE")


def test_the_attack_is_the_only_one_to_use_the_attacker_s_address(day: Written) -> None:
    by_id = {record["eventID"]: record for record in records(day.folder)}
    acts = [by_id[uid] for uid in day.attack]
    assert [f"{act['eventSource'].partition('.')[0]}:{act['eventName']}" for act in acts] == [act.name for act in ACTS]
    assert [act["eventTime"] for act in acts] == sorted(act["eventTime"] for act in acts)
    others = [record for uid, record in by_id.items() if uid not in set(day.attack)]
    assert ATTACKER not in {record["sourceIPAddress"] for record in others}


def test_the_stolen_role_is_the_web_server_s(day: Written) -> None:
    by_id = {record["eventID"]: record for record in records(day.folder)}
    first = by_id[day.attack[0]]
    arn = first["userIdentity"]["arn"]
    usual = {r["sourceIPAddress"] for r in by_id.values() if r["userIdentity"].get("arn") == arn}
    assert usual == {"10.0.1.23", ATTACKER}
    assert timestamp(samples.datetime(2026, 11, 20, tzinfo=samples.UTC)) == "2026-11-20T00:00:00Z"


def test_coverage_proves_that_the_day_is_whole(day: Written, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(day.public_key)
    whole = ["--until", "2026-11-21", "--no-ledger", "--public-key", str(key)]
    app = typer.Typer()
    app.command()(coverage)
    assert CliRunner().invoke(app, [str(day.folder), *whole]).exit_code == 0
    copy = tmp_path / "copy"
    shutil.copytree(day.folder, copy)
    logs(copy)[40].unlink()
    assert CliRunner().invoke(app, [str(copy), *whole]).exit_code == 3
