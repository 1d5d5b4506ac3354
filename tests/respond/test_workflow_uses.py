"""Workflows say which actions they use: what a deployment may do is made from that."""

from __future__ import annotations

import ast
import inspect

import pytest

from sakimori.respond import plugins, protected
from sakimori.respond.errors import RespondError


def _texts(module: object) -> set[str]:
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("name", plugins.workflow_names())
def test_a_workflow_uses_the_actions_that_it_names_and_no_others(name: str) -> None:
    module = plugins.workflow(name)
    named = _texts(module) & set(plugins.action_names())
    if "protected.scans(" in inspect.getsource(module):
        named |= _texts(protected) & {"apply-recommendations"}
    assert set(plugins.uses(name)) == named


def test_permissions_are_those_of_the_workflow_and_of_the_actions_that_it_uses() -> None:
    assert plugins.permissions_of(["s3-appspec"]) == sorted(
        {
            *plugins.workflow("s3-appspec").IAM_ACTIONS,
            *(each for name in plugins.workflow("s3-appspec").USES for each in plugins.action(name).IAM_ACTIONS),
        }
    )
    everything = set(plugins.permissions_of(plugins.workflow_names()))
    assert everything <= set(plugins.permissions())


def test_a_workflow_that_does_not_say_what_it_uses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(plugins.workflow("waf"), "USES")
    with pytest.raises(RespondError, match="the workflow waf does not say which actions it uses"):
        plugins.uses("waf")
