"""The pace of calls: it grows while AWS answers, falls when AWS says slow down, and never lets bursts past it."""

from __future__ import annotations

from sakimori.aws.pace import BURST, CUT, GROWTH, LEAST, MOST, START, Pace, Paces


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_after_the_burst_calls_go_out_at_the_rate() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    for _ in range(int(BURST + 10 * START)):
        pace.wait()
    assert 9.9 <= clock.now - 100 <= 10.1


def test_the_rate_grows_by_a_little_and_falls_once_for_many_refusals_together() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    pace.answered()
    assert pace.rate == START + GROWTH
    for _ in range(20):
        pace.refused()
    assert pace.rate == (START + GROWTH) * CUT
    clock.now += 1
    pace.refused()
    assert pace.rate == (START + GROWTH) * CUT * CUT


def test_the_rate_has_bounds() -> None:
    clock = Clock()
    pace = Pace(clock, clock.sleep)
    for _ in range(100):
        pace.refused()
        clock.now += 2
    assert pace.rate == LEAST
    for _ in range(1000):
        pace.answered()
    assert pace.rate == MOST


def test_each_account_service_and_region_has_its_own() -> None:
    paces = Paces()
    assert paces.of("1", "ec2", "us-east-1") is paces.of("1", "ec2", "us-east-1")
    assert paces.of("1", "ec2", "us-east-1") is not paces.of("2", "ec2", "us-east-1")
