"""One use of a method of privilege escalation, and ways that are made of such uses, with their witnesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sakimori.assess.access.methods import Method
from sakimori.assess.access.questions import step_json
from sakimori.assess.access.symbolic import OUTCOMES, Conclusion, Outcome


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a method. `target` is whose rights are gained, `holder` what runs under them."""

    method: Method
    source: str
    target: str
    holder: str
    steps: tuple[Conclusion, ...]

    @property
    def outcome(self) -> Outcome:
        return max((step.outcome for step in self.steps), key=OUTCOMES.index, default=Outcome.ALLOWED)

    @property
    def conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for step in self.steps for text in step.conditions))

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method.id,
            "category": self.method.category,
            "how": self.method.how,
            "source": self.source,
            "target": self.target,
            "holder": self.holder,
            "outcome": self.outcome.value,
            "conditions": list(self.conditions),
            "steps": [step_json(step) for step in self.steps],
        }


Way = tuple[Edge, ...]
"""Uses one after the other, each with what the ones before it gave."""


def outcome_of(way: Way) -> Outcome:
    return max((edge.outcome for edge in way), key=OUTCOMES.index)


def surest(ways: Iterable[Way]) -> Iterator[Way]:
    """The ways up to the first of which nothing is open: no other is better, if the short ones come first."""
    for way in ways:
        yield way
        if outcome_of(way) is Outcome.ALLOWED:
            return


def best_of(ways: Iterable[Way]) -> Way | None:
    """The surest way, and of these the first of the shortest; None of none."""
    return min(ways, key=lambda way: (OUTCOMES.index(outcome_of(way)), len(way)), default=None)
