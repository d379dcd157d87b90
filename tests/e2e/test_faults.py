"""Every way to die, hang or lie ends as a typed error with a report, and the next call works."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvm_ffi
import tvmffi_host

from conftest import alive, eventually, host_pid, in_process, plugin

SIGNALS = [
    ("segfault", (), signal.SIGSEGV),
    ("null_call", (), signal.SIGSEGV),
    ("sigfpe", (), signal.SIGFPE),
    ("sigill", (), signal.SIGILL),
    ("sigbus", (), signal.SIGBUS),
    ("stack_overflow", (), signal.SIGSEGV),
    ("thread_segfault", (), signal.SIGSEGV),
    ("abort", ("last words",), signal.SIGABRT),
    ("terminate", (), signal.SIGABRT),
    ("raise_signal", (int(signal.SIGKILL),), signal.SIGKILL),
    ("raise_signal", (int(signal.SIGTERM),), signal.SIGTERM),
    ("oom_unchecked", (64,), signal.SIGSEGV),
]


def works(faulty: Any) -> bool:
    return alive(host_pid(faulty))


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(("function", "args", "number"), SIGNALS, ids=lambda v: str(v))
def test_death_by_signal(function: str, args: tuple[Any, ...], number: signal.Signals) -> None:
    faulty = tvmffi_host.load_module(plugin("faulty"), deadline=20.0)
    pid = host_pid(faulty)

    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        faulty[function](*args)

    report = caught.value.report
    assert (report.cause, report.signal, report.signal_name) == ("signal", number, number.name)
    assert (report.worker_pid, report.exit_status, report.function) == (pid, -1, function)
    assert report.module == "faulty.so"
    assert 0 <= report.elapsed < 20
    assert number.name in str(caught.value) and f"'{function}'" in str(caught.value)
    assert not alive(pid)
    assert works(faulty)
    assert host_pid(faulty) != pid


def test_the_report_says_where_a_fault_was(faulty: Any) -> None:
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        faulty.wild_store(0x1230)

    report = caught.value.report
    assert (report.fault_address, report.is_write, report.fault_in_this_call) == (0x1230, True, True)
    assert report.frames[0].symbol == "faulty::WildStore(long)"


def test_a_fault_is_noticed_at_once(faulty: Any) -> None:
    """The worker's own handler runs, not one that prints backtraces first."""
    elapsed = []
    for _ in range(5):
        host_pid(faulty)
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            faulty.segfault()
        elapsed.append(caught.value.report.elapsed)

    assert min(elapsed) < 0.1, elapsed
    assert not any("!!!!" in line or "backtrace" in line.lower() for line in caught.value.report.log_tail)


def test_the_report_has_the_last_lines_of_output(faulty: Any) -> None:
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        faulty.abort("idx=-1")

    assert any("idx=-1" in line for line in caught.value.report.log_tail)
    assert "idx=-1" in str(caught.value)


@pytest.mark.parametrize("function", ["exit", "exit_now"])
def test_exit(faulty: Any, function: str) -> None:
    with pytest.raises(tvmffi_host.WorkerCrashed, match="exited with status 3") as caught:
        faulty[function](3)

    assert (caught.value.report.cause, caught.value.report.exit_status) == ("exit", 3)
    assert works(faulty)


@pytest.mark.parametrize("function", ["hang", "hang_blocking_signals", "spin"])
def test_hanging_past_the_deadline(function: str) -> None:
    faulty = tvmffi_host.load_module(plugin("faulty"), deadline=1.0)
    pid = host_pid(faulty)
    begin = time.monotonic()

    with pytest.raises(tvmffi_host.DeadlineExceeded, match="1 s") as caught:
        faulty[function]()

    assert 1.0 <= time.monotonic() - begin < 6
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.report.cause == "deadline"
    assert not alive(pid)
    assert works(faulty)


def test_the_callers_own_time_does_not_count() -> None:
    values = tvmffi_host.load_module(plugin("values"), deadline=1.0)

    assert values.apply(lambda: time.sleep(1.3) or 5) == 5
    values = tvmffi_host.load_module(plugin("values"), callback_deadline=0.1)
    assert values.apply(lambda: time.sleep(0.3) or 5) == 5


