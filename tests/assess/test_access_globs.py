"""Globs: what matches, and every way in which several of them can match one string, against trying strings out."""

from __future__ import annotations

import random
import re
from itertools import product

import pytest

from sakimori.assess.access.arns import resource_glob
from sakimori.assess.access.globs import TooManyAtoms, atoms, matches, overlap, text_glob


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x:y/z", True),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu-west-1:1:q", True),
        ("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu:west-1:1:q", True),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:1:q", False),
        ("arn:aws:sqs:eu-*-1:1:q", "arn:aws:sqs:eu-west-1:1:q", True),
        ("arn:aws:sqs:e*t-1:1:q", "arn:aws:sqs:eu-x:1:west-1:1:q", False),
        ("arn:aws:sqs", "arn:aws:sqs:eu-west-1:1:q", True),
        ("arn:aws:sqs:eu-west-2", "arn:aws:sqs:eu-west-1:1:q", False),
        ("arn:aws:iam::1:role/?", "arn:aws:iam::1:role/ab", False),
        ("*", "*", True),
        ("arn:*", "*", False),
    ],
)
def test_patterns_of_resources(pattern: str, text: str, expected: bool) -> None:
    assert matches(resource_glob(pattern), text) is expected


def strings(longest: int) -> list[str]:
    return ["".join(each) for size in range(longest + 1) for each in product("abx", repeat=size)]


def test_atoms_are_exactly_the_achievable_sets() -> None:
    random_ = random.Random(1)
    tried = strings(6)
    for _ in range(60):
        globs = [text_glob("".join(random_.choice("ab*?") for _ in range(random_.randrange(1, 4)))) for _ in range(3)]
        within = text_glob(random_.choice(("*", "a*", "*b", "?*")))
        found = dict(atoms(within, globs))
        wanted = {
            frozenset(n for n, glob in enumerate(globs) if matches(glob, text))
            for text in tried
            if matches(within, text)
        }
        assert set(found) == wanted
        for matched, text in found.items():
            assert matches(within, text)
            assert matched == {n for n, glob in enumerate(globs) if matches(glob, text)}


def test_overlap_is_exact() -> None:
    random_ = random.Random(2)
    tried = strings(7)
    for _ in range(300):
        one, other = (text_glob("".join(random_.choice("ab*?") for _ in range(3))) for _ in range(2))
        assert overlap(one, other) == any(matches(one, text) and matches(other, text) for text in tried)


def test_an_explosion_is_given_up_by_name() -> None:
    globs = [text_glob(f"*{a}*{b}*") for a in "abcdefgh" for b in "ijklmnop"]
    with pytest.raises(TooManyAtoms, match="64 patterns"):
        atoms(text_glob("*"), globs)


def test_many_runs_of_asterisks_take_no_time() -> None:
    """A regular expression for this would still be at it tomorrow."""
    hostile = text_glob("*a" * 500 + "b")
    assert not matches(hostile, "a" * 2_000)
    assert matches(hostile, "a" * 2_000 + "b")


def test_many_runs_match_as_few_do() -> None:
    random_ = random.Random(6)
    for _ in range(2_000):
        pattern = "".join(random_.choice("ab*?:") for _ in range(random_.randrange(10)))
        text = "".join(random_.choice("ab:") for _ in range(random_.randrange(8)))
        plain = re.fullmatch(pattern.replace("*", ".*").replace("?", "."), text, re.DOTALL)
        assert matches(text_glob(pattern), text) == bool(plain), (pattern, text)
