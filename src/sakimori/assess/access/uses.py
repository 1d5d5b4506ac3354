"""What one use of a method of privilege escalation asks AWS: a request for each of its needs, with the context that it
says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sakimori.assess.access.arns import condition_glob, likely, universe
from sakimori.assess.access.code import code_of
from sakimori.assess.access.context import known_context
from sakimori.assess.access.engine import Request
from sakimori.assess.access.estate import INSTANCE, Estate, Identity
from sakimori.assess.access.globs import Glob, TooManyAtoms, distinct
from sakimori.assess.access.holders import named_by
from sakimori.assess.access.methods import Method, Need
from sakimori.assess.access.narrowing import narrowed
from sakimori.assess.access.principals import Principal
from sakimori.assess.access.questions import asked
from sakimori.assess.access.symbolic import OUTCOMES, Conclusion, Outcome, patterns_in_play
from sakimori.assess.access.values import values_at
from sakimori.model.asset import Asset

ITS_PROFILE = "IamInstanceProfile.Arn"
"""Where the description of an instance names its profile."""


Known = dict[tuple[Need, str], Conclusion | None]
ANYWAY = ("any", "same", "self", "own-policy", "own-instance", "own-profile")
"""The places that are the same whatever target and holder are."""


def steps_of_use(
    found: Estate,
    identity: Identity,
    method: Method,
    target: Asset | None,
    holder: Asset | None,
    gained: Identity | None = None,
    known: Known | None = None,
) -> tuple[Conclusion, ...] | None:
    """The requests of one use of a method; None where one is denied. `gained` is who has the rights afterwards.

    `known`: what came of requests of the same method by the same identity that are about no target and no holder.
    """
    steps: list[Conclusion] | None = None
    for thing in [gained.arn] if gained else _things(found, identity, method):
        tried = _needed(found, identity, method, target, holder, thing, {} if known is None else known)
        if tried is not None and (steps is None or _worst(tried) < _worst(steps)):
            steps = tried
    if steps is None:
        return None
    if method.passes and target is not None:
        around = next(_passed(found, identity, method, target, holder), None)
        if around is None:
            return None
        steps = [*around[0], *steps, *around[1]]
    return tuple(steps)


def _needed(
    found: Estate,
    identity: Identity,
    method: Method,
    target: Asset | None,
    holder: Asset | None,
    thing: str,
    known: Known,
) -> list[Conclusion] | None:
    """The requests of all needs, those of one thing about this one; None where one is denied."""
    steps: list[Conclusion] = []
    for need in method.needs:
        if (need, thing) in known:
            best = known[need, thing]
        else:
            best = _best(found, identity, need, _resources(found, identity, need, target, holder, method, thing))
            if need.place in ANYWAY:
                known[need, thing] = best
        if best is None:
            return None
        steps.append(best)
    return steps


def _worst(steps: Iterable[Conclusion]) -> int:
    return max((OUTCOMES.index(step.outcome) for step in steps), default=0)


def _things(found: Estate, identity: Identity, method: Method) -> Iterator[str]:
    """What the needs that must be about one thing can be about."""
    actions = [need.action for need in method.needs if need.place == "same"]
    if not actions:
        yield ""
        return
    for pattern in universe(actions[0], identity.account):
        yield from one_thing(found, identity, actions, pattern)


def one_thing(found: Estate, identity: Identity, actions: Iterable[str], pattern: str) -> Iterator[str]:
    """An ARN for each way in which one that the pattern means can match the policies over all of these actions.

    An asterisk for a region may run over what follows it: a second account in an ARN is only made up for that.
    """
    policies = found.policies(identity, None, identity.account)
    context = known_context(found, identity, None, identity.account)
    globs: set[Glob] = set()
    for action in actions:
        request = Request(identity.principal, action, pattern, identity.account, context)
        globs.update(patterns_in_play(request, narrowed(request, policies)))
    try:
        arns = [likely(text) for text in distinct(condition_glob(pattern), frozenset(globs))]
    except TooManyAtoms:
        arns = [pattern]
    yield from (arn for arn in arns if arn.count(f":{identity.account}:") < 2)


def _passed(
    found: Estate, identity: Identity, method: Method, role: Asset, holder: Asset | None
) -> Iterator[tuple[list[Conclusion], list[Conclusion]]]:
    """The requests by which a role gets to a service: it is passed, unless it is the service's own, and is assumed."""
    names = [method.passes]
    if role.uid.startswith("arn:aws-cn:"):
        names.append(f"{method.passes}.cn")  # as EC2 and others are called in China
    for name in names:
        said = {"iam:passedtoservice": (name,)}
        passed = [] if method.unpassed else [asked(found, identity, "iam:PassRole", role.uid, said)]
        assumed = [_trusting(found, method, role, each, holder) for each in (name, method.trusts) if each]
        if all(step.outcome is not Outcome.DENIED for step in (*passed, *assumed)):
            yield passed, assumed


def _best(found: Estate, identity: Identity, need: Need, resources: Iterable[str]) -> Conclusion | None:
    lacking = "iam:permissionsboundary" if need.place == "new" else ""
    tried = (
        asked(found, identity, need.action, resource, given, lacking=lacking)
        for resource in resources
        for given in _said(found, identity, need.action)
    )
    best: Conclusion | None = None
    for each in tried:
        if best is None or OUTCOMES.index(each.outcome) < OUTCOMES.index(best.outcome):
            best = each
        if best.outcome is Outcome.ALLOWED:
            break
    return best if best is not None and best.outcome is not Outcome.DENIED else None


