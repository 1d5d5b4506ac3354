"""Assets and relations in the ledger: what is there, what it was before, when it went, and what could not be seen.

The functions take a connection inside a transaction; `ledger.py` opens it. A discovery is a numbered run. Its units are
(account, region, service); only a unit that saw all assets of a type may mark those that it did not see as gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, or_, outerjoin, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sakimori.model.asset import Asked, Asset, Inventory, NotEvaluated, Relation, owners
from sakimori.store.database import among
from sakimori.store.diff import Change, canonical, changes
from sakimori.store.discovered import Ended, Event, HistoryEntry, KnownAsset, Recorded, Run, Scope, Seen
from sakimori.store.tables import asset_history, assets, discovery_asked, discovery_runs, not_evaluated, relations
from sakimori.store.text import storable, storable_json

# ---- a run


def begin(connection: Connection, source: str) -> int:
    """A new run's number."""
    row = {"source": storable(source), "started_at": _now(), "ended_at": ""}
    done = connection.execute(insert(discovery_runs).returning(discovery_runs.c.number), row)
    return int(done.scalar_one())


def end(connection: Connection, run: int) -> None:
    """The run was not interrupted. Relations to what another account shares end at the asset of its owner."""
    _point_to_owners(connection)
    connection.execute(update(discovery_runs).where(discovery_runs.c.number == run).values(ended_at=_now()))


def _point_to_owners(connection: Connection) -> None:
    r, a = relations.c, assets.c
    there = outerjoin(relations, assets, r.target == a.uid)
    dangling = select(relations).select_from(there).where(a.uid.is_(None), r.target.like("arn:%:ec2:%"))
    rows = connection.execute(dangling).all()
    if not rows:
        return
    uids = connection.execute(select(a.uid).where(a.type.in_(SHARED), a.gone_at == "")).scalars()
    owned = owners({row.target for row in rows}, uids)
    moved = [row for row in rows if row.target in owned]
    for row in moved:
        connection.execute(delete(relations).where(r.source == row.source, r.kind == row.kind, r.target == row.target))
    for number in sorted({row.run for row in moved}):
        ties = (replace(_relation(row), target=owned[row.target]) for row in moved if row.run == number)
        _relate(connection, number, ties)


SHARED = tuple(f"AWS::EC2::{kind}" for kind in "VPC Subnet SecurityGroup TransitGateway PrefixList".split())
"""What accounts share with others that relations name by its id (AWS RAM User Guide, "Shareable AWS resources")."""


def runs(connection: Connection) -> list[Run]:
    """All runs, the first first."""
    return [Run(*row) for row in connection.execute(select(discovery_runs).order_by(discovery_runs.c.number))]


def step(connection: Connection, run: int, each: Seen | Ended) -> Recorded:
    """Enters what a unit saw, or that it came to its end."""
    return _put(connection, run, each) if isinstance(each, Seen) else _end_unit(connection, run, each)


def _put(connection: Connection, run: int, seen: Seen) -> Recorded:
    """Adds or updates the assets and relations that a unit saw."""
    given = {storable(asset.uid): asset for asset in seen.assets}
    known = {row.uid: row for row in _rows(connection, list(given))}
    new, changed, kept, entries, done = [], [], [], [], Recorded()
    now = _now()
    for uid, asset in given.items():
        before = known.get(uid)
        if before is None:
            new.append(_row(asset, seen.scope, run) | {"first_seen": now, "changed_at": now, "gone_at": ""})
            done.new += 1
            continue
        if _is_others(before, asset, seen.scope) or (seen.incomplete.get(uid) and not before.gone_at):
            kept.append({"key": uid, "run": run})
            continue
        row = _row(asset, seen.scope, run)
        event = Event.RETURNED if before.gone_at else Event.CHANGED
        told = list(_changes(before, asset, seen)) if row["digest"] != before.digest else []
        if told or before.gone_at:
            entries.append({"uid": uid, "at": now, "run": run, "event": event, "changes": storable_json(told)})
            done.returned += event is Event.RETURNED
            done.changed += event is Event.CHANGED
        at = now if told or before.gone_at else before.changed_at
        changed.append({"key": uid, **row, "changed_at": at, "gone_at": ""})
    _write(connection, new, changed, kept, entries)
    _relate(connection, run, seen.relations)
    return done


