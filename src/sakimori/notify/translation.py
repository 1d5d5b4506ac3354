"""What our findings and workflows say, in the language of the reader.

A sentence with values in it is told by what it was made of (`model/said.py`). What always stays the same, such as a
rule's title, is looked up by what it is in English, so that a rule of somebody else, or one that was reworded, is never
told in words that are not its own. What has no words stays as it is.
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
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
"""Kana and kanji."""

JAPANESE_RULES = Path(__file__).with_name("japanese_rules.yml")


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
    given, made = dict(facts), said or {}
    if language != "ja":
        return given
    for name in ("title", "description", "remedy"):
        if name in given:
            given[name] = retold(given[name], made, language)
    if "description" in given and given["description"] == facts["description"]:
        given["description"] = _of_others(given["description"], given.get("tactic", ""))
    if "workflow" in given:
        given |= _of_run(given, made)
    return given


def _of_others(description: str, tactic: str) -> str:
    """What others say of why it matters, after what its tactic means."""
    return f"{japanese()['tactics'].get(tactic, '')}{description}"


def _of_run(given: Mapping[str, str], said: Mapping[str, Made]) -> dict[str, str]:
    why = japanese()["workflows"].get(given["workflow"], "")
    reason = retold(given.get("reason", ""), said, "ja")
    return {"decision": decided(given.get("decision", ""), "ja"), "reason": f"{why}{reason}"}


def retold(text: str, said: Mapping[str, Made], language: str) -> str:
    """A text of ours in a language, with the sentences in it: by what it was made of, else by what it is in English.

    Values are put in as they are: what one of them holds is not read as a template, and nothing is made of a sentence
    that others wrote. Such ones, and those from before sentences were remembered, stay as they are.
    """
    if language != "ja":
        return text
    found = recalled(text, said)
    return _in_japanese(found) if isinstance(found, Said) else constant(text)


def constant(text: str) -> str:
    """A text that always stays the same: a title, why it matters or what to do of a rule or a check of ours."""
    known: str | None = japanese()["texts"].get(text) or japanese_rules().get(text)
    return known or text


def _in_japanese(sentence: Said) -> str:
    told = {name: _value(name, value) for name, value in sentence.values.items()}
    if sentence.template in japanese()["joints"]:
        return str(japanese()["joints"][sentence.template]).join(told.values())
    known = japanese()["sentences"].get(sentence.template)
    if not known:
        return str(sentence)
    for name, value in sentence.values.items():
        if isinstance(value, Said):
            known = _closed_up(known, name, told[name])
    return PLACEHOLDER.sub(lambda found: told[found[1]], known)


def _closed_up(template: str, name: str, value: str) -> str:
    """The template without the spaces around a value that is Japanese itself, where Japanese stands beside it."""
    if _JAPANESE.match(value[:1]):
        template = re.sub(rf"(?<={_JAPANESE.pattern}) (?={{{name}}})", "", template)
    if _JAPANESE.match(value[-1:]):
        template = re.sub(rf"(?<={{{name}}}) (?={_JAPANESE.pattern})", "", template)
    return template


def _value(name: str, value: str) -> str:
    """A value: a sentence in it is told, too, and so are the title of a finding and the name of an action of ours."""
    if isinstance(value, Said):
        return _in_japanese(value)
    if name == "measure":
        return decided(value, "ja")
    return constant(value) if name == "title" else value


def decided(decision: str, language: str) -> str:
    """What a run does, which may be several actions, in a language."""
    if language != "ja":
        return decision
    known = japanese()["decisions"]
    return "、".join(known.get(each, each) for each in decision.split(", "))
