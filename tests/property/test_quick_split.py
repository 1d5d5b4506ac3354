"""The quick way into the lake agrees with the exact one, on clean logs and on logs made unclean in every place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sakimori.collect.activity import NotClean, decode_any, decode_clean
from sakimori.collect.delivery import clean_split, exact_split
from sakimori.collect.sources import SourceObject
from sakimori.detect.detection import Detector
from sakimori.detect.rulebook import Rulebook

texts = st.text(max_size=20) | st.sampled_from(
    ['{"eventVersion":', ',{"eventVersion":"1"}', "]}", '"eventName":', "\\"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
fields = st.dictionaries(
    texts | st.sampled_from(["eventName", "userIdentity", "readOnly", "awsRegion"]), values, max_size=4
)


DETECTOR = Detector(Rulebook(()))
SOURCE = SourceObject("p", 0, "", datetime.now(UTC), "file")


def record(number: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"eventVersion": "1.10", "eventName": "GetUser", "eventID": f"e{number}"} | more


records = st.lists(fields, min_size=1, max_size=5).map(
    lambda extra: [record(number, more) for number, more in enumerate(extra)]
)


def quick(text: bytes) -> list[bytes] | None:
    """What the quick way takes the text for; None if it leaves it to the exact one."""
    looked = DETECTOR.text(SOURCE, text)
    split = clean_split(text, looked[0]) if looked else None
    if split is None:
        return None
    try:
        decode_clean(split.records)
    except NotClean:
        return None
    return split.records


@given(records, st.booleans())
@settings(max_examples=300, deadline=None)
def test_whole_logs(found: list[dict[str, Any]], ascii_only: bool) -> None:
    text = json.dumps({"Records": found}, separators=(",", ":"), ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    taken = quick(text)
    if taken is not None:
        assert [json.loads(one) for one in taken] == found
        assert b'{"Records":[' + b",".join(taken) + b"]}" == text


@given(records, st.data())
@settings(max_examples=500, deadline=None)
def test_logs_with_a_hole_or_a_splinter(found: list[dict[str, Any]], data: st.DataObject) -> None:
    text = json.dumps({"Records": found}, separators=(",", ":")).encode()
    at = data.draw(st.integers(0, len(text)))
    splinter = data.draw(
        st.sampled_from([b"", b",", b"}", b"{", b"]", b'"', b"\xff", b"\x00", b',{"eventVersion":', b"1"])
    )
    damaged = text[:at] + splinter + text[at + data.draw(st.integers(0, 3)) :]
    taken = quick(damaged)
    if taken is None or damaged == text:
        return
    whole = json.loads(damaged)
    assert list(whole) == ["Records"]
    assert [json.loads(one) for one in taken] == whole["Records"]


@given(records)
@settings(max_examples=200, deadline=None)
def test_what_the_exact_way_keeps_decodes_the_same_both_ways(found: list[dict[str, Any]]) -> None:
    kept = exact_split(json.dumps({"Records": found}).encode(), "p").records
    activities = decode_any(kept)
    assert len(activities) == len(kept)
    for activity, text in zip(activities, kept, strict=True):
        read = json.loads(text)
        for name in ("eventName", "eventID", "awsRegion", "readOnly"):
            if type(read.get(name)) in (str, bool):
                assert getattr(activity, name) == read[name]
