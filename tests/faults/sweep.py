#!/usr/bin/env python3
"""Makes the Nth system call of one process fail, for N = 1, 2, ... until a run in which none was left to fail.

Each run must end in success or one typed error, and leave nothing behind: README.md has the details.

    sweep.py --build build/release                        # every call of every role
    sweep.py --build build/release --sites                # each place once
    sweep.py --build build/release --role daemon --nth 17 -v
"""

from __future__ import annotations

import argparse
import collections
import ctypes
import functools
import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control import ROLES, Control, FailedCall, create_control

HERE = Path(__file__).resolve().parent
RUN_SECONDS = 60.0
SETTLE_SECONDS = 15.0
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Point:
    """One run: which call was to fail, which one did, and what came of it."""

    role: str
    nth: int
    failed: FailedCall | None
    answer: dict[str, Any]
    #: what the next daemon is there to clean up
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: of the sandbox, that a run without a failure has
    missing_layers: list[str] = field(default_factory=list)

    def outcome(self) -> str:
        first = self.answer.get("first")
        if first is None:
            return "no answer"
        if first["outcome"] != "success":
            return first["type"] + (f" ({first['cause']})" if "cause" in first else "")
        return f"success, told to go without {' '.join(self.missing_layers)}" if self.missing_layers else "success"


def stat_fields(pid: int) -> tuple[str, int] | None:
    """Name and parent of a process."""
    try:
        head, rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)
    except OSError:
        return None
    return head.split("(", 1)[1], int(rest.split()[1])


def children() -> dict[int, str]:
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_fields(int(entry))) is not None and fields[1] == os.getpid():
            found[int(entry)] = fields[0]
    return found


class Clients:
    """The process whose forks are the clients. Orphans come to this one, which sees how they end."""

    def __init__(self, build: Path, library: Path, folder: Path) -> None:
        self.control: Control = create_control(folder / "control")
        self.folder = folder
        (folder / "tmp").mkdir()
        (folder / "run").mkdir(mode=0o700)
        self._log = (folder / "stderr").open("w+b")
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "TVMFFI_FAIL_NTH": str(folder / "control"),
            "TVMFFI_BUILD_DIR": str(build),
            "PYTHONPATH": str(build / "python"),
            "OPENBLAS_NUM_THREADS": "1",
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "scenarios.py")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            bufsize=0,
        )
        self._buffer = b""

    def _line(self, until: float) -> str | None:
        assert self._process.stdout is not None
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._process.stdout], [], [], min(max(0.0, until - time.monotonic()), 3600.0))
            piece = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                return None
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def run(self, scenario: str, daemon_descriptors: int) -> tuple[dict[str, Any], list[str]]:
        """What the client answered, and what was wrong with that."""
        assert self._process.stdin is not None
        self._log.truncate(0)
        self._process.stdin.write(f"{scenario} {daemon_descriptors}\n".encode())
        until = time.monotonic() + RUN_SECONDS
        answer: dict[str, Any] = {}
        problems = []
        pid = 0
        while True:
            line = self._line(until)
            if line is None:
                if pid == 0 or until == float("inf"):
                    raise RuntimeError(f"no client: {self.log()}")
                problems.append(f"the client hangs: {answer or self.log()}")
                os.kill(pid, signal.SIGKILL)
                until = float("inf")
                continue
            word, _, rest = line.partition(" ")
            if word == "pid":
                pid = int(rest)
            elif word == "ended":
                if int(rest) != 0 and not problems:
                    problems.append(f"the client died: wait status {int(rest):#x}: {self.log()}")
                return answer, problems
            else:
                answer = json.loads(line)

    def log(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace").replace("\0", "")[-2000:]

    def settle(self) -> tuple[list[str], list[int]]:
        """Waits for what the run's processes left; what was wrong with that, and the daemons' numbers."""
        problems = []
        daemons = []
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            left = {pid: name for pid, name in children().items() if pid != self._process.pid}
            if not left:
                break
            for pid, name in left.items():
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended == 0:
                    continue
                if name == "tvmffi-hostd":
                    daemons.append(pid)
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
                    signal_name = signal.Signals(os.WTERMSIG(status)).name
                    problems.append(f"{name} died of {signal_name}: {self.log()}")
            if time.monotonic() > until:
                problems.append(f"still running: {left}")
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                until = float("inf")
            time.sleep(0.002)
        return problems, daemons

    def files(self) -> list[str]:
        roots = (self.folder / "tmp", self.folder / "run")
        return sorted(str(path.relative_to(self.folder)) for root in roots for path in root.rglob("*"))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def control_groups(daemons: list[int]) -> list[str]:
    """Of these daemons' workers."""
    prefixes = tuple(f"tvmffi-{pid}-" for pid in daemons)
    if not prefixes:
        return []
    return [path for path, folders, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path).startswith(prefixes)]


