"""What a client does while one system call fails, each run in a fork of this process: started by sweep.py.

Reads lines ``<scenario> <descriptors a daemon without workers has>`` from stdin; answers each with the line ``pid <pid>``, then the run's own JSON line, then
``ended <wait status>``.
"""

from __future__ import annotations

import collections
import gc
import json
import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tvmffi_host
from control import Control, open_control

BUILD = Path(os.environ["TVMFFI_BUILD_DIR"])
DEADLINE = 5.0
TYPED = (tvmffi_host.HostError, OSError, MemoryError)


def expect(found: Any, wanted: Any) -> None:
    if found != wanted:
        raise AssertionError(f"a wrong answer: {found!r}, not {wanted!r}")


def use_values(mod: Any) -> None:
    expect(mod.echo_int(7), 7)
    expect(str(mod.echo_str("seven")), "seven")
    plain = np.zeros(5000, "float32")
    mod.fill(plain, 2.5)
    expect(bool((plain == 2.5).all()), True)
    shared = tvmffi_host.empty((5000,), "float32")
    mod.fill(shared, 3.0)
    expect(bool((tvmffi_host.numpy(shared) == 3.0).all()), True)
    expect(mod.sum(tvmffi_host.as_input(np.ones(3000, "float32"))), 3000.0)
    expect(mod.call_twice(lambda x: x * 3, 2), 18)
    result = mod.make_own([1000], 4.0)
    expect(float(np.from_dlpack(result).sum()), 4000.0)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Calls:
    """A private session and one call of every kind."""

    plugin = "values"
    options: dict[str, Any] = {}

    def __enter__(self) -> Calls:
        self.session: Any = None
        self.mod: Any = None
        return self

    def connect(self) -> tvmffi_host.Session:
        return tvmffi_host.Session()

    def open(self) -> Any:
        if self.session is None:
            self.session = self.connect()
        if self.mod is None:
            path = BUILD / "plugins" / f"{self.plugin}.so"
            self.mod = self.session.load_module(path, deadline=DEADLINE, breaker_deaths=1000, **self.options)
        return self.mod

    def run(self) -> None:
        use_values(self.open())

    def notes(self) -> dict[str, Any]:
        info = tvmffi_host.worker_info(self.mod) if self.mod is not None else {}
        return {"layers": sorted(str(name) for name in info.get("layers", ()))}

    def daemon_descriptors(self, wanted: int) -> int:
        """How many the daemon has without workers, once there are no more than that. 0: it has ended, or is not ours to see."""
        self.mod = None
        gc.collect()
        count = 0
        for _ in range(500):
            try:
                count = len(os.listdir(f"/proc/{self.session.info()['daemon_pid']}/fd"))
            except TYPED:
                return 0
            if wanted and count <= wanted:
                break
            time.sleep(0.005)
        return count

    def __exit__(self, *_: object) -> None:
        if self.session is not None:
            self.session.close()
        self.session = self.mod = None


class Limits(Calls):
    """The same with a worker in control groups."""

    options = {"policy": {"memory": "1 GiB", "processes": 64, "cpus": 2, "tmpfs": "1 MiB"}}


class Shared(Calls):
    """The same over a socket that a daemon listens at."""

    daemon: subprocess.Popen[bytes] | None = None

    def connect(self) -> tvmffi_host.Session:
        path = Path(os.environ["XDG_RUNTIME_DIR"]) / "hostd.sock"
        program = Path(tvmffi_host.__file__).parent / "bin" / "tvmffi-hostd"
        if self.daemon is None or self.daemon.poll() is not None:
            self.daemon = subprocess.Popen([program, "--socket", path, "--log-level=error"])
        until = time.monotonic() + DEADLINE
        while not listens(path):
            if self.daemon.poll() is not None:
                raise OSError(f"the daemon ended with {self.daemon.returncode}")
            if time.monotonic() > until:
                raise OSError("the daemon does not listen")
            time.sleep(0.001)
        return tvmffi_host.Session(socket=path)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(DEADLINE)
            self.daemon = None


