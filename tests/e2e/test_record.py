"""B8: calls that ended their worker are files, and run again from them they end the same way."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvm_ffi
import tvmffi_host

from conftest import BUILD, plugin, shared_daemon

OK, FAILED, BAD_USAGE, HOST_ERROR, NO_DAEMON, NOT_REPRODUCED = 0, 1, 2, 4, 5, 6


def recording_module(folder: Path, path: str = plugin("faulty"), **options: Any) -> Any:
    defaults = {"deadline": 20.0, "load_deadline": 20.0, "breaker_deaths": 1_000_000}
    return tvmffi_host.load_module(path, record=folder, **{**defaults, **options})


def death(mod: Any, function: str, *args: Any) -> tvmffi_host.Report:
    with pytest.raises(tvmffi_host.HostError) as caught:
        mod[function](*args)
    report = caught.value.report
    assert report is not None
    return report


def hostctl(*arguments: str, code: int = OK) -> str:
    command = [str(BUILD / "bin" / "tvmffi-hostctl"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code in (OK, NOT_REPRODUCED) else done.stderr


def replayed(file: str, *arguments: str, code: int = OK) -> Any:
    return json.loads(hostctl("replay", file, "--json", *arguments, code=code))


def pattern(count: int) -> Any:
    return np.arange(count, dtype=np.float32) + 0.25


def shared(values: Any, **options: Any) -> Any:
    tensor = tvmffi_host.empty(values.shape, "float32", **options)
    tvmffi_host.numpy(tensor)[...] = values
    return tensor


#: name -> (function, arguments, load options)
DEATHS: dict[str, tuple[str, Callable[[Any], tuple[Any, ...]], dict[str, Any]]] = {
    "segfault": ("segfault", lambda mod: (), {}),
    "abort": ("abort", lambda mod: ("gave up",), {}),
    "exit": ("exit_now", lambda mod: (3,), {}),
    "deadline": ("hang", lambda mod: (), {"deadline": 0.5}),
    "stack overflow": ("stack_overflow", lambda mod: (), {}),
    "one past a shared tensor": ("store_one_past", lambda mod: (shared(pattern(1024)), shared(pattern(1024))), {}),
    "one past a plain tensor": (
        "store_one_past", lambda mod: (tvm_ffi.from_dlpack(pattern(7)), tvm_ffi.from_dlpack(pattern(7)[1:])), {},
    ),
    "one past a tensor of the pool": (
        "store_one_past", lambda mod: (shared(pattern(4)), shared(pattern(100), module=mod)), {},
    ),
    "before a tensor at the left": ("write_before", lambda mod: (shared(pattern(8), guard="left"), 4), {}),
    "into an input": ("write_input", lambda mod: (tvmffi_host.as_input(pattern(16)),), {}),
    "what a tensor holds": ("die_if_set", lambda mod: (tvm_ffi.from_dlpack(np.array([1], dtype=np.int32)),), {}),
    "a worker for each call": ("segfault", lambda mod: (), {"reuse": "never"}),
    "a limit": ("oom_unchecked", lambda mod: (1 << 20,), {"limits": {"address_space_bytes": 512 << 20}}),
}


@pytest.mark.parametrize("name", DEATHS)
def test_b8_a_death_is_recorded_and_replayed_in_a_fresh_daemon(name: str, tmp_path: Path) -> None:
    function, arguments, options = DEATHS[name]
    mod = recording_module(tmp_path, **options)

    report = death(mod, function, *arguments(mod))

    (file,) = tmp_path.iterdir()
    assert report.recording == str(file) and report.recording_note == ""
    assert file.name.startswith(f"faulty-{function}-{os.getpid()}-") and file.name.endswith(".tvmffi-call")
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"tvmffi-hostctl replay {file}" in str(report)

    again = replayed(str(file))
    assert again["reproduced"] and again["differences"] == []
    for key in ("cause", "signal", "exit_status", "fault_argument", "fault_offset", "is_write"):
        assert again["recorded"][key] == again["replayed"][key] == getattr(report, key), key
    if report.cause == "signal" and report.frames:
        assert again["replayed"]["bucket"] == report.bucket


def test_b8_a_store_past_the_end_keeps_argument_and_offset(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    report = death(mod, "store_one_past", shared(pattern(4)), shared(pattern(1024)))
    assert (report.signal, report.fault_argument, report.fault_offset) == (signal.SIGSEGV, 1, 4096)
    again = replayed(report.recording)["replayed"]
    assert (again["signal"], again["fault_argument"], again["fault_offset"]) == (signal.SIGSEGV, 1, 4096)
    page = hostctl("replay", report.recording)
    assert "write to 0x" in page and "byte 4096 of argument 1" in page
    assert "StoreOnePast" in page and page.endswith("\nreproduced\n")
    assert plugin("faulty") in page and "tmpfs = " in page


def test_b8_tensors_hold_what_they_held_before_the_call(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    out = shared(pattern(1024))
    report = death(mod, "store_one_past", shared(np.full(4, 9.5)), out)
    assert (tvmffi_host.numpy(out) == 9.5).all()
    assert pattern(1024).tobytes() in Path(report.recording).read_bytes()


def test_b8_tensors_that_overlap_still_do(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    memory = pattern(64)
    views = [tvm_ffi.from_dlpack(view) for view in (memory[20:24], memory[16:24])]
    report = death(mod, "store_one_past", *views)
    # Both end where the store goes past.
    assert (report.cause, report.fault_argument, report.fault_offset) == ("violation", 0, 16)
    assert Path(report.recording).read_bytes().count(pattern(64)[20:24].tobytes()) == 1
    again = replayed(report.recording)["replayed"]
    assert (again["fault_argument"], again["fault_offset"]) == (0, 16)


def test_b8_what_lies_between_the_elements_of_a_view_is_not_recorded(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    memory = pattern(64)
    report = death(mod, "write_past", tvm_ffi.from_dlpack(memory[8:20:2]), 24)
    assert (report.cause, report.fault_argument) == ("violation", 0)
    recorded = np.zeros(11, dtype=np.float32)
    recorded[::2] = pattern(64)[8:20:2]
    assert recorded.tobytes() in Path(report.recording).read_bytes()
    assert replayed(report.recording)["replayed"]["fault_offset"] == report.fault_offset


def test_b8_calls_that_return_leave_nothing(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    assert mod.pid()
    with pytest.raises(ValueError):
        mod.throw_value_error("no")
    assert list(tmp_path.iterdir()) == []


def test_b8_each_death_has_its_own_file_and_its_number(tmp_path: Path) -> None:
    mod = recording_module(tmp_path)
    mod.pid()
    files = [death(mod, "segfault").recording for _ in range(3)]
    assert len(set(files)) == 3 == len(list(tmp_path.iterdir()))
    assert [replayed(file)["call_number"] for file in files] == [2, 3, 4]


def test_b8_init_calls_come_first(tmp_path: Path) -> None:
    mod = recording_module(tmp_path, init=[("pid", ()), ("die_if_set", (tvm_ffi.from_dlpack(np.zeros(1, np.int32)),))])
    page = hostctl("replay", death(mod, "segfault").recording)
    assert "pid" in page and "die_if_set" in page and page.endswith("\nreproduced\n")


@pytest.mark.parametrize("function", ["segfault", "hang"])
def test_b8_the_victims_of_another_call_are_not_recorded(function: str, tmp_path: Path) -> None:
    mod = recording_module(tmp_path, deadline=1.5)
    victims: list[tvmffi_host.Report] = []
    victim = threading.Thread(target=lambda: victims.append(death(mod, "spin")))
    mod.pid()
    culprit = threading.Thread(target=lambda: death(mod, function))
    for thread in (culprit, victim) if function == "hang" else (victim, culprit):
        thread.start()
        time.sleep(0.3)
    for thread in (culprit, victim):
        thread.join()
    assert [file.name.split("-")[1] for file in tmp_path.iterdir()] == [function]
    assert victims[0].recording == victims[0].recording_note == ""


class TestAnotherModule:
    @pytest.fixture
    def changed(self, tmp_path: Path) -> str:
        """A recording whose module has another byte at its end since."""
        module, folder = tmp_path / "mine.so", tmp_path / "recordings"
        shutil.copy(plugin("faulty"), module)
        folder.mkdir()
        report = death(recording_module(folder, str(module)), "segfault")
        with module.open("ab") as file:
            file.write(b"\0")
        return report.recording

    def test_b8_a_changed_module_is_refused(self, changed: str) -> None:
        assert "is not what was recorded: its SHA-256 is" in hostctl("replay", changed, code=FAILED)

    def test_b8_a_changed_module_runs_when_asked_for(self, changed: str) -> None:
        assert replayed(changed, "--any-module")["reproduced"]
        assert replayed(changed, "--module", plugin("faulty"))["reproduced"]

    def test_b8_a_module_that_is_gone(self, changed: str, tmp_path: Path) -> None:
        (tmp_path / "mine.so").unlink()
        assert "mine.so" in hostctl("replay", changed, code=FAILED)

    def test_b8_a_module_without_the_function(self, changed: str) -> None:
        assert "has no function 'segfault'" in hostctl("replay", changed, "--module", plugin("values"), code=FAILED)


class TestUnrecordable:
    def kill_worker(self, mod: Any, *more: Any) -> tvmffi_host.Report:
        pid = tvmffi_host.worker_info(mod)["pid"]

        def callback(x: int) -> int:
            os.kill(pid, signal.SIGKILL)
            return x

        return death(mod, "call_twice", callback, *more)

    def test_b8_a_callable_is_named(self, tmp_path: Path) -> None:
        mod = recording_module(tmp_path, plugin("values"))
        mod.echo_int(1)
        report = self.kill_worker(mod, 1)
        why = "argument 0 cannot be recorded: it is a callable of the process that made the call"
        assert report.recording and report.recording_note == why
        assert why in str(report)
        assert why in hostctl("replay", report.recording, code=FAILED)

    def test_b8_a_function_without_a_name(self, tmp_path: Path) -> None:
        mod = recording_module(tmp_path, plugin("values"))
        counter, pid = mod.make_counter(), tvmffi_host.worker_info(mod)["pid"]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RuntimeError):
            counter()
        for file in tmp_path.iterdir():
            assert "has no name" in hostctl("replay", str(file), code=FAILED)


class TestLoads:
    """What dies before there is a function to call."""

    DEATHS = {
        "faulty_init_segfault": ({}, tvmffi_host.LoadFailed, ("signal", signal.SIGSEGV)),
        "faulty_init_exit": ({}, tvmffi_host.LoadFailed, ("exit", 0)),
        "faulty_init_hang": ({"load_deadline": 1.0}, tvmffi_host.DeadlineExceeded, ("deadline", signal.SIGKILL)),
    }

    @pytest.mark.parametrize("name", DEATHS)
    def test_b8_b13_a_death_in_a_constructor_is_recorded_and_replayed(self, name: str, tmp_path: Path) -> None:
        options, kind, (cause, signal_number) = self.DEATHS[name]
        with pytest.raises(kind) as caught:
            recording_module(tmp_path, plugin(name), **options)
        report = caught.value.report
        assert (report.cause, report.signal, report.function) == (cause, signal_number, "load")
        (file,) = tmp_path.iterdir()
        assert report.recording == str(file) and report.recording_note == ""
        assert file.name.startswith(f"{name}-load-{os.getpid()}-") and file.stat().st_mode & 0o777 == 0o600
        again = replayed(str(file))
        assert again["reproduced"] and again["is_load"]
        assert (again["replayed"]["kind"], again["replayed"]["cause"]) == (kind.__name__, cause)
        page = hostctl("replay", str(file))
        assert "the load of it, no call" in page and page.endswith("\nreproduced\n")

    def test_b8_a_death_in_dlopen_itself_is_recorded_and_replayed(self, tmp_path: Path) -> None:
        """In a resolver that the linker calls while it relocates, before any constructor."""
        source = tmp_path / "resolver.c"
        source.write_text(
            "static void* Resolve(void) { __builtin_trap(); }\n"
            'void __tvm_ffi_f(void) __attribute__((ifunc("Resolve")));\n'
            "void (*address)(void) = __tvm_ffi_f;\n"
        )
        module = tmp_path / "resolver.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(module), str(source)], check=True)
        folder = tmp_path / "calls"
        folder.mkdir()
        with pytest.raises(tvmffi_host.LoadFailed) as caught:
            recording_module(folder, str(module))
        assert caught.value.report.signal == signal.SIGILL
        assert replayed(caught.value.report.recording)["reproduced"]

    def test_b8_a_death_in_a_later_load_is_recorded(self, tmp_path: Path) -> None:
        """The worker of a module that was loaded before takes it along."""
        first = tvmffi_host.load_module(plugin("values"))
        with pytest.raises(tvmffi_host.LoadFailed) as caught:
            recording_module(tmp_path, plugin("faulty_init_segfault"), worker=first)
        assert replayed(caught.value.report.recording)["reproduced"]
        assert first.echo_int(1) == 1

    def test_b8_a_module_that_was_mended_does_not_reproduce(self, tmp_path: Path) -> None:
        with pytest.raises(tvmffi_host.LoadFailed) as caught:
            recording_module(tmp_path, plugin("faulty_init_segfault"))
        again = replayed(caught.value.report.recording, "--module", plugin("values"), code=NOT_REPRODUCED)
        assert again["replayed"]["cause"] == "returned"

    def test_b8_a_load_that_is_refused_is_not_recorded(self, tmp_path: Path) -> None:
        with pytest.raises(tvmffi_host.LoadFailed) as caught:
            recording_module(tmp_path, plugin("faulty_undefined_symbol"))
        assert caught.value.report.recording == ""
        assert list(tmp_path.iterdir()) == []

    def test_b8_loads_do_not_count_as_calls(self, tmp_path: Path) -> None:
        assert replayed(death(recording_module(tmp_path), "segfault").recording)["call_number"] == 1


class TestHostctl:
    HOST_ERROR = 4

    def test_b8_call_records_what_ends_its_worker(self, tmp_path: Path) -> None:
        folder = str(tmp_path)
        shown = hostctl("call", "--record", folder, plugin("faulty"), "exit_now", "3", code=self.HOST_ERROR)
        (file,) = tmp_path.iterdir()
        assert f"recorded: tvmffi-hostctl replay {file}" in shown
        again = replayed(str(file))
        assert again["reproduced"] and (again["function"], again["recorded"]["exit_status"]) == ("exit_now", 3)

    def test_b8_call_records_nothing_of_a_call_that_returns(self, tmp_path: Path) -> None:
        assert hostctl("call", "--record", str(tmp_path), plugin("values"), "echo_int", "5") == "5\n"
        assert list(tmp_path.iterdir()) == []

    def test_b8_load_records_what_ends_its_worker(self, tmp_path: Path) -> None:
        hostctl("load", "--record", str(tmp_path), plugin("faulty_init_segfault"), code=self.HOST_ERROR)
        (file,) = tmp_path.iterdir()
        assert replayed(str(file))["reproduced"]

    def test_b8_a_report_for_programs_names_the_file(self, tmp_path: Path) -> None:
        command = [str(BUILD / "bin" / "tvmffi-hostctl"), "call", "--json", "--record", str(tmp_path), plugin("faulty"), "segfault"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        (file,) = tmp_path.iterdir()
        assert json.loads(done.stdout)["report"]["recording"] == str(file)

    def test_b8_a_folder_that_is_none_is_refused(self, tmp_path: Path) -> None:
        assert "option 'record'" in hostctl("load", "--record", str(tmp_path / "none"), plugin("values"), code=FAILED)


class TestWriting:
    def test_b8_a_folder_that_is_gone_hides_no_crash(self, tmp_path: Path) -> None:
        folder = tmp_path / "gone"
        folder.mkdir()
        mod = recording_module(folder)
        folder.rmdir()
        report = death(mod, "segfault")
        assert report.signal == signal.SIGSEGV and report.recording == ""
        assert "was not recorded" in report.recording_note and "No such file" in report.recording_note
        assert report.recording_note in str(report)

    def test_b8_no_room_hides_no_crash_and_leaves_nothing(self, tmp_path: Path) -> None:
        mod = recording_module(tmp_path)
        tensors = shared(pattern(1 << 16)), shared(pattern(1 << 16))
        mod.pid()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            report = death(mod, "store_one_past", *tensors)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (report.signal, report.recording) == (signal.SIGSEGV, "")
        assert "this process may write files of 4096" in report.recording_note
        assert list(tmp_path.iterdir()) == []

    def test_b8_a_full_disk_hides_no_crash_and_leaves_nothing(self, tmp_path: Path) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("this user cannot mount a small file system")
        try:
            mod = recording_module(tmp_path)
            report = death(mod, "store_one_past", shared(pattern(1 << 16)), shared(pattern(1 << 16)))
            assert (report.signal, report.recording) == (signal.SIGSEGV, "")
            assert "No space left on device" in report.recording_note
            assert list(tmp_path.iterdir()) == []
        finally:
            subprocess.run(["umount", str(tmp_path)], check=True)

    def test_b8_a_folder_must_be_one(self, tmp_path: Path) -> None:
        for bad in (tmp_path / "none", Path(plugin("faulty"))):
            with pytest.raises(Exception, match="option 'record'"):
                recording_module(bad)


class TestReplay:
    def test_b8_another_end_is_told_and_has_its_own_exit_status(self, tmp_path: Path) -> None:
        mod = recording_module(tmp_path, deadline=1.5)
        mod.pid()
        pid = tvmffi_host.worker_info(mod)["pid"]
        threading.Thread(target=lambda: (time.sleep(0.3), os.kill(pid, signal.SIGKILL)), daemon=True).start()
        report = death(mod, "hang")
        assert (report.cause, report.signal) == ("signal", signal.SIGKILL)
        page = hostctl("replay", report.recording, code=NOT_REPRODUCED)
        assert "not reproduced\n  cause: recorded signal, now deadline\n" in page
        again = replayed(report.recording, code=NOT_REPRODUCED)
        assert not again["reproduced"]
        assert {"what": "cause", "recorded": "signal", "replayed": "deadline"} in again["differences"]

    def test_b8_what_differs_around_the_call_is_told(self, tmp_path: Path) -> None:
        with tvmffi_host.Session(without=["seccomp"]) as session:
            mod = session.load_module(plugin("faulty"), record=tmp_path)
            session.load_module(plugin("values"), worker=mod)
            page = hostctl("replay", death(mod, "segfault").recording)
        assert "faulty.so, values.so were in the recorded worker" in page
        assert "locked the recorded worker" in page and page.endswith("\nreproduced\n")

    def test_b8_a_stricter_policy_can_be_given(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text('address_space = "512 MiB"\n')
        report = death(recording_module(tmp_path, limits={"address_space_bytes": 1 << 30}), "oom_unchecked", 1 << 20)
        assert replayed(report.recording, "--policy", str(policy))["reproduced"]
        policy.write_text("moat = 1\n")
        assert "no key 'moat'" in hostctl("replay", report.recording, "--policy", str(policy), code=BAD_USAGE)

    def test_b8_a_list_of_libraries_holds_for_the_replay_too(self, tmp_path: Path) -> None:
        needed = json.loads(hostctl("inspect", "--json", plugin("faulty")))["needed"]
        report = death(recording_module(tmp_path, policy={"libraries": needed}), "segfault")
        assert replayed(report.recording)["reproduced"]
        policy = tmp_path / "policy.toml"
        policy.write_text("libraries = []\n")
        assert "it needs" in hostctl("replay", report.recording, "--policy", str(policy), code=HOST_ERROR)

    def test_b8_at_a_shared_daemon(self, tmp_path: Path) -> None:
        report = death(recording_module(tmp_path), "segfault")
        with shared_daemon(tmp_path) as (_, path):
            assert replayed(report.recording, "--socket", str(path))["reproduced"]
        hostctl("replay", report.recording, "--socket", str(path), code=NO_DAEMON)

    def test_b8_what_is_no_recording_is_refused(self, tmp_path: Path) -> None:
        content = Path(death(recording_module(tmp_path), "segfault").recording).read_bytes()
        bad = tmp_path / "bad"
        for text, why in (
            (b"", "has 0 bytes"),
            (b"#!/bin/sh\n" * 10, "does not begin as one"),
            (content[:8] + b"\x09" + content[9:], "of version 9 of the format, known is 1"),
            (content[:-1], "head has"),
            (content + b"x", "1 bytes are left over"),
        ):
            bad.write_bytes(text)
            assert why in hostctl("replay", str(bad), code=FAILED), why
        assert "No such file" in hostctl("replay", str(tmp_path / "none"), code=FAILED)
        assert "no regular file" in hostctl("replay", str(tmp_path), code=FAILED)
