"""Calls are counted, and found in the metrics, even if the ledger could not be written for a while."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import running
from sqlalchemy import func, select

from sakimori.protect import tables
from sakimori.protect.usage import Made, Usage
from sakimori.store.database import LedgerError, connect, reading, writing


def test_what_was_called_is_found_by_its_criteria(tmp_path: Path) -> None:
    with running(tmp_path / "ledger.sqlite") as manager:
        manager.api.get("/computers", params={"expand": "none"})
        manager.api.refused("GET", "/computers/77")
        found = manager.api.post(
            "/apiusagemetrics/search", {"searchCriteria": {"fieldName": "action", "stringValue": "%computer%"}}
        )
        seen = [(each["action"], each["statusCode"], each["expandParameter"]) for each in found["apiUsageMetrics"]]
        assert seen == [("list_computers", 200, "none"), ("describe_computer", 404, "")]
        guid = manager.api.get("/apikeys/current")["tenantGUID"]
        assert {(each["apiType"], each["tenantGUID"]) for each in found["apiUsageMetrics"]} == {("REST", guid)}


def test_calls_wait_for_a_ledger_that_cannot_be_written(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    engine, usage = connect(place), Usage()
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE protect_usage RENAME TO away")
    for date in (1, 2):
        usage.add(0, Made("list_computers", "GET", 4_000_000_000_000 + date, 1, 200, "api-secret-key", "", 1))
    with pytest.raises(LedgerError, match="protect_usage"):
        usage.flush(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO protect_usage")
    for _ in range(2):
        usage.flush(engine)
        with reading(engine) as connection:
            assert connection.execute(select(func.count()).select_from(tables.usage)).scalar() == 2


def test_a_call_that_the_ledger_refused_is_counted_as_such(tmp_path: Path) -> None:
    with running(tmp_path / "ledger.sqlite") as manager:
        with writing(manager.manager.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE protect_values RENAME TO away")
        assert manager.api.refused("POST", "/computers", {"hostName": "h"})[0] == 503
        with writing(manager.manager.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO protect_values")
        criterion = {"fieldName": "statusCode", "numericTest": "equal", "numericValue": 503}
        (found,) = manager.api.post("/apiusagemetrics/search", {"searchCriteria": criterion})["apiUsageMetrics"]
        assert found["action"] == "create_computer"
