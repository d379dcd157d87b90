"""Workers that serve one call: what their calls leave behind, how long they take, who is to blame; where there can be none."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import HOSTD, eventually, plugin


def found(attempts: Any) -> set[str]:
    return {str(what) for what, outcome in attempts.items() if outcome == "worked"}


class TestLeftovers:
    """Notes left with the files in memory that the next call's worker is lent too."""

    def test_b25_d5_the_next_call_finds_none(self) -> None:
        mod = tvmffi_host.load_module(plugin("adversarial_leftovers"), reuse="never")
        for shared in (tvmffi_host.as_input(np.ones(8, "float32")), tvmffi_host.zeros((8,))):
            assert mod.leave(shared) >= 1
            # Of the tensor the caller has lent for writing, only what no descriptor shares.
            assert found(mod.find_left(shared)) == set()

    def test_b25_d5_a_tensor_lent_to_two_workers_carries_none(self) -> None:
        first, second = (tvmffi_host.load_module(plugin("adversarial_leftovers")) for _ in range(2))
        shared = tvmffi_host.as_input(np.ones(8, "float32"))
        first.leave(shared)
        assert "the offset" not in found(second.find_left(shared))

    def test_b25_d5_control(self) -> None:
        mod = tvmffi_host.load_module(plugin("adversarial_leftovers"))
        shared = tvmffi_host.as_input(np.ones(8, "float32"))
        assert mod.leave(shared) >= 2
        assert found(mod.find_left(shared)) >= {"the offset", "a lock"}


class TestTime:
    def test_b4_the_wait_for_a_turn_counts_where_a_start_does_not(self) -> None:
        """A start has a deadline of its own; what comes before and after it is the call's."""
        mod = tvmffi_host.load_module(plugin("values"), reuse="never", deadline=3.0, load_deadline=30.0)
        sleep, entered = mod.sleep, threading.Event()

        def hold() -> int:
            entered.set()
            time.sleep(2.5)
            return 0

        holder = threading.Thread(target=lambda: mod.apply(hold))
        holder.start()
        assert entered.wait(30)
        with pytest.raises(tvmffi_host.DeadlineExceeded):
            sleep(2.0)
        holder.join()

    def test_c1_3_a_start_has_the_load_deadline_of_the_module_that_is_called(self) -> None:
        with tvmffi_host.Session() as session:
            first = session.load_module(plugin("values"), init=[("sleep", (2.5,))])
            second = session.load_module(plugin("faulty"), worker=first, load_deadline=2.0)
            pid = second.pid
            with pytest.raises(tvmffi_host.WorkerCrashed):
                second.segfault()
            with pytest.raises(tvmffi_host.DeadlineExceeded):
                pid()
            assert first.echo_int(1) == 1  # its own has no limit but the call's


class TestBlame:
    def test_b2_c1_15_what_shows_after_the_end_is_the_workers_doing(self) -> None:
        mod = tvmffi_host.load_module(plugin("adversarial_outputs"), reuse="never")
        tensor = tvmffi_host.zeros((1025,))
        with pytest.raises(tvmffi_host.PolicyViolation) as caught:
            mod.store_at(tensor, 4100)
        assert caught.value.report.cause == "violation"
        info = tvmffi_host.worker_info(mod)
        assert (info["deaths_in_a_row"], info["alive"]) == (1, False)
        mod.store_at(tensor, 0)
        assert tvmffi_host.worker_info(mod)["deaths_in_a_row"] == 0


class TestEnd:
    def test_b9_c1_14_an_answer_counts_only_when_all_is_known_to_have_ended(self) -> None:
        """Its worker dies, but the daemon, which knows what that left behind, says nothing."""
        with tvmffi_host.Session(without=["pidns"]) as session:
            mod = session.load_module(plugin("values"), reuse="never", deadline=60.0)
            apply, daemon = mod.apply, int(tvmffi_host.worker_info(mod)["daemon_pid"])

            def stop_the_daemon() -> int:
                os.kill(daemon, signal.SIGSTOP)
                worker = int(tvmffi_host.worker_info(mod)["pid"])
                threading.Timer(5.0, os.kill, (worker, signal.SIGKILL)).start()
                return 5

            try:
                with pytest.raises(tvmffi_host.Unavailable, match="could not be ended"):
                    apply(stop_the_daemon)
            finally:
                os.kill(daemon, signal.SIGCONT)


class TestWhereThereCanBeNone:
    def test_respawn_never_excludes_it(self) -> None:
        with pytest.raises(ValueError, match='reuse="never" and respawn="never" exclude each other'):
            tvmffi_host.load_module(plugin("values"), reuse="never", respawn="never")

    def test_c1_4_not_under_a_daemon_that_cannot_end_what_is_left(self, tmp_path: Path) -> None:
        """As process 1, without pid namespaces for its workers."""
        enter = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
        enter += ["--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*enter, "true"], capture_output=True).returncode != 0:
            pytest.skip("no process 1 to be had")
        path = tmp_path / "hostd.sock"
        daemon = subprocess.Popen([*enter, HOSTD, "--socket", str(path), "--without", "pidns"], stderr=subprocess.DEVNULL)
        try:
            assert eventually(path.exists)
            with tvmffi_host.Session(socket=str(path)) as session:
                assert session.load_module(plugin("values")).echo_int(4) == 4
                with pytest.raises(tvmffi_host.Unavailable, match="neither layer 'pidns' nor 'orphans'"):
                    session.load_module(plugin("values"), reuse="never")
        finally:
            daemon.kill()
            daemon.wait()
