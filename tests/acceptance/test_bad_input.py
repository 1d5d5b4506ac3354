"""Bad input: each kind is named by file and reason, the good records around it are kept, and the exit code says so."""

from __future__ import annotations

import codecs
import os
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program import (
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

AROUND = (attack(1), benign(2), benign(3), attack(4))
IDS = ["attack-1", "attack-4"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def refused(home: Path, path: Path, *reasons: str, kept: list[str]) -> list[str]:
    """The file is read to exit code 3, its complaints hold the reasons in order, and the kept records are found."""
    done = sakimori(home, "detect", path)
    told = complaints(done)
    assert done.returncode == 3, done.stderr
    assert found_records(done) == kept
    assert len(told) == len(reasons), told
    for line, reason in zip(told, reasons, strict=True):
        assert line.startswith(f"{path}: offset ")
        assert reason in line, line
    return told


def changed(old: str, new: str) -> str:
    text = compact(attack(9))
    assert old in text
    return text.replace(old, new)


# ---- one bad record among good ones, and alone

BAD_RECORDS: dict[str, tuple[str | bytes, str]] = {
    "NaN": (changed('"readOnly":false', '"readOnly":NaN'), "NaN is not JSON"),
    "Infinity": (changed('"readOnly":false', '"x":[-Infinity]'), "-Infinity is not JSON"),
    "number out of range": (changed('"readOnly":false', '"x":1e999'), "out of range"),
    "invalid UTF-8": (changed("aws-cli/2.19.1", "@@").encode().replace(b"@@", b"a\xff\xfeb"), "invalid UTF-8"),
    "overlong UTF-8": (changed("aws-cli/2.19.1", "@@").encode().replace(b"@@", b"\xc0\xaf"), "invalid UTF-8"),
    "half a surrogate pair": (changed("aws-cli/2.19.1", "\\ud800"), "surrogate"),
    "control character": (changed("aws-cli/2.19.1", "a\x01b"), "control character"),
    "bad escape": (changed("aws-cli/2.19.1", "\\x41"), "escape"),
    "key twice": (changed('"readOnly"', '"eventName":"DescribeTrails","readOnly"'), '"eventName" occurs twice'),
    "other key twice": (changed('"readOnly"', '"eventSource":"x","readOnly"'), '"eventSource" occurs twice'),
    "escaped key twice": (changed('"readOnly"', '"event\\u0053ource":"x","readOnly"'), '"eventSource" occurs twice'),
    "string of 10 MB": (changed("aws-cli/2.19.1", "x" * 10_000_000), "larger than"),
    "nested 10,000 deep": (changed('"trail-9"', "[" * 10_000 + "]" * 10_000), "nested more than"),
    "nested 10,000 objects deep": (changed('"trail-9"', '{"a":' * 10_000 + "1" + "}" * 10_000), "nested more than"),
    "missing comma": (changed(',"readOnly"', ' "readOnly"'), "not valid JSON"),
    "number for a record": ("17", "expected a record"),
    "text for a record": ('"StopLogging"', "expected a record"),
    "no record": ('{"foo":"bar"}', "not a CloudTrail record"),
}


@pytest.mark.parametrize("pack", [bytes, packed], ids=["plain", "gz"])
@pytest.mark.parametrize("bad", BAD_RECORDS)
def test_a_bad_record_among_good_ones(home: Path, tmp_path: Path, bad: str, pack: Callable[[bytes], bytes]) -> None:
    text, reason = BAD_RECORDS[bad]
    path = tmp_path / "log.json"
    path.write_bytes(pack(delivered(*AROUND[:2], text, *AROUND[2:])))
    (told,) = refused(home, path, reason, kept=IDS)
    assert f"offset {len(delivered(*AROUND[:2])) - 1}: " in told
    assert len(told) < 500


def test_bad_records_alone(home: Path, tmp_path: Path) -> None:
    for name, (text, _) in BAD_RECORDS.items():
        (tmp_path / f"{name}.json").write_bytes(delivered(text))
    done = sakimori(home, "detect", tmp_path)
    told = dict(line.split(": offset ", 1) for line in complaints(done))
    assert (done.returncode, found_records(done), len(complaints(done))) == (3, [], len(BAD_RECORDS))
    for name, (_, reason) in BAD_RECORDS.items():
        assert reason in told[f"{tmp_path}/{name}.json"]


NESTED_KEY_TWICE = changed('"trail-9"', '"trail-9","name":"trail-8"')


@pytest.mark.parametrize("form", ["log.jsonl", "log.json"])
def test_a_nested_key_twice_is_refused(home: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / form
    lines = [*map(compact, AROUND), NESTED_KEY_TWICE]
    path.write_bytes("\n".join(lines).encode() if form == "log.jsonl" else delivered(*lines))
    refused(home, path, '"name" occurs twice', kept=IDS)


def wrong_types() -> list[dict[str, Any]]:
    """Every value of a record replaced in turn, at the top and in the identity, by a value of every other type."""
    right = attack(9)
    wrong: list[dict[str, Any]] = []
    others: tuple[Any, ...] = (7, -1.5, True, "text", [1], {"a": 1})
    texts = [key for key, value in right.items() if isinstance(value, str)]
    for value in others:
        wrong += [{**right, key: value} for key in texts if not isinstance(value, str)]
        wrong += [{**right, "readOnly": value}] if value is not True else []
        objects = ("userIdentity", "requestParameters", "responseElements")
        wrong += [{**right, key: value} for key in objects if not isinstance(value, dict)]
        wrong += [{**right, "resources": value}] if not isinstance(value, list) else []
        identity = [key for key in right["userIdentity"] if not isinstance(value, str)]
        wrong += [{**right, "userIdentity": {**right["userIdentity"], key: value}} for key in identity]
    return [*wrong, {key: 7 for key in right}]


def test_wrong_types_in_every_field(home: Path, tmp_path: Path) -> None:
    wrong = wrong_types()
    path = tmp_path / "log.json"
    path.write_bytes(delivered(AROUND[0], *wrong, AROUND[3]))
    refused(home, path, *["wrong type: "] * len(wrong), kept=IDS)


def test_collect_names_what_detect_names(home: Path, tmp_path: Path) -> None:
    """Each bad record in a file that is clean but for it, which collect would rather read the quick way."""
    logs, lake = tmp_path / "logs", tmp_path / "home"
    logs.mkdir()
    lake.mkdir()
    bad = [*(text for text, _ in BAD_RECORDS.values()), NESTED_KEY_TWICE, *wrong_types()]
    for number, record in enumerate(bad):
        around = [attack(number, eventID=f"{number}-{at}") for at in range(2)]
        (logs / f"{number:03}.json").write_bytes(delivered(around[0], record, around[1]))
    (logs / "empty.json").touch()
    (logs / "empty.json.gz").write_bytes(packed(b""))
    detected, collected = sakimori(home, "detect", logs), sakimori(lake, "collect", "cloudtrail", logs)
    assert detected.returncode == collected.returncode == 3
    assert sorted(complaints(collected)) == sorted(complaints(detected))
    kept = sakimori(lake, "hunt", "SELECT metadata.uid AS id FROM cloudtrail", "--format", "jsonl")
    assert sorted(line["id"] for line in findings(kept)) == found_records(detected)
    assert len(found_records(detected)) == 2 * len(bad)


def test_any_type_in_fields_that_may_be_anything(home: Path, tmp_path: Path) -> None:
    odd: tuple[Any, ...] = (None, 0, -1.5, True, "text", [], [[1]], {}, {"a": {"b": [None]}})
    records = [attack(at, additionalEventData=None, unheardOf=value) for at, value in enumerate(odd)]
    records += [attack(20 + at, requestParameters={"name": value, "x": value}) for at, value in enumerate(odd)]
    records += [attack(40 + at, resources=[value, {"ARN": value}]) for at, value in enumerate(odd)]
    path = tmp_path / "log.json"
    path.write_bytes(delivered(*records))
    done = sakimori(home, "detect", path)
    assert (done.returncode, complaints(done)) == (0, [])
    assert len(found_records(done)) == len(records)


# ---- character sets

CHARACTER_SETS = {
    "UTF-16 LE with mark": codecs.BOM_UTF16_LE + delivered(*AROUND).decode().encode("utf-16-le"),
    "UTF-16 BE with mark": codecs.BOM_UTF16_BE + delivered(*AROUND).decode().encode("utf-16-be"),
    "UTF-16 LE": delivered(*AROUND).decode().encode("utf-16-le"),
    "UTF-16 BE": delivered(*AROUND).decode().encode("utf-16-be"),
    "UTF-32 with mark": delivered(*AROUND).decode().encode("utf-32"),
    "UTF-8 with mark": codecs.BOM_UTF8 + delivered(*AROUND),
}


@pytest.mark.parametrize("pack", [bytes, packed], ids=["plain", "gz"])
@pytest.mark.parametrize("charset", CHARACTER_SETS)
def test_other_character_sets_are_read(
    home: Path, tmp_path: Path, charset: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(pack(CHARACTER_SETS[charset]))
    done = sakimori(home, "detect", path)
    assert (done.returncode, complaints(done), found_records(done)) == (0, [], IDS)


def test_half_a_character_at_the_end_is_named(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(CHARACTER_SETS["UTF-16 LE with mark"] + b"\x00")
    refused(home, path, "not UTF-16", kept=IDS)


# ---- files

FILES: dict[str, tuple[bytes, tuple[str, ...], list[str]]] = {
    "empty": (b"", ("empty",), []),
    "only spaces": (b" \n\n ", ("holds no JSON",), []),
    "only a mark": (codecs.BOM_UTF8, ("holds no text",), []),
    "gz of nothing": (packed(b""), ("holds no text",), []),
    "one byte of gz": (b"\x1f\x8b", ("truncated",), []),
    "cut off": (delivered(*AROUND)[:-30], ("cut off",), IDS[:1]),
    "text": (b"Dear Sir or Madam", ("expected a record",), []),
    "zeros": (b"\x00" * 5000, ("expected a record",), []),
    "brackets": (b"[" * 1_000_000, ("nested too deep",), []),
    "zstd": (b"\x28\xb5\x2f\xfd" + b"x" * 100, ("zstd",), []),
    "no gzip behind gzip": (packed(delivered(*AROUND)) + b"garbage", ("not gzip",), IDS),
    "wrong checksum": (packed(delivered(*AROUND))[:-8] + bytes(4) + struct.pack("<I", 1), ("checksum",), IDS),
    "something behind the end": (delivered(*AROUND) + b"]}", ("closes what was not opened",), IDS),
}


@pytest.mark.parametrize("name", FILES)
def test_bad_files(home: Path, tmp_path: Path, name: str) -> None:
    content, reasons, kept = FILES[name]
    path = tmp_path / "log.json"
    path.write_bytes(content)
    refused(home, path, *reasons, kept=kept)


@pytest.mark.parametrize("name", ["empty", "only spaces", "gz of nothing", "cut off"])
def test_bad_standard_input(home: Path, name: str) -> None:
    content, reasons, kept = FILES[name]
    done = sakimori(home, "detect", "-", stdin=content)
    assert (done.returncode, found_records(done)) == (3, kept)
    assert [line.startswith("-: offset ") for line in complaints(done)] == [True] * len(reasons)
    assert reasons[0] in complaints(done)[0]


def test_truncated_gz_keeps_what_came_before(home: Path, tmp_path: Path) -> None:
    records = [attack(at, userAgent=os.urandom(200).hex()) for at in range(60)]
    whole = packed(delivered(*records))
    path = tmp_path / "log.json.gz"
    path.write_bytes(whole[: len(whole) * 3 // 4])
    done = sakimori(home, "detect", path)
    assert done.returncode == 3
    assert "truncated" in complaints(done)[0]
    assert 35 < len(found_records(done)) < 50


def test_concatenated_gz_is_read_to_its_end(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.json.gz"
    path.write_bytes(packed(delivered(*AROUND[:2])) + packed(delivered(*AROUND[2:])))
    done = sakimori(home, "detect", path)
    assert (done.returncode, complaints(done), found_records(done)) == (0, [], IDS)


def bomb(blocks: int, before: bytes = b"", inside: bytes = bytes(10_000_000), stated: int | None = None) -> bytes:
    """A gz file of `before` and so many times `inside`, which is packed once; its trailer may lie about the size."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = squeeze.compress(before) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(inside) + squeeze.flush(zlib.Z_FULL_FLUSH)
    size = len(before) + blocks * len(inside) if stated is None else stated
    trailer = bytes(4) + struct.pack("<I", size % (1 << 32))  # its checksum is never come to
    return packed(b"")[:10] + start + block * blocks + squeeze.flush() + trailer


def peak(home: Path, path: Path) -> tuple[int, subprocess.Popen[bytes], bytes, bytes]:
    """The most memory that the program takes for a file, in bytes, measured on that one process."""
    running = subprocess.Popen(
        command("detect", path), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    most = 0
    deadline = time.monotonic() + 100
    while running.poll() is None and time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{running.pid}/status").read_text()
        except OSError:
            break
        lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
        most = max([most, *(int(line.split()[1]) << 10 for line in lines)])
        time.sleep(0.02)
    return most, running, *running.communicate(timeout=30)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("stated", [None, 1000], ids=["honest", "lying"])
@pytest.mark.parametrize("before", [b"", delivered(*AROUND)], ids=["alone", "behind records"])
def test_a_gz_bomb_is_named_and_takes_no_memory(home: Path, tmp_path: Path, before: bytes, stated: int | None) -> None:
    """10 GB of zeros in 10 MB."""
    path = tmp_path / "log.json.gz"
    path.write_bytes(bomb(1000, before, stated=stated))
    assert 5_000_000 < path.stat().st_size < 20_000_000
    most, running, out, err = peak(home, path)
    assert running.returncode == 3, err
    assert b"gzip bomb" in err
    assert b"Traceback" not in err
    assert (b"attack-4" in out) == bool(before)
    assert 0 < most < 1 << 30


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_file_that_lies_about_its_size_takes_no_memory(home: Path, tmp_path: Path) -> None:
    """Short of a bomb's ratio, and 280 MB where its trailer says 1,000 bytes."""
    path = tmp_path / "log.json.gz"
    blob = b"".join(os.urandom(3) + bytes(1400) for _ in range(5000))
    path.write_bytes(bomb(40, delivered(*AROUND), blob, stated=1000))
    most, running, out, err = peak(home, path)
    assert running.returncode == 3, err
    assert b"attack-4" in out
    assert 0 < most < 250 << 20


# ---- folders


def test_a_folder_full_of_junk(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "junk"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "good.json").write_bytes(delivered(*AROUND))
    (folder / "deep/er/good.gz").write_bytes(packed(delivered(attack(7))))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "notes.txt").write_bytes(b"hello")
    (folder / "empty").write_bytes(b"")
    (folder / "empty.json").write_bytes(b"")
    (folder / "random.gz").write_bytes(os.urandom(1000))
    (folder / "loop").symlink_to(folder)
    (folder / "broken").symlink_to(folder / "nowhere")
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "device.json").symlink_to("/dev/zero")
    (folder / "\x1b[31mred.json").write_bytes(b"{")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.json")).write_bytes(b"{}")
    os.mkfifo(folder / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.json"))
        done = sakimori(home, "detect", folder)
    told = complaints(done)
    assert done.returncode == 3
    assert found_records(done) == ["attack-1", "attack-4", "attack-7"]
    names = {line.partition(": offset ")[0].removeprefix(f"{folder}/") for line in told}
    assert names == {
        *("picture.png", "notes.txt", "empty", "empty.json", "random.gz", "loop", "broken", "itself", "device.json"),
        *("\\x1b[31mred.json", "bad\\xff.json", "pipe.json", "socket.json"),
    }
    assert b"\x1b" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(delivered(*AROUND))
    (tmp_path / "closed.json").write_bytes(delivered(attack(8)))
    (tmp_path / "closed.json").chmod(0)
    done = sakimori(home, "detect", tmp_path)
    assert (done.returncode, found_records(done)) == (3, IDS)
    assert "Permission denied" in complaints(done)[0]


def test_many_refusals_in_one_file_are_counted(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([compact(AROUND[0]), *['{"foo":1}'] * 5000, compact(AROUND[3])]))
    done = sakimori(home, "detect", path)
    assert (done.returncode, found_records(done)) == (3, IDS)
    assert len(complaints(done)) == 1001
    assert "4000 more were refused" in complaints(done)[-1]


def test_control_characters_of_an_attacker_never_reach_the_terminal(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(delivered(attack(1, requestParameters={"name": "\x1b[2Jgone\u202e"})))
    for form in ("table", "csv", "jsonl", "json", "ocsf"):
        done = sakimori(home, "detect", path, "--format", form)
        assert b"gone" in done.stdout
        assert b"\x1b" not in done.stdout
        assert "\u202e".encode() not in done.stdout
    assets = {finding["asset"] for finding in findings(sakimori(home, "detect", path))}
    assert assets == {"\x1b[2Jgone\u202e"}, "and nothing of it is lost"
