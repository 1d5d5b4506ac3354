"""What conditions, as answers say them, keep others out: of everybody, whom does a condition leave?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from sakimori.assess.access.public import narrow


class Left(IntEnum):
    """Who is left of everybody by the conditions of an answer; the higher, the fewer."""

    ANYBODY = 0
    """Conditions that whoever asks can meet at will, such as TLS, a referrer or a wide range of addresses."""
    SOME_PRINCIPALS = 1
    """Those of an account or organisation, or of some role."""
    SOME_NETWORK = 2
    """Those who ask from certain addresses or through a certain VPC."""


_NETWORK = frozenset(
    ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:sourceip", "vpc-lattice-svcs:sourcevpc")
)
_PRINCIPAL = frozenset(
    "aws:principalaccount aws:principalarn aws:principalorgid aws:principalorgpaths aws:userid aws:sourceowner"
    " aws:sourceaccount aws:sourcearn aws:sourceorgid s3:dataaccesspointaccount s3:dataaccesspointarn"
    " kms:calleraccount".split()
)
_CLAUSE = re.compile(r"(?:any |every )?(\S+) (=|is like|is in) (.+)")


def left(conditions: Iterable[str]) -> Left:
    """Who is left of everybody by conditions such as `aws:SourceVpce = vpce-1`."""
    found = Left.ANYBODY
    for key, values in clauses(conditions):
        if key in _NETWORK and (key != "aws:sourceip" or all(map(narrow, values))):
            found = max(found, Left.SOME_NETWORK)
        elif key in _PRINCIPAL and all(map(names_something, values)):
            found = max(found, Left.SOME_PRINCIPALS)
    return found


def clauses(conditions: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The key in lower case and the values of each part that demands some.

    One that the absence of its key meets as well demands none.
    """
    for condition in conditions:
        for part in condition.split(" and "):
            found = _CLAUSE.fullmatch(part)
            if found and not part.endswith(" is absent"):
                yield found[1].lower(), found[3].split(" or ")


def names_something(pattern: str) -> bool:
    """Has a pattern anything in it but wildcards?"""
    return bool(pattern.strip("*?"))


def demands_external_id(conditions: Iterable[str]) -> bool:
    """Must who assumes a role know a secret? One that may be anything is none."""
    return any(key == "sts:externalid" and all(map(names_something, values)) for key, values in clauses(conditions))


_LABEL = re.compile(r"[a-z_]+:")
_SUBJECTS = (":sub", ":repository", ":repository_id", ":repository_owner", ":repository_owner_id")


def names_subject(conditions: Iterable[str]) -> bool:
    """Do conditions say whose token it must be?

    A pattern that is open before it has named anything, such as `repo:*`, does not. Of Cognito it is the audience, the
    identity pool, that says it: everybody can have a pool of their own.
    """
    for key, values in clauses(conditions):
        says = key == "cognito-identity.amazonaws.com:aud" or key.endswith(_SUBJECTS)
        if says and all(map(_opens_with_a_name, values)):
            return True
    return False


def _opens_with_a_name(pattern: str) -> bool:
    opening = re.split(r"[*?]", pattern, maxsplit=1)[0]
    label = _LABEL.match(opening)
    return bool(opening[label.end() :] if label else opening)
