"""Reports that tasks write: what is in them, who may read them, and that each is written once."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from in_process import Running, running

from sakimori.protect import outcomes, recommendations, reports, rights
from sakimori.store.database import writing


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "ledger.sqlite", started=True) as found:
        yield found


def written(here: Running, template: str, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the report, its content) of a task that runs once."""
    templates = here.api.get("/reporttemplates")["reportTemplates"]
    id = next(each["ID"] for each in templates if each["name"] == template)
    made = here.api.post(
        "/scheduledtasks",
        {
            "name": template,
            "type": "generate-report",
            "runNow": True,
            "scheduleDetails": {"recurrenceType": "none", "recurrenceCount": 1},
            "generateReportTaskParameters": {"reportTemplateID": id, **parameters},
        },
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        jobs = [each for each in here.api.get("/sakimori/tasks")["tasks"] if each["scheduledTaskID"] == made["ID"]]
        if jobs and jobs[0]["finished"]:
            assert jobs[0]["state"] == "done", jobs[0]["message"]
            report = here.api.get("/sakimori/reports")["reports"][-1]
            assert f"GET /api/sakimori/reports/{report['ID']}/content" in jobs[0]["message"]
            return report, here.api.get(f"/sakimori/reports/{report['ID']}/content")
        time.sleep(0.05)
    raise AssertionError("the report was not written")


def rows(content: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content["content"])))


def test_coverage_names_every_gap_and_a_formula_is_text(here: Running) -> None:
    ids = [here.api.post("/computers", {"hostName": name})["ID"] for name in ("web", "=cmd()")]
    report, content = written(here, "Coverage", format="csv")
    assert (report["name"], report["format"], report["rows"], content["mediaType"]) == (
        "Coverage",
        "csv",
        2,
        "text/csv",
    )
    found = rows(content)
    assert [(each["computer"], each["host"], each["protected"]) for each in found] == [
        (str(ids[0]), "web", "no"),
        (str(ids[1]), "'=cmd()", "no"),
    ]
    assert "agent: Unmanaged (No Agent); policy: none is assigned" in found[0]["gaps"]


def test_events_are_counted_within_their_time_and_on_the_computers_asked_for(here: Running) -> None:
    first, second = (here.api.post("/computers", {"hostName": name})["ID"] for name in ("a", "b"))
    now = int(time.time() * 1_000)
    with writing(here.manager.engine) as connection:
        for computer, key, age in ((first, "1", 0), (first, "2", 0), (second, "3", 0), (first, "4", 3 * 3_600_000)):
            event = {"module": "logInspection", "key": key, "ruleID": 7, "time": now - age}
            outcomes.add_events(connection, 0, computer, [event])
    _, content = written(here, "Events by module", timeRange={"units": "hour", "value": 2})
    assert [tuple(each.values()) for each in rows(content)] == [("logInspection", "7", "not judged", "3", "2")]
    only = {"type": "computer", "computerID": second}
    _, content = written(here, "Events by module", computerFilter=only)
    assert [each["events"] for each in rows(content)] == ["1"]


def test_recommendations_say_never_where_nothing_was_scanned(here: Running) -> None:
    scanned, _ = (here.api.post("/computers", {"hostName": name})["ID"] for name in ("a", "b"))
    with writing(here.manager.engine) as connection:
        recommendations.keep(connection, 0, scanned, {"intrusionpreventionrules": [1, 3]})
    _, content = written(here, "Recommendations")
    patches = [each for each in rows(content) if each["module"] == "intrusionPrevention"]
    assert [(each["to assign"], each["last scan"] == "never") for each in patches] == [
        ("1 3", False),
        ("not known", True),
    ]


def test_html_is_a_table_in_which_nothing_of_a_host_is_markup(here: Running) -> None:
    here.api.post("/computers", {"hostName": "<script>alert(1)</script>"})
    _, content = written(here, "Coverage", format="html")
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.append(tag)

    Tags().feed(content["content"])
    assert content["mediaType"] == "text/html"
    assert ("script" in seen, seen.count("tr")) == (False, 2)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, "there is no ReportTemplate"),
        ({"reportTemplateID": 1, "format": "pdf"}, "written as csv or html, not as pdf"),
        ({"reportTemplateID": 1, "tagFilter": {"type": "untagged"}}, "no tags"),
        ({"reportTemplateID": 1, "computerFilter": {"type": "computers-in-smart-folder"}}, "no smart folders"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused(here: Running, parameters: dict[str, Any], reason: str) -> None:
    task = {"name": "r", "type": "generate-report", "runNow": True, "generateReportTaskParameters": parameters}
    status, message = here.api.refused("POST", "/scheduledtasks", task)
    assert (status, reason in message) == (400, True), message


def test_a_task_that_is_tried_again_writes_no_second_report(here: Running) -> None:
    with writing(here.manager.engine) as connection:
        said = [reports.write(here.manager, connection, 0, 42, {"reportTemplateID": 1}) for _ in range(2)]
    assert said[0] == said[1]
    assert len(here.api.get("/sakimori/reports")["reports"]) == 1


def test_who_does_not_reach_every_computer_reads_no_report(here: Running) -> None:
    report, _ = written(here, "Coverage")
    narrow = here.as_role({"rights": rights.tree(rights.is_view), "allComputers": False, "computerIDs": [1]})
    for path in ("", f"/{report['ID']}", f"/{report['ID']}/content"):
        status, message = narrow.refused("GET", f"/sakimori/reports{path}")
        assert (status, "does not reach them all" in message) == (403, True)
    _, other = here.as_tenant("other")
    assert other.get("/sakimori/reports")["reports"] == []
    assert other.refused("GET", f"/sakimori/reports/{report['ID']}/content")[0] == 404
