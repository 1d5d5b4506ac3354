"""Keys that are known to others."""

from __future__ import annotations

from workflow_cases import (
    plan,
)

import told_events as told
from sakimori.respond.world import World


def test_an_exposed_key_is_deactivated(world: World) -> None:
    detail = {
        "eventArn": "arn:aws:health:us-east-1::event/RISK/1",
        "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED",
        "affectedEntities": [{"entityValue": "AKIAEXAMPLE"}, {"entityValue": "ASIAEXAMPLE"}],
    }
    found = plan("key-exposed", told.envelope("aws.health", "AWS Health Event", detail), world)
    assert [(step.action, step.target.uid) for step in found.steps] == [("deactivate-access-key", "AKIAEXAMPLE")]
    assert "ASIAEXAMPLE" in found.not_evaluated[0]
