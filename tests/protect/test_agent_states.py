"""Heart-beats are known from when they come, also while they are being written, and none is lost if that fails."""

from __future__ import annotations

import pytest

from sakimori.protect.agent_states import Beats


def said(beats: Beats, computer: int = 1) -> str | None:
    found = beats.waiting(0, computer)
    return found[2] if found is not None else None


def test_a_beat_is_known_while_it_is_written_and_a_newer_one_before_it() -> None:
    beats = Beats()
    beats.beat(0, 1, "", "first")
    with beats.taken() as taken:
        assert [status for _, _, status in taken.values()] == ["first"]
        assert said(beats) == "first"
        beats.beat(0, 1, "", "second")
        assert said(beats) == "second"
    assert said(beats) == "second"
    with beats.taken():
        pass
    assert said(beats) is None


def test_what_could_not_be_written_waits_again_unless_something_newer_has_come() -> None:
    beats = Beats()
    for computer in (1, 2):
        beats.beat(0, computer, "", "first")

    def fails() -> None:
        with beats.taken():
            beats.beat(0, 1, "", "second")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fails()
    assert (said(beats, 1), said(beats, 2)) == ("second", "first")
