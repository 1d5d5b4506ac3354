"""What detection and ingest cost, against a pass that only decompresses, against themselves without rules, and peers.

    python benchmarks/detection_speed.py [--data DIR] [--runs 5] [--quick] [--ratios] [--json FILE]

Every figure is CPU time (user + system of all processes) of fresh processes that take turns, the median of the runs.
The targets are ratios of figures of the same run. The exit code is 1 if one is missed. Run it on an idle machine: CPU
time bears a busy one, but caches and clocks are shared, and wall time is not to be trusted then.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import platformdirs

from speed.load import EVENTS_PER_FILE, Load, NoLoad, prepared
from speed.measure import Cost, Failed, cpu, interleaved, peak_memory, run

HERE = Path(__file__).resolve().parent / "speed"
PYTHON = sys.executable
SAKIMORI = (PYTHON, "-m", "sakimori")
WORKERS = 2
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table; `reached` is None where there is no target."""

    what: str
    figure: str
    target: str = ""
    reached: bool | None = None


@dataclass(slots=True)
class Bench:
    """The load, a scratch folder, and how much of everything is done."""

    load: Load
    scratch: Path
    runs: int
    quick: bool
    costs: dict[str, list[Cost]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"SAKIMORI_HOME": str(self.scratch / "home")}

    @property
    def files(self) -> list[str]:
        return [str(path) for path in self.load.files[:: 8 if self.quick else 1]]

    @property
    def events(self) -> int:
        return len(self.files) * EVENTS_PER_FILE

    @property
    def some_files(self) -> list[str]:
        """A quarter: what the passes in one process read."""
        return self.files[::4]

    def program(self, *arguments: str, keep: bool = False) -> Cost:
        return run(arguments, self.environment, keep=keep)

    def rate(self, seconds: float, events: int | None = None) -> str:
        return f"{(events or self.events) / seconds / 1000:,.0f} k ev/s a core"

    def median(self, case: str) -> float:
        return cpu(self.costs[case])


# ---- what is measured


def rounds(bench: Bench) -> dict[str, Callable[[], Cost]]:
    """Everything that takes turns."""
    files, some = bench.files, bench.some_files
    cases: dict[str, Callable[[], Cost]] = {
        "gunzip": partial(bench.program, PYTHON, str(HERE / "passes.py"), "pool", *files),
        "pass gunzip": partial(one_process, bench, "gunzip", some),
        "pass reused": partial(one_process, bench, "reused", some),
        "detect pack": partial(bench.program, *SAKIMORI, "detect", *files),
        "pass pack": partial(one_process, bench, "pack", some),
        "collect": partial(collect, bench, files),
    }
    for count, folder in bench.load.rules.items():
        rules = ("--no-pack", "--rules", str(folder))
        cases[f"detect {count}"] = partial(bench.program, *SAKIMORI, "detect", *rules, *files)
        cases[f"pass {count}"] = partial(one_process, bench, str(folder), some)
    if collect_detects(bench):
        most = ("--detect", "--no-pack", "--rules", str(bench.load.rules[2000]))
        cases["collect 2000"] = partial(collect, bench, files, *most)
    return cases


RATIOS = ("gunzip", "pass gunzip", "pass 500", "pass 2000", "detect 500", "detect 2000", "collect", "collect 2000")
"""What the three ratios of speed are made of."""


def ratios(bench: Bench) -> Iterator[Line]:
    """The ratios alone: a few minutes."""
    gunzip, alone, bare = bench.median("gunzip"), bench.median("pass gunzip"), bench.median("collect")
    for count, target in ((500, 0.5), (2000, 0.4)):
        yield ratio(f"detect / gunzip, {count} rules", gunzip, bench.median(f"detect {count}"), target)
        yield ratio(f"detect / gunzip, {count} rules, the passes alone", alone, bench.median(f"pass {count}"), target)
    yield ratio("collect --detect, 2,000 rules / no rules", bare, bench.median("collect 2000"), 0.85)
    for name in ("detect 500", "detect 2000", "collect", "collect 2000"):
        shared = min(cost.wall / cost.cpu for cost in bench.costs[name])
        yield Line(f"wall / CPU, {name}, best run", f"{shared:.2f}", "<= 0.60", shared <= 0.6)


def one_process(bench: Bench, what: str, files: list[str]) -> Cost:
    """A pass timed by itself: its cost is without the start of the process."""
    cost = bench.program(PYTHON, str(HERE / "passes.py"), what, *files, keep=True)
    return Cost(json.loads(cost.output)["cpu"], cost.wall, cost.output)


def collect(bench: Bench, files: list[str], *options: str) -> Cost:
    """Ingest into a fresh lake and ledger, which are thrown away."""
    with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
        places = ("--lake", f"{folder}/lake", "--ledger", f"{folder}/ledger.sqlite")
        return bench.program(*SAKIMORI, "collect", "cloudtrail", *files, *places, *options)


