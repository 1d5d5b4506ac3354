"""The values of a context key that policies can tell apart: one for each way in which its tests can turn out.

Trying these instead of all values is exact: two values that no test tells apart give the same answer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import combinations

from sakimori.assess.access.conditions import Test, moment, number, test_glob
from sakimori.assess.access.globs import Glob, TooManyAtoms, atoms, text_glob
from sakimori.assess.access.variables import Context, filled_in, has_variables, literal_glob, plain

Values = tuple[str, ...]
"""What a key has in one request; empty where the request lacks it."""

ABSENT: Values = ()
MAX_SET = 6
"""Of a key with sets of values, up to so many different values are combined in every way."""

_TEXTS = ("equals", "ignore_case", "like", "arn")


class TooManyValues(Exception):
    """The tests on one key can turn out in more ways than are tried."""


def representatives(tests: Sequence[Test], context: Context) -> tuple[Values, ...]:
    """The values to try for the key that all of `tests` are on, the absent one first. Raises TooManyValues."""
    filled = tuple((test.family, _filled(test, context)) for test in tests)
    return _representatives(filled, any(test.quantifier for test in tests))


def _filled(test: Test, context: Context) -> tuple[str, ...]:
    if not test.variables:
        return test.values
    return tuple(
        text
        for value in test.values
        if (text := filled_in(value, context) if has_variables(value) else value) is not None
    )


@lru_cache(maxsize=8192)
def _representatives(tests: tuple[tuple[str, tuple[str, ...]], ...], sets: bool) -> tuple[Values, ...]:
    singles = [*dict.fromkeys(_single(tests))]
    found: list[Values] = [ABSENT, *((value,) for value in singles)]
    if sets:
        if len(singles) > MAX_SET:
            raise TooManyValues(f"{len(singles)} values can be told apart")
        for size in range(2, len(singles) + 1):
            found += combinations(singles, size)
    return tuple(found)


def _single(tests: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[str]:
    kinds = {family for family, _ in tests}
    texts = [(family, value) for family, values in tests if family in _TEXTS for value in values]
    if texts or kinds == {"null"}:
        yield from _texts(tuple(texts))
    if "truth" in kinds:
        yield from ("true", "false")
    for read, prefix in ((number, "number"), (moment, "date")):
        bounds = sorted(
            {
                bound
                for family, values in tests
                if family.startswith(prefix)
                for value in values
                if (bound := read(plain(value))) is not None
            }
        )
        yield from (_moment_text(each) if prefix == "date" else _number_text(each) for each in _around(bounds))
    yield from _addresses([value for family, values in tests if family == "address" for value in values])
    for family, values in tests:
        if family == "binary":
            yield from map(plain, values)
            yield base64.b64encode(b"another value").decode()


def _texts(values: tuple[tuple[str, str], ...]) -> Iterator[str]:
    globs: list[Glob] = []
    for family, value in values:
        if family == "equals":
            globs.append(literal_glob(plain(value)))
        elif family == "ignore_case":
            globs += [literal_glob(plain(value)), literal_glob(plain(value).swapcase())]
        else:
            globs.append(test_glob(family, value))
    within = (
        text_glob("arn:?*:?*:*:*:?*") if values and all(family == "arn" for family, _ in values) else text_glob("?*")
    )
    try:
        found = atoms(within, [*dict.fromkeys(globs)])
    except TooManyAtoms as error:
        raise TooManyValues(str(error)) from None
    yield from (text for _, text in found if text)


def _around(bounds: list[float]) -> Iterator[float]:
    """Each bound, and a number in every gap beside them."""
    if not bounds:
        return
    yield bounds[0] - 1
    for this, after in zip(bounds, [*bounds[1:], None], strict=True):
        yield this
        yield this + 1 if after is None else (this + after) / 2


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _moment_text(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _addresses(blocks: list[str]) -> Iterator[str]:
    """The first address of every stretch that the blocks cut the address space into."""
    for version, last in ((4, 2**32 - 1), (6, 2**128 - 1)):
        edges = set()
        for block in blocks:
            try:
                network = ip_network(plain(block), strict=False)
            except ValueError:
                continue
            if network.version == version:
                edges |= {int(network.network_address), int(network.broadcast_address) + 1}
        if edges:
            wide = 4 if version == 4 else 16
            yield from (str(ip_address(edge.to_bytes(wide, "big"))) for edge in sorted(edges | {1}) if edge <= last)
