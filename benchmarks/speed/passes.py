"""One pass over log files in one process, timed without the process's start.

    passes.py gunzip|reused|FOLDER|pack FILE...      one process; prints {"cpu": seconds, "matches": n}
    passes.py pool FILE...                           nothing but gunzip, in a pool of two processes

`gunzip` is libdeflate's pass as anyone writes it; `reused` the same with Sakimori's setting of the C library's
allocator, under which freed buffers are used again. Otherwise it is detection with the rules of FOLDER, or our pack.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path

import deflate

PROCESSES = 2


def gunzip(path: str) -> int:
    return len(deflate.gzip_decompress(Path(path).read_bytes()))


def pool(paths: list[str]) -> int:
    with multiprocessing.Pool(PROCESSES) as processes:
        size = sum(processes.imap_unordered(gunzip, paths))
        processes.close()
        processes.join()  # or their time is not counted
    return size


def gunzip_pass(paths: list[str], *, reuse: bool) -> dict[str, float]:
    if reuse:
        from sakimori.collect.memory import spare_the_collector

        spare_the_collector()
    began = time.process_time()
    size = sum(map(gunzip, paths))
    return {"cpu": time.process_time() - began, "bytes": size}


def detection_pass(rules: str, paths: list[str]) -> dict[str, float]:
    """Everything from reading a file to its grouped hits, as a worker of `sakimori detect` does it."""
    from sakimori.cli.home import home
    from sakimori.collect.memory import spare_the_collector
    from sakimori.collect.sources import SourceObject, find_objects
    from sakimori.detect import rulebook
    from sakimori.detect.detection import Detector, Look

    pack = rules == "pack"
    detector = Detector(rulebook.load([] if pack else [Path(rules)], pack=pack, cache=home() / "cache"))
    spare_the_collector()
    sources = [found for found in find_objects(paths) if isinstance(found, SourceObject)]
    whole = Look()
    began = time.process_time()
    for source in sources:
        whole.merge(detector.look_at(source))
    return {"cpu": time.process_time() - began, "matches": whole.matched, "records": whole.records}


if __name__ == "__main__":
    what, *files = sys.argv[1:]
    if what == "pool":
        print(pool(files))
    elif what in ("gunzip", "reused"):
        print(json.dumps(gunzip_pass(files, reuse=what == "reused")))
    else:
        print(json.dumps(detection_pass(what, files)))
