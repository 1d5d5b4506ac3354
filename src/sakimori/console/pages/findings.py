"""Findings of the ledger: a list by severity and status, and one of them with where it stood and what was done."""

from __future__ import annotations

from typing import Any

from sakimori.console.page import PER_PAGE, Act, Asked, Console, NotThere, Page, paged
from sakimori.console.pages.runs import told
from sakimori.model.severity import Severity
from sakimori.notify.translation import retold
from sakimori.store import findings
from sakimori.store.database import reading
from sakimori.store.findings import FindingFilter, Status, StoredFinding

MOST_RECORDS = 100
"""Records of a finding that are named: it may have a million."""


def _list(console: Console, asked: Asked) -> dict[str, Any]:
    """Findings, the worst first, then the latest, by status, severity, rule and account."""
    given = {name: asked.given.get(name, "") for name in ("status", "severity", "rule", "account")}
    before = asked.given.get("before", "")
    wanted = FindingFilter(
        status=_status(given["status"]),
        rule=given["rule"],
        account=given["account"],
        min_severity=_severity(given["severity"]),
        limit=PER_PAGE + 1,
    )
    with reading(console.database) as connection:
        found = findings.page(connection, wanted, before)
    lines, after = paged([_line(each, asked.language) for each in found], [each.finding.uid for each in found])
    levels = {"statuses": [str(each) for each in Status], "severities": [each.label for each in Severity]}
    return {"findings": lines, "next": after, "before": before, **given, **levels}


def _status(name: str) -> Status | None:
    if name and name not in tuple(Status):
        raise NotThere(f"no finding is ever {name!r}: it is {', '.join(Status)}")
    return Status(name) if name else None


def _severity(name: str) -> Severity | None:
    known = {each.label: each for each in Severity}
    if name and name not in known:
        raise NotThere(f"there is no severity {name!r}: there are {', '.join(known)}")
    return known.get(name)


def _line(stored: StoredFinding, language: str) -> dict[str, Any]:
    """A finding in a list, without its records."""
    shown = stored.finding.to_json() | {"status": stored.status.value, "updated_at": stored.updated_at}
    shown["title"] = retold(stored.finding.title, stored.finding.said or {}, language)
    return {name: value for name, value in shown.items() if name not in ("records", "matched", "evidence")}


def _one(console: Console, asked: Asked) -> dict[str, Any]:
    """A finding with its evidence, the history of where it stood, and the runs of responses about it."""
    uid = asked.path["finding"]
    with reading(console.database) as connection:
        stored = findings.get(connection, uid, MOST_RECORDS)
        if stored is None:
            raise NotThere(f"no finding has the uid {uid!r}: `sakimori findings` lists those there are")
        history = findings.history(connection, uid)
    finding = stored.finding
    texts = {"title": finding.title, "description": finding.description, "remediation": finding.remediation}
    return {
        **finding.to_json(),
        **{name: retold(text, finding.said or {}, asked.language) for name, text in texts.items()},
        "status": stored.status.value,
        "updated_at": stored.updated_at,
        "history": [{"at": e.at, "status": e.status.value, "by": e.by, "note": e.note} for e in history],
        "runs": told(console, console.engine.book.runs(about=uid, limit=PER_PAGE), asked.language)["runs"],
    }


PAGES = (
    Page("/findings", "findings.html", _list, tab="findings"),
    Page("/findings/{finding}", "finding.html", _one),
)
ACTS: tuple[Act, ...] = ()
