"""What a discovery came to, on the way out: every account as complete, or with what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from sakimori.cli.output import printable, to_line

if TYPE_CHECKING:
    from sakimori.discover.record import Outcome
    from sakimori.model.asset import NotEvaluated

SHOWN = 20
"""Kinds of refusals that a table shows for an account; JSON has each single one."""


class OutcomeFormat(StrEnum):
    """TABLE is for eyes; JSON is one object; JSONL is one account a line."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


def outcome_lines(outcome: Outcome, form: OutcomeFormat) -> Iterator[str]:
    """The lines for standard output."""
    if form is OutcomeFormat.JSON:
        yield to_line(outcome.to_json())
    elif form is OutcomeFormat.JSONL:
        yield from (to_line(outcome.account_json(account)) for account in outcome.accounts())
    else:
        yield f"{'account':<14}{'assets':>8}  state"
        for account in outcome.accounts():
            yield from _account(outcome, account)


def _account(outcome: Outcome, account: str) -> Iterator[str]:
    name = f" ({printable(outcome.names[account])})" if account in outcome.names else ""
    missing = outcome.missing(account)
    state = f"{len(missing):,} not evaluated" if missing else outcome.left_out.get(account) or "complete"
    yield f"{account or 'not named':<14}{outcome.assets[account]:>8,}  {state}{name}"
    kinds = _kinds(missing)
    for what, count in kinds.most_common(SHOWN):
        yield f"{'':<24}{f'{count:,} x ' if count > 1 else ''}{printable(what)}"
    if len(kinds) > SHOWN:
        yield f"{'':<24}and {len(kinds) - SHOWN:,} more: --format json has them all"


def _kinds(missing: list[NotEvaluated]) -> Counter[str]:
    """Refusals that differ only in the resource count as one kind."""
    return Counter(f"{each.action} in {each.region}: {each.code}: {each.message[:160]}" for each in missing)


def summary(outcome: Outcome) -> str:
    """One line: how much was found, what is new, and whether it is all."""
    done = outcome.recorded
    parts = [f"{done.new:,} new", f"{done.changed:,} changed", f"{done.gone:,} gone"]
    parts += [f"{done.returned:,} back"] if done.returned else []
    accounts = len(outcome.accounts()) - len(outcome.left_out)
    found = (
        f"{outcome.assets.total():,} assets of {accounts:,} account{'s' if accounts != 1 else ''}: {', '.join(parts)}"
    )
    if outcome.complete:
        return f"complete: {found}"
    return f"incomplete: {found}; {len(outcome.not_evaluated):,} questions were not answered"
