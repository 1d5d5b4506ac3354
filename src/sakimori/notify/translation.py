"""What our findings and workflows say, in the language of the reader.

A title or a text is looked up by what it is in English, so that a rule of somebody else, or one that was reworded, is
never told in words that are not its own. Where texts hold values they stay, after the words that say what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

JAPANESE = Path(__file__).with_name("japanese.yml")
JAPANESE_RULES = Path(__file__).with_name("japanese_rules.yml")
ASSERTION = "network/assertion"
"""The rule of findings about an assertion begins so; its id follows."""


@cache
def japanese() -> dict[str, Any]:
    """The catalogue."""
    loaded: dict[str, Any] = yaml.load(JAPANESE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


@cache
def japanese_rules() -> dict[str, str]:
    """What our detection rules say of why it matters, by what it is in English."""
    pairs = yaml.load(JAPANESE_RULES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {each["en"]: each["ja"] for each in pairs}


def in_language(facts: Mapping[str, str], language: str) -> dict[str, str]:
    """The facts of a message in a language; what has no words there stays as it is."""
    given = dict(facts)
    if language != "ja":
        return given
    for name in ("title", "description", "remedy"):
        if name in given:
            given[name] = japanese()["texts"].get(given[name], given[name])
    rule = given.get("rule", "")
    about = japanese()["findings"].get(ASSERTION if rule.startswith(f"{ASSERTION}/") else rule)
    if about:
        given |= _of_check(given, about)
    elif "description" in given:
        given["description"] = _of_detection(given["description"], given.get("tactic", ""))
    if "workflow" in given:
        given |= _of_run(given)
    return given


def _of_check(given: Mapping[str, str], about: Mapping[str, str]) -> dict[str, str]:
    """The check's own words, and after its title and its reason those with the values."""
    found = {"title": f"{about['title']}（{given.get('title', '')}）"}
    if "why" in about:
        found["description"] = f"{about['why']}（{given.get('description', '')}）"
    if "todo" in about:
        found["remedy"] = about["todo"]
    return found


def _of_detection(description: str, tactic: str) -> str:
    """What our rule says; before what somebody else's says, what its tactic means."""
    ours = japanese_rules().get(description)
    return ours or f"{japanese()['tactics'].get(tactic, '')}{description}"


def _of_run(given: Mapping[str, str]) -> dict[str, str]:
    why = japanese()["workflows"].get(given["workflow"], "")
    return {"decision": decided(given.get("decision", ""), "ja"), "reason": f"{why}{given.get('reason', '')}"}


def decided(decision: str, language: str) -> str:
    """What a run does, which may be several actions, in a language."""
    if language != "ja":
        return decision
    known = japanese()["decisions"]
    return "、".join(known.get(each, each) for each in decision.split(", "))
