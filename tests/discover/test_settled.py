"""A second discovery of what nobody changed tells of no change (clocks, counters, health, order); a change is told."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from discover.everything import EverythingExists
from sakimori.discover.declare import Place, Resource, Service
from sakimori.discover.engine import Found, discover, units
from sakimori.discover.paths import find_all, steps
from sakimori.discover.record import Outcome, record
from sakimori.discover.services import own_services
from sakimori.store.ledger import Ledger, open_ledger

ACCOUNT = "123456789012"
PLACES = [Place(ACCOUNT, "us-east-1")]
RESOURCES = {resource.type: resource for each in own_services().values() for _, resource in each.resources()}
UNTYPED = ("Attributes.", "CredentialReport.", "JobRunRoles", "containerDefinitions[].", "definition.")
"""What botocore's model does not tell: the keys of maps, and answers that are parsed."""


@pytest.fixture(scope="module")
def parcels() -> list[Found]:
    """Everything that can be found, found; once, where it is made up twice under one ARN."""
    found, seen = [], set()
    for parcel in discover(EverythingExists(), units(PLACES, own_services(), ACCOUNT)):
        once = {asset.uid: asset for asset in parcel.assets if asset.uid not in seen}
        seen.update(once)
        found.append(replace(parcel, assets=list(once.values())))
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "ledger.db") as opened:
        yield opened


def found_again(parcels: list[Found], change: Any) -> list[Found]:
    """The parcels, each asset's config as `change(type, config)` leaves its copy."""
    again = []
    for parcel in parcels:
        assets = [replace(asset, config=deepcopy(asset.config)) for asset in parcel.assets]
        for asset in assets:
            change(asset.type, asset.config)
        again.append(replace(parcel, assets=assets))
    return again


def entered(ledger: Ledger, parcels: list[Found]) -> Outcome:
    return record(parcels, ledger, "test", progress=lambda _: None)


def numbers(outcome: Outcome) -> tuple[int, int, int, int]:
    done = outcome.recorded
    return done.new, done.changed, done.returned, done.gone


def move(config: dict[str, Any], path: str) -> None:
    """What the path leads to becomes something else."""
    above, _, name = path.rpartition(".")
    for holder in find_all(config, above):
        if name in holder:
            holder[name] = {"moved": holder[name]}


def shuffle(value: Any, path: str, kept: set[str], rng: random.Random) -> None:
    """Every list in the value in another order, but those at the paths of `kept`."""
    is_map = any(each.startswith(f"{path}[].") for each in kept)
    for key, inner in value.items() if isinstance(value, dict) else ():
        shuffle(inner, f"{path}[]" if is_map else f"{path}.{key}" if path else key, kept, rng)
    for inner in value if isinstance(value, list) else ():
        shuffle(inner, f"{path}[]", kept, rng)
    if isinstance(value, list) and path not in kept:
        rng.shuffle(value)


def grown(value: Any) -> Any:
    """The value with lists of several members, so that they have an order."""
    if isinstance(value, dict):
        return {key: grown(inner) for key, inner in value.items()}
    if isinstance(value, list) and value:
        return [grown(value[0]), {"other": ["a", "b"]}, {"other": ["c"]}, *map(grown, value[1:])]
    return value


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*path, at))
    else:
        yield path


def moves(resource: Resource, leaf: tuple[Any, ...]) -> bool:
    """Whether a leaf is at or below a path to what moves: the plain reading of a path, name by name."""
    for path in resource.moving:
        wanted = [part for name, each in steps(path) for part in ([name, None] if each else [name])]
        if len(leaf) >= len(wanted) and all(a is None or a == b for a, b in zip(wanted, leaf, strict=False)):
            return True
    return False


