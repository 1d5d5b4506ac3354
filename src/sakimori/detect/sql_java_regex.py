r"""RE2's regular expressions as Java's, for Spark, where the two would read the same letters in another way.

Nothing is passed on as it stands. Every character becomes itself by number, every class the ranges it holds (`\s` is
not Java's), every anchor what it means in RE2 (`$` is the very end, `\b` is ASCII), every letter under `(?i)` all
letters that RE2 folds it with. Groups and laziness change where a match lies, not whether there is one: they go.
What cannot be carried over exactly is refused. Java backtracks, so a hostile expression can take its time: bound a job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sakimori.detect.sql_terms import Inexpressible

Ranges = list[tuple[int, int]]

LAST = 0x10FFFF
_DIGITS: Ranges = [(48, 57)]
_LETTERS: Ranges = [(65, 90), (97, 122)]
_WORD: Ranges = [*_DIGITS, *_LETTERS, (95, 95)]
_SPACE: Ranges = [(9, 10), (12, 13), (32, 32)]
_PERL = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_POSIX: dict[str, Ranges] = {
    "alnum": [*_DIGITS, *_LETTERS],
    "alpha": _LETTERS,
    "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": _DIGITS,
    "graph": [(33, 126)],
    "lower": [(97, 122)],
    "print": [(32, 126)],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)],
    "space": [(9, 13), (32, 32)],
    "upper": [(65, 90)],
    "word": _WORD,
    "xdigit": [*_DIGITS, (65, 70), (97, 102)],
}
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_FOLDED = {ord("k"): 0x212A, ord("s"): 0x17F}
"""The letters beyond ASCII that fold with ASCII ones: Kelvin's sign and the long s."""

_WORD_CLASS = "[0-9A-Za-z_]"
_BOUNDARY = f"(?:(?<={_WORD_CLASS})(?!{_WORD_CLASS})|(?<!{_WORD_CLASS})(?={_WORD_CLASS}))"
_NO_BOUNDARY = f"(?:(?<={_WORD_CLASS})(?={_WORD_CLASS})|(?<!{_WORD_CLASS})(?!{_WORD_CLASS}))"


def java(pattern: str, rule: str = "") -> str:
    """The Java expression that is found in exactly the texts in which RE2 finds `pattern`, which RE2 takes.

    Raises Inexpressible, naming `rule`, for what Java reads otherwise and cannot be rewritten.
    """
    reader = _Reader(pattern, rule)
    found = reader.alternatives("")
    if reader.at != len(pattern):
        raise reader.refusal(")", "it closes nothing")
    return found


