"""The printed policy is what the code declares, no more, and what the code calls is declared."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from sakimori.cli.permissions import MANAGED_POLICY, declared_actions, policies


def statements(**given: str) -> list[dict[str, Any]]:
    return [statement for document in policies(**given) for statement in document["Statement"]]


def test_every_declared_action_is_allowed_once_and_nothing_else() -> None:
    allowed = [action for statement in statements() for action in statement["Action"]]
    assert sorted(allowed) == sorted(declared_actions())


def test_no_action_has_a_wildcard_and_s3_is_bound_to_the_bucket() -> None:
    for statement in statements(bucket="my-trail", queue="my-queue"):
        assert not any("*" in action for action in statement["Action"])
        if "s3:GetObject" in statement["Action"]:
            assert all(resource.startswith("arn:aws:s3:::my-trail") for resource in statement["Resource"])


def test_each_document_fits_a_managed_policy_and_there_are_no_more_than_needed() -> None:
    for bucket in ("b", "b" * 63):
        lengths = []
        for document in policies(bucket=bucket):
            assert (set(document), document["Version"]) == ({"Version", "Statement"}, "2012-10-17")
            lengths.append(len(re.sub(r"\s", "", json.dumps(document))))
        assert max(lengths) <= MANAGED_POLICY
        assert all(one + other > MANAGED_POLICY for one, other in pairwise(lengths))


def test_reading_a_trail_is_allowed() -> None:
    assert {"s3:ListBucket", "s3:GetObject"} <= set(declared_actions())


def test_statement_ids_are_unique_and_well_formed() -> None:
    for document in policies():
        ids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in ids)


def test_actions_exist_in_the_services_that_they_name() -> None:
    import botocore.session

    session = botocore.session.get_session()
    for action, modules in declared_actions().items():
        if all(name.startswith("sakimori.discover.services.") for name in modules):
            continue  # tests/discover/test_services.py sees to these
        service, _, operation = action.partition(":")
        operations = session.get_service_model(service).operation_names
        assert operation in {*operations, "ListBucket", "GetObjectVersion", "ListBucketVersions"}, action
