"""Tests of the console pretend what tests of responses pretend."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "respond"))
