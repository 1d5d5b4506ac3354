"""Runs a function as Lambda does: only the unpacked bundle and Python's own library are importable, nothing but the
temporary folder can be written to, and memory is bounded.

    python -I -S as_lambda.py ROOT HANDLER SECONDS < events, one a line > answers, one a line

Standard output of the function goes to standard error. The first line that is answered tells what starting cost.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

MEMORY = 256 << 20
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Context:
    """What Lambda gives with an event."""

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    memory_limit_in_mb = "256"
    aws_request_id = "11112222-3333-4444-5555-666677778888"

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._until - time.monotonic()) * 1_000)


def read_only(event: str, arguments: tuple) -> None:
    """An audit hook (PEP 578) that lets nothing be written outside the temporary folder."""
    path = ""
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        mode, flags = arguments[1] or "", arguments[2] or 0
        path = os.fsdecode(arguments[0]) if flags & WRITES or set(mode) & set("wax+") else ""
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
        path = os.fsdecode(arguments[0])
    if path and path != os.devnull and not str(Path(path).absolute()).startswith(os.environ["TMPDIR"]):
        raise OSError(30, "Read-only file system", path)


def most_memory() -> int:
    """The most bytes that were resident (getrusage would count those of whoever started us)."""
    with Path("/proc/self/status").open() as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) << 10


def main(root: str, handler: str, seconds: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    sys.addaudithook(read_only)
    sys.path.insert(0, root)
    os.chdir(root)
    begun = time.process_time()
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    started = time.process_time() - begun
    print(json.dumps({"started": started, "modules": sorted(sys.modules)}), file=answers, flush=True)
    for line in sys.stdin:
        begun = time.process_time()
        try:
            answer = {"answer": function(json.loads(line), Context(float(seconds)))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        answer["seconds"] = time.process_time() - begun
        answer["memory"] = most_memory()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
