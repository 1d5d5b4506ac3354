"""Routes and messages as `sakimori notify` lists them."""

from __future__ import annotations

from typing import Any

from sakimori.model.severity import Severity
from sakimori.notify.message import worded
from sakimori.notify.outbox import Entry, State, message_of
from sakimori.notify.quiet import DAYS
from sakimori.notify.routes import Route


def route_row(route: Route) -> dict[str, Any]:
    """A route for programs; without the channel's settings, which hold secrets."""
    quiet = route.quiet
    return {
        "route": route.name,
        "channel": route.channel,
        "min_severity": route.min_severity.label,
        "accounts": list(route.accounts),
        "tags": list(route.tags),
        "owners": list(route.owners),
        "workflows": list(route.workflows),
        "otherwise": route.otherwise,
        "language": route.language,
        "person": route.person,
        "quiet": [f"{begin:%H:%M}-{end:%H:%M}" for begin, end in quiet.spans],
        "quiet_days": [DAYS[day] for day in sorted(quiet.days)],
        "time_zone": quiet.zone,
        "quiet_passes": quiet.passes.label if quiet.passes else None,
        "acknowledge_minutes": route.acknowledge_minutes,
        "escalate_to": route.escalate_to,
    }


def route_line(row: dict[str, Any]) -> str:
    """A route for people: what it takes, when it is quiet, where it leads."""
    parts = [f"from {row['min_severity']}"]
    parts += [f"{name} {', '.join(row[name])}" for name in ("accounts", "tags", "owners", "workflows") if row[name]]
    parts += ["what fits no other"] if row["otherwise"] else []
    times = [*row["quiet"], *row["quiet_days"]]
    passes = f", but not for {row['quiet_passes']}" if row["quiet_passes"] else ""
    parts += [f"quiet {', '.join(times)} {row['time_zone']}{passes}"] if times else []
    parts += [f"to {row['escalate_to']} after {row['acknowledge_minutes']} min"] if row["escalate_to"] else []
    parts += [f"for {row['person']}"] if row["person"] else []
    return f"{row['route']:<16} {row['channel']:<14} {'; '.join(parts)}"


def log_row(entry: Entry) -> dict[str, Any]:
    """A message of the outbox. `perhaps_twice`: its answer was lost before, so that it may have come twice."""
    message = message_of(entry) if entry.message else None
    return {
        "number": entry.number,
        "at": entry.at,
        "route": entry.route,
        "key": entry.key,
        "kind": entry.kind,
        "about": entry.about,
        "severity": Severity(entry.severity).label if entry.severity else "",
        "state": entry.state,
        "title": worded(message, "en").title if message else "",
        "tries": entry.tries,
        "why": entry.why,
        "perhaps_twice": bool(message and "perhaps" in message.facts),
        "next_at": entry.next_at if entry.state == State.FAILED else "",
        "reference": entry.reference,
        "digest": entry.digest,
        "escalate_at": entry.escalate_at,
        "acknowledged_at": entry.acknowledged_at,
        "acknowledged_by": entry.acknowledged_by,
    }


def log_line(row: dict[str, Any]) -> str:
    """A message for people."""
    seen = f"; {row['acknowledged_by']} has seen it" if row["acknowledged_by"] else ""
    why = f"; {row['why']}" if row["why"] else ""
    later = f"; again at {row['next_at'][:16]}" if row["next_at"] else ""
    ticket = f" {row['reference']}" if row["reference"] else ""
    twice = "; perhaps sent before" if row["perhaps_twice"] else ""
    what = f"{row['title'] or row['key']}{seen}{twice}{why}{later}"
    return f"{row['at'][:19]}  {row['route']:<14} {row['state']:<11}{ticket} {what}"
