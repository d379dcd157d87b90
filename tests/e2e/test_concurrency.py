"""Many threads and processes at once: everybody gets their own answers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import plugin


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

    def body(index: int) -> None:
        for _ in range(10):
            try:
                faulty.segfault() if index == 0 else faulty.pid()
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
    mod = tvmffi_host.load_module(plugin("values"), queue_deadline=0.2)
    threads = [threading.Thread(target=lambda: mod.sleep(1.5)) for _ in range(16)]
    mod.sleep(0.0)
    for thread in threads:
        thread.start()
    time.sleep(0.5)

    with pytest.raises(tvmffi_host.DeadlineExceeded, match="lane"):
        mod.pid()
    for thread in threads:
        thread.join()
    assert mod.sum8(*range(8)) == 28


def test_two_processes_at_once() -> None:
    program = (
        "import sys, tvmffi_host\n"
        "mod = tvmffi_host.load_module(sys.argv[1])\n"
        "base = int(sys.argv[2]) * 10**9\n"
        "assert all(mod.echo_int(base + i) == base + i for i in range(20000))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, plugin("values"), str(i)]) for i in range(2)]
    assert [process.wait(100) for process in processes] == [0, 0]
