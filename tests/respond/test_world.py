"""The outside world as responses see it: what AWS denies is told with what responses need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from accounts import world_of

from sakimori.aws.errors import AccessDenied
from sakimori.respond.errors import RespondError
from sakimori.simulate.aws import SimulatedAws, refused
from sakimori.simulate.recognise import Operation


@pytest.mark.parametrize(
    "ask",
    [
        lambda ec2: ec2.describe_instances(InstanceIds=["i-1"]),
        lambda ec2: ec2.pages("describe_instances", "Reservations"),
    ],
    ids=["plain", "pages"],
)
def test_what_is_denied_names_the_policy_that_responses_need(aws: SimulatedAws, ask: Callable[[Any], Any]) -> None:
    denied = refused(Operation("ec2", "DescribeInstances"), "UnauthorizedOperation")
    aws.handlers["ec2:DescribeInstances"] = lambda _: denied
    with pytest.raises(AccessDenied) as found:
        ask(world_of(aws).aws("ec2", ""))
    assert "`sakimori respond permissions` prints the policy" in str(found.value)
    assert "doctor" not in str(found.value)


def test_another_account_needs_a_role_to_act_there(aws: SimulatedAws) -> None:
    with pytest.raises(RespondError, match="no role is set to act there with: set SAKIMORI_RESPOND_ROLE"):
        world_of(aws).aws("ec2", "999988887777")
