"""A web ACL is written with its lock token: what others write at the same moment stays."""

from __future__ import annotations

import accounts
import pytest
from waf_account import add_rule

from sakimori.respond import plugins
from sakimori.respond.errors import Undone
from sakimori.respond.world import World
from sakimori.simulate.aws import Answer, Call, SimulatedAws


def test_what_somebody_adds_at_the_same_moment_stays_and_undo_takes_out_ours_alone(
    world: World, aws: SimulatedAws
) -> None:
    thing, action = accounts.web_acl(aws), plugins.action("add-waf-rule-group")
    before, tries = action.before(world, thing.target), []

    def quicker(call: Call) -> Answer | None:
        tries.append(call)
        if len(tries) > 1:
            return None
        add_rule(aws, thing, "theirs")
        return Answer(b'{"__type": "WAFOptimisticLockException", "message": "somebody was quicker"}', 400)

    theirs = lambda call: b'"theirs"' in call.body and len(tries) == 1  # noqa: E731
    aws.handlers["wafv2:UpdateWebACL"] = lambda call: None if theirs(call) else quicker(call)
    action.apply(world, thing.target, before, "run-0")
    names = [rule["Name"] for rule in thing.describe()["Rules"]]
    assert names == ["own", "theirs", "Sakimori-AWSManagedRulesSQLiRuleSet"]
    proof = action.verify(world, thing.target, before)
    assert proof.verified
    action.undo(world, thing.target, before, proof.after)
    assert [rule["Name"] for rule in thing.describe()["Rules"]] == ["own", "theirs"]


def test_undo_refuses_where_somebody_is_quicker(world: World, aws: SimulatedAws) -> None:
    thing, action = accounts.web_acl(aws), plugins.action("add-waf-rule-group")
    before = action.before(world, thing.target)
    action.apply(world, thing.target, before, "run-0")
    after = action.verify(world, thing.target, before).after
    add_rule(aws, thing, "theirs")
    with pytest.raises(Undone, match="changed by somebody else just now"):
        action.undo(world, thing.target, before, after)
    assert "theirs" in [rule["Name"] for rule in thing.describe()["Rules"]]