class _Reader:
    """A place in an expression, from which it is read on."""

    def __init__(self, pattern: str, rule: str) -> None:
        self.pattern, self.rule, self.at = pattern, rule, 0

    def refusal(self, what: str, why: str) -> Inexpressible:
        return Inexpressible(self.rule, f"{what} in the regular expression {self.pattern!r}", why)

    def alternatives(self, flags: str) -> str:
        """Up to the end of the group. Flags that are set in it hold until there."""
        found: list[str] = []
        while self.at < len(self.pattern) and self.pattern[self.at] != ")":
            if self._take("|"):
                found.append("|")
            elif switched := self._match(r"\(\?([imsU]*)(?:-([imsU]+))?\)"):
                flags = _switch(flags, switched)
                if self._match(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}"):
                    raise self.refusal(switched[0], "a repetition of flags has no agreed meaning")
            else:
                found.append(self._quantified(self._atom(flags)))
        return "".join(found)

    def _quantified(self, atom: str) -> str:
        while times := self._match(r"([*+?]|\{[0-9]+(?:,[0-9]*)?\})\??"):
            atom = f"(?:{atom}){times[1]}"
        return atom

    def _atom(self, flags: str) -> str:
        char = self.pattern[self.at]
        if char == "(":
            return self._group(flags)
        if char == "[":
            return _class(self._class(flags))
        if char == "\\":
            return self._escape(flags)
        self.at += 1
        match char:
            case ".":
                return _class([(0, LAST)] if "s" in flags else [(0, 9), (11, LAST)])
            case "^":
                return r"(?:\A|(?<=\n))" if "m" in flags else r"\A"
            case "$":
                return r"(?:\z|(?=\n))" if "m" in flags else r"\z"
        return _class(self._folded([(ord(char), ord(char))], flags))

    def _group(self, flags: str) -> str:
        opened = self._match(r"\(\?([imsU]*)(?:-([imsU]+))?:|\((?:\?P?<\w+>)?(?!\?)")
        if not opened:
            raise self.refusal(self.pattern[self.at : self.at + 4], "a group of a kind that is not known")
        inner = self.alternatives(_switch(flags, opened) if opened[0].endswith(":") else flags)
        if not self._take(")"):
            raise self.refusal(opened[0], "the group does not end")
        return f"(?:{inner})"

    def _escape(self, flags: str) -> str:
        if quoted := self._match(r"\\Q((?:.|\n)*?)(?:\\E|\Z)"):
            return "(?:" + "".join(_class(self._folded([(ord(c), ord(c))], flags)) for c in quoted[1]) + ")"
        for anchor, meaning in (("A", r"\A"), ("z", r"\z"), ("b", _BOUNDARY), ("B", _NO_BOUNDARY)):
            if self._take(f"\\{anchor}"):
                return meaning
        return _class(self._escaped_class(flags))

    def _escaped_class(self, flags: str) -> Ranges:
        r"""What `\d`, `\x41`, `\.` and so on stand for, inside brackets and outside."""
        if perl := self._match(r"\\([dswDSW])"):
            if perl[1] == "W" and "i" in flags:
                raise self.refusal("\\W", "under (?i) RE2 folds letters into it")
            return _complement(_PERL[perl[1].lower()]) if perl[1].isupper() else self._folded(_PERL[perl[1]], flags)
        if number := self._match(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))"):
            return self._folded([(int(number[1] or number[2], 16),) * 2], flags)
        if octal := self._match(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})"):
            return self._folded([(int(octal[1], 8),) * 2], flags)
        if control := self._match(r"\\([aftnrv])"):
            return [(_CONTROLS[control[1]],) * 2]
        if literal := self._match(r"\\([^0-9A-Za-z])"):
            return self._folded([(ord(literal[1]),) * 2], flags)
        raise self.refusal(self.pattern[self.at : self.at + 2], "its meaning differs from engine to engine")

    def _class(self, flags: str) -> Ranges:
        """A class in brackets, as the ranges that it holds."""
        self.at += 1
        negated = self._take("^")
        found: Ranges = []
        first = True
        while first or not self._take("]"):
            first = False
            if self.at >= len(self.pattern):
                raise self.refusal("[", "the class does not end")
            if posix := self._match(r"\[:(\^?)(\w+):\]"):
                found += _complement(_POSIX[posix[2]]) if posix[1] else _POSIX[posix[2]]
                continue
            low = self._class_item(flags)
            if len(low) == 1 and low[0][0] == low[0][1] and self._match(r"-(?!\])"):
                high = self._class_item(flags)
                found.append((low[0][0], high[0][1]))
            else:
                found += low
        found = self._folded(found, flags)
        return _complement(found) if negated else found

    def _class_item(self, flags: str) -> Ranges:
        if self.pattern[self.at] == "\\":
            return self._escaped_class(flags.replace("i", "") if self.pattern[self.at + 1] != "W" else flags)
        self.at += 1
        return [(ord(self.pattern[self.at - 1]),) * 2]

    def _folded(self, ranges: Ranges, flags: str) -> Ranges:
        """With every letter under `(?i)` its other forms."""
        if "i" not in flags:
            return ranges
        found = list(ranges)
        for low, high in ranges:
            if high > 127 and (low > 127 or high < LAST):
                raise self.refusal(f"{chr(low)}-{chr(high)}", "letters beyond ASCII under (?i) fold differently")
            for code in range(low, min(high, 127) + 1):
                if chr(code).isalpha():
                    found += [(code ^ 32, code ^ 32)]
                    found += [(_FOLDED[code | 32],) * 2] if code | 32 in _FOLDED else []
        return found

    def _match(self, expression: str) -> re.Match[str] | None:
        found = re.compile(expression).match(self.pattern, self.at)
        if found:
            self.at = found.end()
        return found

    def _take(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.at):
            return False
        self.at += len(text)
        return True


def _switch(flags: str, switched: re.Match[str]) -> str:
    return "".join(sorted((set(flags) | set(switched[1] or "")) - set(switched[2] or "")))


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            found.append((start, low - 1))
        start = max(start, high + 1)
    return [*found, (start, LAST)] if start <= LAST else found


def _class(ranges: Ranges) -> str:
    r"""The ranges in Java's syntax; none at all is what never matches."""
    if not ranges:
        return r"(?!)"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _char(ranges[0][0])
    return "[" + "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in ranges) + "]"


def _char(code: int) -> str:
    return chr(code) if code < 128 and chr(code).isalnum() else f"\\x{{{code:x}}}"