@pytest.mark.parametrize("name", ["faulty_init_segfault", "faulty_init_exit", "faulty_init_throw"])
def test_a_module_that_dies_while_it_is_loaded(name: str) -> None:
    with pytest.raises(tvmffi_host.LoadFailed, match=name) as caught:
        tvmffi_host.load_module(plugin(name))

    assert caught.value.report.cause in ("signal", "exit")


def test_a_module_that_hangs_while_it_is_loaded() -> None:
    with pytest.raises(tvmffi_host.DeadlineExceeded, match="faulty_init_hang"):
        tvmffi_host.load_module(plugin("faulty_init_hang"), deadline=0.5)


class TestLoading:
    def check(self, path: str, text: str = "") -> None:
        with pytest.raises(RuntimeError) as local:
            tvm_ffi.load_module(path)
        with pytest.raises(tvmffi_host.LoadFailed) as isolated:
            tvmffi_host.load_module(path)

        assert issubclass(tvmffi_host.LoadFailed, RuntimeError)
        assert path in str(local.value)
        assert path in str(isolated.value)
        assert text in str(isolated.value)
        assert isolated.value.report.cause == "load"

    def test_missing_file(self) -> None:
        self.check("/no/such/folder/kernel.so", "No such file or directory")

    def test_relative_path_is_named_as_given(self) -> None:
        self.check("no_such_folder/kernel.so", "No such file or directory")

    def test_not_an_elf_file(self, tmp_path: Path) -> None:
        path = tmp_path / "text.so"
        path.write_text("no library at all\n" * 100)
        self.check(str(path))

    def test_empty_file(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.so"
        path.touch()
        self.check(str(path))

    def test_undefined_symbol(self) -> None:
        self.check(plugin("faulty_undefined_symbol"), "undefined symbol")

    def test_not_readable(self, tmp_path: Path) -> None:
        path = tmp_path / "private.so"
        path.write_bytes(Path(plugin("values")).read_bytes())
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("needs a user that file permissions hold for")
        self.check(str(path), "Permission denied")

    def test_a_failed_load_harms_nothing_else(self, isolated: Any) -> None:
        pid = host_pid(isolated)
        daemon = tvmffi_host.worker_info(isolated)["daemon_pid"]
        for _ in range(10):
            with pytest.raises(tvmffi_host.LoadFailed):
                tvmffi_host.load_module("/no/such/kernel.so")
        with pytest.raises(tvmffi_host.LoadFailed):
            tvmffi_host.load_module("/no/such/kernel.so", worker=isolated)

        assert host_pid(isolated) == pid
        assert tvmffi_host.worker_info(isolated)["daemon_pid"] == daemon

    def test_directory(self, tmp_path: Path) -> None:
        path = tmp_path / "folder.so"
        path.mkdir()
        self.check(str(path))

    def test_wrong_architecture(self, tmp_path: Path) -> None:
        image = bytearray(Path(plugin("values")).read_bytes())
        image[18:20] = (243).to_bytes(2, "little")  # e_machine: RISC-V
        path = tmp_path / "riscv.so"
        path.write_bytes(image)
        self.check(str(path))

    def test_truncated_file(self, tmp_path: Path) -> None:
        path = tmp_path / "short.so"
        path.write_bytes(Path(plugin("values")).read_bytes()[:2000])
        with pytest.raises(tvmffi_host.LoadFailed, match="short.so"):
            tvmffi_host.load_module(str(path))

    def test_unknown_extension(self) -> None:
        self.check("/etc/passwd")

    def test_options_are_checked(self) -> None:
        with pytest.raises(ValueError, match="deadline"):
            tvmffi_host.load_module(plugin("values"), deadline=-1)
        with pytest.raises(ValueError, match="respawn"):
            tvmffi_host.load_module(plugin("values"), respawn="maybe")  # type: ignore[arg-type]


class TestArguments:
    def test_a_callers_own_object_cannot_cross(self, isolated: Any) -> None:
        with pytest.raises(TypeError, match=r"argument 1 of 'apply'.*OpaquePyObject"):
            isolated.apply(len, object())

    def test_an_opaque_pointer_cannot_cross(self, isolated: Any) -> None:
        pointer = ctypes.c_void_p(1)
        with pytest.raises(TypeError, match=r"argument 0 of 'echo'"):
            isolated.echo(pointer)

    def test_objects_inside_containers(self, isolated: Any) -> None:
        with pytest.raises(TypeError, match=r"argument 0 of 'echo'"):
            isolated.echo([1, {"k": object()}])

    def test_a_callback_result_that_cannot_cross(self, isolated: Any) -> None:
        with pytest.raises(TypeError, match="callback"):
            isolated.apply(lambda: object())

    def test_a_handle_of_another_worker(self, isolated: Any) -> None:
        other = tvmffi_host.load_module(plugin("values"))
        box = other.make_box(1)

        with pytest.raises(TypeError, match=r"lives in .*pid \d+\), not in .*pid \d+"):
            isolated.box_get(box)

    def test_a_handle_of_an_older_generation(self) -> None:
        values = tvmffi_host.load_module(plugin("values"))
        box, adder = values.make_box(1), values.make_adder(1)
        os.kill(host_pid(values), signal.SIGKILL)
        assert eventually(lambda: not tvmffi_host.worker_info(values)["alive"])

        with pytest.raises(RuntimeError, match="generation 1 .* generation 2"):
            values.box_get(box)
        with pytest.raises(RuntimeError, match="generation 1"):
            adder(1)
        assert values.sum8(*range(8)) == 28

    def test_the_connection_stays_usable(self, isolated: Any) -> None:
        pid = host_pid(isolated)
        for _ in range(50):
            with pytest.raises(TypeError):
                isolated.echo(object())
        assert host_pid(isolated) == pid


class TestLies:
    @pytest.mark.parametrize(
        "how",
        "null_data wild_data null_shape negative_dim huge_dim overflow huge_ndim negative_ndim bad_dtype bad_device".split(),
    )
    def test_c1_16_a_tensor_that_is_none(self, faulty: Any, how: str) -> None:
        with pytest.raises((tvmffi_host.HostError, RuntimeError, TypeError, ValueError, MemoryError)):
            np.from_dlpack(faulty.bad_tensor(how)).tolist()
        assert works(faulty)

    @pytest.mark.parametrize(("how", "element"), [("wild_data", (0, 0)), ("huge_dim", (1 << 39, 0))])
    def test_c1_16_control_in_process_the_reader_of_such_a_tensor_dies(self, how: str, element: tuple[int, int]) -> None:
        code = f"array = np.from_dlpack(mod.bad_tensor('{how}'))\nprint('taken', flush=True)\nprint(array[{element}])"
        result = in_process(plugin("faulty"), code)
        assert (result.stdout, result.returncode) == (b"taken\n", -signal.SIGSEGV)

    HUGE = 8 << 20

    def test_c1_17_a_huge_error_text_is_cut(self, faulty: Any) -> None:
        with pytest.raises(ValueError) as caught:
            faulty.throw_value_error("n" * self.HUGE)
        assert 1000 < len(str(caught.value)) <= (1 << 20) + 1000

    def test_c1_17_control_in_process_all_of_it_is_taken(self) -> None:
        code = f"try: mod.throw_value_error('n' * {self.HUGE})\nexcept ValueError as error: print(len(str(error)))"
        assert int(in_process(plugin("faulty"), code).stdout) >= self.HUGE

    def test_texts_that_are_not_utf8(self, faulty: Any) -> None:
        with pytest.raises(RuntimeError) as caught:
            faulty.bad_error()
        assert "\ufffd" in str(caught.value)

    def test_host_errors_cannot_be_forged(self, faulty: Any) -> None:
        for kind in ("WorkerCrashed", "DeadlineExceeded", "LoadFailed", "EnvErrorAlreadySet"):
            with pytest.raises(RuntimeError, match=kind) as caught:
                faulty.throw_error(kind, "forged")
            assert not isinstance(caught.value, tvmffi_host.HostError)
            assert tvmffi_host.report(caught.value) is None

    def test_failure_without_an_error(self, faulty: Any) -> None:
        with pytest.raises(RuntimeError):
            faulty.silent_failure()
        with pytest.raises(ValueError, match="returned 7"):
            faulty.bad_return_code()
        with pytest.raises(RuntimeError, match="not a std::exception"):
            faulty.throw_unknown()
        assert works(faulty)

    def test_scribbling_over_all_shared_memory(self, faulty: Any) -> None:
        sealed = tvmffi_host.as_input(np.arange(10, dtype="float32"))
        faulty.read_past(sealed, 0)
        try:
            assert faulty.scribble_shm() > 0
            # What it overwrote may only kill it in the next call.
            host_pid(faulty)
        except tvmffi_host.HostError:
            pass
        assert works(faulty)
        assert tvmffi_host.numpy(sealed).tolist() == list(range(10))

    def test_a_worker_that_takes_no_new_memory_is_ended(self, faulty: Any) -> None:
        """Its daemon cannot reach it, as in the last moments of one that dies; this one lives on."""
        faulty.deafen()
        assert host_pid(faulty) > 0
        big = np.zeros(1 << 20, dtype="float32")
        with pytest.raises(tvmffi_host.PolicyViolation) as caught:
            faulty.read_past(big, 0)
        assert caught.value.report.cause == "violation"
        assert works(faulty)

    def test_a_thread_that_finds_no_lane_to_a_dying_worker_gets_the_next(self, faulty: Any) -> None:
        faulty.deafen()
        first = host_pid(faulty)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(host_pid(faulty)))
        thread.start()
        thread.join(30)
        assert len(answers) == 1 and answers[0] != first

    def test_closing_all_descriptors(self, faulty: Any) -> None:
        try:
            faulty.close_fds()
        except tvmffi_host.HostError:
            pass
        assert eventually(lambda: works(faulty))


