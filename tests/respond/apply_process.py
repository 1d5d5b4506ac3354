"""Applies a small deployment in a process of its own, which is killed at its n-th change: see test_deploy_stack.py."""

import sys

from deployments import SMALL, small_design

from sakimori.aws.session import client
from sakimori.respond.deploy.cloudformation import template
from sakimori.respond.deploy.stack import Stack

print(sys.argv[1], flush=True)
Stack("sakimori", lambda service: client(service, region="us-east-1"), sleep=lambda _: None).apply(
    template(small_design()), SMALL
)
