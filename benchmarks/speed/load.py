"""The load: synthetic CloudTrail files and sets of Sigma rules, made once by the generators beside the repository."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"
RULE_COUNTS = (57, 500, 2000)
FILES, EVENTS_PER_FILE = 64, 16_000


class NoLoad(Exception):
    """The load is not there and cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Load:
    """Gzipped log files of `EVENTS_PER_FILE` records each, and a folder of rules for every count."""

    files: list[Path]
    rules: dict[int, Path]

    @property
    def events(self) -> int:
        return len(self.files) * EVENTS_PER_FILE


def prepared(folder: Path) -> Load:
    """The load in `folder` (load/, rules57/, ...); what is missing is generated. Raises NoLoad."""
    logs = folder / "load"
    if len(list(logs.glob("*.json.gz"))) < FILES:
        _generate("gen_cloudtrail.py", str(logs), str(FILES), str(EVENTS_PER_FILE))
    rules = {count: folder / f"rules{count}" for count in RULE_COUNTS}
    for count, place in rules.items():
        if len(list(place.glob("*.yml"))) < count:
            _generate("make_rules.py", str(SHARED / "corpus" / "sigma" / "aws" / "cloudtrail"), str(place), str(count))
    return Load(sorted(logs.glob("*.json.gz")), rules)


def _generate(tool: str, *arguments: str) -> None:
    script = SHARED / "tools" / tool
    if not script.is_file():
        raise NoLoad(f"the generator {tool} is not beside the repository: name a folder that has the data with --data")
    subprocess.run([sys.executable, str(script), *arguments], check=True)
