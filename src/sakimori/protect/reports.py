"""Reports that a scheduled task writes: what protects each computer, what modules saw, what scans recommend.

A report is a table of what is so when it is written, as CSV or HTML. It is kept, and read over the API.
"""

from __future__ import annotations

import csv
import html
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from sakimori.protect import coverage, recommendations, search, storage, tables
from sakimori.protect.calls import Call, Operation, Shape
from sakimori.protect.clock import now
from sakimori.protect.computer_filter import chosen
from sakimori.protect.computers import effective_on
from sakimori.protect.declare import choice, text
from sakimori.protect.errors import Forbidden, Invalid, NotFound
from sakimori.protect.objects import Behaviour, Shown, plain
from sakimori.protect.resources import all_resources
from sakimori.protect.storage import Body
from sakimori.protect.work import MODULES, RULE_RESOURCES

if TYPE_CHECKING:
    from sakimori.protect.manager import Manager

HOUR_MS = 3_600_000
_UNITS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}
_MODULE_OF = {resource: module for module, resource in MODULES.items()}
_MEDIA = {"csv": "text/csv", "html": "text/html"}


@dataclass(frozen=True, slots=True)
class Source:
    """What a report is made of: the computers that were asked for, and since when."""

    manager: Manager
    connection: Connection
    tenant: int
    computers: Sequence[tuple[int, Body]]
    since: int


Row = tuple[Any, ...]


def _coverage(source: Source) -> Iterator[Row]:
    yield ("computer", "host", "instance", "policy", "protected", "agent", "last heard of", "gaps")
    manager = source.manager
    view = manager.policies.view(source.connection, source.tenant)
    found = coverage.covered(
        source.connection, source.tenant, source.computers, view, manager.beats, manager.heartbeat_seconds
    )
    for each in found:
        gaps = "; ".join(f"{gap['what']}: {gap['why']}" for gap in each["gaps"])
        protected = "yes" if each["protected"] else "no"
        heard = _moment(each["lastAgentCommunication"])
        names = (each["computerID"], each["hostName"], each["instanceID"], each["policyID"])
        yield (*names, protected, each["agentStatus"], heard, gaps)


def _events(source: Source) -> Iterator[Row]:
    yield ("module", "rule", "verdict", "events", "computers")
    events = tables.events
    wanted = select(events.c.module, events.c.rule, events.c.verdict, events.c.computer).where(
        events.c.tenant == source.tenant, events.c.at >= source.since
    )
    asked = {id for id, _ in source.computers}
    counts: Counter[Row] = Counter()
    where: dict[Row, set[int]] = {}
    for row in source.connection.execute(wanted):
        if row.computer in asked:
            key = (row.module, row.rule, row.verdict or "not judged")
            counts[key] += 1
            where.setdefault(key, set()).add(row.computer)
    for key, count in sorted(counts.items()):
        yield (*key, count, len(where[key]))


def _recommendations(source: Source) -> Iterator[Row]:
    yield ("computer", "host", "module", "last scan", "to assign", "to unassign")
    view = source.manager.policies.view(source.connection, source.tenant)
    for resource in RULE_RESOURCES:
        ids = [id for id, _ in source.computers]
        scans = recommendations.scans(source.connection, source.tenant, ids, resource)
        for id, body in source.computers:
            scan = scans.get(id)
            if scan is None:
                yield (id, body.get("hostName", ""), _MODULE_OF[resource], "never", "not known", "not known")
                continue
            assigned = effective_on(view, body).rules[resource]
            changes = recommendations.changes(source.connection, source.tenant, resource, scan, assigned)
            rules = [" ".join(map(str, some)) for some in changes]
            yield (id, body.get("hostName", ""), _MODULE_OF[resource], _moment(scan.scanned_at), *rules)


TEMPLATES: Mapping[str, tuple[Callable[[Source], Iterator[Row]], bool]] = {
    "Coverage": (_coverage, False),
    "Events by module": (_events, True),
    "Recommendations": (_recommendations, False),
}
"""The templates by name: what makes the rows, the first of which are the columns; whether a time range matters."""


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%MZ") if at else "never"


# ---- written