def test_what_moves_is_kept_and_is_no_change(parcels: list[Found], ledger: Ledger) -> None:
    def moved(type: str, config: dict[str, Any]) -> None:
        for path in RESOURCES[type].moving:
            move(config, path)

    entered(ledger, parcels)
    again = found_again(parcels, moved)
    assert numbers(entered(ledger, again)) == (0, 0, 0, 0)
    stored = {asset.uid: asset.config for asset in ledger.inventory()}
    expected = {asset.uid: asset.config for parcel in again for asset in parcel.assets}
    assert stored == expected
    assert any("moved" in str(config) for config in stored.values())
    assert [uid for uid in stored if ledger.asset_history(uid)] == []


def test_order_is_no_change_but_where_it_means_something(parcels: list[Found], ledger: Ledger) -> None:
    rng = random.Random(7)

    def shuffled(type: str, config: dict[str, Any]) -> None:
        shuffle(config, "", set(RESOURCES[type].ordered), rng)

    def reversed_(type: str, config: dict[str, Any]) -> None:
        for path in RESOURCES[type].ordered:
            above, _, name = path.rpartition(".")
            for holder in find_all(config, above):
                if isinstance(holder, dict) and name in holder:
                    holder[name].reverse()

    big = [
        replace(parcel, assets=[replace(asset, config=grown(asset.config)) for asset in parcel.assets])
        for parcel in parcels
    ]
    entered(ledger, big)
    assert numbers(entered(ledger, found_again(big, shuffled))) == (0, 0, 0, 0)
    entered(ledger, found_again(big, reversed_))
    changed = {asset.uid for asset in ledger.inventory() if ledger.asset_history(asset.uid)}
    assert changed == {
        asset.uid
        for parcel in big
        for asset in parcel.assets
        if any(find_all(asset.config, f"{path}[]") for path in RESOURCES[asset.type].ordered)
    }
    assert len(changed) > 10


def test_whatever_else_differs_is_told(parcels: list[Found], ledger: Ledger) -> None:
    """A random leaf of each asset's config is changed: it is told exactly if nothing says that it moves by itself."""
    entered(ledger, parcels)
    assets = [asset for parcel in parcels for asset in parcel.assets]
    for seed in range(6):
        rng, expected, touched = random.Random(seed), set(), []
        for parcel in parcels:
            some = []
            for asset in parcel.assets:
                config = deepcopy(asset.config)
                leaf = rng.choice(list(leaves(config)))
                holder = config
                for step in leaf[:-1]:
                    holder = holder[step]
                holder[leaf[-1]] = f"changed {rng.random()}"
                some.append(replace(asset, config=config))
                if not moves(RESOURCES[asset.type], leaf):
                    expected.add(asset.uid)
            touched.append(replace(parcel, assets=some))
        before = {asset.uid: len(ledger.asset_history(asset.uid)) for asset in assets}
        entered(ledger, touched)
        assert {uid for uid, count in before.items() if len(ledger.asset_history(uid)) > count} == expected
        entered(ledger, parcels)


CLOCK = re.compile(
    r"(?i)^(last|latest|earliest|next|approximate|expected|elapsed|estimated|remaining)|"
    r"progress|instancehours|available.*count|lastused|heartbeat|healthstatus|itemcount|sizebytes$|sizeinbytes$|running.*count|"
    r"pending.*count|utilized|consumed"
)

