#!/usr/bin/env python3
"""Soak: clients that call, crash and hang, are killed, lose their daemon and run short of everything, for a given time.

    tests/soak/soak.py [--seconds 60] [--clients 8] [--seed N] [--build BUILD_TREE]

A shared daemon serves clients (client.py), each with a seeded mix of work whose every answer is checked. In the first half the
daemon is killed with SIGKILL again and again; the one of the second half stays, and its memory must stay flat. Clients are killed
all the time. In the end all of them close, and the daemon must hold what it held before; then it ends, and no process, no shared
memory and no file may be left. Exit status 1 and a list of what was wrong otherwise. Times are bounds that a loaded machine keeps;
which calls meet which event is the scheduler's choice, the same seed gives the same mix only.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
#: a daemon's anonymous memory may grow so much between the second and the last quarter of its life: KiB, and a share
GROWTH_KIB, GROWTH = 1024, 0.1


def processes_below(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    found, todo = [], [pid]
    while todo:
        above = todo.pop()
        children = [child for child, parent in parents.items() if parent == above]
        found += children
        todo += children
    return found


def eventually(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


class Daemon:
    def __init__(self, build: Path, socket: Path, log: Path) -> None:
        socket.unlink(missing_ok=True)
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(build / "bin" / "tvmffi-hostd"), "--socket", str(socket), "--debuggable"], stderr=out
            )
        self.rss: list[int] = []
        if not eventually(socket.exists, 30):
            raise RuntimeError(f"the daemon does not listen at {socket}: {log.read_text()[-2000:]}")

    def rss_anon(self) -> int:
        """KiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1])
        raise RuntimeError("the daemon has no RssAnon: it has ended")

    def held(self) -> dict[str, int]:
        pid = self.process.pid
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        return {
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "mappings": sum("memfd:" in line for line in maps),
            "threads": len(os.listdir(f"/proc/{pid}/task")),
            "processes": len(processes_below(pid)),
        }


