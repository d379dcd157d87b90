"""Whose memory it is: inputs nobody can change, guarded outputs, answers that come too late, answers of earlier calls."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import alive, eventually, host_pid, plugin

PAGE = 4096
# Memory does not depend on the sandbox: without it the attacks have more ways to try.
LEVELS = pytest.mark.parametrize("without", [[], ["all"]], ids=["sandbox", "no sandbox"])


def worked(attempts: Any) -> set[str]:
    return {str(name) for name, outcome in attempts.items() if str(outcome) == "worked"}


def hash_of(tensor: Any) -> str:
    return hashlib.sha256(tvmffi_host.numpy(tensor).tobytes()).hexdigest()


class TestInputs:
    WAYS = {
        "map it again",
        "pwrite",
        "reopen and map",
        "reopen and pwrite",
        "in a child",
        "read into it",
        "an alias",
        "unprotect it",
        "punch a hole",
        "remove the page",
    }

    @LEVELS
    def test_b1_c1_9_d6_an_input_cannot_be_changed(self, load: Any, without: list[str]) -> None:
        mod = load("inputs", without)
        tensor = tvmffi_host.as_input(np.full(3000, 7, "int32"))
        before = hash_of(tensor)

        attempts = mod.overwrite(tensor)

        assert worked(attempts) == {"find its descriptor"}
        assert len(attempts) >= len(self.WAYS)
        assert hash_of(tensor) == before

    def test_b1_its_owner_can_write_it_and_the_worker_sees_that(self, load: Any) -> None:
        mod = load("inputs")
        tensor = tvmffi_host.as_input(np.full(3000, 7, "int32"))
        assert mod.first_byte(tensor) == 7

        tvmffi_host.numpy(tensor)[0] = 9

        assert mod.first_byte(tensor) == 9

    @LEVELS
    def test_b1_c1_9_d6_control_memory_that_is_not_sealed_is_changed_in_every_way(self, load: Any, without: list[str]) -> None:
        """Even there its size stays, and nobody can take it from its owner."""
        mod = load("inputs", without)
        tensor = tvmffi_host.full((4096,), 7, "int32")  # whole pages: no canary beside it

        attempts = worked(mod.overwrite(tensor))

        found = self.WAYS | {"find its descriptor"}
        assert attempts >= (found if without else found - {"reopen and map", "reopen and pwrite"})
        assert not attempts & {"shrink it", "grow it", "seal it against its owner"}
        assert "/proc/self/mem" in attempts or not without

    def test_b1_a_plain_tensor_that_is_only_read_stays_as_it_was(self, load: Any) -> None:
        array = np.full(3000, 7, "int32")
        load("outputs", readonly=True).store_at(array, 0)
        assert (array == 7).all()
        load("outputs").store_at(array, 0)
        assert array[0] == 0xAB  # the control: copied back

    def test_c1_9_a_sealed_input_of_two_workers_stays_sealed_in_both(self, load: Any) -> None:
        tensor = tvmffi_host.as_input(np.full(10, 7, "int32"))
        for _ in range(2):
            assert worked(load("inputs").overwrite(tensor)) == {"find its descriptor"}


def stores(mod: Any, tensor: Any, offset: int) -> tvmffi_host.HostError:
    with pytest.raises((tvmffi_host.WorkerCrashed, tvmffi_host.PolicyViolation)) as caught:
        mod.store_at(tensor, offset)
    return caught.value


class TestGuards:
    """A float32 tensor of 1025 elements, 4100 bytes, leaves 60 bytes of slack at an alignment of 64."""

    @pytest.mark.parametrize("offset", [4100, 4131, 4159])
    def test_b2_c1_15_in_the_slack_the_canary_shows_it(self, load: Any, offset: int) -> None:
        error = stores(load("outputs"), tvmffi_host.zeros((1025,)), offset)
        assert isinstance(error, tvmffi_host.PolicyViolation)
        assert (error.report.fault_argument, error.report.fault_offset) == (0, offset)
        assert f"past the end of argument 0 of 'store_at', at byte {offset}" in str(error)

    @pytest.mark.parametrize("offset", [4160, 4160 + PAGE - 1])
    def test_b2_c1_15_behind_the_slack_the_hardware_does(self, load: Any, offset: int) -> None:
        error = stores(load("outputs"), tvmffi_host.zeros((1025,)), offset)
        assert isinstance(error, tvmffi_host.WorkerCrashed)
        assert (error.report.signal, error.report.is_write) == (signal.SIGSEGV, True)
        assert (error.report.fault_argument, error.report.fault_offset) == (0, offset)

    @pytest.mark.parametrize("offset", [-1, -16])
    def test_b2_before_its_beginning_the_canary_shows_it(self, load: Any, offset: int) -> None:
        error = stores(load("outputs"), tvmffi_host.zeros((1025,)), offset)
        assert isinstance(error, tvmffi_host.PolicyViolation)
        assert error.report.fault_offset == offset
        assert f"before the start of argument 0 of 'store_at', at byte {offset}" in str(error)

    @pytest.mark.parametrize(
        ("offset", "kind"), [(-1, "WorkerCrashed"), (-PAGE, "WorkerCrashed"), (4100, "PolicyViolation")]
    )
    def test_b2_guarded_on_the_left(self, load: Any, offset: int, kind: str) -> None:
        error = stores(load("outputs"), tvmffi_host.empty((1025,), guard="left"), offset)
        assert type(error).__name__ == kind
        assert error.report.fault_offset == offset

    @pytest.mark.parametrize("offset", [-1, -16, 4100, 4115])
    @pytest.mark.parametrize("make", ["pool", "plain"])
    def test_b2_of_other_tensors_the_canary_shows_it(self, load: Any, make: str, offset: int) -> None:
        mod = load("outputs")
        tensor = tvmffi_host.zeros((1025,), module=mod) if make == "pool" else np.zeros(1025, "float32")
        error = stores(mod, tensor, offset)
        assert isinstance(error, tvmffi_host.PolicyViolation)
        assert (error.report.fault_argument, error.report.fault_offset) == (0, offset)
        assert not np.asarray(tensor if make == "plain" else tvmffi_host.numpy(tensor)).any()

    @pytest.mark.parametrize("guard", ["left", "right"])
    def test_b2_stores_inside_are_no_offence(self, load: Any, guard: Any) -> None:
        mod = load("outputs")
        tensor = tvmffi_host.empty((1025,), guard=guard)
        for offset in (0, 4096, 4099):
            mod.store_at(tensor, offset)
        assert np.count_nonzero(tvmffi_host.numpy(tensor).view("uint8")) == 3

    def test_c1_15_control_inside_one_allocation_nothing_stops_it(self, load: Any) -> None:
        tensor = tvmffi_host.zeros((4, 1024))
        view = np.asarray(tvmffi_host.numpy(tensor))[1:2]
        load("outputs").store_at(view, 4096)
        assert tvmffi_host.numpy(tensor)[2].any()

    @LEVELS
    def test_c1_15_c1_13_reaches_the_outputs_of_its_calls_only(self, load: Any, without: list[str]) -> None:
        mod, other = load("outputs", without), load("outputs", without)
        passed, theirs, never = (tvmffi_host.zeros((1024,)) for _ in range(3))
        sealed = tvmffi_host.as_input(np.zeros(1024, "float32"))
        plain = np.zeros(1024, "float32")
        mod.store_at(passed, 0)
        mod.store_at(plain, 0)
        other.store_at(theirs, 0)
        kept = [hash_of(tensor) for tensor in (theirs, never, sealed)]

        assert mod.store_everywhere() >= 4096

        assert [hash_of(tensor) for tensor in (theirs, never, sealed)] == kept
        assert np.count_nonzero(plain.view("uint8")) == 1
        assert (tvmffi_host.numpy(passed).view("uint8") == 0xAB).all()  # the control: it was given that one

    def test_b2_guard_and_module_exclude_each_other(self, load: Any) -> None:
        with pytest.raises(ValueError, match="no guard pages"):
            tvmffi_host.empty((4,), module=load("outputs"), guard="left")
        with pytest.raises(TypeError, match='"left" or "right"'):
            tvmffi_host.empty((4,), guard="top")  # type: ignore[arg-type]


class TestLateAnswers:
    """Who writes late waits for a flag that is set when the caller has seen the answer."""

    ROUNDS = 20

    def late_answers(self, mod: Any, by: str) -> Callable[[], int]:
        """Lets the writers go, and counts the outputs that have changed since their calls returned."""
        go = tvmffi_host.zeros((1,), "int32")
        outputs, at_return = [], []
        for _ in range(self.ROUNDS):
            output = tvmffi_host.zeros((1000,))
            mod.answer_later(output, go, 42.0, by)
            at_return.append(hash_of(output))
            outputs.append(output)

        def changed() -> int:
            tvmffi_host.numpy(go)[0] = 1
            return sum(hash_of(output) != before for output, before in zip(outputs, at_return))

        return changed

    def late_result(self, mod: Any) -> Callable[[], bool]:
        """Lets the writer go, and says whether the result has changed since it was returned."""
        go = tvmffi_host.zeros((1,), "int32")
        result = mod.result_later(1000, go, 42.0)
        at_return = hash_of(result)

        def changed() -> bool:
            tvmffi_host.numpy(go)[0] = 1
            return hash_of(result) != at_return

        return changed

    @LEVELS
    @pytest.mark.parametrize("by", ["thread", "process"])
    def test_b9_c1_14_d8_never_come_from_a_worker_that_has_ended(self, load: Any, by: str, without: list[str]) -> None:
        changed = self.late_answers(load("late_writer", without, reuse="never"), by)
        changed()
        time.sleep(0.3)  # a writer that lived would need a few milliseconds
        assert changed() == 0

    @pytest.mark.parametrize(("by", "without"), [("thread", []), ("process", []), ("thread", ["all"])], ids=str)
    def test_b9_c1_14_d8_control_from_one_that_lives_on_they_come(self, load: Any, by: str, without: list[str]) -> None:
        """Processes left behind without a pid namespace are ended by the daemon sooner or later: no control."""
        mod = load("late_writer", without)
        changed = self.late_answers(mod, by)
        assert eventually(lambda: changed() == self.ROUNDS)

    def test_b9_d10_a_result_is_what_it_was_when_it_was_returned(self, load: Any) -> None:
        mod = load("late_writer", reuse="never")
        changed = self.late_result(mod)
        changed()
        time.sleep(0.3)
        assert not changed()

    def test_b9_d10_control_unless_its_worker_lives_on(self, load: Any) -> None:
        mod = load("late_writer", reuse="module")
        assert eventually(self.late_result(mod))

    def test_b9_the_worker_has_ended_when_the_call_returns(self, load: Any) -> None:
        mod = load("late_writer", reuse="never")
        for by in ("thread", "process"):
            pid = host_pid_of_next_call(mod)
            assert alive(pid)
            mod.answer_later(tvmffi_host.zeros((8,)), tvmffi_host.zeros((1,), "int32"), 1.0, by)
            assert not alive(pid)


def host_pid_of_next_call(mod: Any) -> int:
    """Of a module whose calls have a worker each: looking a function up starts the next one."""
    mod.get_function("answer_later")
    return int(tvmffi_host.worker_info(mod)["pid"])


class TestEarlierAnswers:
    ANSWER = 8765.25

    def look(self, mod: Any, make: Callable[[], Any]) -> set[str]:
        """What a module finds of an answer that an earlier call was given, when it gets a new output."""
        answer = make()
        (answer if isinstance(answer, np.ndarray) else tvmffi_host.numpy(answer))[...] = self.ANSWER
        mod.keep(answer)
        del answer
        output = make()
        found = worked(mod.look(output, self.ANSWER))
        # The first thing in its own memory is a copy that any worker can make.
        return found

    @pytest.mark.parametrize("make", ["plain", "shared", "pool"])
    def test_b25_c1_13_d5_a_fresh_worker_finds_nothing(self, load: Any, make: str) -> None:
        mod = load("stale", reuse="never")
        makers = {
            "plain": lambda: np.zeros(5000, "float32"),
            "shared": lambda: tvmffi_host.zeros((5000,)),
            "pool": lambda: tvmffi_host.zeros((5000,), module=mod),
        }
        assert self.look(mod, makers[make]) == set()

    @pytest.mark.parametrize("make", ["plain", "pool"])
    def test_b25_d5_memory_of_earlier_calls_is_poisoned(self, load: Any, make: str) -> None:
        """What it kept itself it has: that takes a fresh worker."""
        mod = load("stale", poison=True)
        makers = {
            "plain": lambda: np.zeros(5000, "float32"),
            "pool": lambda: tvmffi_host.zeros((5000,), module=mod),
        }
        assert self.look(mod, makers[make]) == {"what was kept"}

    @pytest.mark.parametrize(("make", "place"), [("plain", "staging"), ("pool", "pool")])
    def test_b25_c1_13_d5_control_unless_it_is_used_again_as_it_is(self, load: Any, make: str, place: str) -> None:
        mod = load("stale")
        small = lambda: tvmffi_host.zeros((8,), module=mod)  # noqa: E731
        maker = (lambda: np.zeros(5000, "float32")) if make == "plain" else small
        answer = np.full(5000, self.ANSWER, "float32") if make == "plain" else tvmffi_host.zeros((5000,), module=mod)
        if make == "pool":
            tvmffi_host.numpy(answer)[...] = self.ANSWER
        mod.keep(answer)
        del answer
        output = tvmffi_host.zeros((8,)) if make == "plain" else maker()
        assert worked(mod.look(output, self.ANSWER)) == {"what was kept", place}

    def test_b25_results_are_poisoned_when_they_are_dropped(self) -> None:
        def found(poison: bool) -> bool:
            with tvmffi_host.Session() as session:
                stale = session.load_module(plugin("adversarial_stale"), poison=poison)
                values = session.load_module(plugin("values"), worker=stale)
                result = values.make_env_like(tvmffi_host.zeros((5000,)))
                values.fill(result, self.ANSWER)
                del result
                values.pid()  # the release rides on this call
                return "result" in worked(stale.look(tvmffi_host.zeros((8,)), self.ANSWER))

        assert found(poison=False)
        assert not found(poison=True)

    def test_b25_nothing_crosses_sessions_or_modules(self, load: Any) -> None:
        first, second = load("stale"), load("stale")
        answer = tvmffi_host.full((5000,), self.ANSWER)
        first.keep(answer)
        assert worked(second.look(tvmffi_host.zeros((5000,)), self.ANSWER)) == set()

    def test_b25_outputs_are_zeroed(self, load: Any) -> None:
        mod = load("stale")
        for _ in range(3):
            tensor = tvmffi_host.empty((5000,), module=mod)
            assert not tvmffi_host.numpy(tensor).any()
            tvmffi_host.numpy(tensor)[...] = self.ANSWER
            mod.keep(tensor)


class TestReuse:
    def test_b25_never_gives_each_call_a_worker(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never", init=[("retain", ("k", [1, 2]))])
        values.sum8(*range(8))
        before = tvmffi_host.stats()
        assert [values.sum8(*range(8)) for _ in range(3)] == [28] * 3
        after = tvmffi_host.stats()
        assert after["workers_started"] == before["workers_started"] + 3
        assert after["workers_died"] == before["workers_died"]  # of their own doing
        assert list(values.retained("k")) == [1, 2]

    @pytest.mark.parametrize("make", ["make_own", "echo", "text", "fill"])
    def test_b25_what_a_call_returns_outlives_its_worker(self, make: str) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never")
        if make == "make_own":
            assert (tvmffi_host.numpy(values.make_own([100000], 3.0)) == 3.0).all()
        elif make == "echo":
            tensor = tvmffi_host.full((10,), 2.0, module=values)
            assert (tvmffi_host.numpy(values.view(tensor, 1, 3)) == 2.0).all()
        elif make == "text":
            assert values.echo("x" * 200_000) == "x" * 200_000
        else:
            array = np.zeros(1000, "float32")
            values.fill(array, 4.0)
            assert (array == 4.0).all()

    def test_b25_an_object_of_a_worker_does_not(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never")
        box = values.make_box(1)
        with pytest.raises(RuntimeError, match="generation 1 .* which has ended"):
            values.box_get(box)

    def test_b25_errors_crashes_and_deadlines_are_the_same(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), reuse="never", deadline=4.0)
        with pytest.raises(ValueError, match="no way"):
            faulty.throw_value_error("no way")
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            faulty.segfault()
        assert caught.value.report.signal == signal.SIGSEGV
        with pytest.raises(tvmffi_host.DeadlineExceeded):
            faulty.hang()
        assert faulty.pid() > 0

    def test_b25_never_takes_one_call_at_a_time(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never")
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda i=i: answers.append(values.echo_int(i))) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(answers) == list(range(6))
        with pytest.raises(tvmffi_host.ResourceExhausted, match="inside a callback of its own"):
            values.apply(lambda: values.echo_int(1))
        assert values.apply(lambda: 3) == 3

    def test_b25_modules_of_a_session_can_share(self) -> None:
        with tvmffi_host.Session() as session, tvmffi_host.Session() as other:
            first = session.load_module(plugin("values"), reuse="session")
            second = session.load_module(plugin("faulty"), reuse="session")
            alone = session.load_module(plugin("values"))
            different = session.load_module(plugin("values"), reuse="session", limits={"open_files": 64})
            elsewhere = other.load_module(plugin("values"), reuse="session")
            pids = [host_pid(mod) for mod in (first, second, alone, different, elsewhere)]
        assert pids[0] == pids[1]
        assert len(set(pids)) == 4

    def test_b25_another_word_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'reuse' must be"):
            tvmffi_host.load_module(plugin("values"), reuse="always")  # type: ignore[arg-type]

    def test_b25_a_worker_killed_meanwhile_makes_no_difference(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never")
        values.get_function("echo_int")
        os.kill(int(tvmffi_host.worker_info(values)["pid"]), signal.SIGKILL)
        assert eventually(lambda: not tvmffi_host.worker_info(values)["alive"])
        assert values.echo_int(5) == 5

    @pytest.mark.usefixtures("no_leaks")
    def test_b25_nothing_is_left_of_the_workers(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), reuse="never", poison=True)
        shared = tvmffi_host.zeros((1000,))
        for i in range(10):
            values.fill(shared, float(i))
            assert values.sum(np.ones(1000, "float32")) == 1000
            assert (tvmffi_host.numpy(values.make_own([1000], 3.0)) == 3.0).all()
