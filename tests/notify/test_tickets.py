"""Tickets in Jira and Backlog: made once, commented, closed, opened again; and what those systems answer in trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desks import PROJECT, TOKEN, USER, Desk, desk, too_many
from test_channels import FINDING

from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.channels import backlog, jira
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message
from sakimori.notify.notifier import Notifier
from sakimori.notify.routes import Route, channel
from sakimori.notify.signing import Signer
from sakimori.store.database import connect
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger

KINDS = ("jira", "backlog")
NOW = datetime.now(UTC)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tickets(kind: str) -> Iterator[Desk]:
    with desk(kind) as here:
        yield here


def settings(kind: str, tickets: Desk, **more: Any) -> dict[str, Any]:
    user = {"user": USER} if kind == "jira" else {}
    return {"url": tickets.url, "project": PROJECT, "token": TOKEN, "private": True, **user, **more}


@pytest.fixture
def notifier(kind: str, tickets: Desk, tmp_path: Path) -> Iterator[Notifier]:
    engine = connect(tmp_path / "ledger.sqlite")
    route = Route("tickets", kind, settings=settings(kind, tickets))
    yield Notifier(engine, [route], Links(Signer((b"k" * 32,))))
    engine.dispose()


@pytest.fixture
def ledger(notifier: Notifier) -> Ledger:
    made = Ledger(notifier.engine)
    made.upsert_findings([FINDING])
    return made


def sent(notifier: Notifier, ledger: Ledger) -> list[str]:
    return [each.why for each in notifier.send_findings(ledger.findings())]


def test_the_life_of_a_ticket(notifier: Notifier, ledger: Ledger, tickets: Desk) -> None:
    assert sent(notifier, ledger) == [""]
    assert sent(notifier, ledger) == []
    [issue] = tickets.issues.values()
    assert "A bucket is open" in issue.summary
    assert "Anybody may read it" in json.dumps(issue.description)
    ledger.upsert_findings([replace(FINDING, severity=Severity.CRITICAL)])
    assert sent(notifier, ledger) == [""]
    assert (len(issue.comments), issue.done) == (1, False)
    assert "Worse than before" in json.dumps(issue.comments[0])
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    assert sent(notifier, ledger) == [""]
    assert (len(issue.comments), issue.done) == (2, True)
    ledger.set_status(FINDING.uid, Status.NEW, "sakimori", "reopened")
    assert sent(notifier, ledger) == [""]
    assert (len(issue.comments), issue.done) == (3, False)
    ledger.set_status(FINDING.uid, Status.SUPPRESSED, "kaede")
    assert sent(notifier, ledger) == [""]
    assert (len(issue.comments), issue.done) == (4, True)
    assert sent(notifier, ledger) == []
    assert len(tickets.issues) == 1
    assert [row.reference for row in notifier.log()] == [issue.key] * 5


def test_one_that_was_resolved_before_anybody_was_told_needs_no_ticket(
    notifier: Notifier, ledger: Ledger, tickets: Desk
) -> None:
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    assert sent(notifier, ledger) == []
    assert tickets.issues == {}


def test_killed_after_it_was_made_there_is_still_one(
    kind: str, notifier: Notifier, ledger: Ledger, tickets: Desk
) -> None:
    module, real = channel(kind), channel(kind).send

    class Killed(BaseException):
        pass

    def killed(*arguments: Any) -> str:
        real(*arguments)
        raise Killed

    module.send = killed  # type: ignore[attr-defined]
    try:
        with pytest.raises(Killed):
            notifier.send_findings(ledger.findings(), NOW)
    finally:
        module.send = real  # type: ignore[attr-defined]
    assert [row.state for row in notifier.log()] == ["sending"]
    assert notifier.deliver(NOW + timedelta(minutes=4)) == []
    assert [each.why for each in notifier.deliver(NOW + timedelta(minutes=6))] == [""]
    assert len(tickets.issues) == 1
    assert next(iter(tickets.issues.values())).comments == []


def test_too_many_requests_are_waited_out(kind: str, notifier: Notifier, ledger: Ledger, tickets: Desk) -> None:
    tickets.busy = [too_many(kind, 600)]
    [outcome] = notifier.send_findings(ledger.findings(), NOW)
    assert "answered 429" in outcome.why
    assert notifier.deliver(NOW + timedelta(minutes=9)) == []
    assert [each.why for each in notifier.deliver(NOW + timedelta(minutes=12))] == [""]
    assert len(tickets.issues) == 1


def test_what_they_refuse_is_said_in_their_words_and_no_secret_is(
    kind: str, notifier: Notifier, ledger: Ledger, tickets: Desk
) -> None:
    said = {
        "jira": (
            "issuetype: Specify a valid issue type",
            "Client must be authenticated",
            "The value 'NONE' does not exist",
        ),
        "backlog": ("has no issue type 'Story': it has Task, Incident", "Authentication failure", "No issue"),
    }[kind]
    for change, expected in zip(({"type": "Story"}, {"token": "wrong"}, {"project": "NONE"}), said, strict=True):
        route = Route("other", kind, settings=settings(kind, tickets, **change))
        one = Notifier(notifier.engine, [replace(route, name=str(change))], notifier.links)
        [outcome] = one.send_findings(ledger.findings())
        assert expected in outcome.why
        assert TOKEN not in outcome.why
        assert "apiKey" not in outcome.why
    assert tickets.issues == {}


def test_a_ticket_that_somebody_deleted_is_made_anew(notifier: Notifier, ledger: Ledger, tickets: Desk) -> None:
    sent(notifier, ledger)
    tickets.issues.clear()
    ledger.upsert_findings([replace(FINDING, severity=Severity.CRITICAL)])
    assert sent(notifier, ledger) == [""]
    assert len(tickets.issues) == 1
    tickets.issues.clear()
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    assert sent(notifier, ledger) == [""]
    assert tickets.issues == {}


def test_a_ticket_that_a_person_closed_already_is_not_closed_twice(
    notifier: Notifier, ledger: Ledger, tickets: Desk
) -> None:
    sent(notifier, ledger)
    [issue] = tickets.issues.values()
    issue.done = True
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    assert sent(notifier, ledger) == [""]
    assert (issue.done, len(issue.comments)) == (True, 1)


def test_a_drill_is_answered_by_closing_its_ticket(notifier: Notifier, tickets: Desk) -> None:
    [(route, canary, why)] = notifier.drill()
    assert why == ""
    [issue] = tickets.issues.values()
    assert notifier.answered(route, canary) == (False, "")
    issue.done = True
    assert notifier.answered(route, canary) == (True, "")
    issue.done = False
    assert notifier.conclude(route, canary, "") == ""
    assert issue.done


def test_a_workflow_of_jira_that_leads_nowhere_is_named_and_comments_do_not_pile_up(tmp_path: Path) -> None:
    with desk("jira") as tickets:
        tickets.transitions = ("In Progress",)
        module = channel("jira")
        own = settings("jira", tickets)
        key = module.send(message("finding-new"), said("finding-new"), own)
        with pytest.raises(NotifyError, match=f"{key} has no transition to a status that is done"):
            module.send(message("finding-resolved", key), said("finding-resolved"), own)
        assert tickets.issues[key].comments == []
        tickets.transitions = ("Done", "Won't do")
        module.send(message("finding-resolved", key), said("finding-resolved"), own | {"done": "won't do"})
        assert tickets.issues[key].done


def test_jira_data_center_takes_wiki_markup_and_a_bearer_token() -> None:
    with desk("jira") as tickets:
        own = {"url": tickets.url, "project": PROJECT, "token": TOKEN, "private": True, "api": 2, "type": "Incident"}
        key = channel("jira").send(message("finding-new"), said("finding-new"), own)
        assert isinstance(tickets.issues[key].description, str)
        assert ("POST", "/rest/api/2/search") in tickets.asked


def test_values_are_no_markup_in_tickets() -> None:
    hostile = "{code} [click|https://evil.example] *b* ''x'' [[y]] #image(z) &color(red) { t } `c` {noformat}"
    assert not set(jira.escaped(hostile)) & set("{}[]*|`~^") - {"`"}
    assert "[[" not in backlog.escaped(hostile, "backlog")
    assert "''" not in backlog.escaped(hostile, "backlog")
    assert r"\[click\|" in backlog.escaped(hostile, "markdown")


@pytest.mark.parametrize(("severity", "priority"), [(Severity.CRITICAL, 2), (Severity.MEDIUM, 3), (Severity.LOW, 4)])
def test_backlog_has_three_priorities(severity: Severity, priority: int) -> None:
    with desk("backlog") as tickets:
        tickets.rule = "backlog"
        own = settings("backlog", tickets, type="Incident")
        key = channel("backlog").send(replace(message("finding-new"), severity=severity), said("finding-new"), own)
        assert (tickets.issues[key].priority, tickets.issues[key].kind) == (priority, 32)


def message(kind: str, reference: str = "") -> Message:
    facts = {"title": "t", "description": "d", "uid": "u", "remedy": "r"}
    return Message(kind, "f/1", Severity.HIGH, "1", "x", "y", facts, about="f", reference=reference)


def said(kind: str) -> Any:
    from sakimori.notify.message import worded

    return worded(message(kind), "en")
