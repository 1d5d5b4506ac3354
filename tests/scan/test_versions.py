"""Versions sort as the ecosystems' own tools sort them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from corpus import corpus
from sakimori.scan.packages import versions

FILES = {
    "alpine": "apk",
    "cran": "cran",
    "debian": "deb",
    "hackage": "hackage",
    "maven": "maven",
    "nuget": "nuget",
    "packagist": "composer",
    "pub": "pub",
    "pypi": "pypi",
    "redhat": "rpm",
    "rubygems": "gem",
    "semver": "npm",
}
SIGN = {-1: "<", 0: "=", 1: ">"}

ASCENDING = {
    "deb": ("1.0~rc1", "1.0", "1.0-1", "1.0-1+deb12u1", "1.0-1.1", "1.0+dfsg-1", "1.1", "1:0.1"),
    "rpm": ("1.0~rc1-1.el9", "1.0-1.el8", "1.0-1.el9", "1.0-1.el9_2", "1.0^git1-1", "1.0.1-1", "1:0.1-1"),
    "apk": ("1.0_rc1", "1.0", "1.0-r1", "1.0_p1-r0", "1.0a", "1.0.1", "1.1"),
    "pypi": ("1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1!0.1"),
    "npm": ("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "v1.10.0"),
    "maven": ("2.0-beta9", "2.0-rc1", "2.0-SNAPSHOT", "2.0", "2.0.1", "2.12.4", "2.15.0"),
    "gem": ("1.0.a", "1.0.rc1", "1.0", "1.0.1", "1.10"),
    "composer": ("1.0-dev", "1.0-beta1", "1.0-RC1", "1.0", "1.0-patch1", "1.1"),
    "nuget": ("1.0.0-BETA", "1.0.0-beta2", "1.0.0", "1.0.0.1", "1.0.1"),
    "generic": ("1.0.1-rc1", "1.0.1", "1.0.1f", "1.0.1g", "1.0.1.2", "1.0.2", "8.0.10", "16.1.2.1"),
}


@pytest.mark.parametrize("ecosystem", sorted(ASCENDING))
def test_versions_in_ascending_order(ecosystem: str) -> None:
    for older, newer in itertools.combinations(ASCENDING[ecosystem], 2):
        assert versions.compare(ecosystem, older, newer) == -1, (older, newer)
        assert versions.compare(ecosystem, newer, older) == 1, (older, newer)


@pytest.mark.parametrize(
    ("ecosystem", "left", "right"),
    [("deb", "1.0-0", "0:1.0"), ("rpm", "1.0", "0:1.0"), ("pypi", "1.0.0", "1"), ("npm", "1.0", "v1.0.0+build")],
)
def test_one_version_written_in_two_ways(ecosystem: str, left: str, right: str) -> None:
    assert versions.compare(ecosystem, left, right) == 0


def test_an_interval_holds_its_beginning_and_not_its_fix() -> None:
    asked = ("2.0-beta8", "2.0-beta9", "2.14.1", "2.15.0")
    assert [versions.is_affected("maven", each, "2.0-beta9", "2.15.0") for each in asked] == [False, True, True, False]
    assert versions.is_affected("deb", "0.1", "0", "")
    assert versions.is_affected("npm", "1.2.3", "1.0.0", "", "1.2.3")
    assert not versions.is_affected("npm", "1.2.4", "1.0.0", "", "1.2.3")


def test_an_ecosystem_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        versions.compare("brew", "1", "2")


def cases() -> Iterator[tuple[str, str]]:
    for path in sorted(corpus("versions").glob("*-versions*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield FILES[path.name.split("-")[0]], line


def test_the_corpus_of_ordered_pairs() -> None:
    wrong, asked = [], 0
    for ecosystem, line in cases():
        left, sign, right = line.split(" ")
        asked += 1
        if SIGN[versions.compare(ecosystem, left, right)] != sign:
            wrong.append(f"{ecosystem}: {line}")
    print(f"versions: {asked - len(wrong):,} of {asked:,} pairs ordered as expected")
    assert wrong == []


def python_versions() -> st.SearchStrategy[str]:
    """Every part of PEP 440, there or not, in its several spellings."""
    small = st.integers(0, 11).map(str)
    release = st.lists(small, min_size=1, max_size=4).map(".".join)
    pre = st.builds("{}{}{}".format, st.sampled_from(["a", ".b", "-rc", "_alpha", "c", "beta."]), small, st.just(""))
    post = st.one_of(small.map("-{}".format), small.map(".post{}".format), small.map("_r{}".format))
    dev = small.map(".dev{}".format)
    local = st.sampled_from(["+local", "+1", "+a.2", "+2.a"])
    parts = [st.one_of(st.just(""), small.map("{}!".format)), release]
    parts += [st.one_of(st.just(""), part) for part in (pre, post, dev, local)]
    return st.tuples(*parts).map("".join)


@settings(max_examples=300, deadline=None)
@given(python_versions(), python_versions())
def test_python_versions_sort_as_packaging_sorts_them(left: str, right: str) -> None:
    a, b = Version(left), Version(right)
    assert versions.compare("pypi", left, right) == (a > b) - (a < b)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(versions.ECOSYSTEMS)), st.lists(st.text("019.-_~^+:arcbetp", max_size=8), max_size=4))
def test_any_text_has_one_place_in_the_order(ecosystem: str, texts: list[str]) -> None:
    for left, right in itertools.product(texts, texts):
        assert versions.compare(ecosystem, left, right) == -versions.compare(ecosystem, right, left)
