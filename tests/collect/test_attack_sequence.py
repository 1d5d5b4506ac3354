"""What an attack sequence names: every resource and credential once, what it is about first, spelt as elsewhere."""

from __future__ import annotations

from typing import Any

from sakimori.collect.attack_sequence import address_of, resources_of, sequence_of, tactics_of

ACCOUNT, REGION = "111122223333", "eu-west-1"
BUCKET = {"resourceType": "S3_BUCKET", "uid": "pay", "accountId": "444455556666", "region": "us-east-1", "data": {}}
KEY = {
    "resourceType": "ACCESS_KEY",
    "uid": "AIDA1/AKIAIOSFODNN7EXAMPLE",
    "data": {"accessKey": {"userName": "ann", "userType": "IAMUser", "principalId": "AIDA1"}},
}


def named(kind: str, *resources: dict[str, Any], **sequence: Any) -> list[tuple[str, str, str, str]]:
    found = resources_of({"resources": list(resources), **sequence}, kind, ACCOUNT, REGION)
    return [(each.type, each.uid, each.account, each.region) for each in found]


def test_what_the_sequence_is_about_comes_first() -> None:
    told = named("AttackSequence:S3/CompromisedData", KEY, BUCKET)
    assert told == [
        ("AWS::S3::Bucket", "arn:aws:s3:::pay", "444455556666", "us-east-1"),
        ("AWS::IAM::AccessKey", "AKIAIOSFODNN7EXAMPLE", ACCOUNT, REGION),
    ]
    assert [each[0] for each in named("AttackSequence:IAM/CompromisedCredentials", BUCKET, KEY)] == [
        "AWS::IAM::AccessKey",
        "AWS::S3::Bucket",
    ]


def test_a_group_names_its_compromised_instances_in_its_own_partition() -> None:
    group = {
        "resourceType": "AUTOSCALING_AUTO_SCALING_GROUP",
        "uid": "arn:aws-cn:autoscaling:cn-north-1:1:autoScalingGroup:x",
        "region": "cn-north-1",
        "cloudPartition": "aws-cn",
        "data": {"autoscalingAutoScalingGroup": {"ec2InstanceUids": ["i-1", ""]}},
    }
    assert named("AttackSequence:EC2/CompromisedInstanceGroup", group)[0] == (
        "AWS::EC2::Instance",
        "arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-1",
        ACCOUNT,
        "cn-north-1",
    )


def test_the_nodes_of_a_cluster_are_not_called_compromised() -> None:
    data = {"eksCluster": {"arn": "arn:aws:eks:eu-west-1:1:cluster/c", "ec2InstanceUids": ["i-1"]}}
    cluster = {"resourceType": "EKS_CLUSTER", "uid": "c", "data": data}
    assert named("AttackSequence:EKS/CompromisedCluster", cluster) == [
        ("AWS::EKS::Cluster", "arn:aws:eks:eu-west-1:1:cluster/c", ACCOUNT, REGION)
    ]


def test_an_actor_is_named_by_the_role_that_issued_the_session_or_else_by_the_key() -> None:
    session = {"user": {"credentialUid": "ASIA1"}, "session": {"issuer": "arn:aws:iam::1:role/web"}}
    person = {"user": {"credentialUid": "AKIA2", "name": "ann", "account": {"uid": "2"}}}
    assert named("AttackSequence:IAM/x", actors=[session, person, {"user": {}}]) == [
        ("AWS::IAM::AccessKey", "AKIA2", "2", REGION),
        ("AWS::IAM::Role", "arn:aws:iam::1:role/web", ACCOUNT, REGION),
    ]


def test_a_key_that_is_named_twice_is_one_with_what_is_known_of_it() -> None:
    actor = {"user": {"credentialUid": "AKIAIOSFODNN7EXAMPLE"}}
    found = resources_of({"resources": [KEY], "actors": [actor]}, "AttackSequence:IAM/x", ACCOUNT, REGION)
    assert [each.details["user_name"] for each in found] == ["ann"]


def test_tactics_and_the_address_are_what_indicators_and_endpoints_say() -> None:
    indicators = [
        {"key": "ATTACK_TACTIC", "values": ["Defense Evasion", "Impact", "Impact", "No Such Thing"]},
        {"key": "SUSPICIOUS_NETWORK", "values": ["Exfiltration"]},
    ]
    assert tactics_of({"sequenceIndicators": indicators}) == ("defense-evasion", "impact")
    assert address_of({"endpoints": [{"id": "a"}, {"ip": "198.51.100.7"}, {"ip": "203.0.113.9"}]}) == "198.51.100.7"
    assert (tactics_of({}), address_of({}), sequence_of({"service": {"detection": None}})) == ((), "", {})
