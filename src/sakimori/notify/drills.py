"""Dead routes: that nobody can be told by a route is a finding of its own, until a drill shows that it works again."""

from __future__ import annotations

from sqlalchemy import Connection

from sakimori.model.finding import COMPLIANCE, Finding, finding_uid
from sakimori.model.said import made_of, say
from sakimori.model.severity import Severity
from sakimori.notify.routes import Route
from sakimori.store import findings
from sakimori.store.findings import Status

RULE = "notify/dead-route"


def keep(connection: Connection, route: Route, why: str, now: str) -> None:
    """Enters that a route is dead, or, with no `why`, that it is not. `why` is without a full stop."""
    finding = _finding(route, why, now)
    known = findings.get(connection, finding.uid)
    if why:
        findings.upsert(connection, [finding])
    elif known is not None and known.status is not Status.RESOLVED:
        note = "the drill was acknowledged"
        findings.change_status(connection, finding.uid, Status.RESOLVED, findings.OURSELVES, note)


def _finding(route: Route, why: str, now: str) -> Finding:
    title = say("The notification route {route} does not work", route=route.name)
    told = say("Nobody can be told through {channel}: {why}.", channel=route.channel, why=why)
    remedy = say("See to the cause, then run `sakimori notify drill` again.")
    return Finding(
        uid=finding_uid(RULE, "", "", route.name, ""),
        rule=RULE,
        title=str(title),
        severity=Severity.HIGH,
        tactics=(),
        techniques=(),
        account="",
        region="",
        actor="",
        source_ip="",
        asset=route.name,
        count=1,
        first_seen=now,
        last_seen=now,
        records=(),
        description=str(told),
        class_uid=COMPLIANCE,
        evidence={"route": route.name, "channel": route.channel, "reason": str(why)},
        remediation=str(remedy),
        said=made_of((title, told, remedy)),
    )
