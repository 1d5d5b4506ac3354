"""The pack stays above the floors of benchmarks/detection_quality.py, on recorded events, as it is run."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sakimori.detect import ir

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "detection_quality.py"
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "cloudtrail"


@pytest.fixture(scope="module")
def quality() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detection_quality", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus folder cloudtrail beside the repository: nothing was scored")
def test_the_pack_stays_above_every_floor(tmp_path: Path) -> None:
    written = tmp_path / "score.json"
    run = subprocess.run([sys.executable, str(SCRIPT), "--json", str(written)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    score = json.loads(written.read_text())
    assert [line["reached"] for line in score["verdicts"]] == [True, True, True]
    assert len(score["attacks"]) >= 18
    assert score["benign_events"] >= 2_255


def test_without_the_corpus_it_says_so(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--corpus", str(tmp_path / "absent")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert "--corpus" in run.stderr


NAME = ir.Text("eventName", ("StopLogging",))
USER = ir.Text("userIdentity.type", ("Root",))
ANY_NAME = ir.Text("eventName", (ir.Wildcard.MANY,))


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        (NAME, True),
        (USER, False),
        (ANY_NAME, False),
        (ir.And((USER, NAME)), True),
        (ir.Or((USER, NAME)), False),
        (ir.Or((NAME, ir.And((USER, NAME)))), True),
        (ir.Not(NAME), False),
        (ir.Regex("eventName", "^(Get|List).*"), True),
        (ir.Regex("eventName", ".*"), False),
    ],
)
def test_a_rule_is_specific_only_if_it_cannot_hold_without_naming_the_call(
    quality: ModuleType, condition: ir.Condition, named: bool
) -> None:
    assert quality.names_the_call(condition) is named
