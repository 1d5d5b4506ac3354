"""An account and region that was sending and stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from sakimori.collect.coverage.log_files import Evidence, LogFile
from sakimori.collect.coverage.report import Problem, ProblemKind
from sakimori.collect.coverage.trail_layout import log_time

FACTOR = 2
"""Silence counts from twice the longest interval that the lane has had between two log files."""

SHORTEST = timedelta(hours=6)
"""Less silence than this is never reported."""

FEWEST_TIMES = 3
"""With fewer log files there is no telling what is usual."""


def find_silence(evidence: Evidence, files: Sequence[LogFile]) -> Iterator[Problem]:
    """At most one problem. Files that were sent and have since been deleted count as sent: that is another problem."""
    sent = {file.time: file.key for file in files if file.time}
    for key in (*evidence.digests.files, *(evidence.ledger or ())):
        time = log_time(evidence.lane, key)
        if time is not None and evidence.window.holds_log(time):
            sent.setdefault(time, key)
    times = sorted(sent)
    if len(times) < FEWEST_TIMES:
        return
    usual = max(later - earlier for earlier, later in pairwise(times))
    threshold = max(SHORTEST, FACTOR * usual)
    quiet = evidence.window.end - times[-1]
    if quiet <= threshold:
        return
    heard = any(end > times[-1] + threshold for _, end in evidence.digests.covered)
    digests = "digests went on and say that nothing was delivered" if heard else "digests do not cover this time either"
    detail = (
        f"no log file for {_hours(quiet)} since this one; usual are at most {_hours(usual)}, "
        f"reported from {_hours(threshold)}; {digests}"
    )
    yield evidence.problem(ProblemKind.STOPPED, sent[times[-1]], detail)


def _hours(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
