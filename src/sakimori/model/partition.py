"""The partitions of AWS: worlds of their own, whose name stands in every ARN."""

from __future__ import annotations

_PREFIXES = {
    "cn-": "aws-cn",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
"""How the names of regions begin outside `aws` (botocore's `partitions.json`)."""


def partition_of(region: str) -> str:
    """The partition that a region is in; `aws` where none is told."""
    return next((name for prefix, name in _PREFIXES.items() if region.startswith(prefix)), "aws")
