"""The workload protection manager, ours or Trend's, as responses call it: its errors as ours, each call guarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sakimori.model.action import Target
from sakimori.model.said import say
from sakimori.respond.describing import instance_tags
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.world import World

T = TypeVar("T")

IAM_ACTIONS = ("ec2:DescribeInstances",)
"""Protected computers are EC2 instances, and their tags say whether they may be touched."""


def ask(world: World, question: Callable[[Any], T]) -> T:
    """What the manager's client answers to `question`. Raises Passing for what may be over the next time."""
    from sakimori.protect import client_errors as errors

    client = world.manager

    def asked() -> T:
        try:
            return question(client)
        except (errors.Unreachable, errors.Unavailable, errors.RateLimited) as error:
            raise Passing(say("the protection manager: {error}", error=error)) from error
        except errors.ManagerError as error:
            raise RespondError(say("the protection manager: {error}", error=error)) from error

    return world.guard.call("protect", "", asked)


def computer_of(target: Target) -> int:
    """The computer that a target stands for. Raises RespondError if it does not say."""
    found = target.parameters.get("computer")
    if not isinstance(found, int):
        raise RespondError(
            say("{target} does not say which computer of the protection manager it is", target=target.uid)
        )
    return found


def tags(world: World, target: Target) -> dict[str, str]:
    """The tags of the instance that the computer is."""
    return instance_tags(world, target)