def _end_unit(connection: Connection, run: int, ended: Ended) -> Recorded:
    """What the unit did not see of the types that it saw whole is gone.

    Relations that were not seen again go with what they came from, or because it has them no more; not those of assets
    of which not everything could be asked.
    """
    c, now, scope = assets.c, _now(), ended.scope
    mine = (c.seen_account == scope.account, c.seen_region == scope.region, c.service == scope.service)
    query = select(c.uid).where(*mine, c.type.in_(sorted(ended.whole)), c.run < run, c.gone_at == "")
    gone = list(connection.execute(query).scalars())
    if gone:
        rows = [{"key": uid, "gone_at": now} for uid in gone]
        connection.execute(update(assets).where(c.uid == bindparam("key")).values(gone_at=bindparam("gone_at")), rows)
        entries = [{"uid": uid, "at": now, "run": run, "event": Event.GONE, "changes": "[]"} for uid in gone]
        connection.execute(insert(asset_history), entries)
    settled = select(c.uid).where(*mine, (c.run == run) | (c.gone_at != ""))
    stale = select(relations.c.source).where(relations.c.run < run, relations.c.source.in_(settled)).distinct()
    sources = sorted(set(connection.execute(stale).scalars()) - {storable(uid) for uid in ended.incomplete})
    if sources:
        stale_of = among(connection, relations.c.source, sources)
        connection.execute(delete(relations).where(relations.c.run < run, stale_of))
    put_not_evaluated(connection, run, scope, ended.missing)
    if ended.whole or ended.missing:  # files that need not hold all there is were not asked
        _put_asked(connection, run, scope)
    return Recorded(gone=len(gone))


def _put_asked(connection: Connection, run: int, scope: Scope) -> None:
    row = {"account": scope.account, "region": scope.region, "service": scope.service, "run": run, "at": _now()}
    statement = _insert(connection)(discovery_asked)
    fresh = {name: statement.excluded[name] for name in ("run", "at")}
    key = list(discovery_asked.primary_key)
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh), row)


def put_not_evaluated(connection: Connection, run: int, scope: Scope, missing: Iterable[NotEvaluated]) -> None:
    """Makes `missing` all that is known of what the unit could not see."""
    c = not_evaluated.c
    mine = (c.account == scope.account, c.region == scope.region, c.service == scope.service)
    connection.execute(delete(not_evaluated).where(*mine))
    rows = [
        {
            **{"account": scope.account, "region": scope.region, "service": scope.service, "run": run, "at": _now()},
            **{name: storable(getattr(each, name)) for name in ("action", "resource", "code", "message")},
        }
        for each in missing
    ]
    if rows:
        connection.execute(insert(not_evaluated), rows)


# ---- reading


def inventory(
    connection: Connection, accounts: Collection[str] = (), regions: Collection[str] = (), types: Collection[str] = ()
) -> Inventory:
    """What is there now: of these accounts, regions and types (none: all), with the relations that start there."""
    c = assets.c
    query = select(assets).where(c.gone_at == "").order_by(c.uid)
    for column, wanted in ((c.account, accounts), (c.region, regions), (c.type, types)):
        if wanted:
            query = query.where(column.in_(sorted(wanted)))
    found = Inventory(_asset(row) for row in connection.execution_options(yield_per=1_000).execute(query))
    tied = connection.execute(select(relations).order_by(*relations.primary_key))
    found.relations += [_relation(row) for row in tied if found.get(row.source) is not None]
    n = not_evaluated.c
    missing = select(n.action, n.account, n.region, n.resource, n.code, n.message).order_by(n.number)
    if accounts:
        missing = missing.where(n.account.in_(sorted(accounts)))
    found.not_evaluated += [NotEvaluated(*row) for row in connection.execute(missing)]
    q = discovery_asked.c
    found.asked = frozenset(Asked(*row) for row in connection.execute(select(q.account, q.region, q.service)))
    return found


def called(connection: Connection, named: str, most: int) -> list[KnownAsset]:
    """The assets, there or gone, whose uid is this, or else ends in it (`sg-0abc`, `role/web`); at most so many."""
    c, wanted = assets.c, storable(named)
    ends = [c.uid.endswith(f"{mark}{wanted}", autoescape=True) for mark in ("/", ":")]
    for condition in (c.uid == wanted, or_(*ends)):
        rows = connection.execute(select(assets).where(condition).order_by(c.uid).limit(most)).all()
        if rows:
            return [_known(connection, row) for row in rows]
    return []


def _known(connection: Connection, row: Row[Any]) -> KnownAsset:
    c = relations.c
    tied = select(relations).where(or_(c.source == row.uid, c.target == row.uid)).order_by(*relations.primary_key)
    ties = tuple(_relation(each) for each in connection.execute(tied))
    return KnownAsset(_asset(row), row.first_seen, row.changed_at, row.gone_at, ties)


