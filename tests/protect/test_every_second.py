"""What the engine of tasks asks every second it finds by an index, however much there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

from sakimori.protect.manager import Manager, Options
from sakimori.store.database import connect, reading


def test_nothing_is_scanned_from_end_to_end(tmp_path: Path) -> None:
    engine = connect(tmp_path / "ledger.sqlite")
    manager = Manager(engine, Options(built_in={}))
    manager.prepare()
    manager.task_engine.step()
    asked: dict[str, Any] = {}

    def hear(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked[statement] = parameters

    event.listen(engine, "before_cursor_execute", hear)
    manager.task_engine.step()
    event.remove(engine, "before_cursor_execute", hear)
    assert any("nextRunTime" in str(parameters) for parameters in asked.values())
    large = ("protect_values", "protect_objects", "protect_jobs", "protect_agents", "protect_events", "protect_modes")
    with reading(engine) as connection:
        for statement, parameters in asked.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert [row[3] for row in plan if row[3].startswith(tuple(f"SCAN {name}" for name in large))] == []
    engine.dispose()
