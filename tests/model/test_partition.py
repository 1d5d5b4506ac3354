"""Partitions by the names of regions: the same as botocore's own list has it."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest

from sakimori.model.partition import partition_of

KNOWN = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["id"])
def test_every_region_is_in_its_partition(known: dict) -> None:
    regions = [each for each in known["regions"] if not each.endswith("-global")]
    assert regions or known["id"] == "aws-eusc"
    assert {partition_of(each) for each in regions} <= {known["id"]}


def test_without_a_region_it_is_the_great_one() -> None:
    assert partition_of("") == "aws"
