"""A synthetic organisation of any size: roles with managed and inline policies, buckets with policies, SCPs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from sakimori.model.asset import GLOBAL, Asset, Inventory

ROLES_AN_ACCOUNT = 250
POLICIES_AN_ACCOUNT = 200
SERVICES = ("s3", "ec2", "sqs", "sns", "dynamodb", "logs", "kms", "lambda", "ssm", "cloudwatch")
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:Get*", "s3:*", "sqs:*", "dynamodb:GetItem", "logs:*")


def organization(roles: int, buckets: int, seed: int = 1) -> Inventory:
    """`roles` roles in accounts of 250, each account with 200 managed policies, and `buckets` buckets among them.

    A role has two managed policies and one inline; one in five a boundary; one in a hundred may do everything. A bucket
    has a policy that demands TLS, and every third one that lets somebody in, of its own or of another account.
    """
    random_ = random.Random(seed)
    accounts = [str(100000000000 + n) for n in range(max(1, roles // ROLES_AN_ACCOUNT))]
    names = [f"company-{random_.choice(('logs', 'data', 'app', 'web'))}-{n}" for n in range(buckets)]
    assets = [*_tree(accounts)]
    for account in accounts:
        assets += [_managed(account, n, names, random_) for n in range(POLICIES_AN_ACCOUNT)]
    assets += [_role(accounts[n % len(accounts)], n, names, random_) for n in range(roles)]
    assets += [_bucket(name, accounts, roles, random_) for name in names]
    return Inventory(assets)


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(names: list[str], random_: random.Random) -> dict[str, Any]:
    service = random_.choice(SERVICES)
    if service != "s3":
        return {"Effect": "Allow", "Action": [f"{service}:Get*", f"{service}:Describe*"], "Resource": "*"}
    bucket = random_.choice(names)
    prefix = random_.choice(("", "in/", "out/", "${aws:username}/"))
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{prefix}*"]
    found: dict[str, Any] = {"Effect": "Allow", "Action": random_.sample(ACTIONS, 2), "Resource": resources}
    if random_.random() < 0.1:
        found["Condition"] = {"StringEquals": {"aws:SourceVpce": f"vpce-{random_.randrange(4)}"}}
    if random_.random() < 0.1:
        found["Effect"] = "Deny"
    return found


def _managed(account: str, n: int, names: list[str], random_: random.Random) -> Asset:
    arn = f"arn:aws:iam::{account}:policy/policy-{n}"
    if n == 0:
        document = _document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    elif n == 1:
        document = _document({"Effect": "Allow", "Action": ["s3:*", "sqs:*", "logs:*", "ec2:*"], "Resource": "*"})
    else:
        document = _document(*(_statement(names, random_) for _ in range(4)))
    version = {"VersionId": "v1", "IsDefaultVersion": True, "Document": document}
    return Asset(arn, "AWS::IAM::ManagedPolicy", account, GLOBAL, {"Arn": arn, "PolicyVersionList": [version]})


def _role(account: str, n: int, names: list[str], random_: random.Random) -> Asset:
    arn = f"arn:aws:iam::{account}:role/role-{n}"
    attached = [0] if n % 100 == 0 else random_.sample(range(2, POLICIES_AN_ACCOUNT), 2)
    trusted: dict[str, Any] = {"Service": "ec2.amazonaws.com"}
    if n % 10 == 1:
        trusted = {"AWS": f"arn:aws:iam::{account}:root"}
    elif n % 10 == 2 and n > 20:
        trusted = {"AWS": f"arn:aws:iam::{account}:role/role-{n - 20}"}
    config: dict[str, Any] = {
        "RoleName": f"role-{n}",
        "Arn": arn,
        "AssumeRolePolicyDocument": _document({"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}),
        "AttachedManagedPolicies": [
            {"PolicyName": f"policy-{m}", "PolicyArn": f"arn:aws:iam::{account}:policy/policy-{m}"} for m in attached
        ],
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": _document(_statement(names, random_))}],
    }
    if n % 5 == 0 and n % 100:
        config["PermissionsBoundary"] = {"PermissionsBoundaryArn": f"arn:aws:iam::{account}:policy/policy-1"}
    return Asset(arn, "AWS::IAM::Role", account, GLOBAL, config, {}, f"role-{n}")


def _bucket(name: str, accounts: list[str], roles: int, random_: random.Random) -> Asset:
    arn = f"arn:aws:s3:::{name}"
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements = [tls]
    if random_.random() < 0.3:
        n = random_.randrange(roles)
        named = f"arn:aws:iam::{accounts[n % len(accounts)]}:role/role-{n}"
        grant = {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "s3:GetObject", "Resource": f"{arn}/*"}
        statements.append(grant)
    config = {
        "Policy": _document(*statements),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    }
    return Asset(arn, "AWS::S3::Bucket", random_.choice(accounts), "eu-west-1", config, {}, name)


def _tree(accounts: list[str]) -> Iterator[Asset]:
    home = accounts[0]
    base = f"arn:aws:organizations::{home}"
    yield Asset(f"{base}:root/o-1/r-1", "AWS::Organizations::Root", home, GLOBAL, {"Id": "r-1"})
    for account in accounts:
        config = {"Id": account, "ParentId": "r-1"}
        yield Asset(f"{base}:account/o-1/{account}", "AWS::Organizations::Account", home, GLOBAL, config)
    documents = {
        "p-full": _document({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        "p-guard": _document(
            {"Effect": "Deny", "Action": ["cloudtrail:StopLogging", "s3:PutAccountPublicAccessBlock"], "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::company-logs-1*"},
        ),
    }
    for name, document in documents.items():
        targets = [{"TargetId": each} for each in (["r-1", *accounts] if name == "p-full" else ["r-1"])]
        config = {"Id": name, "Type": "SERVICE_CONTROL_POLICY", "Content": document, "Targets": targets}
        yield Asset(f"{base}:policy/o-1/{name}", "AWS::Organizations::Policy", home, GLOBAL, config, {}, name)
