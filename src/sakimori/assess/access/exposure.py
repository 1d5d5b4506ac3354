"""What a check declares and what it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from sakimori.assess.access.estate import Estate

FOLDER = Path(__file__).with_name("checks")


@dataclass(frozen=True, slots=True)
class Check:
    """`why` is what an attacker makes of it, `fix` what to do; `severity` the usual one, which an exposure may change.

    `needs` are the asset types that it looks at.
    """

    title: str
    severity: Severity
    why: str
    fix: str
    needs: tuple[str, ...]
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposure:
    """One thing that is wrong: with which asset, and the evidence. `discriminator` tells several of one asset apart."""

    asset: str
    account: str
    title: str
    evidence: Mapping[str, Any]
    region: str = "global"
    severity: Severity | None = None
    discriminator: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """What a check could not decide: about which asset ("" for an account), and why. `unwanted`: nobody asked for what
    it would need, which is asked for only where it is wanted."""

    asset: str
    account: str
    reason: str
    unwanted: bool = False


Yielded = Exposure | Undecided


@dataclass(frozen=True, slots=True)
class Plugin:
    """A check with its id."""

    id: str
    check: Check
    exposures: Callable[[Estate], Iterator[Yielded]] = field(repr=False)


@cache
def checks() -> tuple[Plugin, ...]:
    """All checks by id."""
    found = []
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        module = import_module(f"sakimori.assess.access.checks.{path.stem}")
        found.append(Plugin(path.stem, module.CHECK, module.exposures))
    return tuple(found)
