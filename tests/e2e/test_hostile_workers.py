"""The client under a worker that knows the protocol and breaks it, and over memory that changes while it looks."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import (
    BUILD,
    HOSTD,
    alive,
    descriptors_of,
    eventually,
    host_pid,
    in_process,
    open_descriptors,
    plugin,
    shared_daemon,
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Whose workers are hostile_worker."""
    flags = ("--worker", str(BUILD / "bin" / "hostile_worker"), "--debuggable")
    with shared_daemon(tmp_path_factory.mktemp("c2"), *flags) as (_, path):
        with tvmffi_host.Session(socket=path) as session:
            yield session


class TestWorkers:
    """Each attack ends the worker that tried it with a typed error, and nothing else.

    The checks cannot be switched off: what a reader without them makes of the same bytes lane_test.cc shows, and what a
    caller without a worker goes through test_faults.py. `honest` shows that the program is believed as long as it keeps to
    the protocol.
    """

    VIOLATIONS = {
        "c2_6": ["sequence_jump", "sequence_back", "wrong_exchange"],
        "c2_13": ["oversize", "empty_frame", "cut_header", "size_lie", "many_cells", "many_notes"],
        "c2_2": [
            "unknown_operation",
            "two_results",
            "unknown_kind",
            "dynamic_type_index",
            "pointer",
            "string_outside",
            "string_wraps",
            "string_over_header",
            "spill_unknown",
            "spill_outside",
            "error_of_two_texts",
        ],
        "c1_16": [
            "tensor_unknown_arena",
            "tensor_behind_arena",
            "tensor_wraps",
            "tensor_beside_arguments",
            "tensor_larger_than_bytes",
            "tensor_negative",
            "tensor_huge",
            "tensor_of_a_gpu",
            "tensor_of_odd_type",
            "unknown_argument",
            "long_type_key",
        ],
        "c1_17": ["depth", "same_bytes_twice"],
        "c2_10": ["unknown_callback", "callable_of_the_caller"],
    }

    @pytest.fixture
    def mod(self, session: Any) -> Any:
        return session.load_module(plugin("values"), deadline=10.0, breaker_deaths=1000)

    def survives(self, mod: Any, pid: int) -> bool:
        """The attacker is gone, and its successor answers."""
        assert eventually(lambda: not alive(pid))
        return bool(mod.honest() == 42)

    @pytest.mark.parametrize(
        "attack", [f"{row}-{attack}" for row, attacks in VIOLATIONS.items() for attack in attacks]
    )
    def test_b19_c2_a_breach_of_protocol_ends_the_worker(self, mod: Any, isolated: Any, attack: str) -> None:
        pid = host_pid(isolated)
        plain = np.full(1000, 3.0, "float32")
        shared = tvmffi_host.full((1000,), 3.0)
        assert mod.honest(plain, shared) == 42
        attacker = int(tvmffi_host.worker_info(mod)["pid"])

        with pytest.raises(tvmffi_host.PolicyViolation) as caught:
            mod[attack.split("-")[1]](plain, shared)

        assert caught.value.report.cause == "violation"
        assert (plain == 3.0).all() and (tvmffi_host.numpy(shared) == 3.0).all()
        assert self.survives(mod, attacker)
        assert host_pid(isolated) == pid

    def test_c2_6_an_answer_to_a_question_that_nobody_asked(self, mod: Any) -> None:
        """It lies there when the next call is sent, and is not taken for the answer to that one."""
        with pytest.raises(tvmffi_host.PolicyViolation):
            # Unless both were there when it looked, or the second came into its hands with the first's number.
            assert mod.early_reply() in (1, 2)
            mod.honest()
        assert mod.honest() == 42

    def test_c2_8_death_inside_a_frame(self, mod: Any) -> None:
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.half_a_frame()
        assert caught.value.report.cause == "exit"
        assert mod.honest() == 42

    def test_c2_9_d24_exit_0_is_no_answer(self, mod: Any) -> None:
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.exit_zero()
        assert (caught.value.report.cause, caught.value.report.exit_status) == ("exit", 0)
        assert mod.honest() == 42

    def test_d24_control_a_harness_that_trusts_the_exit_status_calls_it_a_success(self) -> None:
        result = in_process(plugin("faulty"), "mod.exit_now(0)\nprint('computed')")
        assert (result.returncode, result.stdout) == (0, b"")

    def test_c2_9_a_feigned_death_becomes_a_true_one(self, mod: Any) -> None:
        """The kernel's mark can be forged; the daemon's word cannot."""
        mod.honest()
        pid = int(tvmffi_host.worker_info(mod)["pid"])
        with pytest.raises(tvmffi_host.PolicyViolation) as caught:
            mod.feign_death()
        assert caught.value.report.cause == "violation"
        assert self.survives(mod, pid)

    @pytest.mark.parametrize("attack", ["silent", "storm"])
    def test_c2_7_silence_and_noise_end_at_the_deadline(self, session: Any, attack: str) -> None:
        mod = session.load_module(plugin("values"), deadline=3.0)
        mod.honest()
        pid = int(tvmffi_host.worker_info(mod)["pid"])
        begin = time.monotonic()
        with pytest.raises(tvmffi_host.DeadlineExceeded):
            mod[attack]()
        assert 3.0 <= time.monotonic() - begin < 20
        assert self.survives(mod, pid)

    def test_c2_10_a_storm_of_callbacks_that_were_not_lent(self, mod: Any) -> None:
        with pytest.raises(tvmffi_host.PolicyViolation, match="callback 0"):
            mod.callback_storm()
        assert mod.honest() == 42

    def test_c2_10_a_callback_lives_for_one_call(self, mod: Any) -> None:
        calls: list[int] = []
        assert mod.callback_storm(lambda: calls.append(1)) == 1000
        assert len(calls) == 1000
        with pytest.raises(tvmffi_host.PolicyViolation, match="callback 0"):
            mod.callback_storm(1)
        assert len(calls) == 1000

    def test_c2_10_one_that_a_plugin_kept_is_dead_after_the_reply(self, isolated: Any) -> None:
        calls: list[int] = []
        isolated.retain("c2.10", calls.append)
        with pytest.raises(RuntimeError, match="callback"):
            isolated.call_retained("c2.10", 1)
        assert calls == []

    def test_c2_10_control_in_process_it_is_called(self) -> None:
        code = "calls = []\nmod.retain('c2.10', calls.append)\nmod.call_retained('c2.10', 1)\nprint(calls)"
        assert in_process(plugin("values"), code).stdout == b"[1]\n"

    def test_c2_10_callbacks_have_a_deadline_of_their_own(self, session: Any) -> None:
        """A thousand naps that would take ten seconds: the call's own deadline does not count them."""
        mod = session.load_module(plugin("values"), deadline=60.0, callback_deadline=0.3)
        naps: list[float] = []
        with pytest.raises(tvmffi_host.DeadlineExceeded, match="callbacks of 'callback_storm' .* limit is 0.3 s") as caught:
            mod.callback_storm(lambda: naps.append(time.sleep(0.01) or 0.01))
        assert 0 < len(naps) <= 31
        assert caught.value.report.cause == "deadline"
        assert mod.honest() == 42

    def test_c2_10_callbacks_that_fail_are_counted_too(self, session: Any) -> None:
        mod = session.load_module(plugin("values"), deadline=60.0, callback_deadline=0.3)
        naps: list[float] = []

        def fail() -> None:
            naps.append(time.sleep(0.01) or 0.01)
            raise ValueError("no")

        with pytest.raises(tvmffi_host.DeadlineExceeded, match="callbacks of 'callback_storm'"):
            mod.callback_storm(fail)
        assert 0 < len(naps) <= 31

    def test_c2_10_control_with_time_enough_all_of_them_are_served(self, session: Any) -> None:
        """The reply has not come, and nothing else bounds them: longer than the deadline that ends them above."""
        mod = session.load_module(plugin("values"), deadline=60.0, callback_deadline=None)
        naps: list[float] = []
        assert mod.callback_storm(lambda: naps.append(time.sleep(0.001) or 0.001)) == 1000
        assert sum(naps) > 0.3

    def test_c2_10_callbacks_nest_as_deep_as_there_are_lanes(self, isolated: Any) -> None:
        depth = 0

        def deeper() -> Any:
            nonlocal depth
            depth += 1
            return isolated.apply(deeper)

        with pytest.raises(tvmffi_host.ResourceExhausted, match="all 16 lanes .* are held by calls that are inside a callback"):
            isolated.apply(deeper)
        assert depth == 16
        assert isolated.apply(lambda: 3) == 3

    def test_c1_17_c2_4_memory_asked_for_without_end_is_refused_in_time(self, mod: Any) -> None:
        """Few descriptors, no memory that is not written, and the caller's own machine as the limit."""
        mod.honest()
        before = open_descriptors()
        granted = mod.memory_endless()
        assert 1 <= granted < 400
        assert open_descriptors() <= before + granted
        assert mod.memory_huge() == 0
        assert mod.honest() == 42

    def test_c2_4_the_daemon_takes_no_descriptor_from_a_worker(self, mod: Any, session: Any) -> None:
        mod.honest()
        before = descriptors_of(session.info()["daemon_pid"])
        assert mod.descriptors() == 0
        assert descriptors_of(session.info()["daemon_pid"]) <= before
        assert mod.honest() == 42

    def test_c2_1_bytes_that_never_rest(self, session: Any) -> None:
        """Chance seldom hits the moment; TestRestlessMemory does. Whatever it is, this process lives."""
        mod = session.load_module(plugin("values"), deadline=10.0, breaker_deaths=1_000_000)
        for _ in range(100):
            with contextlib.suppress(tvmffi_host.HostError):
                assert mod.restless() is None or isinstance(mod.restless(), (int, float))
        assert mod.honest() == 42

    def test_c2_2_an_honest_worker_is_believed(self, mod: Any) -> None:
        """The same program over the same protocol, without an attack."""
        for _ in range(100):
            assert mod.honest(np.zeros(10, "float32"), "text", [1, 2]) == 42


