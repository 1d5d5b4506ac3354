"""Entering in the ledger what is found, while it is found, thousands of assets a transaction; the account of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sakimori.discover.engine import Found
from sakimori.discover.settled import settings_of
from sakimori.model.asset import GLOBAL, NotEvaluated
from sakimori.store.discovered import Settled
from sakimori.store.ledger import Ended, Ledger, Recorded, Scope, Seen

BATCH = 2_000
"""Assets and ended units in one transaction."""


@dataclass(slots=True)
class Outcome:
    """What a discovery found, account by account."""

    recorded: Recorded = field(default_factory=Recorded)
    assets: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.not_evaluated

    def accounts(self) -> list[str]:
        """Every account that was to be looked at, or was left out; "" is one that a file does not name."""
        missing = {each.account for each in self.not_evaluated}
        return sorted({*self.assets, *self.units, *missing, *self.left_out})

    def missing(self, account: str) -> list[NotEvaluated]:
        return [each for each in self.not_evaluated if each.account == account]

    def to_json(self) -> dict[str, Any]:
        done = self.recorded
        return {
            "complete": self.complete,
            "new": done.new,
            "changed": done.changed,
            "returned": done.returned,
            "gone": done.gone,
            "accounts": [self.account_json(account) for account in self.accounts()],
        }

    def account_json(self, account: str) -> dict[str, Any]:
        missing = self.missing(account)
        return {
            "account": account,
            "name": self.names.get(account, ""),
            "complete": not missing and account not in self.left_out,
            "left_out": self.left_out.get(account, ""),
            "assets": self.assets[account],
            "not_evaluated": [{name: getattr(each, name) for name in NotEvaluated.__slots__} for each in missing],
        }


Progress = Callable[[Outcome], None]


def record(
    found: Iterable[Found], ledger: Ledger, source: str, planned: Iterable[NotEvaluated] = (), *, progress: Progress
) -> Outcome:
    """Enters all that is found as one run. Interrupted, what was entered stays, and nothing counts as gone that was not
    looked for. `planned` is what could not even be planned. Raises LedgerError."""
    outcome = Outcome()
    run = ledger.begin_discovery(source)
    incomplete: dict[Scope, set[str]] = {}
    missing: dict[Scope, list[NotEvaluated]] = {}
    settled: dict[str, Settled] = {}
    steps: list[Seen | Ended] = []
    weight = 0
    for parcel in found:
        scope = Scope(parcel.unit.place.account, parcel.unit.place.region, parcel.unit.name)
        missing.setdefault(scope, []).extend(parcel.not_evaluated)
        incomplete.setdefault(scope, set()).update(parcel.incomplete)
        if parcel.assets or parcel.relations:
            seen = scope, parcel.assets, parcel.relations, parcel.asked, parcel.incomplete
            if scope.service not in settled:
                settled[scope.service] = settings_of(parcel.unit.service)
            steps.append(Seen(*seen, settled[scope.service], parcel.in_part))
        if parcel.done:
            steps.append(Ended(scope, parcel.whole, incomplete.pop(scope), missing.pop(scope)))
            outcome.units[scope.account] += 1
        outcome.assets[scope.account] += len(parcel.assets)
        outcome.not_evaluated += parcel.not_evaluated
        weight += len(parcel.assets) + parcel.done
        if weight >= BATCH:
            outcome.recorded += ledger.record(run, steps)
            steps, weight = [], 0
        progress(outcome)
    outcome.recorded += ledger.record(run, steps)
    unplanned = list(planned)
    for account in outcome.accounts() + sorted({each.account for each in unplanned}):
        mine = [each for each in unplanned if each.account == account]
        ledger.put_not_evaluated(run, Scope(account, GLOBAL, ""), mine)
    outcome.not_evaluated += unplanned
    ledger.end_discovery(run)
    return outcome
