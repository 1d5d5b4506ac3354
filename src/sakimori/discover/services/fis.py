"""Fault Injection Service: templates of experiments, and the roles that these act under. Of the actions' parameters
only the names."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

TEMPLATE = Resource(
    "AWS::FIS::ExperimentTemplate",
    items="experimentTemplates[]",
    arn="{arn}",
    name="{id}",
    tags="tags",
    details=(
        Detail(
            operation="GetExperimentTemplate",
            parameters={"id": "{id}"},
            path="experimentTemplate",
            secrets=("experimentTemplate.actions[].parameters",),
        ),
    ),
    relations=(
        Tie("runs-as", "roleArn"),
        Tie("targets", "targets[].resourceArns[]"),
        Tie("logs-to", "logConfiguration.cloudWatchLogsConfiguration.logGroupArn"),
        Tie("logs-to", "logConfiguration.s3Configuration.bucketName", "arn:{@partition}:s3:::{}"),
    ),
)

SERVICE = Service(client="fis", lists=(Listing(operation="ListExperimentTemplates", gives=(TEMPLATE,)),))