def check(connection: Connection, tenant: int, parameters: Mapping[str, Any]) -> None:
    """Raises Invalid for a report that cannot be written."""
    id = parameters.get("reportTemplateID") or 0
    template = storage.get_or_none(connection, tenant, "reporttemplates", id)
    if template is None:
        raise Invalid(
            f"generateReportTaskParameters/reportTemplateID is {id}, and there is no ReportTemplate with that ID"
        )
    if parameters.get("format", "csv") not in _MEDIA:
        raise Invalid(f"a report is written as {' or '.join(_MEDIA)}, not as {parameters['format']}")
    if (parameters.get("tagFilter") or {}).get("type", "all") != "all":
        raise Invalid("events have no tags here: leave generateReportTaskParameters/tagFilter out")


def write(manager: Manager, connection: Connection, tenant: int, task: int, parameters: Mapping[str, Any]) -> str:
    """Writes the report that a task asks for, once, and returns what to say of it. Raises Invalid."""
    check(connection, tenant, parameters)
    mailed = "; it was mailed to nobody: this manager sends no mail" if parameters.get("recipients") else ""
    for id, report in _of_task(connection, tenant, task):  # a process died between writing it and saying so
        return _said(id, report) + mailed
    template = storage.get(connection, tenant, all_resources()["reporttemplates"], parameters["reportTemplateID"])
    form = parameters.get("format", "csv")
    ids = chosen(connection, tenant, parameters.get("computerFilter"))
    found = sorted(storage.get_many(connection, tenant, "computers", ids).items())
    columns, *rows = TEMPLATES[template["name"]][0](Source(manager, connection, tenant, found, _since(parameters)))
    body = {
        "name": template["name"],
        "reportTemplateID": parameters["reportTemplateID"],
        "format": form,
        "created": now(),
        "rows": len(rows),
        "taskID": task,
        "_content": _csv(columns, rows) if form == "csv" else _html(template["name"], columns, rows),
    }
    return _said(storage.make(connection, tenant, all_resources()["reports"], body), body) + mailed


def _of_task(connection: Connection, tenant: int, task: int) -> list[tuple[int, Body]]:
    resource = all_resources()["reports"]
    criterion = {"fieldName": "taskID", "numericTest": "equal", "numericValue": task}
    return storage.find(connection, tenant, resource, search.parse(resource, {"searchCriteria": criterion}))


def _said(id: int, report: Body) -> str:
    return f"report {id}, {report['name']}, {report['rows']} rows: GET /api/sakimori/reports/{id}/content"


def _since(parameters: Mapping[str, Any]) -> int:
    """The beginning of the time range; a day before now if none is given."""
    given = parameters.get("timeRange") or {}
    hours = _UNITS[given.get("units") or "day"] * (given.get("value") or 1)
    return max(0, now() - hours * HOUR_MS)


def _csv(columns: Row, rows: Sequence[Row]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula is marked as text: hosts choose their names."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _html(title: str, columns: Row, rows: Sequence[Row]) -> str:
    def line(tag: str, row: Row) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(value))}</{tag}>" for value in row) + "</tr>"

    name = html.escape(title)
    lines = [line("th", columns), *(line("td", row) for row in rows)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title></head><body><h1>{name}</h1>'
        f"<p>{_moment(now())}</p><table>{''.join(lines)}</table></body></html>\n"
    )


# ---- read


def operations() -> Iterator[Operation]:
    resource = all_resources()["reports"]
    yield Operation(
        "GET",
        "/sakimori/reports/{reportID}/content",
        "describe_report_content",
        resource.id,
        "Shows what is written in one.",
        _content,
        right=resource.rights.view,
        gives=Shape("ReportContent", (choice("mediaType", " ".join(_MEDIA.values())), text("content"))),
    )


def _content(call: Call) -> Shown:
    _refuse_narrow(call)
    body = storage.get_or_none(call.connection, call.tenant, "reports", call.id("reportID"))
    if body is None:
        raise NotFound(f"there is no Report with ID {call.id('reportID')}")
    return {"mediaType": _MEDIA[body["format"]], "content": body["_content"]}


def _shown(call: Call, found: list[tuple[int, Body]]) -> list[Shown]:
    _refuse_narrow(call)
    return [plain(all_resources()["reports"], id, body) for id, body in found]


def _refuse_narrow(call: Call) -> None:
    if call.holder.role.computers is not None:
        raise Forbidden("reports tell of all computers, and the role of this key does not reach them all")


BEHAVIOUR = Behaviour(show=_shown)