NOT_CLOCKS = {
    # They come with what somebody did, or tell of a fault that was not there before.
    *("LastChangedDate", "LastDecreaseDateTime", "LastDeploymentStatusMessage", "LastIncreaseDateTime", "LastModified"),
    *("LastModifiedDate", "LastModifiedTime", "LastModifiedUser", "LastRotatedDate", "LastUpdateDateTime"),
    *("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "LastUpdateTimestamp"),
    *("LastUpdateToPayPerRequestDateTime", "LastUpdatedDate", "LastUpdatedTime", "LatestStreamArn"),
    *("LatestStreamLabel", "LatestVersionNumber", "RestoreInProgress", "lastActivatedAt", "lastArchivedAt"),
    *("LastModifiedOn", "LastModifiedTimestamp", "LastCommitId", "lastModifiedDate", "LastStateChangeAt"),
    *("latestBotVersion", "lastUpdatedDateTime", "lastUpdatedTime", "LastUpdatedTimestamp"),
    "NextSigningKeyLength",
    *("lastModified", "lastModifiedSecret", "lastStartTime", "lastStopTime", "lastUpdatedAt", "lastUpdatedDate"),
    *("LatestCloudWatchLogsDeliveryError", "LatestDeliveryError", "LatestDigestDeliveryError"),
    *("LatestNotificationError", "lastErrorCode", "lastErrorMessage"),
    # A task or a container was started, or has ended.
    "lastStatus",
    # They are what they are for good, or follow from settings.
    *("FullSnapshotSizeInBytes", "imageSizeInBytes", "NextToken", "expectedBucketOwner", "expectedValues"),
    *("ExpectedBucketOwner", "lastUsedTtlHours"),
    # Somebody changed it.
    *("lastUpdateTime", "LastUpdatedAt"),
    *("ConsumedCapacity", "ConsumedStatefulDomainCapacity", "ConsumedStatefulRuleCapacity"),
    "ConsumedStatelessRuleCapacity",
}
"""What looks like a clock and has been found to be none."""


def _names(shape: Any, path: str, within: frozenset[str]) -> Iterator[str]:
    if shape.name in within:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _names(member, f"{path}.{name}" if path else name, within | {shape.name})
    elif shape.type_name == "list":
        yield from _names(shape.member, f"{path}[]", within)
    elif shape.type_name == "map":
        yield from _names(shape.value, f"{path}[]", within)
    else:
        yield path


def _shape_at(shape: Any, path: str) -> Any:
    for name, each in steps(path):
        if name:
            shape = shape.members.get(name) if shape.type_name == "structure" else shape.value
        if each and shape is not None:
            shape = shape.member if shape.type_name == "list" else shape.value
        if shape is None:
            return None
    return shape


def _answered(service: Service) -> Iterator[tuple[Resource, str]]:
    """Each kind of asset with the paths that botocore's model says its config has."""
    for listing, resource in service.resources():
        asked = [(listing, resource.items, "")] + [
            (each, each.path, f"{each.under}[]" if "[]" in each.path or each.batch or each.shared else each.under)
            for each in resource.details
            if not each.parse
        ]
        for call, path, under in asked:
            model = botocore.session.get_session().get_service_model(call.client or service.client)
            shape = _shape_at(model.operation_model(call.operation).output_shape, path)
            if shape is not None:
                yield from ((resource, name) for name in _names(shape, under, frozenset()))


def _plain(path: str) -> str:
    return path.replace("[]", "").removeprefix(".")


@pytest.fixture(scope="module")
def answered() -> dict[str, set[str]]:
    """The paths of each kind of asset, without the marks of lists."""
    paths: dict[str, set[str]] = {}
    for service in own_services().values():
        for resource, path in _answered(service):
            paths.setdefault(resource.type, set()).add(_plain(path))
    return paths


def test_every_path_leads_to_something_that_aws_answers(answered: dict[str, set[str]]) -> None:
    for type, resource in RESOURCES.items():
        for path in resource.moving + resource.ordered:
            known = any(f"{each}.".startswith(f"{_plain(path)}.") for each in answered.get(type, ()))
            assert known or path.startswith(UNTYPED), f"{type}: {path}"


def test_whatever_looks_like_a_clock_has_been_looked_at(answered: dict[str, set[str]]) -> None:
    """A new member of an answer asks a person: is it a setting, or does it move by itself?"""
    for type, resource in RESOURCES.items():
        moving = {_plain(path) for path in resource.moving}
        for path in answered.get(type, ()):
            leaf = path.rpartition(".")[2]
            told = any(f"{path}.".startswith(f"{each}.") for each in moving)
            assert told or leaf in NOT_CLOCKS or not CLOCK.search(leaf), f"{type}: {path}"
