"""Loading rules: ids, references, and a cache that may be stale, broken or impossible to write without consequence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sakimori.detect import rulebook
from sakimori.detect.cache import KEPT_FILES
from sakimori.detect.detection import Detector
from sakimori.detect.rulebook import Rulebook, load

RULE = """\
title: {title}
id: {uuid}
name: {name}
logsource: {{product: aws, service: cloudtrail}}
detection:
    selection:
        eventName: {event}
    condition: selection
level: high
"""
CORRELATION = """\
title: Together
name: together
correlation:
    type: {kind}
    rules: [{rules}]
    timespan: 1h
    group-by: [userIdentity.arn]
    condition: {{gte: 2}}
level: high
"""
UUIDS = tuple(f"00000000-0000-4000-8000-{number:012d}" for number in range(9))


def rule(name: str, event: str = "CreateUser", number: int = 0) -> str:
    return RULE.format(title=name, name=name, event=event, uuid=UUIDS[number])


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return folder


def ids(book: Rulebook) -> list[str]:
    return [each.meta.id for each in (*book.rules, *book.correlations)]


def test_two_files_of_one_name_are_two_rules(tmp_path: Path) -> None:
    first = write(tmp_path / "one", same=rule("a"))
    second = write(tmp_path / "two", same=rule("b", number=1))
    book = load([first, second], pack=False)
    assert ids(book) == ["same", "same-2"]
    assert sorted(book.metas) == ["same", "same-2"]
    assert book.problems == ()


def test_a_bad_rule_costs_no_other(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", good=rule("good"), bad="title: x\nlogsource: [", other=rule("z", number=1))
    book = load([folder, tmp_path / "absent.yml"], pack=False)
    assert ids(book) == ["good", "other"]
    assert [Path(problem.path).name for problem in book.errors] == ["absent.yml", "bad.yml"]
    assert all(str(problem).startswith(f"{problem.path}:{problem.line}: ") for problem in book.errors)


@pytest.mark.parametrize("reference", ["a", UUIDS[0], "first"])
def test_references_by_name_uuid_and_id(tmp_path: Path, reference: str) -> None:
    folder = write(tmp_path / "r", first=rule("a"), second=CORRELATION.format(kind="event_count", rules=reference))
    book = load([folder], pack=False)
    assert [each.rules for each in book.correlations] == [("first",)]
    assert [each.reports for each in book.rules] == [False]
    assert ids(book.only(["second"])) == ["first", "second"]
    assert [each.reports for each in book.only(["first"]).rules] == [True]


def test_a_reference_to_nothing_is_named_and_the_rest_loads(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", first=rule("a"), second=CORRELATION.format(kind="event_count", rules="a, nobody"))
    book = load([folder], pack=False)
    assert ids(book) == ["first"]
    assert [each.reports for each in book.rules] == [True], "what is not correlated after all is not silenced"
    (problem,) = book.errors
    assert problem.path.endswith("second.yml")
    assert "nobody" in problem.reason


def test_an_ordered_correlation_names_each_rule_once(tmp_path: Path) -> None:
    twice = CORRELATION.format(kind="temporal_ordered", rules=f"a, b, {UUIDS[0]}").replace("gte: 2", "gte: 3")
    book = load([write(tmp_path / "r", a=rule("a"), b=rule("b", number=1), c=twice)], pack=False)
    assert ids(book) == ["a", "b"]
    assert "twice" in book.errors[0].reason


CHAIN = """\
title: Guessed and in
name: guessed
correlation:
    type: temporal_ordered
    rules: [many, b]
    timespan: 10m
    group-by: [userIdentity.arn]
    generate: {generate}
level: high
---
title: Many
name: many
correlation:
    type: event_count
    rules: [{inner}]
    timespan: 10m
    group-by: [userIdentity.arn]
    condition: {{gte: 2}}
"""


@pytest.mark.parametrize(("generate", "raising"), [("false", {"chain"}), ("true", {"chain", "many", "b"})])
def test_a_correlation_may_refer_to_another(tmp_path: Path, generate: str, raising: set[str]) -> None:
    folder = write(tmp_path / "r", a=rule("a"), b=rule("b", event="DeleteUser", number=1))
    write(folder, chain=CHAIN.format(generate=generate, inner="a"))
    book = load([folder], pack=False)
    assert book.problems == ()
    calls = [("CreateUser", 0), ("CreateUser", 1), ("DeleteUser", 2)]
    records = [
        {"eventID": str(n), "eventTime": f"2026-11-20T00:0{n}:00Z", "eventName": name, "userIdentity": {"arn": "eve"}}
        for name, n in calls
    ]
    text, detector = json.dumps({"Records": records}).encode(), Detector(book)
    found = {each.rule: each for each in detector.findings(detector.look(text, "p"))}
    assert found.keys() == raising
    assert found["chain"].records == ("0", "1", "2")
    assert ids(book.only(["chain"])) == ["a", "b", "many", "chain"]
    alone = Detector(book.only(["many"]))
    assert {each.rule for each in alone.findings(alone.look(text, "p"))} == {"many"}


def test_correlations_in_a_circle_are_named(tmp_path: Path) -> None:
    circle = CHAIN.format(generate="false", inner="guessed")
    folder = write(tmp_path / "r", a=rule("a"), b=rule("b", number=1), chain=circle)
    book = load([folder], pack=False)
    assert ids(book) == ["a", "b"]
    assert [problem.line for problem in book.errors] == [1, 11]
    assert all("in a circle" in problem.reason for problem in book.errors)


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    one = CORRELATION.replace("title: Together\nname: together", "title: C{at}\nname: c{at}")
    documents = [one.format(kind="event_count", rules=f"c{at - 1}" if at else "a", at=at) for at in range(2000)]
    book = load([write(tmp_path / "r", a=rule("a"), b="---\n".join(documents))], pack=False)
    assert (len(book.correlations), len(book.errors)) == (rulebook.LONGEST_CHAIN, 2000 - rulebook.LONGEST_CHAIN)
    assert sum("through more than 16" in problem.reason for problem in book.errors) == 1


FILTER = """\
title: Not by robots
logsource: {{product: aws, service: cloudtrail}}
filter:
    rules: {rules}
    robots:
        userIdentity.arn|endswith: /robot
    condition: not robots
