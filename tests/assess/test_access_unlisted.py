"""Calls that were refused, and the kinds of assets that are missing for it."""

from __future__ import annotations

import pytest

from estates import ACCOUNT, inventory, user
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.exposure import checks
from sakimori.assess.access.methods import holder_kinds
from sakimori.assess.access.unlisted import unlisted
from sakimori.discover.services import services
from sakimori.model.asset import NotEvaluated


def refused(action: str, resource: str = "") -> NotEvaluated:
    return NotEvaluated(action, ACCOUNT, "eu-west-1", resource, "AccessDenied", "no")


@pytest.mark.parametrize(
    ("action", "kind", "hides"),
    [
        ("glue:GetJobs", "AWS::Glue::Job", True),
        ("glue:GetJobs", "AWS::Glue::DevEndpoint", False),
        ("states:DescribeStateMachine", "AWS::StepFunctions::StateMachine", True),
        ("states:ListTagsForResource", "AWS::StepFunctions::StateMachine", False),
        ("sagemaker:ListDomains", "AWS::SageMaker::UserProfile", True),
        ("lambda:GetPolicy", "AWS::Lambda::Function", False),  # that is the function's own gap
        ("cognito-identity:GetIdentityPoolRoles", "AWS::Cognito::IdentityPool", True),
        ("ec2:DescribeLaunchTemplateVersions", "AWS::EC2::LaunchTemplate", True),
        ("appstream:ListAssociatedStacks", "AWS::AppStream::Fleet", True),
        ("devicefarm:ListUploads", "AWS::DeviceFarm::Project", True),
        ("emr-serverless:ListJobRuns", "AWS::EMRServerless::Application", True),
        ("imagebuilder:GetContainerRecipe", "AWS::ImageBuilder::ImagePipeline", True),
        ("imagebuilder:GetInfrastructureConfiguration", "AWS::ImageBuilder::ImagePipeline", False),
        ("ec2:DescribeRegions", "AWS::Lambda::Function", True),
        ("ec2:DescribeRegions", "AWS::IAM::User", False),
        ("iam:GetAccountAuthorizationDetails", "AWS::IAM::User", True),
        ("no:Such", "AWS::IAM::User", False),
        ("", "AWS::IAM::User", False),
    ],
)
def test_which_kinds_a_call_hides(action: str, kind: str, hides: bool) -> None:
    assert bool([*unlisted([refused(action)], [kind])]) is hides


def test_every_kind_that_a_check_looks_at_is_discovered() -> None:
    """Else a check would be silent about it for ever."""
    known = {resource.type for service in services().values() for _, resource in service.resources()}
    assert {*holder_kinds(), *(kind for plugin in checks() for kind in plugin.check.needs)} - known == set()


def test_each_check_says_so() -> None:
    for plugin in checks():
        for kind in plugin.check.needs:
            listing = next(
                (service, listing)
                for service in services().values()
                for listing, resource in service.resources()
                if resource.type == kind
            )
            found = inventory(user("ann", CreateDate="2026-11-01T00:00:00Z", CredentialReport={}))
            found.not_evaluated.append(refused(listing[0].action(listing[1])))
            assert plugin.id in {each.check for each in assess(found, [plugin.id]).undecided}, kind


def test_an_account_that_could_not_be_entered_is_told_by_all() -> None:
    found = inventory(user("ann"))
    found.not_evaluated.append(NotEvaluated("sts:AssumeRole", "444455556666", "global", "", "AccessDenied", "no"))
    told = [each for each in assess(found, ["wildcard_trust"]).undecided if each.account == "444455556666"]
    assert "could not be read" in told[0].reason
