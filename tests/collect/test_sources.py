"""Finding and reading log objects, in folders full of junk too."""

from __future__ import annotations

import gzip
import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from samples import document, raw

from sakimori.collect.sources import (
    Skipped,
    SourceError,
    SourceObject,
    chunks,
    find_objects,
    read,
)
from sakimori.model.refusal import Refusal
from sakimori.simulate.aws import SimulatedAws

TEXT = document(raw(1))


def paths(found: list[SourceObject | Refusal | Skipped], kind: type) -> list[str]:
    return [one.path for one in found if isinstance(one, kind)]


def reason_of(found: list[SourceObject | Refusal | Skipped], path: Path) -> str:
    return next(one.reason for one in found if isinstance(one, Refusal) and one.path == str(path))


def test_log_files_are_found_by_name_or_by_content(tmp_path: Path) -> None:
    logs = ["a.json", "b.json.gz", "c.jsonl", "d.ndjson", "e.gz", "f.log", "g.csv", "sub/deep/h.json"]
    sniffed = {
        "no-suffix": TEXT,
        "packed": gzip.compress(TEXT),
        "export": b"eventID,eventJson\n",
        "wide": TEXT.decode().encode("utf-16"),
    }
    for name, data in {**dict.fromkeys(logs, TEXT), **sniffed}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    found = list(find_objects([str(tmp_path)]))
    assert paths(found, Refusal) == []
    assert sorted(paths(found, SourceObject)) == sorted(str(tmp_path / name) for name in [*logs, *sniffed])
    first = next(one for one in found if isinstance(one, SourceObject))
    assert (first.size, first.etag, first.kind) == (len(TEXT), "", "file")


def test_a_folder_full_of_junk_is_named_piece_by_piece(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(TEXT)
    (tmp_path / "folder.gz").mkdir()
    (tmp_path / "folder.gz" / "inside.json").write_bytes(TEXT)
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "notes.txt").write_bytes(b"hello")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "table").write_bytes(b"PAR1rest")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "device").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.gz"))
        found = list(find_objects([str(tmp_path)]))
    assert sorted(paths(found, SourceObject)) == [
        str(tmp_path / "folder.gz" / "inside.json"),
        str(tmp_path / "good.json"),
    ]
    expected = {
        "picture": "a PNG image",
        "notes.txt": "neither JSON",
        "empty": "empty (0 bytes)",
        "table": "a Parquet file",
        "loop": "links to folders are not followed",
        "broken": "No such file",
        "itself": "Too many levels of symbolic links",
        "device": "a link to a device",
        "pipe.json": "a pipe",
        "socket.gz": "a socket",
    }
    for name, reason in expected.items():
        assert reason in reason_of(found, tmp_path / name)
    assert len(paths(found, Refusal)) == len(expected)


def test_names_that_are_not_utf8_are_named_and_can_be_printed(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.json")).write_bytes(TEXT)
    (refusal,) = find_objects([str(tmp_path)])
    assert isinstance(refusal, Refusal)
    assert "not valid UTF-8" in refusal.reason
    assert refusal.path.encode().endswith(b"bad\\xff.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_and_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "no").write_bytes(TEXT)
    (tmp_path / "no").chmod(0)
    (tmp_path / "closed").mkdir(mode=0)
    found = list(find_objects([str(tmp_path)]))
    assert "Permission denied" in reason_of(found, tmp_path / "no")
    assert "Permission denied" in reason_of(found, tmp_path / "closed")


def test_digests_are_skipped_and_not_refused(tmp_path: Path) -> None:
    for name in (
        "AWSLogs/1/CloudTrail-Digest/eu-west-1/d.json.gz",
        "1_CloudTrail-Digest_x.json.gz",
        "a.json.metadata.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = list(find_objects([str(tmp_path)]))
    assert len(paths(found, Skipped)) == len(found) == 3


def test_named_files_globs_and_absent_paths(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes(TEXT)
    (tmp_path / "b.json").write_bytes(TEXT)
    found = list(find_objects([str(tmp_path / "odd.txt"), str(tmp_path / "*.json"), str(tmp_path), "-"]))
    assert paths(found, SourceObject) == [str(tmp_path / "odd.txt"), str(tmp_path / "b.json"), "-"]
    absent = list(find_objects([str(tmp_path / "absent"), str(tmp_path / "*.none")]))
    assert [one.reason for one in absent if isinstance(one, Refusal)] == [
        "no such file or folder",
        "nothing matches this pattern",
    ]
    (tmp_path / "void").mkdir()
    assert [type(one) for one in find_objects([str(tmp_path / "void")])] == [Refusal]


def test_reading_is_bounded_and_says_what_failed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(TEXT)
    (source,) = find_objects([str(tmp_path / "a.json")])
    assert isinstance(source, SourceObject)
    assert read(source) == TEXT
    with pytest.raises(SourceError, match="larger than 10 bytes"):
        read(source, 10)
    (tmp_path / "a.json").unlink()
    with pytest.raises(SourceError, match="No such file"):
        list(chunks(source))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TEXT)))
    (source,) = find_objects(["-"])
    assert isinstance(source, SourceObject)
    assert (source.path, source.kind, read(source)) == ("-", "stdin", TEXT)


def test_buckets_are_listed_by_prefix_and_glob(aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="logs")
    keys = [
        "AWSLogs/1/CloudTrail/a b+é.json.gz",
        "AWSLogs/1/CloudTrail/c.json",
        "AWSLogs/1/CloudTrail-Digest/d.json.gz",
    ]
    for key in [*keys, "other/x", "AWSLogs/folder/"]:
        s3.put_object(Bucket="logs", Key=key, Body=TEXT)
    found = list(find_objects(["s3://logs/AWSLogs/"]))
    assert paths(found, SourceObject) == [f"s3://logs/{key}" for key in keys[:2]]
    assert paths(found, Skipped) == [f"s3://logs/{keys[2]}"]
    first = found[1] if isinstance(found[0], Skipped) else found[0]
    assert isinstance(first, SourceObject)
    assert (first.kind, first.size, len(first.etag)) == ("s3", len(TEXT), 32)
    assert read(first) == TEXT
    assert paths(list(find_objects(["s3://logs/AWSLogs/*/c.json"])), SourceObject) == [
        "s3://logs/AWSLogs/1/CloudTrail/c.json"
    ]


def test_buckets_that_do_not_answer_are_named(aws: SimulatedAws) -> None:
    aws.client("s3").create_bucket(Bucket="logs")
    reasons = [
        one.reason for one in find_objects(["s3://absent/x", "s3://logs/none", "s3://"]) if isinstance(one, Refusal)
    ]
    assert "NoSuchBucket" in reasons[0]
    assert "no object's key begins like this" in reasons[1]
    assert "not an S3 address" in reasons[2]


def test_an_object_that_changed_after_listing_is_not_read_as_the_other(aws: SimulatedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="logs")
    s3.put_object(Bucket="logs", Key="a.json", Body=TEXT)
    (source,) = find_objects(["s3://logs/a.json"])
    assert isinstance(source, SourceObject)
    s3.put_object(Bucket="logs", Key="a.json", Body=b"other")
    with pytest.raises(SourceError, match=r"PreconditionFailed|412"):
        read(source)


def test_finding_files_does_not_load_boto3() -> None:
    code = (
        "import sys; from sakimori.collect.sources import find_objects as find; list(find(['/x'])); print(*sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "boto3" not in answer.stdout.split()
