#!/usr/bin/env python3
"""One table: what a call from Python costs here, in the published package, and through other ways of calling C.

    tests/bench/python/compare.py [BUILD_TREE] [--rounds N] [--published FOLDER] [--plot FILE] [--without-import]

Each library has a process of its own, kept for the whole run; a round measures every row in every process, one after the other on
one CPU. A cell is the median over rounds of nanoseconds per call, a ratio the median over rounds of the ratio within a round. The
published package comes from pip, once, unless --published names a folder that holds its `tvm_ffi`. nanobind and pybind11 are left
out when they are not installed, and the plot when matplotlib is not. Exit status 1 when a ratio is above its limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

import peers

FOLDER = Path(__file__).resolve().parent
OURS, PUBLISHED = "ours", "published"
IMPORT = "import"
# To be reached, as ratios to the published package.
LIMITS = {
    "f()": 0.5,
    "f(int)": 0.5,
    "f(str)": 0.5,
    "f(3 torch tensors)": 0.7,
    "f(3 NumPy arrays)": 0.7,
    "callback": 0.7,
    "error": 0.25,
    IMPORT: 0.5,
}
# Without torch: the published package imports it when it is there.
IMPORT_PROGRAM = """
import sys, time
sys.modules["torch"] = None
start = time.perf_counter_ns()
import tvm_ffi
print(time.perf_counter_ns() - start)
"""


def environment(package_root: Path | None) -> dict[str, str]:
    paths = [str(package_root)] if package_root else []
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}


class Worker:
    """One library's process."""

    def __init__(self, peer: str, path: Path, package_root: Path | None = None) -> None:
        command = [sys.executable, str(FOLDER / "worker.py"), peer, str(path)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(package_root)
        )
        self.rows = self._read().split("\t")

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"worker {self._process.args} ended with status {self._process.wait()}")
        return line.rstrip("\n")

    def measure(self, row: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(row + "\n")
        self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def import_time(package_root: Path) -> float:
    command = [sys.executable, "-c", IMPORT_PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(package_root))
    return float(done.stdout)


def published_package(folder: Path) -> Path:
    script = f'source "{FOLDER.parent}/ffi/published.sh"; published_package "{folder}"'
    done = subprocess.run(
        ["bash", "-euc", script], check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHON": sys.executable}
    )
    return Path(done.stdout.strip()).parent


def start_workers(roots: dict[str, Path], out: Path) -> dict[str, Worker]:
    workers = {side: Worker("ffi", peers.build("ffi", out), root) for side, root in roots.items()}
    for peer in ("nanobind", "pybind11", "ctypes", "fastcall"):
        if not peers.is_available(peer):
            print(f"{peer} is not installed in {sys.executable}: left out", file=sys.stderr)
            continue
        workers[peer] = Worker(peer, peers.build(peer, out))
    return workers


Round = dict[str, dict[str, float]]


def run_round(workers: dict[str, Worker], roots: dict[str, Path], with_import: bool) -> Round:
    """Nanoseconds by row, then by library."""
    result: Round = {}
    for row in dict.fromkeys(row for worker in workers.values() for row in worker.rows):
        result[row] = {name: worker.measure(row) for name, worker in workers.items() if row in worker.rows}
    if with_import:
        result[IMPORT] = {side: import_time(root) for side, root in roots.items()}
    return result


def summarize(rounds: list[Round]) -> tuple[Round, dict[str, float]]:
    cells: Round = {}
    ratios = {}
    for row, first in rounds[0].items():
        cells[row] = {name: statistics.median(each[row][name] for each in rounds) for name in first}
        if OURS in first:
            ratios[row] = statistics.median(each[row][OURS] / each[row][PUBLISHED] for each in rounds)
    return cells, ratios


def print_table(cells: Round, ratios: dict[str, float]) -> int:
    """The number of limits that are exceeded."""
    names = list(cells["f()"])
    print(f"| ns | {' | '.join(names)} | ours / published | limit | |")
    print("|---" * (len(names) + 4) + "|")
    missed = 0
    for row, values in cells.items():
        texts = [f"{values[name]:,.0f}" if name in values else "-" for name in names]
        limit = LIMITS.get(row)
        verdict = "" if limit is None else "met" if ratios[row] <= limit else "MISSED"
        missed += verdict == "MISSED"
        ratio = f"{ratios[row]:.2f}" if row in ratios else ""
        print(f"| {row} | {' | '.join(texts)} | {ratio} | {limit if limit is not None else ''} | {verdict} |")
    return missed


def plot(cells: Round, path: Path) -> None:
    try:
        import matplotlib
    except ImportError:
        print(f"matplotlib is not installed in {sys.executable}: no plot", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(cells["f()"])
    rows = [row for row in cells if row != IMPORT]
    height = 0.8 / len(names)
    figure, axes = pyplot.subplots(figsize=(9, 8))
    for position, name in enumerate(names):
        at = [index + position * height for index, row in enumerate(rows) if name in cells[row]]
        bars = axes.barh(at, [cells[row][name] for row in rows if name in cells[row]], height, label=name)
        axes.bar_label(bars, fmt="{:,.0f}", padding=2, fontsize=6)
    axes.set_yticks([index + 0.4 - height / 2 for index in range(len(rows))], rows)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ns per call, median over rounds")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    print(f"plot: {path}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Calls from Python beside the published package and other bindings.")
    parser.add_argument("build_tree", nargs="?", type=Path, default=Path("build/release"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--published", type=Path, help="folder that holds the published tvm_ffi")
    parser.add_argument("--plot", type=Path, help="PNG file; <build tree>/bench_python/calls.png unless given")
    parser.add_argument("--without-import", action="store_true", help="leave the import row out")
    options = parser.parse_args()
    tree = options.build_tree.resolve()
    out = tree / "bench_python"
    published = options.published or published_package(tree / "bench_ffi" / "download")
    roots = {PUBLISHED: published, OURS: tree / "python"}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    workers = start_workers(roots, out)
    rounds = [run_round(workers, roots, not options.without_import) for _ in range(options.rounds)]
    for worker in workers.values():
        worker.close()
    cells, ratios = summarize(rounds)
    missed = print_table(cells, ratios)
    plot(cells, options.plot or out / "calls.png")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
