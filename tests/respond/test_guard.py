"""Budgets, retries and breakers, with a clock of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sakimori.aws.errors import AccessDenied, AwsError, Throttled, Unavailable
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Guard, MemoryLines, Pace


@dataclass
class Clock:
    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Api:
    """Raises what it is given, one after the other; then answers."""

    def __init__(self, *errors: AwsError) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def throttled() -> Throttled:
    return Throttled("s3:GetObject", "x", "SlowDown", "")


def guard(clock: Clock, **pace: float) -> Guard:
    return Guard(default=Pace(**pace), lines=MemoryLines(clock), sleep=clock.sleep)  # type: ignore[arg-type]


def test_trouble_that_may_pass_is_tried_again_after_longer_and_longer_pauses() -> None:
    clock, api = Clock(), Api(throttled(), Unavailable("a:B", "x", "500", ""), throttled())
    assert guard(clock, first_pause=1.0).call("s3", "1", api) == "answer"
    assert api.calls == 4
    assert all(0 <= pause <= 2**n for n, pause in enumerate(clock.pauses))


def test_a_refusal_is_not_tried_again() -> None:
    clock, api = Clock(), Api(AccessDenied("s3:GetObject", "x", "AccessDenied", ""))
    with pytest.raises(AccessDenied):
        guard(clock).call("s3", "1", api)
    assert api.calls == 1


def test_calls_keep_to_the_rate_of_their_api_and_account() -> None:
    clock = Clock()
    kept = guard(clock, rate=10.0, burst=5)
    for _ in range(25):
        kept.call("s3", "1", Api())
    assert clock.now - 1000 == pytest.approx(2.0)
    kept.call("s3", "2", Api())
    kept.call("ec2", "1", Api())
    assert clock.now - 1000 == pytest.approx(2.0)  # theirs are budgets of their own


def test_a_budget_that_is_far_used_up_refuses() -> None:
    clock = Clock()
    kept = Guard(default=Pace(rate=1.0, burst=1, longest_wait=2.5), lines=MemoryLines(clock), sleep=lambda _: None)
    for _ in range(3):
        kept.call("s3", "1", Api())
    with pytest.raises(Passing, match="waiting already"):
        kept.call("s3", "1", Api())


def test_the_breaker_opens_rests_and_closes_again() -> None:
    clock = Clock()
    kept = guard(clock, attempts=1, failures=3, open_seconds=30.0)
    for _ in range(3):
        with pytest.raises(Throttled):
            kept.call("s3", "1", Api(throttled()))
    api = Api()
    with pytest.raises(Passing, match="resting for 30 s"):
        kept.call("s3", "1", api)
    assert api.calls == 0
    assert kept.is_open("s3", "1")
    assert kept.call("s3", "2", api) == "answer"  # another account's calls go on
    clock.now += 31
    assert kept.call("s3", "1", api) == "answer"
    assert not kept.is_open("s3", "1")


def test_after_a_rest_one_call_looks_whether_the_trouble_is_over() -> None:
    clock = Clock()
    kept = guard(clock, attempts=1, failures=2, open_seconds=30.0)
    for _ in range(2):
        with pytest.raises(Throttled):
            kept.call("s3", "1", Api(throttled()))
    clock.now += 31

    def meanwhile() -> str:
        with pytest.raises(Passing, match="resting"):
            kept.call("s3", "1", Api())
        raise throttled()

    with pytest.raises(Throttled):
        kept.call("s3", "1", meanwhile)
    assert kept.is_open("s3", "1"), "the look failed: it rests again at once"


def test_paces_are_settings() -> None:
    from sakimori.respond.errors import RespondError
    from sakimori.respond.guard import PACES
    from sakimori.respond.policy import paces

    assert paces() == dict(PACES)
    assert paces({"wafv2": {"rate": 0.5}})["wafv2"] == Pace(rate=0.5, burst=PACES["wafv2"].burst)
    assert paces({"shield": {"burst": 3}})["shield"] == Pace(burst=3)
    for wrong, said in (
        ({"s3": 5}, r"\[respond.paces.s3\] is no table"),
        ({"s3": {"speed": 5}}, "has no setting speed"),
        ({"s3": {"rate": "fast"}}, "'fast'"),
        ({"s3": {"burst": 1.5}}, "1.5"),
        ({"s3": {"rate": 0}}, "over 0"),
        ({"s3": {"rate": True}}, "True"),
    ):
        with pytest.raises(RespondError, match=said):
            paces(wrong)
