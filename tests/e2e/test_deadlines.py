"""Deadlines that end the work, and what comes after a death: replay, the circuit breaker, generations."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tvmffi_host

import deadline_rounds
from conftest import alive, eventually, host_pid, plugin
from threat_notes import note_layers


class TestDeadlines:
    LANES = 16

    @pytest.mark.parametrize("without", [[], ["pidns"], ["all"]], ids=str)
    def test_b4_c1_3_c1_4_a_deaf_worker_that_forks_away_is_gone_with_all_it_left(self, without: list[str]) -> None:
        """The times are deadline_rounds.py's; here only that they are near, on any machine."""
        note_layers("orphans" if without else "pidns")
        results = deadline_rounds.rounds(5, without=without)
        assert [each.survivors for each in results] == [[]] * 5
        assert sum(each.left for each in results) > 0
        assert max(each.late for each in results) < 10

    def test_b4_c1_3_control_a_polite_signal_ends_neither(self) -> None:
        """SIGTERM, and the end of the worker alone where no namespace ends the rest: they live on."""
        with tvmffi_host.Session(without=["pidns"]) as session:
            mod = session.load_module(plugin("adversarial_double_fork"), deadline=30.0)
            name = f"b4-{os.getpid() % 10_000}-ctl"
            outcomes: list[tvmffi_host.HostError] = []

            def escape() -> None:
                with pytest.raises(tvmffi_host.HostError) as caught:
                    mod.escape_and_hang(name, 3)
                outcomes.append(caught.value)

            call = threading.Thread(target=escape)
            call.start()
            assert eventually(lambda: len(deadline_rounds.processes_called(name)) == 3)
            worker = int(tvmffi_host.worker_info(mod)["pid"])
            left = deadline_rounds.processes_called(name)
            for pid in (worker, *left):
                subprocess.run(["kill", "-TERM", str(pid)], check=True)
            time.sleep(0.2)
            assert all(alive(pid) for pid in (worker, *left))
            os.kill(worker, signal.SIGKILL)
            call.join(30)
            assert [error.report.signal for error in outcomes] == [signal.SIGKILL]
            assert eventually(lambda: not any(alive(pid) for pid in left))  # the daemon adopts and ends them

    def test_b4_the_error_says_how_long_it_waited_and_ran(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), deadline=0.4)
        host_pid(faulty)
        with pytest.raises(tvmffi_host.DeadlineExceeded) as caught:
            faulty.hang_blocking_signals()
        report = caught.value.report
        assert (report.cause, report.function) == ("deadline", "hang_blocking_signals")
        assert 0.4 <= report.elapsed < 10 and 0 <= report.queued < report.elapsed
        assert not alive(report.worker_pid)

    def test_b4_time_in_the_queue_is_told_from_time_of_execution(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), deadline=120.0, queue_deadline=2.0)
        host_pid(values)
        gate = tvmffi_host.zeros((2,), "int32")
        inside, opened = tvmffi_host.numpy(gate)[:1], tvmffi_host.numpy(gate)[1:]
        holders = [threading.Thread(target=values.hold, args=(gate,)) for _ in range(self.LANES)]
        for holder in holders:
            holder.start()
        try:
            assert eventually(lambda: inside[0] == self.LANES, 60)
            begin = time.monotonic()
            with pytest.raises(tvmffi_host.DeadlineExceeded, match="no lane") as caught:
                values.pid()
            assert 2.0 <= time.monotonic() - begin < 60
        finally:
            opened[0] = 1
            for holder in holders:
                holder.join(60)

        report = caught.value.report
        assert (report.cause, report.function, report.module) == ("queue", "pid", "values.so")
        assert report.queued == report.elapsed >= 2.0
        assert "turn" in str(report)
        # A call that did not get its turn ends nobody's worker.
        assert host_pid(values) == report.worker_pid

    def test_b4_starting_a_worker_counts_as_waiting(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), deadline=5.0)
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.segfault()
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            faulty.segfault()
        assert 0 < caught.value.report.queued < caught.value.report.elapsed

    def test_b4_b13_a_load_has_a_deadline_of_its_own(self) -> None:
        begin = time.monotonic()
        with pytest.raises(tvmffi_host.DeadlineExceeded, match="faulty_init_hang") as caught:
            tvmffi_host.load_module(plugin("faulty_init_hang"), deadline=0.5)
        assert 0.5 <= time.monotonic() - begin < 10
        assert not alive(caught.value.report.worker_pid)

    def test_b13_a_load_deadline_is_apart_from_that_of_calls(self) -> None:
        with pytest.raises(tvmffi_host.DeadlineExceeded, match="within 0.5 s"):
            tvmffi_host.load_module(plugin("faulty_init_hang"), deadline=60.0, load_deadline=0.5)
        # No worker starts in that time. A call that needs one waits for it, and then has its own.
        faulty = tvmffi_host.load_module(plugin("faulty"), deadline=0.001, load_deadline=60.0)
        with pytest.raises(tvmffi_host.DeadlineExceeded, match="'hang' of 'faulty.so' did not return within 0.001 s"):
            faulty.get_function("hang")()
        generation = tvmffi_host.worker_info(faulty)["generation"]
        with pytest.raises(tvmffi_host.DeadlineExceeded, match="0.001 s") as caught:
            faulty.get_function("hang")()
        assert caught.value.report.generation > generation

    def test_b4_each_call_in_flight_hears_of_it_and_the_deadline_of_one_ends_all(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), deadline=1.0)
        host_pid(faulty)
        outcomes: list[BaseException] = []

        def hang() -> None:
            try:
                faulty.hang()
            except tvmffi_host.HostError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=hang) for _ in range(4)]
        for thread in threads:
            thread.start()
            time.sleep(0.05)
        for thread in threads:
            thread.join(20)
        assert len(outcomes) == 4
        assert {error.report.cause for error in outcomes} == {"deadline"}
        assert len({error.report.worker_pid for error in outcomes}) == 1

    def test_c2_17_nothing_waits_for_a_worker_that_cannot_be_reaped(self) -> None:
        """A debugger holds it: its death is not seen until the debugger lets go. Other workers are served meanwhile."""
        with tvmffi_host.Session(without=["all"]) as session:
            held = session.load_module(plugin("values"))
            other = session.load_module(plugin("values"))
            with traced(host_pid(held)):
                daemon = int(session.info()["daemon_pid"])
                os.kill(host_pid_now(held), signal.SIGKILL)
                begin = time.monotonic()
                assert other.sum8(*range(8)) == 28
                assert int(session.info()["daemon_pid"]) == daemon
                assert time.monotonic() - begin < 5
            assert eventually(lambda: not tvmffi_host.worker_info(held)["alive"])
            assert held.sum8(*range(8)) == 28


    def test_c2_17_a_call_does_not_wait_for_one_either(self) -> None:
        with tvmffi_host.Session(without=["all"]) as session:
            held = session.load_module(plugin("faulty"), deadline=1.0)
            pid = host_pid(held)
            with traced(pid):
                begin = time.monotonic()
                with pytest.raises(tvmffi_host.DeadlineExceeded) as caught:
                    held.hang()
                assert time.monotonic() - begin < 20
                assert caught.value.report.cause == "stuck"
                assert held.pid() > 0  # another worker
            assert eventually(lambda: not alive(pid))


    def test_c2_17_control_a_wait_without_a_bound_does_not_come_back(self) -> None:
        held = subprocess.Popen(["sleep", "600"])
        with traced(held.pid):
            held.kill()
            with pytest.raises(subprocess.TimeoutExpired):
                held.wait(timeout=0.5)
            naive = threading.Thread(target=lambda: os.waitid(os.P_PID, held.pid, os.WEXITED))
            naive.start()
            naive.join(1)
            assert naive.is_alive()
        naive.join(20)
        assert not naive.is_alive()


