"""Draws docs/demo.svg, the picture of the README: what a real run of `sakimori detect` prints for the sample day."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sakimori.cli.output import write_table
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity
from sakimori.simulate.samples import write_day

PICTURE = Path(__file__).resolve().parent / "demo.svg"
DAY = date(2026, 11, 20)
WIDTH = 140


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = write_day(Path(folder) / "logs", DAY)
        arguments = ("detect", "logs/", "--min-severity", "medium")
        run = subprocess.run(
            [sys.executable, "-m", "sakimori", *arguments, "--format", "jsonl"],
            cwd=folder,
            env=os.environ | {"SAKIMORI_HOME": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    found = [_finding(json.loads(line)) for line in run.stdout.splitlines()]
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "green"), f"sakimori {' '.join(arguments)}"))
    write_table(found, console)
    console.print(Text(run.stderr.strip().splitlines()[-1], style="dim"))
    PICTURE.write_text(_without_fonts(console.export_svg(title=f"{written.events:,} logged calls")), encoding="utf-8")
    print(f"{len(found)} findings in {PICTURE}")


def _finding(row: dict[str, Any]) -> Finding:
    """The finding that a line of the contract's JSON describes."""
    row |= {"severity": Severity(row.pop("severity_id"))}
    return Finding(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})


def _without_fonts(svg: str) -> str:
    """Rich's SVG fetches its font from another host; the reader's own monospace font does as well."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace(
        "Fira Code", "ui-monospace, Menlo, Consolas"
    )


if __name__ == "__main__":
    main()
