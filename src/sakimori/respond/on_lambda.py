"""What AWS Lambda starts. All is made ready while it starts, when it has the whole processor ("Lambda execution
environment lifecycle"); afterwards 256 MB have a seventh of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sakimori.respond.function import SETTINGS, Function

_function = Function(os.environ, Path(os.environ["LAMBDA_TASK_ROOT"]) / SETTINGS)
_function.warm()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls with an event."""
    return _function.invoked(event, context)
