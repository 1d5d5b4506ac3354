"""Roles: which rights they give, and which computers and policies they reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sakimori.protect.declare import Field, flag, struct
from sakimori.protect.errors import Forbidden
from sakimori.protect.right_names import RIGHTS

ALL_RIGHTS = tuple(
    f"{group}/{subgroup}/{right}"
    for group, subgroups in RIGHTS.items()
    for subgroup, names in subgroups.items()
    for right in names.split()
)


def field() -> Field:
    """The rights as a field of a role."""
    groups = (
        struct(
            group,
            _model(group),
            *(struct(name, _model(name), *(flag(right) for right in rights.split())) for name, rights in sub.items()),
        )
        for group, sub in RIGHTS.items()
    )
    return struct("rights", "Rights", *groups)


def _model(name: str) -> str:
    return name[:1].upper() + name[1:]


def tree(given: Callable[[str], bool]) -> dict[str, Any]:
    """All rights as the API shows them, each true or false."""
    return {
        group: {
            name: {right: given(f"{group}/{name}/{right}") for right in rights.split()}
            for name, rights in subgroups.items()
        }
        for group, subgroups in RIGHTS.items()
    }


def is_view(right: str) -> bool:
    """Whether a right only lets its holder look."""
    return right.rpartition("/")[2].startswith("canView")


@dataclass(frozen=True, slots=True)
class Role:
    """What the holder of a key may do. A scope that is None reaches everything."""

    id: int
    rights: frozenset[str]
    web_service: bool
    computers: frozenset[int] | None = None
    groups: frozenset[int] = frozenset()
    policies: frozenset[int] | None = None

    def must(self, right: str) -> None:
        """Raises Forbidden if the role does not give the right."""
        if right and right not in self.rights:
            raise Forbidden(
                f"the role of this key does not give {right.replace('/', '.')}: ask for a key whose role does"
            )

    def computers_sql(self) -> str:
        """A condition on the computer `o` that holds for those in reach; "" if all are."""
        if self.computers is None:
            return ""
        groups = ", ".join(map(str, sorted(self.groups))) or "-1"
        computers = ", ".join(map(str, sorted(self.computers))) or "-1"
        in_groups = (
            "SELECT v.id FROM protect_values v WHERE v.tenant = :tenant AND v.resource = 'computers' "  # noqa: S608 - ints
            f"AND v.field = 'groupID' AND v.number IN ({groups})"
        )
        return f"(o.id IN ({computers}) OR o.id IN ({in_groups}))"

    def policies_sql(self) -> str:
        if self.policies is None:
            return ""
        return f"o.id IN ({', '.join(map(str, sorted(self.policies))) or '-1'})"

    def reaches_computer(self, id: int, body: Mapping[str, Any]) -> bool:
        return self.computers is None or id in self.computers or body.get("groupID", 0) in self.groups

    def reaches_policy(self, id: int) -> bool:
        return self.policies is None or id in self.policies


def role(id: int, body: Mapping[str, Any]) -> Role:
    """A role from its object."""
    given = body.get("rights") or {}
    rights = frozenset(right for right in ALL_RIGHTS if _at(given, right.split("/")) is True)
    return Role(
        id,
        rights,
        body.get("allowWebService", True) is not False,
        None if body.get("allComputers", True) else frozenset(body.get("computerIDs", ())),
        frozenset(body.get("computerGroupIDs", ())),
        None if body.get("allPolicies", True) else frozenset(body.get("policyIDs", ())),
    )


def _at(tree: Any, path: list[str]) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree
