"""What runs under a role: instances, functions, builds and the like, by where their description names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from sakimori.assess.access.code import actions_of
from sakimori.assess.access.estate import INSTANCE, PROFILE, Estate, Identity
from sakimori.assess.access.methods import Method
from sakimori.assess.access.values import values_at
from sakimori.model.asset import Asset


def holders(found: Estate, where: tuple[str, str] | None, role: Identity) -> Iterator[Asset]:
    """The assets of a type whose config names the role, or an instance profile with it, at a path."""
    if where is None:
        return
    kind, path = where
    yield from found.holding(kind, path).get(role.arn, ())


def by_role(found: Estate, kind: str, path: str) -> dict[str, list[Asset]]:
    """The assets of a type by the ARNs of the roles that they run under.

    Of several paths the first that leads to something counts: what a task says itself, else what its definition says.
    """
    profiles = _profiles(found)
    roles: dict[str, list[Asset]] = {}
    for asset in found.inventory.of_type(kind):
        told = ([*_followed(found, asset, each)] for each in path.split(", "))
        for value in dict.fromkeys(next(filter(None, told), ())):
            for arn in _roles(found, profiles, asset, value):
                roles.setdefault(arn, []).append(asset)
    return roles


def _roles(found: Estate, profiles: Mapping[str, tuple[str, ...]], asset: Asset, value: str) -> Iterable[str]:
    """The roles that an ARN means, or the name of a profile or a role of the asset's account."""
    if value.startswith("arn:"):
        return profiles.get(value) or (value,)
    known = profiles.get(f"{asset.account} {value}")
    return known or (each.arn for each in found.by_account.get(asset.account, ()) if each.principal.role == value)


_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def named_by(holder: Asset, template: str) -> Iterator[str]:
    """The ARNs that a template such as `arn:{@partition}:fis:{@region}:{@account}:action/*` or `{Applications[]}` means
    for a holder, one for each value that its paths lead to in its description."""
    place = {"@partition": holder.uid.split(":")[1], "@region": holder.region, "@account": holder.account}
    texts = _PLACEHOLDER.split(template)
    values = [[place[path]] if path in place else [*values_at(holder.config, path)] for path in texts[1::2]]
    for chosen in product(*values):
        yield "".join(part for pair in zip(texts[::2], [*chosen, ""], strict=True) for part in pair)


def has_profile(found: Estate, method: Method, role: Identity) -> bool:
    """Is the role in an instance profile, where the method needs one that is there?"""
    return not method.profile or any(role.arn in roles for roles in _profiles(found).values())


def _followed(found: Estate, asset: Asset, path: str) -> Iterator[str]:
    """The values at a path; `a -> b` is what `b` is in the assets that `a` names, or that AROUND finds."""
    first, arrow, rest = path.partition(" -> ")
    if first in AROUND:
        for other in AROUND[first](found, asset):
            yield from values_at(other.config, rest)
        return
    for value in values_at(asset.config, first):
        if not arrow:
            yield value
        else:
            named = found.inventory.get(value)
            yield from values_at(named.config, rest) if named else ()


def deployed_to(found: Estate, group: Asset) -> Iterator[Asset]:
    """The instances of a CodeDeploy deployment group ("Tagging instances for deployment groups", CodeDeploy)."""
    scaling = {each.get("name") for each in group.config.get("autoScalingGroups") or ()}
    sets = (group.config.get("ec2TagSet") or {}).get("ec2TagSetList") or ()
    every = [*sets, *([group.config["ec2TagFilters"]] if group.config.get("ec2TagFilters") else ())]
    for instance in found.inventory.of_type(INSTANCE):
        if (instance.account, instance.region) != (group.account, group.region):
            continue
        tagged = bool(every) and all(any(_has_tag(instance, each) for each in filters) for filters in every)
        if tagged or instance.tags.get("aws:autoscaling:groupName") in scaling:
            yield instance


def built_by(found: Estate, pipeline: Asset) -> Iterator[Asset]:
    """The projects of CodeBuild that a pipeline hands its sources to."""
    for given in _handed(pipeline, ("Build", "Test"), "CodeBuild"):
        yield from _there(found, f"codebuild:{pipeline.region}:{pipeline.account}:project/{given.get('ProjectName')}")


def deployed_by(found: Estate, pipeline: Asset) -> Iterator[Asset]:
    """The instances that a pipeline deploys its sources to by CodeDeploy."""
    for given in _handed(pipeline, ("Deploy",), "CodeDeploy"):
        name = f"{given.get('ApplicationName')}/{given.get('DeploymentGroupName')}"
        for group in _there(found, f"codedeploy:{pipeline.region}:{pipeline.account}:deploymentgroup:{name}"):
            yield from deployed_to(found, group)


