"""The outside world as responses see it: what AWS denies is told with what responses need."""

from __future__ import annotations

import pytest
from accounts import world_of

from sakimori.aws.errors import AccessDenied
from sakimori.respond.errors import RespondError
from sakimori.simulate.aws import SimulatedAws, refused
from sakimori.simulate.recognise import Operation


@pytest.mark.parametrize("call", ["plain", "pages"])
def test_what_is_denied_names_the_policy_that_responses_need(aws: SimulatedAws, call: str) -> None:
    def deny(_: object) -> object:
        return refused(Operation("ec2", "DescribeInstances"), "UnauthorizedOperation")

    aws.handlers["ec2:DescribeInstances"] = deny  # type: ignore[assignment]
    ec2 = world_of(aws).aws("ec2", "")
    with pytest.raises(AccessDenied) as found:
        if call == "plain":
            ec2.describe_instances(InstanceIds=["i-1"])
        else:
            ec2.pages("describe_instances", "Reservations")
    assert "`sakimori respond permissions` prints the policy" in str(found.value)
    assert "doctor" not in str(found.value)


def test_another_account_needs_a_role_to_act_there(aws: SimulatedAws) -> None:
    with pytest.raises(RespondError, match="no role is set to act there with: set SAKIMORI_RESPOND_ROLE"):
        world_of(aws).aws("ec2", "999988887777")