class TestRestlessMemory:
    """A library whose peer changes every byte right after it was copied, see proto/base/peer_memory.h."""

    LIBRARY = BUILD / "lib" / "restless" / "libtvmffi_host_restless.so"

    def run(self, code: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PRELUDE + code, plugin("values"), plugin("faulty")],
            capture_output=True,
            text=True,
            timeout=250,
            env={**os.environ, "TVMFFI_HOST_LIBRARY": str(self.LIBRARY), **self.programs(), **env},
        )

    def programs(self) -> dict[str, str]:
        return {"TVMFFI_HOSTD": HOSTD}

    def test_b19_c2_1_nothing_is_read_twice(self) -> None:
        result = self.run(EVERY_PATH)
        assert result.stdout.splitlines()[-1:] == ["all right"], result.stdout + result.stderr

    def test_b19_c2_1_control_what_is_changed_before_the_copy_is_noticed(self) -> None:
        result = self.run(EVERY_PATH, TVMFFI_TEST_PEER_MEMORY="before")
        assert "PolicyViolation" in result.stderr, result.stdout + result.stderr

    def test_no_library_that_is_shipped_has_the_hook(self) -> None:
        shipped = (BUILD / "lib" / "libtvmffi_host.so").read_bytes()
        assert b"TVMFFI_TEST_PEER_MEMORY" not in shipped
        assert b"TVMFFI_TEST_PEER_MEMORY" in self.LIBRARY.read_bytes()


PRELUDE = """
import sys
import numpy as np
import tvmffi_host
values, faulty = (tvmffi_host.load_module(path, deadline=60.0) for path in sys.argv[1:3])
"""

# Short frames and long ones, spilled ones, errors, callbacks, results, a crash page.
EVERY_PATH = """
for i in range(200):
    assert values.echo_int(i) == i
for text in ("", "short", "x" * 3000, "y" * 50_000, "z" * 300_000):
    assert values.echo(text) == text
nested = [1, "two", [3.0, None, {"k": [4, "five" * 100]}]]
assert repr(values.echo(nested)) == repr(values.echo(nested))
assert values.sum(np.ones(5000, "float32")) == 5000
assert (tvmffi_host.numpy(values.make_own([100_000], 3.0)) == 3.0).all()
assert values.apply(lambda: "a" * 10_000) == "a" * 10_000
for message in ("no", "n" * 100_000):
    try:
        faulty.throw_value_error(message)
    except ValueError as error:
        assert message[:50] in str(error)
try:
    faulty.segfault()
except tvmffi_host.WorkerCrashed as error:
    assert error.report.signal == 11 and error.report.frames[0].symbol, error.report
    assert error.report.fault_address == 0
print("all right")
"""
