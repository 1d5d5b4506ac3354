"""`collect --detect` finds what `detect` finds, in whatever order and in however many runs the objects come."""

from __future__ import annotations

import json
import random
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cloudtrail_logs import lake_hashes, ledger_rows, run

from sakimori.collect.ingest import ingest
from sakimori.collect.sources import SourceObject, find_objects
from sakimori.detect import rulebook
from sakimori.detect.detection import Detector, Whole
from sakimori.detect.rulebook import Rulebook
from sakimori.detect.watch import Watch
from sakimori.simulate.samples import write_day
from sakimori.store.lake import open_lake
from sakimori.store.ledger import Ledger, Status, open_ledger

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "cloudtrail"
SHOWN = ("uid", "rule", "account", "region", "actor", "source_ip", "asset", "count", "first_seen", "last_seen")

Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return rulebook.load()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days that follow on each other, the attack in both."""
    folder = tmp_path_factory.mktemp("samples")
    for day in (20, 21):
        write_day(folder / str(day), date(2026, 11, day), events=3000, seed=day)
    return folder


@pytest.fixture(scope="module")
def sources(samples: Path) -> list[SourceObject]:
    return [found for found in find_objects([str(samples)]) if isinstance(found, SourceObject)]


def detected(book: Rulebook, sources: list[SourceObject]) -> Findings:
    detector, whole = Detector(book), Whole(book)
    for source in sources:
        whole.take(detector.look_at(source))
    return {finding.uid: finding.to_json() for finding in whole.findings()}


def in_ledger(ledger: Ledger) -> Findings:
    """The findings that stand, without those that were withdrawn."""
    return {
        stored.finding.uid: stored.finding.to_json()
        for stored in ledger.findings()
        if stored.status is not Status.RESOLVED
    }


def assert_same(found: Findings, wanted: Findings) -> None:
    assert found.keys() == wanted.keys(), [
        (side, each["rule"], each["first_seen"], each["actor"])
        for side, some, others in (("more", found, wanted), ("less", wanted, found))
        for uid, each in some.items()
        if uid not in others
    ]
    for uid, each in wanted.items():
        assert found[uid] == each


def collected(place: Path, book: Rulebook, runs: list[list[SourceObject]]) -> Findings:
    lake, watch = open_lake(place / "lake"), Watch(book)
    with open_ledger(place / "ledger.sqlite") as ledger:
        for some in runs:
            ingest(some, lake, ledger, workers=1, observe=watch.observer)
            watch.settle(ledger)
        return in_ledger(ledger)


def test_all_at_once(book: Rulebook, sources: list[SourceObject], tmp_path: Path) -> None:
    wanted = detected(book, sources)
    assert len(wanted) > 20
    assert_same(collected(tmp_path, book, [sources]), wanted)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_in_several_runs(book: Rulebook, sources: list[SourceObject], tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    mixed = rng.sample(sources, len(sources))
    cuts = [0, *sorted(rng.sample(range(len(mixed)), 6)), len(mixed)]
    runs = [mixed[start:end] for start, end in pairwise(cuts)]
    assert_same(collected(tmp_path, book, runs), detected(book, sources))


def test_the_corpus_in_several_runs(book: Rulebook, tmp_path: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip("no corpus folder cloudtrail beside the repository: recorded events were not collected")
    sources = [found for found in find_objects([str(CORPUS)]) if isinstance(found, SourceObject)]
    wanted = detected(book, sources)
    assert_same(collected(tmp_path / "once", book, [sources]), wanted)
    mixed = random.Random(5).sample(sources, len(sources))
    assert_same(collected(tmp_path / "runs", book, [mixed[at::5] for at in range(5)]), wanted)


# ---- the program


@pytest.fixture(scope="module")
def home(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the second day of the samples was collected, with detection."""
    home = tmp_path_factory.mktemp("home")
    code, out, err = run(home, "collect", "cloudtrail", str(samples / "21"), "--detect", "--workers", "2")
    assert (code, out) == (0, ""), err
    return home


def jsonl(text: str) -> Findings:
    return {each["uid"]: each for each in map(json.loads, text.splitlines())}


def test_collect_says_what_detect_says(home: Path, samples: Path) -> None:
    code, out, err = run(home, "detect", str(samples / "21"), "--format", "jsonl")
    assert code == 0, err
    with open_ledger(home / "ledger.sqlite") as ledger:
        assert_same(in_ledger(ledger), jsonl(out))


