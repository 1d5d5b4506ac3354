"""Every log inspection rule on its own lines: all hits fire it, no miss does."""

from __future__ import annotations

import pytest

from sakimori.protect.agent.log_inspection import Inspector
from sakimori.protect.catalogue import api, reading

CATALOGUE = reading.load()
RULES = [{**rule, "ID": rule_id} for rule_id, rule in api.as_api(CATALOGUE)["loginspectionrules"].items()]


def fired(rule_id: int, lines: list[str]) -> list[int]:
    """The numbers of the lines at which the rule fired, all rules being in force."""
    inspector = Inspector(RULES)
    assert inspector.refused == []
    path = CATALOGUE.logs[rule_id].logs[0].location.replace("*", "x")
    return [hit.line for hit in inspector.inspect(path, lines) if hit.rule == rule_id]


@pytest.mark.parametrize("rule_id", CATALOGUE.logs, ids=lambda rule_id: CATALOGUE.logs[rule_id].slug)
def test_a_rule_on_its_own_lines(rule_id: int) -> None:
    rule = CATALOGUE.logs[rule_id]
    hits = list(rule.tests.hits)
    if rule.frequency:
        assert fired(rule_id, hits) == [len(hits)]
        assert fired(rule_id, hits[:-1]) == []
    else:
        assert fired(rule_id, hits) == list(range(1, len(hits) + 1))
    assert fired(rule_id, list(rule.tests.misses)) == []