@contextlib.contextmanager
def traced(pid: int) -> Iterator[None]:
    """While a debugger holds the process: when it is killed, nobody hears of its end."""
    tracer = subprocess.Popen(
        [sys.executable, "-c", TRACER, str(pid)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert tracer.stdout is not None and tracer.stdin is not None
    try:
        if "attached" not in tracer.stdout.readline():
            pytest.skip("this machine forbids to trace a worker")
        yield
    finally:
        tracer.stdin.close()
        tracer.stdout.close()
        tracer.wait()


# Stops the process and holds it until its own input ends.
TRACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
ok = libc.ptrace(0x4206, ctypes.c_long(pid), ctypes.c_long(0), ctypes.c_long(0)) == 0
print("attached" if ok else "refused", flush=True)
sys.stdin.read()
"""


def host_pid_now(mod: Any) -> int:
    return int(tvmffi_host.worker_info(mod)["pid"])


def kill_worker(mod: Any) -> None:
    os.kill(host_pid(mod), signal.SIGKILL)
    assert eventually(lambda: not tvmffi_host.worker_info(mod)["alive"])


class TestReplay:
    def test_b5_a_module_with_state_survives_a_crash(self) -> None:
        """Loads and declared calls are replayed in order; what other calls had changed is gone."""
        values = tvmffi_host.load_module(
            plugin("values"), init=[("retain", ("k", [1])), ("retain", ("k", [1, 2])), ("retain", ("other", [3]))]
        )
        values.retain("later", [4])
        for generation in (2, 3):
            kill_worker(values)
            assert list(values.retained("k")) == [1, 2]
            assert list(values.retained("other")) == [3]
            assert tvmffi_host.worker_info(values)["generation"] == generation
        with pytest.raises(KeyError):
            values.retained("later")

    def test_b5_all_modules_of_a_worker_are_replayed(self) -> None:
        with tvmffi_host.Session() as session:
            values = session.load_module(plugin("values"), init=[("retain", ("k", [1]))])
            faulty = session.load_module(plugin("faulty"), worker=values)
            with pytest.raises(tvmffi_host.WorkerCrashed):
                faulty.segfault()
            assert list(values.retained("k")) == [1]
            assert host_pid(values) == host_pid(faulty)

    def test_b5_tensors_given_to_declared_calls_are_given_again(self) -> None:
        weights = tvmffi_host.as_input(np.arange(10, dtype="float32"))
        values = tvmffi_host.load_module(plugin("values"), init=[("retain", ("weights", weights))])
        kill_worker(values)
        assert values.sum(values.retained("weights")) == 45

    def test_b5_a_declared_call_that_fails_fails_the_load_and_every_later_start(self) -> None:
        with pytest.raises(AttributeError, match="no_such_function"):
            tvmffi_host.load_module(plugin("values"), init=[("no_such_function", ())])
        with pytest.raises(ValueError, match="no"):
            tvmffi_host.load_module(plugin("faulty"), init=[("throw_value_error", ("no",))])

    def test_b5_a_crash_loop_trips_the_breaker(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=3, breaker_seconds=60)
        started = tvmffi_host.stats()["workers_started"]
        outcomes = []
        for _ in range(6):
            with pytest.raises(tvmffi_host.HostError) as caught:
                faulty.segfault()
            outcomes.append(type(caught.value).__name__)
        assert outcomes == ["WorkerCrashed"] * 3 + ["Unavailable"] * 3
        assert caught.value.report.signal == signal.SIGSEGV  # of the last death
        assert tvmffi_host.stats()["workers_started"] - started == 2
        assert tvmffi_host.worker_info(faulty)["deaths_in_a_row"] == 3

    def test_b5_a_death_while_it_is_restarted_counts_too(self) -> None:
        """A declared call that kills the second worker, and each after it."""
        marker = tvmffi_host.zeros((1,), "int32")
        values = tvmffi_host.load_module(plugin("faulty"), init=[("die_if_set", (marker,))], breaker_deaths=3)
        tvmffi_host.numpy(marker)[0] = 1
        kill_worker(values)
        kinds = []
        for _ in range(4):
            with pytest.raises(tvmffi_host.HostError) as caught:
                values.pid()
            kinds.append(type(caught.value).__name__)
        assert kinds == ["WorkerCrashed", "WorkerCrashed", "Unavailable", "Unavailable"]

    def test_b5_a_successful_call_between_deaths_keeps_it_closed(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=2)
        for _ in range(4):
            with pytest.raises(tvmffi_host.WorkerCrashed):
                faulty.segfault()
            assert faulty.pid() > 0

    @pytest.mark.parametrize("kind", ["box_get", "adder", "module"])
    def test_b5_handles_have_a_generation(self, kind: str) -> None:
        values = tvmffi_host.load_module(plugin("values"))
        use = {
            "box_get": lambda box=values.make_box(7): values.box_get(box),
            "adder": lambda adder=values.make_adder(1): adder(1),
            "module": lambda: values.sum8(*range(8)),  # found anew in each
        }[kind]
        kill_worker(values)
        if kind == "module":
            assert use() == 28
            return
        with pytest.raises(RuntimeError, match="generation 1 .* generation 2" if kind == "box_get" else "generation 1"):
            use()
        assert values.sum8(*range(8)) == 28