def collect_detects(bench: Bench) -> bool:
    shown = run((*SAKIMORI, "collect", "--help"), {**bench.environment, "COLUMNS": "120"}, keep=True).output
    return "--detect" in shown and "--rules" in shown


# ---- the table


def machine() -> dict[str, Any]:
    """What the run ran on; no names."""
    models = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def ratio(what: str, part: float, whole: float, target: float) -> Line:
    """How much of a speed is kept: the CPU time of the lesser work over that of the whole."""
    kept = part / whole
    return Line(what, f"{kept:.0%}", f">= {target:.0%}", kept >= target)


def detection(bench: Bench) -> Iterator[Line]:
    gunzip, alone = bench.median("gunzip"), bench.median("pass gunzip")
    some = len(bench.some_files) * EVENTS_PER_FILE
    yield Line("gunzip only, two processes", f"{gunzip:.2f} s, {bench.rate(gunzip)}")
    yield Line("gunzip only, the pass alone", bench.rate(alone, some))
    yield Line("gunzip only, buffers reused, the pass alone", bench.rate(bench.median("pass reused"), some))
    for name in (*bench.load.rules, "pack"):
        seconds, passing = bench.median(f"detect {name}"), bench.median(f"pass {name}")
        rules = "our pack" if name == "pack" else f"{name} rules"
        yield Line(f"detect, {rules}", f"{seconds:.2f} s, {bench.rate(seconds)}")
        yield Line(f"detect, {rules}, the pass alone", bench.rate(passing, some))
    for count, target in ((500, 0.5), (2000, 0.4)):
        yield ratio(f"detect / gunzip, {count} rules", gunzip, bench.median(f"detect {count}"), target)
        yield ratio(f"detect / gunzip, {count} rules, the passes alone", alone, bench.median(f"pass {count}"), target)
    growth = bench.median("detect 2000") / bench.median("detect 57")
    yield Line("growth of detect's cost, 57 to 2,000 rules (35 x)", f"{growth:.2f} x")
    for count in (500, 2000):
        costs = bench.costs[f"detect {count}"]
        shared = min(cost.wall / cost.cpu for cost in costs)
        yield Line(f"wall / CPU, detect, {count} rules, best run", f"{shared:.2f}", "<= 0.60", shared <= 0.6)


def ingest(bench: Bench) -> Iterator[Line]:
    bare = bench.median("collect")
    yield Line("collect cloudtrail (lake and ledger), no rules", f"{bare:.2f} s, {bench.rate(bare)}")
    if "collect 2000" not in bench.costs:
        yield Line("collect --detect, 2,000 rules / no rules", "`collect` has no --detect", ">= 85%", False)
        return
    seconds = bench.median("collect 2000")
    yield Line("collect --detect, 2,000 rules", f"{seconds:.2f} s, {bench.rate(seconds)}")
    yield ratio("collect --detect, 2,000 rules / no rules", bare, seconds, 0.85)
    for name in ("collect", "collect 2000"):
        shared = min(cost.wall / cost.cpu for cost in bench.costs[name])
        yield Line(f"wall / CPU, {name}, best run", f"{shared:.2f}", "<= 0.60", shared <= 0.6)


def data_growth(bench: Bench) -> Iterator[Line]:
    """0.1, 1 and 4 million events with 500 rules; the last are the same files under four names."""
    rules = ("--no-pack", "--rules", str(bench.load.rules[500]))
    four = [str(link) for turn in range(4) for link in _linked(bench, turn)]
    peaks = []
    for files in (bench.files[:6], bench.files, four):
        command = (*SAKIMORI, "detect", *rules, *files)
        seconds = cpu([bench.program(*command) for _ in range(1 if bench.quick else 3)])
        peaks.append(peak_memory(command, bench.environment))
        events = len(files) * EVENTS_PER_FILE
        yield Line(
            f"detect, {events:,} events, 500 rules",
            f"{seconds:.2f} s, {seconds / events * 1e6:.2f} us/event, peak {peaks[-1] / 1e6:,.0f} MB",
        )
    yield Line("peak memory of detect's processes", f"{max(peaks) / 1e6:,.0f} MB", "< 1 GB", 0 < max(peaks) < GIB)
    with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
        places = ("--lake", f"{folder}/lake", "--ledger", f"{folder}/ledger.sqlite")
        peak = peak_memory((*SAKIMORI, "collect", "cloudtrail", *bench.files, *places), bench.environment)
    yield Line("peak memory of collect's processes", f"{peak / 1e6:,.0f} MB", "< 1 GB", 0 < peak < GIB)


def _linked(bench: Bench, turn: int) -> Iterator[Path]:
    folder = bench.scratch / f"again{turn}"
    folder.mkdir()
    for file in bench.files:
        link = folder / Path(file).name
        link.symlink_to(file)
        yield link


