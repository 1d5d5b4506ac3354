"""Recall and noise of the rule pack, scored on recorded attacks and on a day of real, harmless work.

    python benchmarks/detection_quality.py [--corpus DIR] [--seed N] [--json FILE]

Three questions, each with a floor; the exit code is 1 if one is missed:

1. Of the attack recordings, how many get a finding at Medium or above from a *specific* rule? The name of the tool that
   made the recordings stands in nearly all of their records, so it is replaced by random words first. A rule is
   specific if it names the call: its condition cannot hold unless the event's name (or source) fits a text that the
   rule states, and it fires on no more than 2% of the harmless events. A correlation is as specific as its rules.
2. How many findings at Medium or above do the harmless events give?
3. Of the events that another rule set's tests call positive and whose ATT&CK technique our pack claims (a
   sub-technique counts as its technique), how many get any finding, each event on its own?
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sakimori.detect import ir, rulebook
from sakimori.detect.detection import Detector
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "cloudtrail"
TOOL = re.compile(r"stratus(?:[-_ ]?red[-_ ]?team)?", re.IGNORECASE)
SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pa", "ri", "so", "ta", "ve", "zu")

ATTACKS_FLOOR, BENIGN_CEILING, CLAIMED_FLOOR = 17, 10, 0.95
INDISCRIMINATE = 0.02
"""Share of the harmless events past which a rule counts as firing on almost anything."""

CALL_FIELDS = ("eventName", "eventSource")


@dataclass
class Score:
    """What the pack makes of the corpus; the lists hold what to look at next."""

    rules: int = 0
    attacks: dict[str, list[str]] = field(default_factory=dict)
    """Recording -> the specific rules that found it; none is a miss."""
    unspecific: dict[str, list[str]] = field(default_factory=dict)
    """Recording -> rules at Medium or above that found it and do not count."""
    benign_events: int = 0
    benign: list[dict[str, Any]] = field(default_factory=list)
    claimed: int = 0
    unclaimed: int = 0
    untagged: int = 0
    missed: list[dict[str, str]] = field(default_factory=list)
    same_technique: int = 0
    """Of the claimed ones: found by a rule that claims the very technique, at whatever severity."""
    loud: int = 0
    """Of the claimed ones: found at Medium or above."""
    negatives: int = 0
    negatives_found: int = 0

    @property
    def found(self) -> int:
        return sum(bool(rules) for rules in self.attacks.values())

    @property
    def claimed_share(self) -> float:
        return 1 - len(self.missed) / self.claimed if self.claimed else 0.0

    def verdicts(self) -> list[tuple[str, str, str, bool]]:
        """(question, figure, floor, reached) of each line of the table."""
        recordings = len(self.attacks)
        floor = min(ATTACKS_FLOOR, recordings)
        hit = self.claimed - len(self.missed)
        return [
            (
                "attack recordings found by a specific rule at Medium or above",
                f"{self.found} of {recordings}",
                f">= {floor}",
                0 < floor <= self.found,
            ),
            (
                f"findings at Medium or above on {self.benign_events:,} harmless events",
                f"{len(self.benign)}",
                f"<= {BENIGN_CEILING}",
                self.benign_events > 0 and len(self.benign) <= BENIGN_CEILING,
            ),
            (
                "labelled positives of a technique that the pack claims, found",
                f"{hit} of {self.claimed} ({self.claimed_share:.1%})",
                f">= {CLAIMED_FLOOR:.0%}",
                self.claimed_share >= CLAIMED_FLOOR,
            ),
        ]


def score(corpus: Path, seed: int) -> Score:
    """The pack scored on the corpus. Raises OSError where a part of the corpus is missing."""
    book = rulebook.load()
    detector = Detector(book)
    words = random.Random(seed)
    result = Score(rules=len(book.metas))
    fired = _score_benign(result, detector, corpus / "benign", words)
    specific = specific_rules(book, fired, result.benign_events)
    _score_attacks(result, detector, corpus / "attacks", specific, words)
    _score_labelled(result, detector, corpus / "labelled_panther" / "panther_tests.jsonl", words)
    return result


def specific_rules(book: rulebook.Rulebook, fired: Counter[str], events: int) -> set[str]:
    """The ids of the rules that are specific; `fired` counts the harmless events of each rule, of `events` in all."""
    named = {rule.meta.id for rule in book.rules if names_the_call(rule.condition)}
    named |= {each.meta.id for each in book.correlations if named.issuperset(each.rules)}
    return {rule for rule in named if fired[rule] <= INDISCRIMINATE * events}


def names_the_call(condition: ir.Condition) -> bool:
    """Whether the condition can hold only of calls whose name or source fits a text that it states."""
    match condition:
        case ir.And(children):
            return any(names_the_call(child) for child in children)
        case ir.Or(children):
            return all(names_the_call(child) for child in children)
        case ir.Text(field_path, pattern):
            return field_path in CALL_FIELDS and any(isinstance(part, str) and part for part in pattern)
        case ir.Regex(field_path, pattern):
            return field_path in CALL_FIELDS and re.search(r"\w{3}", pattern) is not None
    return False


def _score_benign(result: Score, detector: Detector, folder: Path, words: random.Random) -> Counter[str]:
    """Fills in the harmless events; gives how many of them each rule fired on, at any severity."""
    fired: Counter[str] = Counter()
    files = [folder / "invictus_lab_operator.jsonl", *sorted((folder / "eventbridge_admin").glob("*.json"))]
    looks = [detector.look(_scrubbed(file, words), file.name) for file in files]
    for look in looks[1:]:
        looks[0].merge(look)
    result.benign_events = looks[0].records
    for finding in detector.findings(looks[0]):
        fired[finding.rule] += finding.count
        if finding.severity >= Severity.MEDIUM:
            shown = {key: getattr(finding, key) for key in ("rule", "actor", "asset", "count", "first_seen")}
            result.benign.append({"severity": finding.severity.label, **shown})
    return fired


def _score_attacks(result: Score, detector: Detector, folder: Path, specific: set[str], words: random.Random) -> None:
    for file in sorted(folder.glob("aws.*.json")):
        rules = {finding.rule for finding in _loud(detector, _scrubbed(file, words), file.name)}
        result.attacks[file.stem] = sorted(rules & specific)
        result.unspecific[file.stem] = sorted(rules - specific)


def _score_labelled(result: Score, detector: Detector, file: Path, words: random.Random) -> None:
    claimed = {_base(technique) for meta in detector.book.metas.values() for technique in meta.techniques}
    for line in _scrubbed(file, words).splitlines():
        case = json.loads(line)
        event = json.dumps(case["event"]).encode()
        if not case["expected"]:
            result.negatives += 1
            result.negatives_found += any(True for _ in _loud(detector, event, case["test"]))
            continue
        techniques = {_base(tag.rpartition(":")[2]) for tag in case["mitre"]}
        if not techniques & claimed:
            result.unclaimed += bool(techniques)
            result.untagged += not techniques
            continue
        result.claimed += 1
        found = list(detector.findings(detector.look(event, case["test"])))
        result.same_technique += any(techniques & set(map(_base, finding.techniques)) for finding in found)
        result.loud += any(finding.severity >= Severity.MEDIUM for finding in found)
        if not found:
            tags = ", ".join(case["mitre"])
            name = str(case["event"].get("eventName", ""))
            result.missed.append({"rule": case["rule_id"], "test": case["test"], "mitre": tags, "eventName": name})


def _loud(detector: Detector, text: bytes, path: str) -> Iterator[Finding]:
    found = detector.findings(detector.look(text, path))
    return (finding for finding in found if finding.severity >= Severity.MEDIUM)


def _base(technique: str) -> str:
    return technique.upper().partition(".")[0]


def _scrubbed(file: Path, words: random.Random) -> bytes:
    """The file's text with the tool's name replaced, everywhere in the file by the same random word."""
    word = "".join(words.choices(SYLLABLES, k=4))
    return TOOL.sub(word, file.read_text(encoding="utf-8")).encode()


def report(result: Score) -> Iterator[str]:
    """The table, then what was missed and what was noisy."""
    yield f"{result.rules} rules"
    for question, figure, floor, reached in result.verdicts():
        yield f"{question:<66} {figure:>18}  {floor:>7}  {'ok' if reached else 'BELOW'}"
    yield (
        f"(of the labelled positives {result.unclaimed} more are of techniques that the pack does not claim, and "
        f"{result.untagged} have none)"
    )
    yield (
        f"(of those found, {result.same_technique} by a rule that claims the very technique, {result.loud} at Medium "
        "or above)"
    )
    yield (
        f"for information: {result.negatives_found} of {result.negatives} events that another rule is expected not to "
        "fire on get a finding at Medium or above; they are not all harmless"
    )
    for name, rules in result.attacks.items():
        besides = f" (not specific: {', '.join(others)})" if (others := result.unspecific[name]) else ""
        yield f"  attack   {'found' if rules else 'MISSED':<7} {name}: {', '.join(rules) or '-'}{besides}"
    for each in result.benign:
        yield f"  harmless {each['severity']:<7} {each['rule']}: {each['actor']} on {each['asset']} x{each['count']}"
    for each in result.missed:
        yield f"  labelled MISSED  {each['rule']} / {each['test']} [{each['mitre']}] {each['eventName']}"


def main() -> int:
    """Prints the score. Exit code 1 below a floor, 2 without the corpus."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="the folder with attacks/, benign/, ...")
    parser.add_argument("--seed", type=int, default=1, help="of the random words")
    parser.add_argument("--json", type=Path, help="also write the score here")
    options = parser.parse_args()
    if not options.corpus.is_dir():
        print(f"no corpus at {options.corpus}: name it with --corpus DIR", file=sys.stderr)
        return 2
    result = score(options.corpus, options.seed)
    print("\n".join(report(result)))
    if options.json:
        lines = [
            {"question": question, "figure": figure, "floor": floor, "reached": reached}
            for question, figure, floor, reached in result.verdicts()
        ]
        options.json.write_text(json.dumps({"verdicts": lines, **asdict(result)}, indent=2) + "\n", encoding="utf-8")
    return 0 if all(reached for *_, reached in result.verdicts()) else 1


if __name__ == "__main__":
    sys.exit(main())