"""


@pytest.mark.parametrize(
    ("rules", "narrowed"), [("[a]", ["a"]), (f"[{UUIDS[1]}, a]", ["a", "b"]), ("any", ["a", "b"]), ("b", ["b"])]
)
def test_a_filter_narrows_the_rules_it_names(tmp_path: Path, rules: str, narrowed: list[str]) -> None:
    folder = write(tmp_path / "r", a=rule("a"), b=rule("b", number=1), c=FILTER.format(rules=rules))
    book = load([folder], pack=False)
    assert book.problems == ()
    text = b'{"Records":[{"eventID":"1","eventName":"CreateUser","userIdentity":{"arn":"arn:aws:iam::1:user/robot"}}]}'
    detector = Detector(book)
    found = {finding.rule for finding in detector.findings(detector.look(text, "p"))}
    assert found == {"a", "b"} - set(narrowed)
    assert len(detector.look(text.replace(b"/robot", b"/eve"), "p").groups.reported(book.metas)) == 2


def test_a_filter_for_nobody_is_named(tmp_path: Path) -> None:
    book = load([write(tmp_path / "r", a=rule("a"), c=FILTER.format(rules="[a, nobody]"))], pack=False)
    assert [(problem.line, problem.reason) for problem in book.errors] == [
        (4, "refers to nobody, which is not the name or id of a loaded rule over single records")
    ]


def cached(cache: Path) -> list[Path]:
    return sorted(cache.glob("*"))


def test_the_cache_gives_what_loading_gives(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = write(tmp_path / "r", a=rule("a"), b="title: x", c=CORRELATION.format(kind="event_count", rules="a"))
    plain = load([folder], pack=False)
    assert load([folder], pack=False, cache=cache) == plain
    assert len(cached(cache)) == 1
    assert load([folder], pack=False, cache=cache) == plain


def test_a_changed_file_or_placeholder_is_never_answered_from_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = write(tmp_path / "r", a=rule("a"))
    before = load([folder], pack=False, cache=cache)
    stat = (folder / "a.yml").stat()
    write(folder, a=rule("a", event="DeleteUser"))
    os.utime(folder / "a.yml", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert load([folder], pack=False, cache=cache).rules != before.rules
    assert len(ids(load([write(folder, b=rule("b", number=1))], pack=False, cache=cache))) == 2
    expand = "detection:\n    selection:\n        eventName|expand: '%calls%'\n    condition: selection\nlevel: low\n"
    write(folder, c=rule("c", number=2).split("detection:")[0] + expand)
    values = [load([folder], pack=False, cache=cache, placeholders={"calls": [call]}).rules for call in ("A", "B")]
    assert values[0] != values[1]


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, "half"])
def test_a_broken_cache_is_made_again(tmp_path: Path, content: bytes | str) -> None:
    cache = tmp_path / "cache"
    folder = write(tmp_path / "r", a=rule("a"))
    plain = load([folder], pack=False, cache=cache)
    (kept,) = cached(cache)
    whole = kept.read_bytes()
    kept.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    assert load([folder], pack=False, cache=cache) == plain
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", a=rule("a"))
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    assert ids(load([folder], pack=False, cache=in_the_way / "cache")) == ["a"]
    huge = rule("a").replace("CreateUser", str(2**70))
    assert ids(load([write(tmp_path / "h", a=huge)], pack=False, cache=tmp_path / "cache")) == ["a"]


def test_the_cache_does_not_grow_for_ever(tmp_path: Path) -> None:
    folder, cache = write(tmp_path / "r", a=rule("a")), tmp_path / "cache"
    for number in range(KEPT_FILES + 4):
        load([write(folder, a=rule("a", event=f"Call{number}"))], pack=False, cache=cache)
    assert len(cached(cache)) == KEPT_FILES


def test_the_matcher_is_kept_beside_the_rules_and_made_again_if_it_is_broken(tmp_path: Path) -> None:
    book = load([write(tmp_path / "r", a=rule("a"))], pack=False, cache=tmp_path / "cache")
    assert book.matcher is not None
    text = b'{"Records":[{"eventVersion":"1.10","eventName":"CreateUser","eventID":"e"}]}'

    def matched() -> int:
        return Detector(book).look(text, "p").matched

    assert matched() == 1
    kept = book.matcher.read_bytes()
    for content in (kept, b"", kept[: len(kept) // 2], b"\xff" * 100):
        book.matcher.write_bytes(content)
        assert matched() == 1
        assert book.matcher.read_bytes() == kept
    assert book.only(["a"]).matcher is None


def test_the_pack_loads_without_an_error() -> None:
    book = load()
    assert book.errors == []
    assert len(book.rules) >= 120
    assert len(rulebook.load(pack=False).rules) == 0
