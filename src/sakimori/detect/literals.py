"""What must stand in a record's raw text for a rule to match: the ground of the prefilter.

`cover(condition)` gives a set of lower-case ASCII byte strings such that every record that the condition matches has at
least one of them, in any letter case, in its JSON text; or None where no such set can be had. It is a necessary
condition only, and it leans towards rare strings. It is sound for any JSON text of the record, spaced as it may be, in
which no printable ASCII character is written as an escape: `ESCAPES` finds the records for which that does not hold.
"""

from __future__ import annotations

import re
import re._constants as _constants  # type: ignore[import-not-found]  # the regex syntax tree has no public name
import re._parser as _parser  # type: ignore[import-not-found]  # the same
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any

from sakimori.detect import ir

ESCAPES = rb"\\(/|u00[0-7]|u212[aA]|u0130|u017[fF])|\xe2\x84\xaa|\xc4\xb0|\xc5\xbf"
r"""Where raw text and value part ways: `\/`, `\u0041`, `\u000a` where others write `\n`, and the three letters
(Kelvin K, dotted I, long s), escaped or not, that lower case or RE2's case folding turns into ASCII ones."""

MIN_LENGTH = 3
MAX_LITERALS = 2000

_SPLIT = re.compile(r'[^ -~]+|["\\]+')
_SPLIT_IN_OBJECT = re.compile(r'[^!-~]+|["\\{}\[\],:]+')
_NUMBER_CHARACTERS = frozenset("0123456789+-.e")
_WORD_VALUES = frozenset(("true", "false", "null"))


@dataclass(frozen=True, slots=True)
class Cover:
    """One of `literals` is in every matching record; about `share` of all records have one of them."""

    literals: frozenset[bytes]
    share: float


def covers(condition: ir.Condition) -> list[Cover]:
    """Every cover that stands on its own, rarest first; of each, a matching record has a literal. May be empty."""
    parts = condition.children if isinstance(condition, ir.And) else (condition,)
    return sorted(filter(None, map(cover, parts)), key=lambda found: found.share)


def cover(condition: ir.Condition) -> Cover | None:
    """The rarest cover that the condition's own strings give, or None: then every record must be looked at."""
    match condition:
        case ir.And():
            return next(iter(covers(condition)), None)
        case ir.Or(children):
            return _union(map(cover, children))
        case ir.Not(ir.Null(field)):
            return _key(field)
        case ir.Not() | ir.Null():
            return None
        case ir.Text(field, pattern):
            return _rarer(_text(field, pattern), _key(field))
        case ir.Keyword(pattern):
            return fragment_of(pattern)
        case ir.Regex(field, pattern):
            return _rarer(regex_fragment(pattern), _key(field))
        case ir.Cidr(field, network):
            return _rarer(_network(network), _key(field))
        case ir.FieldRef(field, other):
            return _rarer(_key(field), _key(other))
        case ir.Number(field) | ir.Compare(field) | ir.Exists(field) | ir.OtherAccount(field):
            return _key(field)
    return None


def _union(covers: Iterable[Cover | None]) -> Cover | None:
    literals: set[bytes] = set()
    share = 0.0
    for found in covers:
        if found is None:
            return None
        literals |= found.literals
        share += found.share
    return Cover(frozenset(literals), share) if len(literals) <= MAX_LITERALS else None


def _rarer(first: Cover | None, second: Cover | None) -> Cover | None:
    return min(filter(None, (first, second)), key=lambda found: found.share, default=None)


def _key(path: str) -> Cover | None:
    """The field's own name: a value that is not null is there only under its key."""
    keys = [key for key in path.split(".") if key.isascii() and key.isprintable() and not set(key) & set('"\\')]
    return min((_literal(f'"{key}"', key_share(key)) for key in keys), key=lambda found: found.share, default=None)


def _text(field: str, pattern: ir.Pattern) -> Cover | None:
    if len(pattern) == 1 and isinstance(pattern[0], str) and _only_a_string_reads_like(pattern[0]):
        whole = pattern[0]
        if not _SPLIT.search(whole):
            return _literal(f'"{whole}"', value_share(field, whole))
        return _longest(_SPLIT.split(whole))
    return fragment_of(pattern)


def _only_a_string_reads_like(value: str) -> bool:
    """No number, boolean, list or object has this text, so the value is a JSON string that holds it as it stands."""
    lowered = value.lower()
    return (
        bool(value) and value[0] not in "{[" and lowered not in _WORD_VALUES and not set(lowered) <= _NUMBER_CHARACTERS
    )


def _fragments(pattern: ir.Pattern) -> Iterator[str]:
    """The pieces of a pattern that stand unbroken inside one JSON string, whatever kind of value is matched."""
    for part in pattern:
        if isinstance(part, str):
            yield from _SPLIT_IN_OBJECT.split(part)


def _longest(fragments: Iterable[str]) -> Cover | None:
    usable = [piece for piece in fragments if len(piece) >= MIN_LENGTH and set(piece.lower()) - _NUMBER_CHARACTERS]
    if not usable:
        return None
    return min((_literal(piece, _fragment_share(piece)) for piece in usable), key=lambda found: found.share)


def fragment_of(pattern: ir.Pattern) -> Cover | None:
    """The most telling piece of a pattern that stands unbroken in the text of every value that fits, of any kind."""
    return _longest(_fragments(pattern))