def _handed(pipeline: Asset, categories: Collection[str], provider: str) -> Iterator[Mapping[str, Any]]:
    for action in actions_of(pipeline.config):
        kind = action.get("actionTypeId") or {}
        if kind.get("category") in categories and kind.get("provider") == provider:
            yield action.get("configuration") or {}


def _there(found: Estate, rest: str) -> Iterator[Asset]:
    """The asset of this ARN, in any partition."""
    for partition in ("aws", "aws-cn", "aws-us-gov"):
        asset = found.inventory.get(f"arn:{partition}:{rest}")
        if asset is not None:
            yield asset


def of_beanstalk(found: Estate, instance: Asset) -> Iterator[Asset]:
    """The instance itself, if it is one of an environment of Elastic Beanstalk, which tags it so."""
    if "elasticbeanstalk:environment-name" in instance.tags:
        yield instance


def associated_with(found: Estate, association: Asset) -> Iterator[Asset]:
    """The instances on which State Manager runs a document of the account's own, in its default or latest version
    ("Targets", SSM API). Which are in a group of resources is not known."""
    config = association.config
    own = not str(config.get("Name")).lower().startswith(("arn:", "aws", "amazon", "amzn"))
    if not own or config.get("DocumentVersion") not in (None, *_MOVING_VERSIONS):
        return
    targets = [(each.get("Key", ""), each.get("Values") or ()) for each in config.get("Targets") or ()]
    targets += [("InstanceIds", [config["InstanceId"]])] if config.get("InstanceId") else []
    for instance in found.inventory.of_type(INSTANCE):
        here = (instance.account, instance.region) == (association.account, association.region)
        if here and targets and all(_is_target(instance, *each) for each in targets):
            yield instance


_MOVING_VERSIONS = ("$DEFAULT", "$LATEST")


def associated_with_latest(found: Estate, association: Asset) -> Iterator[Asset]:
    """The same, if the latest version is run and not the default one."""
    if association.config.get("DocumentVersion") == "$LATEST":
        yield from associated_with(found, association)


def _is_target(instance: Asset, key: str, values: Sequence[str]) -> bool:
    if key == "InstanceIds":
        return "*" in values or instance.uid.rpartition("/")[2] in values
    if key == "tag-key":
        return any(value in instance.tags for value in values)
    return key.startswith("tag:") and instance.tags.get(key.removeprefix("tag:")) in values


def signing(found: Estate, source: Asset) -> Iterator[Asset]:
    """The source of AppSync itself, if it signs what it sends: with others the role reads and calls one thing only."""
    if ((source.config.get("httpConfig") or {}).get("authorizationConfig") or {}).get("awsIamConfig"):
        yield source


def enabled(found: Estate, profile: Asset) -> Iterator[Asset]:
    """The profile of Roles Anywhere itself, if it is in force and leaves a session all that the role may do."""
    narrowing = [arn for arn in profile.config.get("managedPolicyArns") or () if not arn.endswith(_EVERYTHING)]
    if profile.config.get("enabled") and not narrowing and not profile.config.get("sessionPolicy"):
        yield profile


_EVERYTHING = ":iam::aws:policy/AdministratorAccess"


def signed_in_by(found: Estate, anchor: Asset) -> Iterator[Asset]:
    """The profiles that certificates of a trust anchor are good for: all of its account and region."""
    for profile in found.inventory.of_type("AWS::RolesAnywhere::Profile") if anchor.config.get("enabled") else ():
        if (profile.account, profile.region) == (anchor.account, anchor.region):
            yield from enabled(found, profile)


AROUND: Mapping[str, Callable[[Estate, Asset], Iterator[Asset]]] = {
    "@deployed-to": deployed_to,
    "@built-by": built_by,
    "@deployed-by": deployed_by,
    "@of-beanstalk": of_beanstalk,
    "@associated-with": associated_with,
    "@associated-with-latest": associated_with_latest,
    "@signing": signing,
    "@enabled": enabled,
    "@signed-in-by": signed_in_by,
}
"""What a path may begin with where no text of the description leads from a holder to what has the role."""


def _has_tag(instance: Asset, wanted: Mapping[str, str]) -> bool:
    name, value, kind = wanted.get("Key", ""), wanted.get("Value", ""), wanted.get("Type", "KEY_AND_VALUE")
    if kind == "VALUE_ONLY":
        return value in instance.tags.values()
    return name in instance.tags and (kind == "KEY_ONLY" or instance.tags[name] == value)


def _profiles(found: Estate) -> dict[str, tuple[str, ...]]:
    """Instance profiles by ARN and by account and name, with the ARNs of their roles."""
    known: dict[str, tuple[str, ...]] = {}
    for asset in found.inventory.of_type(PROFILE):
        roles = tuple(str(role.get("Arn")) for role in asset.config.get("Roles") or ())
        known[asset.uid] = roles
        known[f"{asset.account} {asset.name or asset.id}"] = roles
    return known