class TestMemory:
    def test_out_of_memory_in_the_plugin(self, faulty: Any) -> None:
        with pytest.raises(Exception) as caught:
            faulty.oom(64)
        assert not isinstance(caught.value, tvmffi_host.HostError)
        assert works(faulty)

    @pytest.mark.parametrize("shape", [(1024,), (1000,), (3, 5)])
    def test_writing_past_a_shared_tensor(self, faulty: Any, shape: tuple[int, ...]) -> None:
        tensor = tvmffi_host.zeros(shape)

        with pytest.raises((tvmffi_host.WorkerCrashed, tvmffi_host.PolicyViolation)):
            faulty.write_past(tensor, 1)
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.write_past(tensor, 4096)
        assert works(faulty)
        assert not tvmffi_host.numpy(tensor).any()

    def test_writing_past_a_staged_tensor(self, faulty: Any) -> None:
        array = np.zeros(1000, "float32")

        with pytest.raises(tvmffi_host.PolicyViolation, match=r"argument 0 of 'write_past'"):
            faulty.write_past(array, 4)
        assert not array.any()

    def test_a_sealed_input_cannot_be_written(self, faulty: Any) -> None:
        tensor = tvmffi_host.as_input(np.arange(100, dtype="float32"))

        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            faulty.write_input(tensor)

        assert caught.value.report.is_write
        assert tvmffi_host.numpy(tensor).tolist() == list(range(100))

    def test_late_writes_reach_no_memory_of_the_caller(self, faulty: Any) -> None:
        array = np.zeros(1000, "float32")

        faulty.late_write(array, 0.05)
        time.sleep(0.2)

        assert not array.any()


