"""How long after its deadline a worker is gone that blocks every signal and has forked away, over many rounds.

    python tests/e2e/deadline_rounds.py ROUNDS [--deadline SECONDS] [--load] [--without LAYER ...]

Each round loads the adversarial plug-in into a fresh worker, which leaves three processes behind and hangs. A round is over
when the caller has its exception; then nothing of the worker may be alive. Prints the distribution; exits with 1 when a
process survived or a round took longer than its deadline and 50 ms (250 ms with ``--load``, which keeps every CPU busy).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tvmffi_host

BUILD = Path(os.environ.get("TVMFFI_BUILD_DIR", Path(__file__).resolve().parents[2] / "build" / "release"))
PLUGIN = str(BUILD / "plugins" / "adversarial_double_fork.so")


@dataclass(frozen=True)
class Round:
    late: float  # seconds after the deadline
    left: int  # processes the worker had left behind, seen before the deadline
    survivors: list[int]


def processes_called(name: str) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{entry}/comm").read_text().strip() == name and is_alive(int(entry)):
                found.append(int(entry))
        except OSError:
            pass
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def run_round(session: Any, number: int, deadline: float) -> Round:
    name = f"b4-{os.getpid() % 10_000}-{number % 100}"  # at most 15 characters
    mod = session.load_module(PLUGIN, deadline=deadline, load_deadline=60.0)
    hang = mod.get_function("escape_and_hang")
    worker = int(tvmffi_host.worker_info(mod)["pid"])
    left: list[int] = []
    look = threading.Timer(0.7 * deadline, lambda: left.extend(processes_called(name)))
    look.start()
    begin = time.monotonic()
    try:
        hang(name, 3)
    except tvmffi_host.DeadlineExceeded:
        pass
    late = time.monotonic() - begin - deadline
    survivors = processes_called(name) + [pid for pid in [worker] if is_alive(pid)]
    look.join()
    return Round(late, len(left), survivors)


def rounds(count: int, deadline: float = 0.3, without: Sequence[str] = ()) -> list[Round]:
    with tvmffi_host.Session(without=without) as session:
        return [run_round(session, i, deadline) for i in range(count)]


def spin() -> None:
    os.setsid()  # a session is scheduled as a whole: not together with the caller
    while True:
        pass


def show(results: list[Round]) -> str:
    late = sorted(each.late * 1e3 for each in results)
    at = lambda share: late[min(len(late) - 1, int(share * len(late)))]  # noqa: E731
    survivors = sum(len(each.survivors) for each in results)
    return (
        f"{len(late)} rounds, {sum(each.left for each in results)} processes left behind; "
        f"gone after the deadline by (ms): min {late[0]:.1f}, median {at(0.5):.1f}, "
        f"90 % {at(0.9):.1f}, 99 % {at(0.99):.1f}, max {late[-1]:.1f}; surviving processes: {survivors}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--deadline", type=float, default=0.3)
    parser.add_argument("--load", action="store_true", help="keep every CPU busy meanwhile")
    parser.add_argument("--without", nargs="*", default=[], help="layers of the sandbox to leave out")
    options = parser.parse_args()
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(os.cpu_count() or 1) if options.load]
    for process in busy:
        process.start()
    results = rounds(options.rounds, options.deadline, options.without)
    print(show(results))
    limit = 0.25 if options.load else 0.05
    within = sum(each.late <= limit for each in results)
    print(f"within {limit * 1e3:.0f} ms: {within} of {len(results)}")
    return int(within != len(results) or any(each.survivors for each in results))


if __name__ == "__main__":
    sys.exit(main())
