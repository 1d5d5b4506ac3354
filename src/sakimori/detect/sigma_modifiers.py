r"""Modifiers that pySigma lacks, reads in another way than the specification (2.1), or that are ours.

`utf16le` is the specification's name for `wide`. `expand` takes `\%` for a percent sign. `other_account`, ours, asks
whether a field names an AWS account that is not the record's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sigma.exceptions import SigmaTypeError, SigmaValueError
from sigma.modifiers import (
    SigmaAllModifier,
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaContainsModifier,
    SigmaEndswithModifier,
    SigmaExpandModifier,
    SigmaNegateModifier,
    SigmaStartswithModifier,
    SigmaValueModifier,
    SigmaWideModifier,
    SigmaWindowsDashModifier,
    modifier_mapping,
)
from sigma.rule.detection import SigmaDetection
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaExpansion,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
    SpecialChars,
)

Part = str | SpecialChars | Placeholder


@dataclass
class OtherAccount(SigmaType):
    """Whether an account is named that is not the record's own."""

    named: bool


class OtherAccountModifier(SigmaValueModifier[SigmaBool, OtherAccount]):
    """`field|other_account: true`."""

    def modify(self, val: SigmaBool) -> OtherAccount:
        if self.detection_item.field is None or self.applied_modifiers:
            raise SigmaValueError("other_account stands alone behind a field, with true or false", source=self.source)
        return OtherAccount(val.boolean)


class ExpandModifier(SigmaExpandModifier):
    r"""`%name%` is a placeholder, `\%` a percent sign (Sigma Rules Specification, "Placeholders")."""

    def modify(self, val: SigmaString | SigmaRegularExpression) -> SigmaString | SigmaRegularExpression:
        if isinstance(val, SigmaRegularExpression):
            raise SigmaTypeError("expand is not supported for regular expressions", source=self.source)
        val.s = [found for part in val.s for found in (_placeholders(part) if isinstance(part, str) else (part,))]
        return val


class WindashModifier(SigmaWindowsDashModifier):
    """The five dashes stand for each other, whichever of them the rule has; pySigma starts from two, three at most."""

    max_expanded_dashes = 5

    def modify(self, val: SigmaString) -> SigmaExpansion:
        val.s = [_LONG_DASH.sub("-", part) if isinstance(part, str) else part for part in val.s]
        return super().modify(val)


_LONG_DASH = re.compile(r"\B[\u2013-\u2015]\b")


def _placeholders(text: str) -> list[Part]:
    """A text cut at its placeholders."""
    found: list[Part] = []
    plain, at = "", 0
    while at < len(text):
        if text.startswith("\\%", at):
            plain, at = plain + "%", at + 2
            continue
        name, closed, _ = text[at + 1 :].partition("%")
        if text[at] == "%" and closed and name and "\\" not in name:
            found += ([plain] if plain else []) + [Placeholder(name)]
            plain, at = "", at + len(name) + 2
            continue
        plain, at = plain + text[at], at + 1
    return found + ([plain] if plain else [])


def register() -> None:
    """Have pySigma know them: it has one table of modifiers, and no parameter for it."""
    modifier_mapping.update(
        utf16le=SigmaWideModifier, expand=ExpandModifier, other_account=OtherAccountModifier, windash=WindashModifier
    )


def misuse(detection: SigmaDetection) -> tuple[str, str] | None:
    """A field (with what follows it) whose modifiers do not go together, and why; pySigma takes them all."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            if found := misuse(item):
                return found
            continue
        names = [name for name, known in modifier_mapping.items() for used in item.modifiers if used is known]
        later = item.modifiers[item.modifiers.index(ExpandModifier) + 1 :] if "expand" in names else []
        if any(used not in _AFTER_EXPAND for used in later):
            return f"{item.field or ''}|", "a placeholder is filled in last: encode its values where they are set"
        if "cased" in names and "fieldref" in names:
            return f"{item.field or ''}|", "fields are compared without regard to case: cased does not go with fieldref"
        given = item.original_value or ()
        if item.modifiers[:1] == [SigmaBase64OffsetModifier] and any(len(str(each)) < 2 for each in given):
            return f"{item.field or ''}|", "base64offset needs two characters: of one, nothing is sure in every place"
    return None


_AFTER_EXPAND = (
    *(SigmaContainsModifier, SigmaStartswithModifier, SigmaEndswithModifier),
    *(SigmaAllModifier, SigmaNegateModifier, SigmaCaseSensitiveModifier),
)


_CAPITALS = re.compile(r"(?<![\w*-])(?:AND|OR|NOT|OF|ALL|ANY|THEM)(?![\w*-])")


def in_small_letters(document: dict[str, Any], section: str) -> dict[str, Any]:
    """The document with the operators of its conditions in small letters, as pySigma wants them; people write both."""
    detection = document[section]
    if not isinstance(detection, dict):
        return document

    def small(condition: Any) -> Any:
        if not isinstance(condition, str):
            return condition
        return _CAPITALS.sub(lambda found: found[0] if found[0] in detection else found[0].lower(), condition)

    given = detection.get("condition")
    condition = [small(each) for each in given] if isinstance(given, list) else small(given)
    return document | {section: detection | {"condition": condition}} if "condition" in detection else document
