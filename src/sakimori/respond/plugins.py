"""Workflows and actions by name: one file each, and the file's name is its name.

A workflow declares

    USES = (...)                           # the actions that its plans may hold, by name
    def subscribes(event) -> bool          # whether it wants to see the event
    def plan(event, world) -> Plan         # what it would do; looks, and changes nothing

and an action

    IAM_ACTIONS = (...)                               # what it calls
    def tags(world, target) -> dict                   # the target's tags: they decide the mode, and what is left alone
    def before(world, target) -> dict                 # the state that it changes, as AWS describes it
    def would(target, before) -> dict                 # the state that it wants
    def apply(world, target, before, key) -> None     # makes it so; called again with the same key after a crash
    def verify(world, target, before) -> Proof        # proves it
    def undo(world, target, before, after) -> None    # restores `before`

The first paragraph of a module's docstring says what it does. Third parties add theirs through the entry-point groups
`sakimori.workflows` and `sakimori.actions`. `ANSWERS = True` marks an action that only answers AWS,
`FINAL = "..."` says why one cannot be undone.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from sakimori.respond import actions as actions_folder
from sakimori.respond import workflows as workflows_folder
from sakimori.respond.errors import RespondError

OURS = "sakimori"
"""What the names of our schedules and custom actions begin with."""


def workflow_names() -> list[str]:
    """Every workflow's name, in the order of the alphabet."""
    return sorted(_own(workflows_folder) | _others("sakimori.workflows").keys())


def action_names() -> list[str]:
    """Every action's name."""
    return sorted(_own(actions_folder) | _others("sakimori.actions").keys())


def workflow(name: str) -> ModuleType:
    """The workflow of this name. Raises RespondError."""
    return _load(name, workflows_folder, "sakimori.workflows", workflow_names())


def action(name: str) -> ModuleType:
    """The action of this name. Raises RespondError."""
    return _load(name, actions_folder, "sakimori.actions", action_names())


def answers() -> list[str]:
    """The actions that only answer a question of AWS and change nothing of the user's: no limit counts them."""
    return [name for name in action_names() if getattr(action(name), "ANSWERS", False)]


def permissions(actions: Iterable[str] = ()) -> list[str]:
    """The IAM actions that workflows look with and these actions (none: all) change with, each once."""
    looked = {each for name in workflow_names() for each in getattr(workflow(name), "IAM_ACTIONS", ())}
    changed = {each for name in actions or action_names() for each in action(name).IAM_ACTIONS}
    return sorted(looked | changed | {"sts:GetCallerIdentity"})


def uses(name: str) -> tuple[str, ...]:
    """The actions that a workflow's plans may hold. Raises RespondError where it does not say."""
    declared = getattr(workflow(name), "USES", None)
    if declared is None:
        raise RespondError(f"the workflow {name} does not say which actions it uses: give its module USES = (...)")
    return tuple(declared)


def permissions_of(workflows: Iterable[str]) -> list[str]:
    """The IAM actions that these workflows look with and that the actions which they use change with. Raises
    RespondError."""
    names = list(workflows)
    looked = {each for name in names for each in getattr(workflow(name), "IAM_ACTIONS", ())}
    changed = {each for name in names for used in uses(name) for each in action(used).IAM_ACTIONS}
    return sorted(looked | changed)


def summary(module: ModuleType) -> str:
    """The first paragraph of what a plug-in says of itself, in one line."""
    return " ".join((module.__doc__ or "").split("\n\n")[0].split())


def asks_for(asked: str, name: str) -> bool:
    """Whether a custom action's id or name, or a schedule's name, asks for a workflow: `sakimoriGuardduty`,
    `Sakimori s3-appspec`, `guardduty`, `sakimori-waf-daily`.

    Ids of custom actions have letters and digits only, and 20 of them.
    """
    letters, own = "".join(filter(str.isalnum, asked)).lower(), name.replace("-", "")
    wanted = f"{OURS}{own}"
    return letters == own or letters.startswith(wanted) or (len(letters) == 20 and wanted.startswith(letters))


def spelt(name: str) -> str:
    """`block_public_access` is `block-public-access` where people see it."""
    return name.replace("_", "-")


def _own(folder: ModuleType) -> set[str]:
    return {spelt(found.name) for found in pkgutil.iter_modules(folder.__path__) if not found.name.startswith("_")}


@cache
def _others(group: str) -> dict[str, str]:
    return {spelt(found.name): found.value for found in entry_points(group=group)}


def _load(name: str, folder: ModuleType, group: str, known: list[str]) -> ModuleType:
    if name not in known:
        kind = group.rpartition(".")[2][:-1]
        raise RespondError(f"no {kind} has the name {name!r}: there are {', '.join(known)}")
    other = _others(group).get(name)
    return importlib.import_module(other or f"{folder.__name__}.{name.replace('-', '_')}")
