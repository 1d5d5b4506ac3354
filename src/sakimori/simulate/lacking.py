"""What moto has no answer to, answered in AWS's own shape: calls that list what nobody can make there are empty."""

from __future__ import annotations

from typing import Any

_EMPTY = {
    "ec2": {
        "DescribeInstanceConnectEndpoints": "InstanceConnectEndpoints",
        "DescribeVpcBlockPublicAccessExclusions": "VpcBlockPublicAccessExclusions",
    },
}
"""Service -> operation -> the list in its answer."""

_TOLD: dict[str, dict[str, dict[str, Any]]] = {
    "ec2": {
        "DescribeVpcBlockPublicAccessOptions": {
            "VpcBlockPublicAccessOptions": {
                "State": "default-state",
                "InternetGatewayBlockMode": "off",
                "ManagedBy": "account",
                "ExclusionsAllowed": "allowed",
            }
        },
    },
}


def lacking() -> dict[str, dict[str, Any]]:
    """`service:Operation`, as boto3 names them -> what is answered."""
    empty: dict[str, dict[str, Any]] = {
        f"{s}:{o}": {name: []} for s, operations in _EMPTY.items() for o, name in operations.items()
    }
    return empty | {f"{s}:{o}": told for s, operations in _TOLD.items() for o, told in operations.items()}
