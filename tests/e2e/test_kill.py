"""kill -9 of the client and of the daemon, at random moments, after a history of crashes: nothing is left."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tvmffi_host

from conftest import alive, children_of, eventually, host_mappings, host_pid, open_descriptors, plugin, rss_anon

# A client that never ends by itself. Its first line names its daemon and two workers.
CLIENT = """
import random, sys, threading
import numpy as np
import tvmffi_host

random.seed(int(sys.argv[3]))
values = tvmffi_host.load_module(sys.argv[1])
faulty = tvmffi_host.load_module(sys.argv[2], deadline=1.0, breaker_deaths=10**6)
shared = tvmffi_host.full((4 << 20,), 1.0)
print(*(tvmffi_host.worker_info(mod)[name] for mod, name in ((values, "daemon_pid"), (values, "pid"), (faulty, "pid"))), flush=True)

def crash():
    how = random.choice(["segfault", "abort", "exit_now", "hang"])
    try:
        faulty[how](*{"abort": ["x"], "exit_now": [1]}.get(how, []))
    except tvmffi_host.HostError:
        pass

def work():
    while True:
        values.fill(shared, 2.0)
        values.sum(np.ones(100000, "float32"))
        values.make_own([100000], 3.0)
        values.apply(lambda: values.echo_int(1))
        values.sleep(0.01)

threading.Thread(target=work).start()
while True:
    crash()
"""


@pytest.fixture
def adopted() -> Iterator[Callable[[], list[int]]]:
    """Orphans among this process's descendants become its children meanwhile: all descendants that are not dead."""
    set_child_subreaper = 36
    before = descendants()
    assert ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0) == 0
    yield lambda: [pid for pid in descendants() if pid not in before]
    ctypes.CDLL(None).prctl(set_child_subreaper, 0, 0, 0, 0)


def descendants() -> list[int]:
    found: list[int] = []
    todo = [os.getpid()]
    while todo:
        children = children_of(todo.pop())
        found += children
        todo += children
    return found


def reap(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def shared_memory_mib() -> int:
    """Of the whole machine."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("Shmem:"))


def kill_clients(rounds: int, folder: Path, adopted: Callable[[], list[int]]) -> None:
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    memory = shared_memory_mib()
    for i in range(rounds):
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, plugin("values"), plugin("faulty"), str(i)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        )
        assert client.stdout is not None
        daemon, *workers = map(int, client.stdout.readline().split())
        assert daemon in adopted()
        time.sleep(random.uniform(0, 0.4))

        client.kill()
        client.wait()
        client.stdout.close()

        assert eventually(lambda: adopted() == []), adopted()
        assert not any(alive(pid) for pid in (daemon, *workers))
        reap((daemon, *workers))
        assert list(runtime.rglob("*")) == []
    # Each client held 16 MiB and more. Others may use shared memory too, for a while.
    tolerance = max(64, 4 * rounds)
    assert eventually(lambda: shared_memory_mib() <= memory + tolerance, 60), (memory, shared_memory_mib())


def test_killed_clients_leave_nothing(tmp_path: Path, adopted: Any) -> None:
    kill_clients(20, tmp_path, adopted)


@pytest.mark.slow
def test_many_killed_clients_leave_nothing(tmp_path: Path, adopted: Any) -> None:
    kill_clients(100, tmp_path, adopted)


def answer(call: Any, *args: Any) -> Any:
    """What the call returns, after failures that the death of its daemon explains."""
    for _ in range(5):
        try:
            return call(*args)
        except (tvmffi_host.WorkerCrashed, tvmffi_host.Unavailable, tvmffi_host.DeadlineExceeded):
            pass
    return call(*args)


def one_daemon(session: Any, values: Any, faulty: Any, tensor: Any) -> None:
    for crash in (faulty.segfault, lambda: faulty.exit_now(1), faulty.hang):
        with pytest.raises(tvmffi_host.HostError):
            crash()
    daemon = session.info()["daemon_pid"]
    pids = [daemon, host_pid(values), host_pid(faulty)]
    killer = threading.Timer(random.uniform(0, 0.2), os.kill, (daemon, signal.SIGKILL))
    killer.start()
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        try:
            values.sleep(0.02)
            values.fill(tensor, 1.0)
        except tvmffi_host.HostError:
            pass
    killer.join()
    assert answer(values.sum8, *range(8)) == 28
    assert answer(values.sum, tensor) == tensor.shape[0]
    assert answer(faulty.pid) > 0
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def kill_daemons(rounds: int) -> None:
    with tvmffi_host.Session() as session:
        values = session.load_module(plugin("values"), breaker_deaths=10**6)
        faulty = session.load_module(plugin("faulty"), deadline=1.0, breaker_deaths=10**6)
        tensor = tvmffi_host.full((1000,), 1.0)
        one_daemon(session, values, faulty, tensor)  # what is made once is made now
        gc.collect()
        descriptors, mappings, memory = open_descriptors(), len(host_mappings()), rss_anon()
        children = children_of(os.getpid())
        for _ in range(rounds):
            one_daemon(session, values, faulty, tensor)
        gc.collect()
        assert eventually(lambda: open_descriptors() <= descriptors), os.listdir("/proc/self/fd")
        assert eventually(lambda: len(host_mappings()) <= mappings), host_mappings()
        assert rss_anon() - memory < 8 * 1024
        assert children_of(os.getpid()) == children


@pytest.mark.usefixtures("no_leaks")
def test_callers_survive_killed_daemons() -> None:
    kill_daemons(20)


@pytest.mark.slow
@pytest.mark.usefixtures("no_leaks")
def test_callers_survive_many_killed_daemons() -> None:
    kill_daemons(100)