class Sweep:
    def __init__(self, clients: Clients, scenario: str, interrupt: bool) -> None:
        self._clients = clients
        self._scenario = scenario
        self._interrupt = interrupt
        self.layers: list[str] = []
        self.daemon_descriptors = 0
        clean = self.run("client", 0, record_sites=True)
        if clean.problems or clean.left or clean.answer["first"]["outcome"] != "success":
            raise RuntimeError(f"the run without a failure is not clean: {clean.problems} {clean.left} {clean.answer}")
        self.layers = clean.answer["notes"]["layers"]
        self.daemon_descriptors = clean.answer["daemon_descriptors"]
        self.sites = {role: self._first_of_each(number) for number, role in enumerate(ROLES)}

    def _first_of_each(self, role: int) -> list[int]:
        control = self._clients.control
        first: dict[int, int] = {}
        for number in range(min(control.counts[role], len(control.sites[role]))):
            first.setdefault(control.sites[role][number], number + 1)
        return sorted(first.values())

    def run(self, role: str, nth: int, *, record_sites: bool = False) -> Point:
        control = self._clients.control
        control.aim(role, nth, interrupt=self._interrupt, record_sites=record_sites)
        answer, problems = self._clients.run(self._scenario, self.daemon_descriptors)
        point = Point(role, nth, control.failed_call(), answer, problems=problems)
        settled, daemons = self._clients.settle()
        problems += settled
        point.left = self._clients.files() + control_groups(daemons)
        if point.left and nth != 0:
            # What could not be removed by its own daemon is the next one's to remove.
            self.run(role, 0)
            problems += [f"left for good: {path}" for path in self._clients.files() + control_groups(daemons)]
        problems += self._judge(answer)
        if (notes := answer.get("notes")) and notes["layers"]:
            point.missing_layers = [layer for layer in self.layers if layer not in notes["layers"]]
        return point

    def _judge(self, answer: dict[str, Any]) -> Iterator[str]:
        for step in ("first", "same", "fresh"):
            if step in answer and answer[step]["outcome"] == "untyped":
                yield f"{step}: {answer[step]['type']}: {answer[step]['message']}\n{answer[step]['trace']}"
            if answer.get(step, {}).get("type") == "PolicyViolation":
                yield f"{step}: the plug-in is blamed: {answer[step]['message']}"
        if answer and answer["fresh"]["outcome"] != "success":
            yield f"a new session fails too: {answer['fresh']}"
        descriptors = answer.get("daemon_descriptors", 0)
        if 0 < self.daemon_descriptors < descriptors:
            yield f"the daemon has {descriptors} descriptors without workers, {self.daemon_descriptors} is usual"
        for step in ("left", "left_after_fresh"):
            if answer.get(step):
                yield f"{step}: {answer[step]}"

    def points(self, role: str, numbers: list[int] | None) -> Iterator[Point]:
        """Those numbers; without them all from 1 until nothing fails any more."""
        if numbers is not None:
            yield from (self.run(role, nth) for nth in numbers)
            return
        nth = 0
        while True:
            nth += 1
            point = self.run(role, nth)
            if point.failed is None:
                return
            yield point


@functools.lru_cache(maxsize=None)
def function_at(path: Path, offset: int) -> str:
    done = subprocess.run(
        ["addr2line", "-Cfse", str(path), hex(offset - 1)], capture_output=True, text=True, check=False
    )
    name = done.stdout.split("\n")[0].replace("(anonymous namespace)::", "")
    return name.split("(")[0].replace("tvmffi::", "") or "??"


