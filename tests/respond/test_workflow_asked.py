"""A person picks a workflow in Security Hub, or a schedule asks for one."""

from __future__ import annotations

from pathlib import Path

from workflow_cases import (
    engine_of,
    event,
)

import told_events as told
from sakimori.respond.world import World


def test_a_person_picks_the_workflow_in_security_hub(world: World, tmp_path: Path) -> None:
    with engine_of(world, tmp_path) as engine:
        chosen = engine.subscribers(event(told.custom_action("sakimoriGuardduty", told.asff())))
        assert list(chosen) == ["guardduty"]
        other = event(told.custom_action("other", told.asff()))
        assert list(engine.subscribers(other)) == []
        assert "the custom action of Security Hub 'other' names no workflow" in engine.refusal(other)
        assert "s3-appspec" in engine.refusal(other)
        named = told.custom_action("x1", told.asff())
        for name in ("Sakimori s3-appspec", "s3-appspec", "sakimoriS3Appspec"):
            named["detail"]["actionName"] = name
            assert list(engine.subscribers(event(named))) == ["s3-appspec"]
            assert engine.refusal(event(named)) == ""
        assert engine.refusal(event(told.guardduty())) == ""
        schedule = told.envelope(
            "aws.events", "Scheduled Event", {}, resources=["arn:aws:events:x:1:rule/sakimori-waf-daily"]
        )
        assert list(engine.subscribers(event(schedule))) == ["waf"]
        schedule["resources"] = ["arn:aws:events:x:1:rule/sakimori-wag"]
        assert "the schedule 'sakimori-wag' names no workflow" in engine.refusal(event(schedule))
        schedule["resources"] = ["arn:aws:events:x:1:rule/nightly-backup"]
        assert engine.refusal(event(schedule)) == "", "it is somebody else's"