def _said(found: Estate, identity: Identity, action: str) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """What a request that attaches a policy, or puts one in a boundary's place, says of it: that it is one of those
    that make an administrator."""
    key = _NAMES_POLICY.get(action)
    if key is None:
        yield {}
        return
    yield {key: (f"arn:{identity.arn.split(':')[1]}:iam::aws:policy/AdministratorAccess",)}
    yield from ({key: (arn,)} for arn in found.administering_policies(identity.account))


_NAMES_POLICY = {
    "iam:AttachUserPolicy": "iam:policyarn",
    "iam:AttachGroupPolicy": "iam:policyarn",
    "iam:AttachRolePolicy": "iam:policyarn",
    "iam:PutUserPermissionsBoundary": "iam:permissionsboundary",
    "iam:PutRolePermissionsBoundary": "iam:permissionsboundary",
}
"""The key by which a request of these actions tells the policy."""


def _resources(
    found: Estate,
    identity: Identity,
    need: Need,
    target: Asset | None,
    holder: Asset | None,
    method: Method,
    thing: str,
) -> Iterator[str]:
    own = identity.asset
    if need.place == "any":
        yield "*"
    elif need.place == "self":
        yield identity.arn
    elif need.place == "own-policy":
        yield from own_managed(found, [own, *found.groups_of(identity)], several=method.versions)
    elif need.place == "own-group":
        yield from (group.uid for group in ([target] if target else found.groups_of(identity)))
    elif need.place == "target" and target is not None:
        yield target.uid
    elif need.place == "target-policy":
        yield from own_managed(found, [target], several=False)
    elif need.place == "holder" and holder is not None:
        yield holder.uid
    elif need.place == "code" and holder is not None:
        yield from (arn for arn in code_of(holder, need.action) if not _is_fixed(found, method, arn))
    elif need.place in ("new", "same"):
        yield thing
    elif need.place == "script-document":
        yield from _script_documents(identity.arn.split(":")[1], holder.region if holder else "*")
    elif need.place == "own-instance":
        yield from (instance.uid for instance in found.holding(INSTANCE, ITS_PROFILE).get(identity.arn, ()))
    elif need.place == "own-profile":
        yield from _own_profiles(found, identity)
    elif need.place == "provider" and target is not None:
        yield from _providers(found, target, need.action)
    elif "{" in need.place and holder is not None:
        yield from named_by(holder, need.place)


def own_managed(found: Estate, assets: Iterable[Asset | None], *, several: bool) -> Iterator[str]:
    """The customer managed policies attached to these; `several` keeps those with more than one version."""
    for asset in assets:
        for each in (asset.config.get("AttachedManagedPolicies") or ()) if asset else ():
            arn = str(each.get("PolicyArn"))
            policy = found.inventory.get(arn)
            versions = policy.config.get("PolicyVersionList") or () if policy else ()
            if ":iam::aws:" not in arn and (not several or len(versions) > 1):
                yield arn


def _script_documents(partition: str, region: str) -> Iterator[str]:
    """AWS's documents by which an instance runs a command of one's own; what the account's own do is not looked at."""
    for name in ("AWS-RunShellScript", "AWS-RunPowerShellScript", "AWS-RunDocument", "AWS-RunRemoteScript"):
        yield f"arn:{partition}:ssm:{region}::document/{name}"


def _own_profiles(found: Estate, identity: Identity) -> Iterator[str]:
    """The profiles of the instances that hand out the role."""
    for instance in found.holding(INSTANCE, ITS_PROFILE).get(identity.arn, ()):
        yield from values_at(instance.config, ITS_PROFILE)


def _is_fixed(found: Estate, method: Method, arn: str) -> bool:
    """Is it a repository of ECR whose tags stay with their images, and does the method not change that?"""
    repository = found.inventory.get(arn)
    mutability = repository.config.get("imageTagMutability") if repository else None
    return mutability == "IMMUTABLE" and "ecr:PutImageTagMutability" not in method.actions


def _providers(found: Estate, role: Asset, action: str) -> Iterator[str]:
    """The identity providers of the account that a role trusts, of the kind that the action is about."""
    kind = ":saml-provider/" if "SAML" in action else ":oidc-provider/"
    identity = found.identities.get(role.uid)
    for statement in identity.trust.statements if identity and identity.trust else ():
        for principal, value in statement.principals or ():
            if statement.allows and principal == "Federated" and kind in value:
                yield value


def _trusting(found: Estate, method: Method, role: Asset, name: str, holder: Asset | None) -> Conclusion:
    """Does the role trust the service, which asks for a resource of the role's own account?"""
    said: dict[str, tuple[str, ...]] = {} if method.federated else {"aws:sourceaccount": (role.account,)}
    if method.source and holder is not None:
        said["aws:sourcearn"] = tuple(named_by(holder, method.source))
    asked_before = (name, role.uid, *said.get("aws:sourcearn", ()))
    if asked_before not in found.trusting:
        action = "sts:AssumeRoleWithWebIdentity" if method.federated else "sts:AssumeRole"
        service = Identity(Principal("federated" if method.federated else "service", name), outside=True)
        found.trusting[asked_before] = asked(found, service, action, role.uid, said)
    return found.trusting[asked_before]