def place_of(build: Path, failed: FailedCall) -> str:
    """The functions of this project above the call, innermost first."""
    names = []
    for name, offset in failed.frames:
        found = [path for path in (build / "bin" / name, build / "lib" / name) if path.exists()]
        names.append(function_at(found[0], offset) if found else name)
    return " < ".join(names[:6])


def describe(build: Path, point: Point) -> str:
    if point.failed is None:
        return f"{point.role} {point.nth}: nothing failed: {point.outcome()}"
    return f"{point.failed} (call {point.nth}) in {place_of(build, point.failed)}: {point.outcome()}"


def ended_by_libuv(build: Path, point: Point) -> bool:
    """libuv ends the process when it cannot have or watch a descriptor. Only where its loop is made may it meet that."""
    if point.failed is None or point.failed.role != "daemon":
        return False
    innermost, *callers = place_of(build, point.failed).split(" < ")
    return (
        innermost.startswith(("libuv", "uv_"))
        and any(name.startswith("hostd::EventLoop::") for name in callers)
        and any("tvmffi-hostd died of SIGABRT" in text for text in point.problems)
    )


class Tally:
    """What came of one role's points."""

    def __init__(self, build: Path, verbose: bool) -> None:
        self._build = build
        self._verbose = verbose
        self._outcomes: collections.Counter[str] = collections.Counter()
        self._failed = self._cleaned_later = 0
        self._by_libuv: collections.Counter[str] = collections.Counter()
        self.bad = 0

    def add(self, point: Point) -> None:
        if point.failed is not None and ended_by_libuv(self._build, point) and len(point.problems) == 1:
            point.problems.clear()
            self._by_libuv[point.failed.name] += 1
        self._failed += point.failed is not None
        self._cleaned_later += bool(point.left)
        self._outcomes[point.outcome()] += 1
        self.bad += bool(point.problems)
        if self._verbose or point.problems:
            print(describe(self._build, point), flush=True)
        if self._verbose:
            print(f"    {json.dumps(point.answer)}", flush=True)
        for problem in point.problems:
            print(f"    PROBLEM {problem}", flush=True)

    def summary(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self._outcomes.most_common())
        asides = [f"{count} times libuv ended the daemon for {name}" for name, count in self._by_libuv.most_common()]
        asides += [f"{self._cleaned_later} times the next daemon cleaned up"] * bool(self._cleaned_later)
        return f"{self._failed} calls failed, {self.bad} problems; {'; '.join([counts, *asides])}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="the build tree")
    parser.add_argument("--library", type=Path, help="libfail_nth.so, by default the build's")
    parser.add_argument("--role", action="append", choices=ROLES, help="whose calls; by default all")
    parser.add_argument("--scenario", default="calls", choices=("calls", "limits", "shared", "crash"))
    parser.add_argument("--sites", action="store_true", help="each place that makes a call once, not every call")
    parser.add_argument("--stride", type=int, default=1, help="with --sites, only every so manyth place")
    parser.add_argument("--nth", type=int, action="append", help="only this call")
    parser.add_argument("--interrupt", action="store_true", help="EINTR, where a signal can interrupt")
    parser.add_argument("-v", "--verbose", action="store_true")
    return parser.parse_args()


def main() -> int:
    options = parse()
    build = options.build.resolve()
    library = options.library or build / "tests" / "faults" / "libfail_nth.so"
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bad = 0
    with tempfile.TemporaryDirectory(prefix="tvmffi-faults-") as folder:
        clients = Clients(build, library.resolve(), Path(folder))
        sweep = Sweep(clients, options.scenario, options.interrupt)
        for role in options.role or ROLES:
            numbers = options.nth or (sweep.sites[role][:: options.stride] if options.sites else None)
            tally = Tally(build, options.verbose)
            for point in sweep.points(role, numbers):
                tally.add(point)
            print(f"{role}: {tally.summary()}", flush=True)
            bad += tally.bad
        clients.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
