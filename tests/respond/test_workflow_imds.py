"""IMDSv1: what starts it."""

from __future__ import annotations

from workflow_cases import (
    event,
    plan,
    steps,
)

import told_events as told
from sakimori.respond import plugins
from sakimori.respond.world import World


def test_imds_is_started_by_the_control_and_by_stolen_credentials(world: World) -> None:
    fields = {"ProductFields": {"ControlId": "EC2.8"}, "ProductArn": "arn:aws:securityhub:x::product/aws/securityhub"}
    assert steps(plan("imds", told.imported(told.asff(Id="x", **fields)), world)) == ["require-imdsv2"]
    assert not plugins.workflow("imds").subscribes(event(told.guardduty()))