def regex_fragment(pattern: str) -> Cover | None:
    """The same of a regular expression."""
    return _longest(regex_fragments(pattern))


def regex_fragments(pattern: str) -> Iterator[str]:
    """Strings that every match of the expression must contain. An expression that cannot be read gives none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # RE2 has sets that Python means to give a meaning some day
            tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return
    for run in _literal_runs(tree):
        yield from _SPLIT_IN_OBJECT.split(run)


def _literal_runs(tree: Any) -> Iterator[str]:
    run: list[str] = []
    for op, argument in tree:
        if op is _constants.LITERAL:
            run.append(chr(argument))
            continue
        yield "".join(run)
        run = []
        if op is _constants.SUBPATTERN:
            yield from _literal_runs(argument[3])
        elif op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and argument[0] >= 1:
            yield from _literal_runs(argument[2])
    yield "".join(run)


def _network(network: str) -> Cover | None:
    """The octets that all addresses of an IPv4 network share, as the start of a JSON string."""
    found = ip_network(network)
    octets = found.prefixlen // 8 if isinstance(found, IPv4Network) else 0
    if octets == 0:
        return None
    prefix = ".".join(str(found.network_address).split(".")[:octets])
    return _literal(f'"{prefix}"' if octets == 4 else f'"{prefix}.', 0.12 / 4 ** (octets - 1))


def _literal(text: str, share: float) -> Cover:
    return Cover(frozenset((text.lower().encode(),)), share)


# How common a string is in CloudTrail logs, roughly: only the choice between a rule's own strings hangs on it.
_COMMON_KEYS = frozenset(
    [
        "eventversion",
        "useridentity",
        "type",
        "principalid",
        "arn",
        "accountid",
        "accesskeyid",
        "username",
        "sessioncontext",
        "sessionissuer",
        "attributes",
        "creationdate",
        "mfaauthenticated",
        "webidfederationdata",
        "eventtime",
        "eventsource",
        "eventname",
        "awsregion",
        "sourceipaddress",
        "useragent",
        "requestparameters",
        "responseelements",
        "requestid",
        "eventid",
        "readonly",
        "eventtype",
        "managementevent",
        "recipientaccountid",
        "eventcategory",
        "tlsdetails",
        "tlsversion",
        "ciphersuite",
        "clientprovidedhostheader",
        "invokedby",
        "resources",
        "items",
        "additionaleventdata",
    ]
)
_USUAL_PARAMETERS = frozenset("key bucketname instanceid rolearn names host policyname rolename filterset".split())
_COMMON_TEXTS = {
    "assumedrole": 0.7, "role": 0.7, "assumed-role/": 0.7, "awsapicall": 1.0, "management": 0.9, "data": 0.3,
    "awsservice": 0.2, "iamuser": 0.1, "root": 0.02, "aws internal": 0.05, "true": 1.0, "false": 1.0, "null": 1.0,
    "akia": 0.1, "asia": 0.7, "aroa": 0.7, "aida": 0.1, "arn:aws:iam::": 0.8, "arn:aws:": 0.9, "amazonaws": 1.0,
}  # fmt: skip
_BULK_CALLS = frozenset(
    [
        "decrypt",
        "encrypt",
        "generatedatakey",
        "assumerole",
        "assumerolewithwebidentity",
        "putobject",
        "deleteobject",
        "copyobject",
        "invoke",
        "createlogstream",
        "putlogevents",
        "sendmessage",
        "receivemessage",
        "deletemessage",
        "headobject",
        "headbucket",
        "createtags",
        "query",
        "updateinstanceinformation",
        "createnetworkinterface",
        "deletenetworkinterface",
        "runinstances",
        "terminateinstances",
        "invokemodel",
        "converse",
        "scan",
        "putitem",
        "publish",
        "putmetricdata",
    ]
)
_READ_VERBS = ("describe", "get", "list", "batchget", "head", "lookup", "search", "select", "view")


def key_share(key: str) -> float:
    lowered = key.lower()
    return 1.0 if lowered in _COMMON_KEYS else 0.15 if lowered in _USUAL_PARAMETERS else 0.02


def value_share(field: str, value: str) -> float:
    """Of a whole value. The names of calls are what rules choose by best: most calls that change things are rare."""
    lowered = value.lower()
    if field == "eventName":
        return 0.03 if lowered in _BULK_CALLS or lowered.startswith(_READ_VERBS) else 0.0005
    if field == "eventSource":
        return 0.1
    if lowered in _COMMON_TEXTS:
        return _COMMON_TEXTS[lowered]
    if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", lowered):
        return 0.3
    return _rarity(len(value) + 2)


def _fragment_share(piece: str) -> float:
    lowered = piece.lower()
    if lowered in _COMMON_TEXTS:
        return _COMMON_TEXTS[lowered]
    if any(lowered in word for word in _COMMON_KEYS) or any(lowered in word for word in _COMMON_TEXTS):
        return 0.5
    if lowered.startswith(_READ_VERBS) or lowered in _BULK_CALLS:
        return 0.3
    return _rarity(len(piece))


def _rarity(length: int) -> float:
    """Short strings turn up by chance, or as ordinary words; each further letter makes that rarer."""
    return max(0.0002, 0.3 * 0.5 ** (length - MIN_LENGTH))