def test_a_death_between_two_calls_fails_neither(faulty: Any) -> None:
    host_pid(faulty)
    faulty.late_segfault(0.01)
    # Not alive(pid): a process is a zombie while threads of it still run.
    assert eventually(lambda: not tvmffi_host.worker_info(faulty)["alive"])

    assert works(faulty)
    assert tvmffi_host.worker_info(faulty)["generation"] == 2


def test_all_calls_in_flight_fail_when_the_worker_dies(faulty: Any) -> None:
    outcomes: list[BaseException] = []

    def spin() -> None:
        try:
            faulty.spin()
        except BaseException as error:
            outcomes.append(error)

    def spinning() -> int:
        """Threads that have used 20 ms and more of a processor: inside the function, nothing else takes as long."""
        stats = [(task / "stat").read_text().rsplit(")", 1)[1].split() for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int(stat[11]) + int(stat[12]) >= 2 for stat in stats)

    threads = [threading.Thread(target=spin) for _ in range(4)]
    pid = host_pid(faulty)
    before = spinning()
    for thread in threads:
        thread.start()
    assert eventually(lambda: spinning() >= before + 4)
    os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join(10)

    assert [type(error) for error in outcomes] == [tvmffi_host.WorkerCrashed] * 4
    assert works(faulty)


