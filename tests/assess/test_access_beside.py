"""What else must allow: the networks of VPC Lattice, the data access policies of OpenSearch Serverless."""

from __future__ import annotations

from typing import Any

import pytest

from estates import ACCOUNT, OTHER, STRANGE, allow, document, inventory, user
from sakimori.assess.access.assessment import assess
from sakimori.assess.access.engine import Response
from sakimori.assess.access.estate import estate
from sakimori.assess.access.questions import can, who_can
from sakimori.model.asset import Asset
from sakimori.model.severity import Severity

HERE = f"eu-west-1:{ACCOUNT}"
SERVICE, NETWORK = f"arn:aws:vpc-lattice:{HERE}:service/svc-1", f"arn:aws:vpc-lattice:{HERE}:servicenetwork/sn-1"
INVOKE, PATH = "vpc-lattice-svcs:Invoke", f"{SERVICE}/orders"
FROM_A_VPC = {"vpc-lattice-svcs:SourceVpc": "vpc-1"}
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"


def lattice(kind: str, uid: str, auth: str, *statements: Any, **config: Any) -> Asset:
    policy = document(*statements) if statements else None
    return Asset(
        uid,
        f"AWS::VpcLattice::{kind}",
        ACCOUNT,
        "eu-west-1",
        {"authType": auth, "AuthPolicy": policy, **config},
        {},
        "x",
    )


def service(auth: str, *statements: Any, networks: tuple[str, ...] = (NETWORK,)) -> Asset:
    associated = [{"serviceNetworkArn": arn} for arn in networks]
    return lattice("Service", SERVICE, auth, *statements, ServiceNetworks=associated)


def network(auth: str, *statements: Any) -> Asset:
    return lattice("ServiceNetwork", NETWORK, auth, *statements)


ALL, NAMED = allow(INVOKE, Principal="*"), allow(INVOKE, Principal={"AWS": ANN})


@pytest.mark.parametrize(
    ("of_service", "of_network", "expected"),
    [
        (service("AWS_IAM", ALL), network("AWS_IAM", ALL), "Allowed"),
        (service("AWS_IAM", ALL), network("AWS_IAM", NAMED), "Allowed"),
        (service("AWS_IAM", NAMED), network("NONE"), "Allowed"),
        (service("NONE"), network("AWS_IAM", NAMED), "Allowed"),
        (service("NONE"), network("NONE"), "Allowed"),
        (service("AWS_IAM", ALL), network("AWS_IAM", allow(INVOKE, Principal={"AWS": STRANGE})), "ImplicitlyDenied"),
        (service("AWS_IAM", allow(INVOKE, Principal={"AWS": STRANGE})), network("NONE"), "ImplicitlyDenied"),
        (service("AWS_IAM", ALL), network("AWS_IAM"), "ImplicitlyDenied"),
        (service("AWS_IAM", ALL, networks=()), network("NONE"), "ImplicitlyDenied"),
        (service("AWS_IAM", ALL, networks=(NETWORK.replace("sn-1", "sn-2"),)), network("NONE"), "Unknown"),
    ],
)
def test_a_service_is_reached_as_its_networks_allow(of_service: Asset, of_network: Asset, expected: str) -> None:
    found = estate(inventory(of_service, of_network, user("ann")))
    assert can(found, ANN, INVOKE, PATH, FROM_A_VPC).response.value == expected
    assert can(found, ANN, INVOKE, PATH).response is not Response.ALLOWED, "requests come from a VPC"


def test_a_service_for_everybody_is_open_to_whoever_is_in_a_vpc_of_its_networks() -> None:
    (finding,) = assess(inventory(service("AWS_IAM", ALL), network("NONE")), ["public_resource"]).findings
    assert (finding.asset, finding.severity) == (SERVICE, Severity.LOW)
    assert "vpc-lattice-svcs:SourceVpc" in finding.title
    shut = inventory(service("AWS_IAM", ALL), network("AWS_IAM", NAMED))
    assert assess(shut, ["public_resource"]).findings == ()


def test_a_service_that_another_account_may_call() -> None:
    for_other = allow(INVOKE, Principal={"AWS": OTHER})
    (finding,) = assess(inventory(service("AWS_IAM", for_other), network("NONE")), ["cross_account_resource"]).findings
    assert (finding.asset, finding.actor) == (SERVICE, f"arn:aws:iam::{OTHER}:root")


# ---- OpenSearch Serverless

COLLECTION, DATA = f"arn:aws:aoss:{HERE}:collection/c1", "aoss:APIAccessAll"


def collection(name: str = "logs") -> Asset:
    return Asset(COLLECTION, "AWS::OpenSearchServerless::Collection", ACCOUNT, "eu-west-1", {"name": name}, {}, name)


def data_policy(principal: str, *resources: str, region: str = "eu-west-1") -> Asset:
    rule = {"ResourceType": "index", "Resource": [*resources], "Permission": ["aoss:ReadDocument"]}
    config = {"name": "p", "policy": [{"Rules": [rule], "Principal": [principal]}]}
    uid = f"arn:aws:aoss:{region}:{ACCOUNT}:access-policy/data/p"
    return Asset(uid, "AWS::OpenSearchServerless::AccessPolicy", ACCOUNT, region, config, {}, "p")


@pytest.mark.parametrize(
    ("policies", "rights", "expected"),
    [
        ([data_policy(ANN, "index/logs/*")], [allow(DATA)], "Allowed"),
        ([data_policy(ANN, "collection/lo*")], [allow(DATA, COLLECTION)], "Allowed"),
        ([data_policy(f"arn:aws:iam::{ACCOUNT}:root", "index/*/*")], [allow(DATA)], "Allowed"),
        ([data_policy(ANN, "index/logs/*")], [], "ImplicitlyDenied"),
        ([data_policy(ANN, "index/other/*")], [allow(DATA)], "ImplicitlyDenied"),
        ([data_policy(ANN, "index/logs/*", region="us-east-1")], [allow(DATA)], "ImplicitlyDenied"),
        ([data_policy(ANN.replace("ann", "bob"), "index/logs/*")], [allow(DATA)], "ImplicitlyDenied"),
        ([data_policy("saml/1/okta/group/g", "index/logs/*")], [allow(DATA)], "ImplicitlyDenied"),
        ([], [allow("*")], "ImplicitlyDenied"),
    ],
)
def test_data_needs_a_data_access_policy_and_a_right(policies: list[Asset], rights: list[Any], expected: str) -> None:
    found = estate(inventory(collection(), *policies, user("ann", *rights)))
    assert can(found, ANN, DATA, COLLECTION).response.value == expected
    able = [row.principal for row in who_can(found, DATA, COLLECTION).rows if row.principal == ANN]
    assert bool(able) is (expected == "Allowed")


def test_who_changes_a_collection_needs_no_data_access_policy() -> None:
    found = estate(inventory(collection(), user("ann", allow("aoss:DeleteCollection"))))
    assert can(found, ANN, "aoss:DeleteCollection", COLLECTION).response is Response.ALLOWED
