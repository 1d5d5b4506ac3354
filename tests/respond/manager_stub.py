"""The stand-in for Trend's manager, with the tasks that it was given: they can be searched until they have run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trend_stub
from trend_stub import Trend


@contextmanager
def stub() -> Iterator[Trend]:
    """`trend_stub` whose scheduled tasks have names."""
    own, names = trend_stub._Handler._route, dict[int, str]()

    def route(self: Any, path: str, query: dict[str, list[str]], body: Any) -> None:
        if path == "/scheduledtasks/search":
            if not self.trend.due:
                names.clear()
            rows = [{"ID": number, "name": name} for number, name in names.items()]
            self._json({"scheduledTasks": self._searched(rows, body or {})})
            return
        if path == "/scheduledtasks" and self.command == "POST":
            names[len(names) + 1] = body["name"]
        own(self, path, query, body)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trend_stub._Handler, "_route", route)
        with trend_stub.trend_stub() as served:
            yield served


def known_as(trend: Trend, instance: str) -> None:
    """The stub's computer is this instance."""
    own = type(trend).computers

    def computers() -> list[dict[str, Any]]:
        rows = own(trend)
        for row in rows[:2]:
            row["ec2VirtualMachineSummary"] = {**row["ec2VirtualMachineSummary"], "instanceID": instance}
        return rows

    object.__setattr__(trend, "computers", computers)