def test_a_second_run_adds_nothing(home: Path, samples: Path) -> None:
    before = lake_hashes(home / "lake"), ledger_rows(home / "ledger.sqlite")
    code, _, err = run(home, "collect", "cloudtrail", str(samples / "21"), "--detect")
    assert code == 0
    assert "0 records of 0 objects collected" in err
    assert "findings" not in err
    assert (lake_hashes(home / "lake"), ledger_rows(home / "ledger.sqlite")) == before


def test_hunt_sees_the_findings(home: Path) -> None:
    sql = "SELECT count(*) AS n FROM findings WHERE severity_id >= 4"
    code, out, err = run(home, "hunt", sql, "--format", "jsonl")
    assert code == 0, err
    with open_ledger(home / "ledger.sqlite") as ledger:
        severe = sum(stored.finding.severity >= 4 for stored in ledger.findings())
    assert json.loads(out)["n"] == severe > 0


def test_backtest_finds_the_same_and_stores_nothing(home: Path) -> None:
    before = lake_hashes(home / "lake"), ledger_rows(home / "ledger.sqlite")
    code, out, err = run(home, "rules", "backtest", "--days", "2", "--format", "jsonl")
    assert code == 0, err
    with open_ledger(home / "ledger.sqlite") as ledger:
        assert_same(jsonl(out), in_ledger(ledger))
    assert (lake_hashes(home / "lake"), ledger_rows(home / "ledger.sqlite")) == before


def test_every_finding_is_explained_from_the_lake(home: Path) -> None:
    with open_ledger(home / "ledger.sqlite") as ledger:
        by_rule = {stored.finding.rule: stored.finding for stored in ledger.findings()}
    assert len(by_rule) > 10
    for finding in list(by_rule.values())[::4]:
        code, out, err = run(home, "explain", finding.uid, "--json", "--records", "1000")
        assert code == 0, err
        told = json.loads(out)
        assert {each["record"] for each in told["records"]} == set(finding.records)
        assert all(each["holds"] for each in told["records"])


def test_explain_says_what_is_missing_when_lake_files_are_gone(home: Path, samples: Path, tmp_path: Path) -> None:
    run(tmp_path, "collect", "cloudtrail", str(samples / "20"), "--detect")
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        finding = max((stored.finding for stored in ledger.findings()), key=lambda each: each.count)
        files = ledger.lake_files()
    for file in files[::2]:
        (tmp_path / "lake" / file.path).unlink()
    code, out, err = run(tmp_path, "explain", finding.uid)
    assert code == 3
    assert finding.title in out
    assert "Traceback" not in err
    assert files[0].path in err or files[2].path in err
    assert "are no longer where they were read" in err


def test_rules_of_ones_own_and_without_the_pack(samples: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yml").write_text(OWN_RULE)
    stats = tmp_path / "stats.json"
    logs = ("cloudtrail", str(samples / "20"), "--detect")
    code, _, err = run(tmp_path, "collect", *logs, "--rules", str(rules), "--no-pack", "--stats", str(stats))
    assert code == 0, err
    numbers = json.loads(stats.read_text())
    assert (numbers["rules_loaded"], numbers["rules_refused"]) == (1, 0)
    assert numbers["findings"] > 0
    assert {"read", "decode", "lake", "observe", "commit"} <= numbers["seconds"].keys()
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        found = ledger.findings()
    assert {stored.finding.rule for stored in found} == {"own"}
    code, out, _ = run(tmp_path, "explain", found[0].finding.uid, "--rules", str(rules))
    assert (code, "My own" in out) == (0, True)
    code, _, err = run(tmp_path, "explain", found[0].finding.uid)
    assert code == 3
    assert "--rules" in err


def test_a_rule_that_cannot_be_used_makes_the_run_incomplete(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(OWN_RULE.replace("eventName:", "eventName|frob:"))
    one = next(str(path) for path in (samples / "20").rglob("*.json.gz") if "Digest" not in str(path))
    code, _, err = run(tmp_path, "collect", "cloudtrail", one, "--detect", "--rules", str(tmp_path / "bad.yml"))
    assert code == 3
    assert f"rule not used: {tmp_path / 'bad.yml'}:" in err


OWN_RULE = """\
title: My own
name: own
description: A rule of the user's.
logsource:
  product: aws
  service: cloudtrail
detection:
  selection:
    eventName: GetObject
  condition: selection
level: low
tags:
  - attack.collection
  - attack.t1530
"""