class Soak:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.random = random.Random(options.seed)
        self.folder = folder
        (folder / "run").mkdir(mode=0o700)
        self.socket = folder / "run" / "hostd.sock"
        self.build = options.build.resolve()
        self.clients: list[subprocess.Popen[str]] = []
        self.started = 0
        self.totals: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        self.wrong: list[str] = []

    def start_client(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.build / "python"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "XDG_RUNTIME_DIR": str(self.folder),
        }
        seed = self.options.seed * 1_000_003 + self.started
        self.started += 1
        command = [sys.executable, str(HERE / "client.py"), str(self.socket), str(self.build / "plugins"), str(seed)]
        self.clients.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        )

    def end_client(self, client: subprocess.Popen[str]) -> None:
        """As its user would, and hear what it has to say."""
        self.clients.remove(client)
        try:
            said, _ = client.communicate(timeout=150)
        except subprocess.TimeoutExpired:
            client.kill()
            client.communicate()
            self.wrong.append("a client did not end within 150 s of being asked to")
            return
        try:
            report = json.loads(said)
        except json.JSONDecodeError:
            self.wrong.append(f"a client ended with status {client.returncode} and said {said[-500:]!r}")
            return
        self.totals.update(report["done"])
        for name, seconds in report["slowest"].items():
            self.slowest[name] = max(self.slowest.get(name, 0.0), seconds)
        self.wrong += [f"client with seed {report['seed']}: {text}" for text in report["wrong"]]

    def kill_client(self) -> None:
        client = self.random.choice(self.clients)
        if client.poll() is not None:
            self.end_client(client)  # nobody killed this one
        else:
            self.clients.remove(client)
            client.kill()
            client.communicate()
            self.totals["clients killed"] += 1
        self.start_client()

    def start_daemon(self) -> Daemon:
        return Daemon(self.build, self.socket, self.folder / "daemon.log")

    def kill_daemon(self, daemon: Daemon) -> Daemon:
        below = processes_below(daemon.process.pid)
        daemon.process.kill()
        daemon.process.wait()
        self.totals["daemons killed"] += 1
        if not eventually(lambda: all(has_ended(pid) for pid in below), 20):
            self.wrong.append(f"processes of a killed daemon live on: {[pid for pid in below if not has_ended(pid)]}")
        for pid in below:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return self.start_daemon()

    def run(self) -> None:
        options = self.options
        begin = time.monotonic()
        end, half = begin + options.seconds, begin + options.seconds / 2
        daemon = self.start_daemon()
        before = None
        for _ in range(options.clients):
            self.start_client()
        next_client = next_daemon = begin + options.seconds / 20
        next_line = begin
        while (now := time.monotonic()) < end:
            if now >= next_client:
                self.kill_client()
                next_client = now + self.random.uniform(0.5, 3.0)
            if now < half and now >= next_daemon:
                daemon = self.kill_daemon(daemon)
                next_daemon = now + self.random.uniform(2.0, max(4.0, options.seconds / 60))
            if now >= half and before is None:
                # The daemon that stays starts with nobody connected: what it holds then it must hold in the end.
                for client in list(self.clients):
                    self.end_client(client)
                daemon = self.kill_daemon(daemon)
                before = daemon.held()
                end = time.monotonic() + options.seconds / 2
                for _ in range(options.clients):
                    self.start_client()
            if daemon.process.poll() is not None:
                self.wrong.append(f"the daemon ended by itself: status {daemon.process.returncode}")
                daemon = self.start_daemon()
            if before is not None:
                daemon.rss.append(daemon.rss_anon())
            if now >= next_line:
                print(f"{now - begin:7.0f} s  daemon {daemon.rss_anon()} KiB, {len(processes_below(daemon.process.pid))} processes, "
                      f"{self.totals['clients killed']} clients and {self.totals['daemons killed']} daemons killed, "
                      f"{len(self.wrong)} wrong", flush=True)
                next_line = now + max(5.0, options.seconds / 30)
            time.sleep(0.1)
        for client in list(self.clients):
            self.end_client(client)
        self.check_daemon(daemon, before or {})
        daemon.process.terminate()
        if daemon.process.wait(30) not in (0, -signal.SIGTERM):
            self.wrong.append(f"the daemon ended with status {daemon.process.returncode}")
        self.check_rest()

    def check_daemon(self, daemon: Daemon, before: dict[str, int]) -> None:
        def is_back() -> bool:
            return all(count <= before[name] for name, count in daemon.held().items())

        if not eventually(is_back, 20):
            self.wrong.append(f"the daemon holds {daemon.held()} with no client left, at first {before}")
        # By samples, not by time: a loaded machine takes fewer of them in some quarter, never none.
        quarter = max(1, len(daemon.rss) // 4)
        early, late = statistics.median(daemon.rss[quarter : 2 * quarter] or daemon.rss), statistics.median(daemon.rss[-quarter:])
        self.totals["daemon KiB, second quarter"], self.totals["daemon KiB, last quarter"] = int(early), int(late)
        if late > early * (1 + GROWTH) + GROWTH_KIB:
            self.wrong.append(f"the daemon's memory grows: {early:.0f} KiB in the second quarter of its life, {late:.0f} in the last")

    def check_rest(self) -> None:
        if not eventually(lambda: not processes_below(os.getpid()), 20):
            left = {pid: Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in processes_below(os.getpid())}
            self.wrong.append(f"processes are left: {left}")
        files = [str(path) for path in self.folder.rglob("*") if path.is_socket() or "tvmffi-hostd" in path.name and path.is_file()]
        if files:
            self.wrong.append(f"files are left: {files}")


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def adopt_orphans() -> None:
    """What loses its parent becomes this process's child: nothing gets away unseen."""
    set_child_subreaper = 36
    if ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER) failed")


def main() -> int:
    parser = argparse.ArgumentParser(description="Soak test of the host.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build" / "release")
    options = parser.parse_args()
    adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(options, folder)
    try:
        soak.run()
    except Exception as error:  # noqa: BLE001  (told below, after what was found until then)
        soak.wrong.append(f"the soak itself failed: {type(error).__name__}: {error}\n{traceback.format_exc()}")
    finally:
        for pid in processes_below(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not soak.wrong:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\nseed {options.seed}, {options.clients} clients, {options.seconds:g} s")
    for name, count in sorted(soak.totals.items()):
        slowest = f", {soak.slowest[name]:.2f} s at most" if name in soak.slowest else ""
        print(f"  {count:9d}  {name}{slowest}")
    for text in soak.wrong:
        print(f"\nwrong: {text}")
    print(f"\n{len(soak.wrong)} wrong" + (f"; the daemon's log is in {folder}" if soak.wrong else ""))
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
