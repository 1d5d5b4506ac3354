"""Rekognition: projects of custom labels, and which other accounts may copy their models."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service

PROJECT = Resource(
    "AWS::Rekognition::Project",
    items="ProjectDescriptions[]",
    arn="{ProjectArn}",
    details=(
        Detail(
            operation="ListProjectPolicies",
            parameters={"ProjectArn": "{ProjectArn}"},
            path="ProjectPolicies[]",
            under="Policies",
        ),
    ),
)

SERVICE = Service(client="rekognition", lists=(Listing(operation="DescribeProjects", gives=(PROJECT,)),))
