"""What runs under a role: instances, functions, builds and the like, by where their description names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sakimori.assess.access.estate import PROFILE, Estate, Identity
from sakimori.model.asset import Asset


def holders(found: Estate, where: tuple[str, str] | None, role: Identity) -> Iterator[Asset]:
    """The assets of a type whose config names the role, or an instance profile with it, at a path."""
    if where is None:
        return
    kind, path = where
    yield from found.holding(kind, path).get(role.arn, ())


def by_role(found: Estate, kind: str, path: str) -> dict[str, list[Asset]]:
    """The assets of a type by the ARNs of the roles that they run under."""
    profiles = _profiles(found)
    roles: dict[str, list[Asset]] = {}
    for asset in found.inventory.of_type(kind):
        for each in path.split(", "):
            for value in _followed(found, asset, each):
                for arn in profiles.get(value) or (value,):
                    roles.setdefault(arn, []).append(asset)
    return roles


def _followed(found: Estate, asset: Asset, path: str) -> Iterator[str]:
    """The values at a path; `a -> b` is what `b` is in the assets that `a` names."""
    first, arrow, rest = path.partition(" -> ")
    for value in values_at(asset.config, first):
        if not arrow:
            yield value
        else:
            named = found.inventory.get(value)
            yield from values_at(named.config, rest) if named else ()


def _profiles(found: Estate) -> dict[str, tuple[str, ...]]:
    """Instance profiles by ARN and by name, with the ARNs of their roles."""
    known: dict[str, tuple[str, ...]] = {}
    for asset in found.inventory.of_type(PROFILE):
        roles = tuple(str(role.get("Arn")) for role in asset.config.get("Roles") or ())
        known[asset.uid] = roles
        known[asset.name or asset.id] = roles
    return known


def values_at(config: Any, path: str) -> Iterator[str]:
    """The texts at a path such as `Versions[].Data.Role`."""
    key, _, rest = path.partition(".")
    listed = key.endswith("[]")
    found = config.get(key.removesuffix("[]")) if hasattr(config, "get") else None
    for each in (found or ()) if listed else (found,):
        if rest:
            yield from values_at(each, rest)
        elif isinstance(each, str) and each:
            yield each
