"""What our findings and workflows say, in the language of the reader.

A title or a text is looked up by what it is in English, so that a rule of somebody else, or one that was reworded, is
never told in words that are not its own; so is one with values, by what is around them. What has no words stays as it
is, after words that say what it is about. Sentences of workflows are told by what they were made of (`model/said.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sakimori.model.said import PLACEHOLDER, Made, Said, recalled

JAPANESE = Path(__file__).with_name("japanese.yml")
JAPANESE_RULES = Path(__file__).with_name("japanese_rules.yml")
ASSERTION = "network/assertion"
"""The rule of findings about an assertion begins so; its id follows."""

LONGEST_FORM = 1_000
"""Letters of a text in which values are looked for: a hostile name could make longer ones slow."""


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


def in_language(facts: Mapping[str, str], language: str, said: Mapping[str, Made] | None = None) -> dict[str, str]:
    """The facts of a message in a language; what has no words there stays as it is. `said`: see Message."""
    given = dict(facts)
    if language != "ja":
        return given
    rule, texts = given.get("rule", ""), japanese()["texts"]
    of_product = japanese()["products"].get(rule.partition("/")[0], {})
    for name in ("title", "description", "remedy"):
        if name in given:
            given[name] = texts.get(given[name]) or _with_values(given[name], of_product) or given[name]
    about = japanese()["findings"].get(ASSERTION if rule.startswith(f"{ASSERTION}/") else rule)
    if about:
        given |= _of_check(given, about)
    elif "description" in given:
        given["description"] = _of_detection(given["description"], given.get("tactic", ""))
    if "workflow" in given:
        given |= _of_run(given, said or {})
    return given


def _of_check(given: Mapping[str, str], about: Mapping[str, Any]) -> dict[str, str]:
    """What the check says, with its values; where that has no words, the check's own, and after them what it says."""
    found = {}
    for name, own in (("title", "title"), ("description", "why"), ("remedy", "todo")):
        said = given.get(name, "")
        known = _with_values(said, about.get("says", {}))
        if known is not None:
            found[name] = known
        elif own in about:
            found[name] = about[own] if own == "todo" else f"{about[own]}（{said}）"
    return found


def _with_values(said: str, forms: Mapping[str, str]) -> str | None:
    """The text by the first form that it has, with its values."""
    for english, ours in forms.items() if len(said) <= LONGEST_FORM else ():
        values = _pattern(english).fullmatch(said)
        if values:
            return ours.format_map({name: _of_value(name, value) for name, value in values.groupdict().items()})
    return None


def _of_value(name: str, value: str) -> str:
    """A value, which is shown as it is but where it is a title, or reasons, of ours."""
    if name != "reasons":
        return titled(value) if name in ("title", "finding") else value
    known, joint = japanese()["sentences"], str(japanese()["joints"]["; "])
    return joint.join(known.get(each, each) for each in value.split("; "))


def titled(title: str) -> str:
    """The title of a finding: of a rule of ours, or one that we gave to what a product found; any other as it is."""
    known: str | None = japanese()["texts"].get(title)
    given = (_with_values(title, forms) for forms in japanese()["products"].values())
    return known or next(filter(None, given), title)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """A form with its {values} as groups."""
    pieces = PLACEHOLDER.split(form)  # text and names in turn
    return re.compile("".join(f"(?P<{each}>.+?)" if n % 2 else re.escape(each) for n, each in enumerate(pieces)), re.S)


def _of_detection(description: str, tactic: str) -> str:
    """What our rule says; before what somebody else's says, what its tactic means."""
    ours = japanese_rules().get(description)
    return ours or f"{japanese()['tactics'].get(tactic, '')}{description}"


def _of_run(given: Mapping[str, str], said: Mapping[str, Made]) -> dict[str, str]:
    why = japanese()["workflows"].get(given["workflow"], "")
    reason = retold(given.get("reason", ""), said, "ja")
    return {"decision": decided(given.get("decision", ""), "ja"), "reason": f"{why}{reason}"}


def retold(sentence: str, said: Mapping[str, Made], language: str) -> str:
    """A sentence of ours in a language, with the sentences in it, by what they were made of.

    Values are put in as they are: what one of them holds is not read as a template, and nothing is made of a sentence
    that others wrote. Such ones, and those of runs from before sentences were remembered, stay as they are.
    """
    return _in_japanese(recalled(sentence, said)) if language == "ja" else sentence


def _in_japanese(sentence: str) -> str:
    if not isinstance(sentence, Said):
        return sentence
    told = {name: titled(value) if name == "title" else _in_japanese(value) for name, value in sentence.values.items()}
    if sentence.template in japanese()["joints"]:
        return str(japanese()["joints"][sentence.template]).join(told.values())
    known = japanese()["sentences"].get(sentence.template)
    return PLACEHOLDER.sub(lambda found: told[found[1]], known) if known else str(sentence)


def decided(decision: str, language: str) -> str:
    """What a run does, which may be several actions, in a language."""
    if language != "ja":
        return decision
    known = japanese()["decisions"]
    return "、".join(known.get(each, each) for each in decision.split(", "))
