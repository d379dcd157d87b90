#!/usr/bin/env python3
"""One table: what each operation costs here and in the published library, from interleaved rounds of the same programs.

    tests/bench/ffi/compare.py [BUILD_TREE] [--rounds N] [--min-time SECONDS] [--filter REGEX]

A cell is the median over rounds, a ratio the median over rounds of the ratio within a round. Both programs are compiled here, each
against its own headers; the published package comes from pip, once. Exit status 1 when an operation is slower than the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

SIDES = ("published", "ours")
LIMIT = 1.05
FOLDER = Path(__file__).resolve().parent
FIRST_ERROR = "first error of a process"


def build(build_tree: Path) -> dict[str, list[str]]:
    out = build_tree / "bench_ffi"
    script = f'set -euo pipefail; build_tree="{build_tree}"; out="{out}"; source "{FOLDER}/build.sh"; build_both bench_ffi'
    subprocess.run(["bash", "-c", script], check=True, env={**os.environ, "PYTHON": sys.executable})
    return {side: [str(out / side / "bench_ffi"), str(out / side / "bench_module.so")] for side in SIDES}


def measure(command: list[str], options: argparse.Namespace) -> dict[str, float]:
    first_error = subprocess.run([*command, "--first-error"], check=True, capture_output=True, text=True)
    arguments = ["--benchmark_format=json", f"--benchmark_filter={options.filter}", f"--benchmark_min_time={options.min_time}"]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    result = {FIRST_ERROR: float(first_error.stdout) * 1000}
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry.get("error_occurred"):
            raise RuntimeError(f"{entry['name']}: {entry['error_message']}")
        result[entry["name"]] = entry["cpu_time"]
    return result


def table(rounds: list[dict[str, dict[str, float]]]) -> list[tuple[str, float, float, float]]:
    rows = []
    for name in rounds[0]["ours"]:
        cells = {side: statistics.median(each[side][name] for each in rounds) for side in SIDES}
        ratio = statistics.median(each["ours"][name] / each["published"][name] for each in rounds)
        rows.append((name, cells["published"], cells["ours"], ratio))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description="The library beside the published one.")
    parser.add_argument("build_tree", nargs="?", type=Path, default=Path("build/release"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--min-time", type=float, default=0.02)
    parser.add_argument("--filter", default=".")
    options = parser.parse_args()
    commands = build(options.build_tree.resolve())
    rounds = [{side: measure(commands[side], options) for side in SIDES} for _ in range(options.rounds)]
    slower = 0
    print("| ns | published | ours | ratio |\n|---|---|---|---|")
    for name, published, ours, ratio in table(rounds):
        mark = ""
        if ratio > LIMIT:
            slower += 1
            mark = f" over {LIMIT}"
        print(f"| {name} | {published:.4g} | {ours:.4g} | {ratio:.2f}{mark} |")
    print(f"\n{slower} slower than {LIMIT} of the published time")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