class Crash(Calls):
    """A worker that dies in a call, its report, and the next call in the next worker."""

    plugin = "faulty"

    def run(self) -> None:
        mod = self.open()
        try:
            mod.segfault()
        except tvmffi_host.WorkerCrashed as error:
            if error.report.cause == "daemon" or error.report.exit_status > 0:
                raise  # the daemon or the namespace's init ended, and what it knew of the worker is lost
            expect((error.report.cause, error.report.signal_name), ("signal", "SIGSEGV"))
            self.frames = [str(frame) for frame in error.report.frames]
        else:
            raise AssertionError("a wrong answer: 'segfault' returned")
        expect(mod.pid() > 0, True)

    def notes(self) -> dict[str, Any]:
        return {**super().notes(), "symbols": sum("segfault" in frame for frame in getattr(self, "frames", ())) > 0}


SCENARIOS: dict[str, Callable[[], Any]] = {"calls": Calls, "limits": Limits, "shared": Shared, "crash": Crash}


def held() -> dict[str, int]:
    """What this process has open, by kind."""
    kinds: collections.Counter[str] = collections.Counter()
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue  # the folder's own
        kinds["descriptor " + target.split(":[")[0]] += 1
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "memfd:" in line:
            kinds["mapping " + line.split(None, 5)[5]] += 1
    kinds["threads"] = len(os.listdir("/proc/self/task"))
    return dict(kinds)


def left_over(before: dict[str, int]) -> dict[str, int]:
    """What is held more than before, once nothing changes any more."""
    gc.collect()
    left: dict[str, int] = {}
    for _ in range(100):
        now = held()
        left = {kind: now[kind] - before.get(kind, 0) for kind in now if now[kind] > before.get(kind, 0)}
        if not left:
            break
        time.sleep(0.005)
    return left


def attempt(step: Callable[[], Any]) -> dict[str, Any]:
    """Runs it; how it ended."""
    start = time.monotonic()
    try:
        step()
        outcome: dict[str, Any] = {"outcome": "success"}
    except TYPED as error:
        outcome = {"outcome": "typed", "type": type(error).__name__, "message": str(error).split("\n")[0]}
        report = getattr(error, "report", None)
        if report is not None:
            outcome["cause"] = f"{report.cause} {report.signal_name}".strip()
            outcome["log"] = list(report.log_tail[-3:])
    except BaseException as error:
        outcome = {
            "outcome": "untyped",
            "type": type(error).__name__,
            "message": str(error),
            "trace": traceback.format_exc(),
        }
    outcome["seconds"] = round(time.monotonic() - start, 3)
    return outcome


def run(name: str, descriptors: int, control: Control) -> dict[str, Any]:
    scenario = SCENARIOS[name]
    before = held()
    answer: dict[str, Any] = {}
    with scenario() as used:
        control.armed = 1
        answer["first"] = attempt(used.run)
        failed_before = control.failure.happened
        # What is there now goes on; the call fails once.
        answer["same"] = attempt(used.run)
        answer["notes"] = used.notes()
        if used.session is not None:
            answer["daemon_descriptors"] = used.daemon_descriptors(descriptors)
    control.armed = 0
    answer["close_failed"] = bool(control.failure.happened and not failed_before)
    del used
    answer["left"] = left_over(before)

    def fresh() -> None:
        with scenario() as again:
            again.run()

    answer["fresh"] = attempt(fresh)
    answer["left_after_fresh"] = left_over(before)
    return answer


def main() -> None:
    control = open_control(Path(os.environ["TVMFFI_FAIL_NTH"]))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            print("pid", os.getpid(), flush=True)
            name, descriptors = line.split()
            print(json.dumps(run(name, int(descriptors), control)), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("ended", status, flush=True)


if __name__ == "__main__":
    main()