def history(connection: Connection, uid: str) -> list[HistoryEntry]:
    """What became of the asset, the first first; empty if it has been the same since it was first seen."""
    c = asset_history.c
    query = select(c.at, c.run, c.event, c.changes).where(c.uid == uid).order_by(c.number)
    return [
        HistoryEntry(row.at, row.run, Event(row.event), tuple(json.loads(row.changes)))
        for row in connection.execute(query)
    ]


def tags_of(connection: Connection, uids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of those of these assets that we know, whether they are still there or not."""
    return {row.uid: json.loads(row.tags) for row in _rows(connection, uids)}


# ---- rows


def _rows(connection: Connection, uids: Sequence[str]) -> Sequence[Row[Any]]:
    return connection.execute(select(assets).where(among(connection, assets.c.uid, uids))).all() if uids else ()


def _row(asset: Asset, scope: Scope, run: int) -> dict[str, Any]:
    told = [asset.type, asset.account, asset.region, asset.name, asset.tags, asset.config]
    return {
        "uid": storable(asset.uid),
        "type": asset.type,
        "account": asset.account,
        "region": asset.region,
        "name": storable(asset.name),
        "tags": storable_json(asset.tags),
        "config": storable_json(asset.config),
        "digest": hashlib.sha256(canonical(told)).hexdigest()[:32],
        "criticality": asset.criticality,
        "seen_account": scope.account,
        "seen_region": scope.region,
        "service": scope.service,
        "run": run,
    }


def _is_others(before: Row[Any], asset: Asset, scope: Scope) -> bool:
    """Whether we see what another account shares with us, and that account has told of it itself: its word counts."""
    return asset.account != scope.account and before.seen_account == asset.account and not before.gone_at


def _changes(before: Row[Any], asset: Asset, seen: Seen) -> Iterator[Change]:
    old, new = json.loads(before.config), json.loads(storable_json(asset.config))
    unknown = {key for key in seen.asked if key not in old or key not in new}
    old, new = (
        {key: value for key, value in seen.settled(asset.type, side).items() if key not in unknown}
        for side in (old, new)
    )
    told = [*changes(old, new), *changes(json.loads(before.tags), dict(asset.tags), "tags")]
    yield from (each for each in told if not seen.in_part or "removed" in each or {"before", "after"} <= each.keys())


_CHANGING = (
    *("type", "account", "region", "name", "tags", "config", "digest"),
    *("seen_account", "seen_region", "service", "run", "changed_at", "gone_at"),
)


def _write(
    connection: Connection,
    new: list[dict[str, Any]],
    changed: list[dict[str, Any]],
    kept: list[dict[str, Any]],
    entries: list[dict[str, Any]],
) -> None:
    if new:
        connection.execute(insert(assets), new)
    if changed:
        statement = update(assets).where(assets.c.uid == bindparam("key"))
        rows = [{name: row[name] for name in ("key", *_CHANGING)} for row in changed]
        connection.execute(statement.values({name: bindparam(name) for name in _CHANGING}), rows)
    if kept:
        statement = update(assets).where(assets.c.uid == bindparam("key"))
        connection.execute(statement.values(run=bindparam("run")), kept)
    if entries:
        connection.execute(insert(asset_history), entries)


def _relate(connection: Connection, run: int, given: Iterable[Relation]) -> None:
    rows = {
        (storable(tie.source), tie.kind, storable(tie.target)): {
            "source": storable(tie.source),
            "kind": tie.kind,
            "target": storable(tie.target),
            "properties": storable_json(tie.properties),
            "run": run,
        }
        for tie in given
    }
    if not rows:
        return
    statement = _insert(connection)(relations)
    fresh = {"properties": statement.excluded.properties, "run": statement.excluded.run}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(relations.primary_key), set_=fresh), list(rows.values())
    )


def _insert(connection: Connection) -> Callable[[Table], sqlite.Insert | postgresql.Insert]:
    """INSERT in the database's own dialect, which can update what is there."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _asset(row: Row[Any]) -> Asset:
    return Asset(
        row.uid,
        row.type,
        row.account,
        row.region,
        json.loads(row.config),
        json.loads(row.tags),
        row.name,
        row.criticality,
    )


def _relation(row: Row[Any]) -> Relation:
    return Relation(row.source, row.kind, row.target, json.loads(row.properties))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
