"""What a page and an act are, and what they are given: the vocabulary of `pages/`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine as Database

from sakimori.console.people import Lasting, Person
from sakimori.console.tries import Tries
from sakimori.respond.engine import Engine

PER_PAGE = 50
"""Lines of a list."""


@dataclass(frozen=True, slots=True)
class Console:
    """What the console shows, and where people reach it. `engine.start` is how a run goes on that was approved."""

    engine: Engine
    database: Database
    address: str
    lasting: Lasting = field(default_factory=Lasting)
    tries: Tries = field(default_factory=Tries)
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: by whom, the parts of the address, the query or the form, and in which language to answer."""

    person: Person
    path: Mapping[str, str]
    given: Mapping[str, str]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Page:
    """A page: `show` gives what is shown, which is also its JSON. `tab` is its place in the navigation, if it has one.

    Raises NotThere where there is no such thing, and whatever the rooms raise.
    """

    path: str
    template: str
    show: Callable[[Console, Asked], dict[str, Any]]
    tab: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act: `shown` is its JSON; `goes_to` is the page that then says `said`, "" if the outcome is a
    page of its own; `status` is not 200 where it was refused."""

    shown: dict[str, Any]
    goes_to: str = ""
    said: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done with a form, or with a token by POST of JSON. `fields` are what it takes."""

    path: str
    do: Callable[[Console, Asked], Outcome]
    fields: tuple[str, ...] = ()


class NotThere(Exception):
    """There is no such thing; the message says which."""


class NotUnderstood(Exception):
    """A form, or what a script sent, is not what the act takes; the message says why."""


def paged(lines: list[dict[str, Any]], ids: list[str]) -> tuple[list[dict[str, Any]], str]:
    """Of one line more than a page holds: the page, and after which id the next one begins, "" if there is none."""
    return lines[:PER_PAGE], ids[PER_PAGE - 1] if len(lines) > PER_PAGE else ""
