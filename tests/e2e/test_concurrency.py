"""Many threads and processes at once: everybody gets their own answers."""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import eventually, listens, plugin


def in_threads(count: int, body: Any) -> None:
    errors: list[BaseException] = []

    def run(index: int) -> None:
        try:
            body(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors, errors


def call_own(mod: Any, index: int, count: int) -> None:
    echo = mod.echo_int
    for i in range(count):
        assert echo(index * 1_000_000 + i) == index * 1_000_000 + i


def test_two_threads_get_their_own_answers(isolated: Any) -> None:
    in_threads(2, lambda index: call_own(isolated, index, 20_000))


@pytest.mark.slow
def test_a_million_calls_from_two_threads(isolated: Any) -> None:
    in_threads(2, lambda index: call_own(isolated, index, 500_000))


def test_more_threads_than_lanes() -> None:
    mod = tvmffi_host.load_module(plugin("values"))
    in_threads(24, lambda index: call_own(mod, index, 300))


def test_threads_that_pass_the_same_new_tensor_at_once() -> None:
    mod = tvmffi_host.load_module(plugin("values"))
    in_threads(8, lambda index: mod.sleep(0.1))  # a lane for each
    pid = mod.pid()
    for _ in range(50):
        tensor = tvmffi_host.full((4,), 2.0)
        together = threading.Barrier(8)

        def body(index: int) -> None:
            together.wait()
            assert mod.sum(tensor) == 8.0

        in_threads(8, body)
    assert mod.pid() == pid


def test_threads_with_tensors(isolated: Any) -> None:
    def body(index: int) -> None:
        for i in range(100):
            array = np.full(1000 + index, float(i), "float32")
            assert isolated.sum(array) == pytest.approx(float(i) * (1000 + index))
            isolated.fill(array, float(index))
            assert (array == float(index)).all()

    in_threads(4, body)


def test_threads_with_callbacks(isolated: Any) -> None:
    def body(index: int) -> None:
        for i in range(200):
            assert isolated.apply(lambda x: isolated.echo_int(x) + index, i) == i + index

    in_threads(4, body)


def test_threads_that_crash_the_worker_of_others() -> None:
    faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=1_000_000)

    bodies = [
        faulty.segfault,
        faulty.pid,
        lambda: faulty.get_function("pid")(),
        lambda: faulty.read_past(np.zeros(1 << 16, dtype="float32"), 0),
    ]

    def body(index: int) -> None:
        for _ in range(25):
            try:
                bodies[index]()
            except tvmffi_host.WorkerCrashed:
                pass

    in_threads(4, body)
    assert faulty.pid() > 0


def test_deep_recursion_runs_out_of_lanes_with_a_typed_error() -> None:
    mod = tvmffi_host.load_module(plugin("values"))

    def recurse(depth: int) -> int:
        return 0 if depth == 0 else 1 + mod.apply(recurse, depth - 1)

    with pytest.raises(tvmffi_host.ResourceExhausted, match="lanes"):
        recurse(40)
    assert recurse(10) == 10


def test_a_queue_deadline_bounds_the_wait_alone() -> None:
    mod = tvmffi_host.load_module(plugin("values"), queue_deadline=1.0)
    threads = [threading.Thread(target=lambda: mod.sleep(6.0)) for _ in range(16)]
    mod.sleep(0.0)
    for thread in threads:
        thread.start()

    def waits_in_vain() -> bool:
        try:
            mod.pid()
        except tvmffi_host.DeadlineExceeded as error:
            return "lane" in str(error)
        return False

    assert eventually(waits_in_vain, 4.0)
    for thread in threads:
        thread.join()
    assert mod.sum8(*range(8)) == 28


class PollFd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


def test_a_waiting_thread_does_not_need_the_interpreter() -> None:
    """The deadline of a call ends it while another thread holds the interpreter's lock all the time."""
    mod = tvmffi_host.load_module(plugin("values"), deadline=1.0)
    sleep = mod.sleep
    worker = os.pidfd_open(tvmffi_host.worker_info(mod)["pid"])
    poll = ctypes.PyDLL(None).poll  # keeps the lock
    died = PollFd(worker, select.POLLIN, 0)
    calling = threading.Event()
    reports = []

    def call() -> None:
        calling.set()
        try:
            sleep(30.0)
        except tvmffi_host.DeadlineExceeded as error:
            reports.append(error.report)

    thread = threading.Thread(target=call)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # so that the thread gives the lock up in its call, not before
    try:
        thread.start()
        calling.wait()
        ended = poll(ctypes.byref(died), 1, 30_000)
    finally:
        sys.setswitchinterval(interval)
        os.close(worker)
    thread.join(30)

    assert ended == 1
    assert len(reports) == 1
    assert reports[0].elapsed < 2.0


def call_from_two_processes(count: int, environment: dict[str, str]) -> None:
    """Each calls functions of its own worker, with numbers that only it uses."""
    program = (
        "import sys, tvmffi_host\n"
        "mod = tvmffi_host.load_module(sys.argv[1])\n"
        "base = int(sys.argv[2]) * 10**9\n"
        "echo = mod.echo_int\n"
        "assert all(echo(base + i) == base + i for i in range(int(sys.argv[3])))\n"
        "print(tvmffi_host.worker_info(mod)['daemon_pid'])\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, plugin("values"), str(i), str(count)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    daemons = {process.communicate(timeout=100)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(daemons) == (1 if environment else 2)


COUNTS = [20_000, pytest.param(500_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", COUNTS)
def test_two_processes_with_a_daemon_each(count: int) -> None:
    call_from_two_processes(count, {})


@pytest.mark.parametrize("count", COUNTS)
def test_two_processes_of_one_daemon(count: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    socket = folder / "hostd.sock"
    hostd = Path(tvmffi_host.__file__).parent / "bin" / "tvmffi-hostd"
    daemon = subprocess.Popen([str(hostd), "--socket", str(socket)], stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: listens(socket))
        call_from_two_processes(count, {"TVMFFI_HOSTD_SOCKET": str(socket)})
    finally:
        daemon.terminate()
        daemon.wait()