class TestRestart:
    def test_the_circuit_breaker(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=3, breaker_seconds=60)
        for _ in range(3):
            with pytest.raises(tvmffi_host.WorkerCrashed):
                faulty.segfault()

        with pytest.raises(tvmffi_host.Unavailable, match="3 times in a row") as caught:
            host_pid(faulty)
        assert caught.value.report.signal == signal.SIGSEGV
        tvmffi_host.reset(faulty)
        assert works(faulty)

    def test_the_circuit_breaker_closes_by_itself(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=1, breaker_seconds=2.0)
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.segfault()
        with pytest.raises(tvmffi_host.Unavailable):
            host_pid(faulty)

        def is_closed() -> bool:
            try:
                return works(faulty)
            except tvmffi_host.Unavailable:
                return False

        assert eventually(is_closed)

    def test_respawn_never(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), respawn="never")
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.segfault()
        with pytest.raises(tvmffi_host.Unavailable, match="never") as caught:
            host_pid(faulty)
        assert caught.value.report.signal == signal.SIGSEGV

    def test_init_calls_are_replayed(self) -> None:
        values = tvmffi_host.load_module(plugin("values"), init=[("retain", ("k", [1, 2]))])
        assert list(values.retained("k")) == [1, 2]
        os.kill(host_pid(values), signal.SIGKILL)

        assert eventually(lambda: not tvmffi_host.worker_info(values)["alive"])
        assert list(values.retained("k")) == [1, 2]

    def test_two_modules_in_one_worker(self) -> None:
        with tvmffi_host.Session() as session:
            values = session.load_module(plugin("values"))
            faulty = session.load_module(plugin("faulty"), worker=values)
            assert host_pid(values) == host_pid(faulty)

            with pytest.raises(tvmffi_host.WorkerCrashed):
                faulty.segfault()

            assert host_pid(values) == host_pid(faulty)


def test_errors_pickle(faulty: Any) -> None:
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        faulty.segfault()

    copy = pickle.loads(pickle.dumps(caught.value))

    assert (type(copy), str(copy), copy.report) == (type(caught.value), str(caught.value), caught.value.report)


HOST_ERRORS = [
    tvmffi_host.WorkerCrashed,
    tvmffi_host.DeadlineExceeded,
    tvmffi_host.LoadFailed,
    tvmffi_host.PolicyViolation,
    tvmffi_host.Unavailable,
    tvmffi_host.ResourceExhausted,
]


@pytest.mark.parametrize("kind", HOST_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_class_is_known_to_the_binding(kind: type[Exception], local: Any, isolated: Any) -> None:
    def fail() -> None:
        raise kind("a message")

    for mod in (local, isolated):
        with pytest.raises(kind, match="a message") as caught:
            mod.apply(fail)
        assert type(caught.value) is kind


@pytest.mark.parametrize("kind", HOST_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_class_pickles(kind: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(kind("a message")))

    assert (type(copy), str(copy), copy.report) == (kind, "a message", None)


def test_all_error_classes_are_exported() -> None:
    exported = {value for value in vars(tvmffi_host).values() if isinstance(value, type)}
    classes = {c for c in exported if issubclass(c, tvmffi_host.HostError) and c is not tvmffi_host.HostError}
    assert classes == set(HOST_ERRORS)


def test_a_host_error_keeps_its_kind_through_another_worker(faulty: Any, isolated: Any) -> None:
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        isolated.apply(lambda: faulty.segfault())

    assert caught.value.report.function == "segfault"