def peers(bench: Bench) -> Iterator[Line]:
    """The same rules and a slice of the same records, each program in one process, start not counted."""
    import deflate
    import orjson

    count = 1_000 if bench.quick else 8_000
    records = orjson.loads(deflate.gzip_decompress(Path(bench.files[0]).read_bytes()))["Records"][:count]
    place = bench.scratch / "slice.json.gz"
    place.write_bytes(deflate.gzip_compress(orjson.dumps({"Records": records}), 6))
    for rules in (57, 500):
        folder, script = str(bench.load.rules[rules]), str(HERE / "peers.py")
        cases: dict[str, Callable[[], Cost]] = {
            peer: partial(bench.program, PYTHON, script, peer, folder, str(place), keep=True)
            for peer in ("sakimori", "sqlite", "functions")
        }
        answers = {
            peer: [json.loads(cost.output) for cost in costs]
            for peer, costs in interleaved(cases, 1 if bench.quick else min(bench.runs, 5)).items()
        }
        seconds = {peer: sorted(each["cpu"] for each in found)[len(found) // 2] for peer, found in answers.items()}
        names = {"sakimori": "sakimori", "sqlite": "pySigma's SQLite backend", "functions": "one function per rule"}
        for peer, name in names.items():
            slower = "" if peer == "sakimori" else f", sakimori {seconds[peer] / seconds['sakimori']:.0f} x"
            hits = answers[peer][0]["hits"]
            yield Line(f"{rules} rules: {name}", f"{bench.rate(seconds[peer], count)}, {hits} hits{slower}")


def identity(bench: Bench) -> Iterator[Line]:
    files = bench.load.files[::8]
    each = 125 if bench.quick else 50_000 // len(files)
    script, folder = str(HERE / "identical.py"), str(bench.load.rules[500])
    answer = json.loads(bench.program(PYTHON, script, folder, str(each), *map(str, files), keep=True).output)
    figure = f"{len(answer['different'])} of {answer['records']:,} records differ, {answer['hits']:,} hits"
    yield Line("hits against the plain evaluator, 500 rules", figure, "0", not answer["different"])


def warmed(bench: Bench) -> None:
    """Rules are loaded and kept compiled once, files are in the page cache: what every later run finds."""
    for rules in (["--no-pack", "--rules", str(folder)] for folder in bench.load.rules.values()):
        bench.program(*SAKIMORI, "detect", *rules, bench.files[0])
    bench.program(*SAKIMORI, "detect", bench.files[0])
    bench.program(PYTHON, str(HERE / "passes.py"), "pool", *bench.files)


def measured(bench: Bench, *, only_ratios: bool) -> Iterator[Line]:
    warmed(bench)
    cases = rounds(bench)
    if only_ratios:
        bench.costs = interleaved({name: cases[name] for name in RATIOS}, bench.runs)
        yield from ratios(bench)
        return
    bench.costs = interleaved(cases, bench.runs)
    for part in (detection, ingest, data_growth, peers, identity):
        yield from part(bench)


def show(line: Line) -> None:
    verdict = {None: "", True: "ok", False: "MISSED"}[line.reached]
    print(f"{line.what:<58} {line.figure:<48} {line.target:>8}  {verdict}".rstrip(), flush=True)


def main() -> int:
    """Prints the table. Exit code 1 if a target is missed, 2 without the load, 4 if a program failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    default = Path(platformdirs.user_cache_dir("sakimori-bench"))
    parser.add_argument("--data", type=Path, default=default, help="load/ and rules57/ ... are here, or are made here")
    parser.add_argument("--runs", type=int, default=5, help="of everything that is compared")
    parser.add_argument("--quick", action="store_true", help="an eighth of the data, one run: to see that it works")
    parser.add_argument("--ratios", action="store_true", help="only the ratios that have targets")
    parser.add_argument("--json", type=Path, help="also write every figure here")
    options = parser.parse_args()
    about = machine()
    print(f"{about['cores']} x {about['cpu']}, Python {about['python']}, load average before: {about['load_before']}")
    scratch = Path(tempfile.mkdtemp(prefix="sakimori-bench-"))
    try:
        bench = Bench(prepared(options.data), scratch, 1 if options.quick else options.runs, options.quick)
        print(f"{bench.events:,} events in {len(bench.files)} gzipped files; medians of {bench.runs} interleaved runs")
        lines = []
        for line in measured(bench, only_ratios=options.ratios):
            lines.append(line)
            show(line)
    except NoLoad as error:
        print(error, file=sys.stderr)
        return 2
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 4
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        runs = {
            case: [[round(cost.cpu, 4), round(cost.wall, 4)] for cost in costs] for case, costs in bench.costs.items()
        }
        written = {"machine": about, "lines": [asdict(line) for line in lines], "cpu_and_wall_seconds": runs}
        options.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 1 if any(line.reached is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
