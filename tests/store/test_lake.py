"""The lake's files: whole or not there, where the layout says, the same again, and pruned by time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sakimori.collect.cloudtrail import activity_batches
from sakimori.model.record import COLUMNS, SCHEMA_VERSION
from sakimori.store import lake as lakes
from sakimori.store.lake import Lake, LakeError, LakeFile, open_lake, pending, prune, read_batches, write_object


def record(number: int, time: str = "2026-11-21T00:00:00Z", account: str = "111111111111", region: str = "eu-west-1"):
    return (
        f'{{"eventVersion":"1.10","eventTime":"{time}","eventName":"ListUsers","awsRegion":"{region}",'
        f'"recipientAccountId":"{account}","eventID":"e{number}"}}'
    ).encode()


def put(lake: Lake, uid: str, records: list[bytes]) -> list[LakeFile]:
    with pending(lake) as folder:
        return write_object(lake, folder, uid, activity_batches(records))


def uids(lake: Lake, files: list[LakeFile], **bounds: int) -> list[str]:
    batches = read_batches(lake, files, ["metadata.uid"], **bounds)
    return [row["metadata"]["uid"] for batch in batches for row in batch.to_pylist()]


def test_layout_and_schema_version(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    (file,) = put(lake, "ab12", [record(1), record(2)])
    assert file.path == "cloudtrail/region=eu-west-1/accountId=111111111111/eventDay=20261121/ab12.parquet"
    assert (file.rows, file.first, file.last) == (2, 1795219200000, 1795219200000)
    assert file.bytes == (lake.root / file.path).stat().st_size
    found = pq.ParquetFile(lake.root / file.path)
    assert found.schema_arrow.metadata[b"schema_version"] == str(SCHEMA_VERSION).encode()
    assert len(found.schema.names) == len(COLUMNS)
    assert found.metadata.row_group(0).column(0).compression == "ZSTD"


def test_accounts_or_regions_that_mix_go_to_mixed(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    for other in (record(2, account="2" * 12), record(2, region="us-east-1")):
        (file,) = put(lake, "ab", [record(1), other])
        assert file.path == "cloudtrail/region=mixed/accountId=mixed/eventDay=20261121/ab.parquet"


def test_what_a_log_says_never_leads_out_of_the_lake(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    (file,) = put(lake, "ab", [record(1, account="../../../etc", region="/tmp")])
    assert file.path == "cloudtrail/region=unknown/accountId=unknown/eventDay=20261121/ab.parquet"


def test_one_file_a_day_and_one_for_records_without_a_time(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    times = ["2026-11-21T23:59:59Z", "2026-11-22T00:00:00Z", "1969-12-31T23:59:59Z", "no time", "2026-11-21T01:00:00Z"]
    files = put(lake, "ab", [record(number, time) for number, time in enumerate(times)])
    days = {file.path.split("/")[3]: uids(lake, [file]) for file in files}
    assert days == {
        "eventDay=unknown": ["e3"],
        "eventDay=19691231": ["e2"],
        "eventDay=20261121": ["e0", "e4"],
        "eventDay=20261122": ["e1"],
    }


def test_days_beyond_the_limit_are_kept_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lakes, "MAX_DAYS", 3)
    lake = open_lake(tmp_path)
    files = put(lake, "ab", [record(day, f"2026-11-{day:02d}T00:00:00Z") for day in range(1, 10)])
    assert [file.path.split("/")[3] for file in files] == [
        *(f"eventDay=2026110{day}" for day in (1, 2, 3)),
        "eventDay=mixed",
    ]
    assert sorted(uids(lake, files)) == [f"e{day}" for day in range(1, 10)]


def test_the_same_object_gives_the_same_bytes(tmp_path: Path) -> None:
    records = [record(number) for number in range(1000)]
    one, other = open_lake(tmp_path / "one"), open_lake(tmp_path / "other")
    (file,) = put(one, "ab", records)
    put(one, "ab", records)
    put(other, "ab", records)
    assert (one.root / file.path).read_bytes() == (other.root / file.path).read_bytes()
    assert [path.name for path in one.root.rglob("*.parquet")] == ["ab.parquet"]


def test_time_bounded_reads_prune_files_and_filter_rows(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    files = put(lake, "ab", [record(n, f"2026-11-{21 + n // 4:02d}T{n % 4:02d}:00:00Z") for n in range(12)])
    files += put(lake, "cd", [record(99, "never")])
    since, until = 1795219200000 + 86_400_000 + 3_600_000, 1795219200000 + 86_400_000 + 3 * 3_600_000
    (kept,) = prune(files, since, until)
    assert "20261122" in kept.path
    assert uids(lake, files, since=since, until=until) == ["e5", "e6"]
    assert prune(files) == files
    assert prune(files, until=0) == []


def test_a_file_that_the_ledger_lists_and_that_is_gone_is_named(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    (file,) = put(lake, "ab", [record(1)])
    (lake.root / file.path).write_bytes(b"damaged")
    with pytest.raises(LakeError, match=r"ab\.parquet, which the ledger lists"):
        uids(lake, [file])
    (lake.root / file.path).unlink()
    with pytest.raises(LakeError, match=r"ab\.parquet, which the ledger lists"):
        uids(lake, [file])


def test_nothing_is_left_when_the_records_fail_half_way(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)

    def batches():
        yield from activity_batches([record(1)])
        raise ValueError("no more")

    with pending(lake) as folder:
        with pytest.raises(ValueError, match="no more"):
            write_object(lake, folder, "ab", batches())
        assert list(folder.iterdir()) == []
    assert list(lake.root.rglob("*.parquet")) == []


def test_unfinished_files_of_a_killed_run_are_removed_and_those_of_a_live_one_kept(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    code = (
        "import sys, os; from pathlib import Path; from sakimori.store.lake import *\n"
        "with pending(open_lake(Path(sys.argv[1]))) as folder:\n"
        "    (folder / 'half.parquet').write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    (left,) = (lake.root / lakes.PENDING).iterdir()
    with pending(lake) as one:
        assert not left.exists()
        with pending(lake) as other:
            assert one.exists()
            assert other.exists()
    assert list((lake.root / lakes.PENDING).iterdir()) == []


def test_no_place_for_a_lake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="part of the path is a file"):
        open_lake(tmp_path / "file" / "lake")
