"""The process: prints its address, then, for each line on standard input, the calls since the last one as JSON."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter

from sakimori.simulate.aws import Answer, Call, simulated_aws
from sakimori.simulate.recognise import Operation


def main() -> None:
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def count(call: Call, operation: Operation | None) -> Answer | None:
        with lock:
            calls[str(operation or f"{call.service}:{call.method} {call.path}")] += 1
        return None

    with simulated_aws() as aws:
        aws.watchers.append(count)
        print(aws.url, flush=True)
        for _ in sys.stdin:
            with lock:
                told = json.dumps(calls)
                calls.clear()
            print(told, flush=True)


if __name__ == "__main__":
    main()
