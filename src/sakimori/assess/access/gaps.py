"""What the inventory lacks of all that has a say in a question, each in a sentence: answers that turn on it are
Unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sakimori.assess.access.arns import is_pattern, parse_arn
from sakimori.assess.access.beside import unknown_beside
from sakimori.assess.access.estate import Estate, Identity
from sakimori.assess.access.inside import ACCESS_POINT, BUCKET, OF_REGIONS, may_have_policy
from sakimori.assess.access.principals import names_account
from sakimori.assess.access.resource_policies import has_acls
from sakimori.assess.access.unasked import unasked
from sakimori.assess.access.uncovered import HANDS_OUT
from sakimori.assess.access.unlisted import unlisted
from sakimori.model.asset import Asset


def unseen(action: str, subject: str, asset: Asset | None) -> list[str]:
    """That the resource, whose own policy has a say, is not in the inventory, or what else has a say that nobody has
    looked at; nothing where nothing can have."""
    arn = parse_arn(subject)
    if asset is not None or arn is None:
        return []
    if not may_have_policy(subject) or (arn.service == "iam" and not action.lower().startswith("sts:")):
        return []
    if is_pattern(arn.resource.partition("/")[0]) or (arn.service != "s3" and is_pattern(arn.resource)):
        return []
    return [f"{subject} is not in the inventory: neither its account nor its policy is known"]


def unread(found: Estate, identity: Identity, asset: Asset | None, account: str) -> list[str]:
    """What is missing of all that has a say."""
    mine = identity.asset.uid if identity.asset else identity.arn
    uids = [mine, asset.uid if asset else "", f"account {identity.account}", f"account {account}", "organization"]
    missing = [*found.unread(*uids), *(unknown_beside(found, asset) if asset is not None else ())]
    if not identity.outside and identity.principal.has_identity and identity.asset is None and not _whole(identity):
        return [f"{identity.arn} is not in the inventory", *missing]
    return missing


def _whole(identity: Identity) -> bool:
    """Is all known of what has no asset of its own? The root user has no policies; a federated user, but for its
    session policy, neither."""
    return identity.principal.kind in ("root", "federated_user")


def incomplete(found: Estate, identity: Identity) -> bool:
    """Lacks the inventory a policy of the identity's own, which could allow what the others do not?"""
    return identity.asset is not None and identity.asset.uid in found.gaps


def unknowns(found: Estate, action: str, asset: Asset | None, subject: str) -> Iterator[str]:
    yield from unseen(action, subject, asset)
    if asset is not None:
        yield from found.unread(asset.uid)
        if asset.type == BUCKET and has_acls(asset) and "/" in subject:
            yield f"ACLs are in force on {asset.uid}: an object's own ACL, which the inventory lacks, may allow more"
        yield from _accounts_not_seen(found, asset)
        if asset.type == BUCKET:
            kinds = (ACCESS_POINT, OF_REGIONS)
            held = found.inventory
            for account, reason in (*unlisted(held.not_evaluated, kinds), *unasked(held, kinds)):
                if account == asset.account:
                    yield f"{asset.uid} may have access points that nobody has looked at: {reason}"
    yield from (reason for uid, reasons in found.gaps.items() if uid.startswith("account ") for reason in reasons)
    yield from found.unread("organization")


def handed_out(found: Estate, roles: Iterable[str]) -> Iterator[str]:
    """Which of these roles, who can do it, a service hands out to whom its own grants say."""
    for arn in dict.fromkeys(roles):
        identity = found.identities.get(arn)
        for statement in identity.trust.statements if identity and identity.trust else ():
            for _, value in (statement.principals or ()) if statement.allows else ():
                if value in HANDS_OUT:
                    yield f"{HANDS_OUT[value]} hands out sessions of {arn}, and its grants are not looked at"


def _accounts_not_seen(found: Estate, asset: Asset) -> Iterator[str]:
    """The accounts of the organisation that a resource's policy names as a whole, and nobody has looked at."""
    policy = found.resource_policy(asset)
    allowing = (each for each in (policy.statements if policy else ()) if each.allows)
    entries = [entry for statement in allowing for entry in statement.principals or ()]
    for account in dict.fromkeys(names_account(value) for _, value in entries):
        if account in found.accounts and account not in found.by_account:
            yield f"{asset.uid} lets account {account} in, whose users and roles are not in the inventory"
