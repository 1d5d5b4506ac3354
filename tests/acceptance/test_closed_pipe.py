"""Whatever reads the output may have seen enough: every verb then ends quietly, as other Unix tools do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STATEMENT = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
CASE = {
    "request": {
        "principal": "arn:aws:iam::111122223333:user/ann",
        "action": "s3:GetObject",
        "resource": {"resource": "arn:aws:s3:::files/a", "accountId": "111122223333"},
    },
    "identityPolicies": [{"Version": "2012-10-17", "Statement": [STATEMENT]}],
}


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "access --help",
        "rules list",
        "doctor --iam",
        "access simulate CASES",
        "access simulate ONE",
    ],
)
def test_a_reader_that_is_gone_is_no_error(words: str, tmp_path: Path) -> None:
    (tmp_path / "CASES").write_text(json.dumps([CASE] * 2000), encoding="utf-8")
    (tmp_path / "ONE").write_text(json.dumps(CASE), encoding="utf-8")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sakimori", *words.split()],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
            timeout=120,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
