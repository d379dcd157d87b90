"""The nine deaths: each a typed error whose report tells it from the others, and names what it can."""

from __future__ import annotations

import os
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
import tvmffi_host

from conftest import BUILD, children_of, eventually, in_process, plugin


def death(faulty: Any, function: str, *args: Any) -> tvmffi_host.HostError:
    with pytest.raises(tvmffi_host.HostError) as caught:
        faulty[function](*args)
    return caught.value


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def frame(report: tvmffi_host.Report, symbol: str) -> tvmffi_host.Frame:
    found = [frame for frame in report.frames if symbol in frame.symbol]
    assert found, (symbol, report.frames, report.frames_note)
    return found[0]


def line_of(file: str, text: str) -> int:
    source = Path(__file__).resolve().parents[2] / "plugins" / "faulty" / file
    numbers = [number for number, line in enumerate(source.read_text().splitlines(), 1) if text in line]
    assert len(numbers) == 1, (text, numbers)
    return numbers[0]


def floats(count: int) -> Any:
    return tvmffi_host.zeros((count,))


#: death -> (function, arguments, cause, signal, name in the frames, file, text of the line)
DEATHS: dict[str, tuple[str, Callable[[], tuple[Any, ...]], str, int, str, str, str]] = {
    "null-dereference": ("segfault", lambda: (), "signal", signal.SIGSEGV, "Segfault", "crashes.cc", "*null_pointer = 1"),
    "store-one-past": (
        "store_one_past", lambda: (floats(1024), floats(1024)), "signal", signal.SIGSEGV, "StoreOnePast", "memory.cc", "out[i] = in[0]",
    ),
    "stack-overflow": ("stack_overflow", lambda: (), "signal", signal.SIGSEGV, "Recurse", "", ""),
    "abort": ("abort", lambda: ("gave up",), "signal", signal.SIGABRT, "faulty::Abort", "crashes.cc", "  abort();"),
    "uncaught-exception": ("terminate", lambda: (), "signal", signal.SIGABRT, "Throw", "crashes.cc", "throw std::runtime_error"),
    "division-by-zero": ("sigfpe", lambda: (), "signal", signal.SIGFPE, "Sigfpe", "crashes.cc", "return one / zero"),
    "illegal-instruction": ("sigill", lambda: (), "signal", signal.SIGILL, "Sigill", "crashes.cc", "__builtin_trap()"),
    "exit-0": ("exit_now", lambda: (0,), "exit", 0, "", "", ""),
    "memory-limit": ("oom_unchecked", lambda: (1 << 20,), "signal", signal.SIGSEGV, "OomUnchecked", "resources.cc", "(allocate_touched())[0] = 1"),
}


#: what the worker of a death may use
LIMITS = {"memory-limit": {"address_space_bytes": 512 << 20}}


def mortal(name: str) -> Any:
    return tvmffi_host.load_module(plugin("faulty"), deadline=20.0, breaker_deaths=1_000_000, limits=LIMITS.get(name))


@pytest.mark.parametrize("name", DEATHS)
def test_b3_c1_1_each_death_is_an_error_with_its_own_report(name: str) -> None:
    faulty = mortal(name)
    function, args, cause, number, symbol, file, text = DEATHS[name]

    error = death(faulty, function, *args())

    report = error.report
    assert isinstance(error, tvmffi_host.WorkerCrashed)
    assert (report.cause, report.signal, report.function) == (cause, number, function)
    assert report.frames_note == ""
    if symbol:
        top = frame(report, symbol)
        assert top.module == "faulty.so"
        assert top.address and top.offset
        if text:
            assert top.file.endswith(f"plugins/faulty/{file}")
            assert top.line == line_of(file, text)
    else:
        assert report.frames == ()
    assert report.resource_usage.max_rss_kib > 0
    assert faulty.pid()


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("mod.wild_store(0x1230)", signal.SIGSEGV),
        ("mod.stack_overflow()", signal.SIGSEGV),
        ("mod.abort('gave up')", signal.SIGABRT),
        ("mod.terminate()", signal.SIGABRT),
    ],
)
def test_c1_1_control_in_process_the_caller_dies(call: str, number: signal.Signals) -> None:
    result = in_process(plugin("faulty"), f"print('begun', flush=True)\n{call}\nprint('gone on')")
    assert (result.stdout, result.returncode) == (b"begun\n", -number)


def test_b3_the_nine_reports_differ() -> None:
    reports = {name: death(mortal(name), entry[0], *entry[1]()).report for name, entry in DEATHS.items()}

    def facts(report: tvmffi_host.Report) -> tuple[Any, ...]:
        top = next((frame.symbol for frame in report.frames if frame.module == "faulty.so"), "")
        return (report.cause, report.signal, report.exit_status, report.fault_argument, report.limits_hit, report.stack_overflow, top)

    assert len({facts(report) for report in reports.values()}) == len(DEATHS)
    assert len({report.bucket for report in reports.values()}) == len(DEATHS)
    assert len({str(report) for report in reports.values()}) == len(DEATHS)

    assert reports["null-dereference"].fault_address == 0
    assert reports["null-dereference"].is_write is True
    assert reports["stack-overflow"].stack_overflow
    assert len(reports["stack-overflow"].frames) > 8
    assert reports["exit-0"].exit_status == 0
    assert reports["memory-limit"].limits_hit == ("address_space_bytes",)
    assert reports["abort"].log_tail[-1] == "gave up"
    assert any("thrown through noexcept" in line for line in reports["uncaught-exception"].log_tail)
    for name in ("abort", "uncaught-exception", "division-by-zero", "illegal-instruction", "exit-0"):
        assert reports[name].fault_address is None
        assert reports[name].is_write is None


class TestArguments:
    """B3: the faulting address is an argument and a byte offset."""

    def test_b3_a_store_one_past_an_output_names_argument_and_offset(self, faulty: Any) -> None:
        report = death(faulty, "store_one_past", floats(1024), floats(1024)).report

        assert (report.fault_argument, report.fault_offset, report.is_write) == (1, 4096, True)
        assert report.fault_in_this_call is True

    @pytest.mark.parametrize("count", [1000, 1])
    def test_b3_also_where_slack_hides_it_from_the_hardware(self, faulty: Any, count: int) -> None:
        error = death(faulty, "store_one_past", floats(count), floats(count))

        report = error.report
        assert isinstance(error, tvmffi_host.PolicyViolation)
        assert report.cause == "violation"
        assert (report.fault_argument, report.fault_offset, report.is_write) == (1, count * 4, True)

    @pytest.mark.parametrize("make", [np.zeros, tvmffi_host.zeros], ids=["staged", "shared"])
    def test_b3_of_a_copied_tensor_too(self, faulty: Any, make: Any) -> None:
        report = death(faulty, "store_one_past", np.zeros(8, "float32"), make((1000,), dtype="float32")).report

        assert (report.fault_argument, report.fault_offset) == (1, 4000)

    def test_b3_a_tensor_of_the_workers_pool(self, faulty: Any) -> None:
        output = tvmffi_host.empty((1000,), "float32", module=faulty)

        report = death(faulty, "store_one_past", floats(8), output).report

        assert (report.fault_argument, report.fault_offset) == (1, 4000)

    def test_b3_a_write_to_a_sealed_input(self, faulty: Any) -> None:
        sealed = tvmffi_host.as_input(np.arange(100, dtype="float32"))

        report = death(faulty, "write_input", sealed).report

        assert (report.fault_argument, report.fault_offset, report.is_write) == (0, 0, True)

    def test_b3_a_read_behind_an_input(self, faulty: Any) -> None:
        report = death(faulty, "read_past", floats(1024), 4096).report

        assert (report.fault_argument, report.fault_offset, report.is_write) == (0, 4096, False)

    def test_b3_before_the_first_element(self, faulty: Any) -> None:
        report = death(faulty, "write_before", floats(1024), 1).report

        assert (report.fault_argument, report.fault_offset, report.is_write) == (0, -1, True)

    def test_b3_no_argument_is_blamed_for_a_wild_store(self, faulty: Any) -> None:
        report = death(faulty, "wild_store", 0x1230).report

        assert (report.fault_address, report.fault_argument, report.fault_offset) == (0x1230, None, None)


class TestForgery:
    """C1.12: what a worker says of its death is a hint; how it ended is the kernel's word."""

    @pytest.mark.parametrize(("function", "args"), [("exit_now", (0,)), ("raise_signal", (int(signal.SIGKILL),))])
    def test_c1_12_a_forged_crash_page_is_not_believed(self, faulty: Any, function: str, args: tuple[int, ...]) -> None:
        faulty.forge_crash(int(signal.SIGSEGV))

        report = death(faulty, function, *args).report

        assert (report.cause, report.signal) == (("exit", 0) if function == "exit_now" else ("signal", signal.SIGKILL))
        assert (report.frames, report.fault_address, report.fault_argument, report.instruction) == ((), None, None, None)


class TestBuckets:
    def test_b23_three_equal_crashes_are_one_bucket(self, faulty: Any) -> None:
        buckets = {death(faulty, "segfault").report.bucket for _ in range(3)}

        assert len(buckets) == 1
        assert buckets != {""}

    def test_b23_another_function_is_another_bucket(self, faulty: Any) -> None:
        buckets = {death(faulty, name).report.bucket for name in ("segfault", "null_call", "sigill", "sigfpe", "terminate")}

        assert len(buckets) == 5

    def test_b23_the_message_does_not_matter(self, faulty: Any) -> None:
        assert death(faulty, "abort", "one").report.bucket == death(faulty, "abort", "two").report.bucket


class TestPage:
    def test_b3_print_shows_a_page(self, faulty: Any) -> None:
        error = death(faulty, "store_one_past", floats(1024), floats(1024))

        page = str(error)

        assert "byte 4096 of argument 1" in page
        assert "bad write" in page
        assert f"memory.cc:{line_of('memory.cc', 'out[i] = in[0]')}" in page
        assert error.report.bucket in page
        assert "tvm::ffi::details" not in page

    def test_a_recursion_is_shown_once(self, faulty: Any) -> None:
        page = str(death(faulty, "stack_overflow"))

        assert "it overflowed" in page
        assert "more like it" in page
        assert page.count("Recurse") <= 3

    def test_c1_18_escapes_in_the_output_stay_escaped(self, faulty: Any) -> None:
        faulty.garbage(True)
        page = str(death(faulty, "segfault"))

        assert all(character == "\n" or character.isprintable() or character == "\t" for character in page)

    def test_c1_18_control_in_process_the_terminal_gets_them(self) -> None:
        result = in_process(plugin("faulty"), "mod.garbage(False)")
        assert b"\x1b[2J\x1b]0;title\x07" in result.stdout

    FLOOD = (20_000, 1000, True)

    def test_c1_18_a_flood_of_output_is_cut(self, faulty: Any) -> None:
        faulty.flood(*self.FLOOD)
        report = death(faulty, "segfault").report

        assert 0 < sum(len(line) for line in report.log_tail) < 1 << 20

    def test_c1_18_control_in_process_all_of_it_arrives(self) -> None:
        result = in_process(plugin("faulty"), f"mod.flood{self.FLOOD}")
        assert len(result.stderr) >= 20_000_000


def strip(source: str, target: Path, *options: str) -> str:
    if shutil.which("strip") is None:
        pytest.skip("no strip program")
    subprocess.run(["strip", *options, "-o", str(target), source], check=True)
    return str(target)


class TestMissingSymbols:
    def test_without_debug_information_the_function_is_named(self, tmp_path: Path) -> None:
        faulty = tvmffi_host.load_module(strip(plugin("faulty"), tmp_path / "nodebug.so", "--strip-debug"))

        report = death(faulty, "segfault").report

        assert report.frames_note == ""
        assert report.frames[0].symbol == "__tvm_ffi_segfault"
        assert (report.frames[0].module, report.frames[0].file, report.frames[0].line) == ("nodebug.so", "", 0)

    def test_of_a_stripped_library_module_and_offset_are_left(self, tmp_path: Path) -> None:
        faulty = tvmffi_host.load_module(strip(plugin("faulty"), tmp_path / "stripped.so", "--strip-all"))

        report = death(faulty, "thread_segfault").report

        assert report.frames[0].module == "stripped.so"
        assert report.frames[0].offset > 0
        assert report.frames[0].file == ""
        assert "stripped.so" in str(report)

    @pytest.mark.parametrize("replace", [True, False], ids=["replaced", "gone"])
    def test_b3_names_come_from_what_was_loaded_whatever_became_of_the_file(self, tmp_path: Path, replace: bool) -> None:
        path = tmp_path / "mine.so"
        shutil.copy(plugin("faulty"), path)
        faulty = tvmffi_host.load_module(str(path))
        faulty.pid()
        path.unlink()
        if replace:
            shutil.copy(plugin("values"), path)

        report = death(faulty, "segfault").report

        assert report.frames_note == ""
        assert report.frames[0].module == "mine.so"
        assert report.frames[0].symbol == "faulty::Segfault()" and report.frames[0].line > 0


@pytest.mark.usefixtures("no_leaks")
def test_reports_leave_nothing_open() -> None:
    faulty = tvmffi_host.load_module(plugin("faulty"), breaker_deaths=1_000_000)
    for _ in range(20):
        assert frame(death(faulty, "segfault").report, "Segfault").line > 0


def test_b13_a_crash_in_a_constructor_has_frames() -> None:
    with pytest.raises(tvmffi_host.LoadFailed) as caught:
        tvmffi_host.load_module(plugin("faulty_init_segfault"))

    top = caught.value.report.frames[0]
    assert top.module == "faulty_init_segfault.so"
    assert top.file.endswith("init_segfault.cc")


def daemon_with(symbolizer: str | None, tmp_path: Path) -> str:
    """A copy of the daemon and worker, beside ``symbolizer`` (a script) or none."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "lib").symlink_to(BUILD / "lib")
    for name in ("tvmffi-hostd", "tvmffi-worker"):
        shutil.copy(BUILD / "bin" / name, programs / name)
    if symbolizer is not None:
        (programs / "tvmffi-symbolizer").write_text(f"#!/bin/sh\n{symbolizer}\n")
        (programs / "tvmffi-symbolizer").chmod(0o755)
    return str(programs / "tvmffi-hostd")


class TestBrokenSymbolizer:
    """A report without symbols is still a report, and says why it has none."""

    @pytest.mark.parametrize(
        ("script", "why"),
        [(None, "No such file"), ("exit 0", "symbolizer gave no answer"), ("head -c 100 /dev/zero >&3", "symbolizer gave no answer")],
        ids=["missing", "dies", "garbage"],
    )
    def test_b3_the_report_goes_out_without_symbols(
        self, script: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TVMFFI_HOSTD", daemon_with(script, tmp_path))
        with tvmffi_host.Session() as session:
            faulty = session.load_module(plugin("faulty"))

            report = death(faulty, "store_one_past", floats(1024), floats(1024)).report

            assert report.frames_note.startswith("no symbols: ")
            assert why in report.frames_note
            assert report.frames_note in str(report)
            assert (report.fault_argument, report.fault_offset) == (1, 4096)
            assert (report.frames[0].module, report.frames[0].symbol) == ("faulty.so", "")
            assert report.frames[0].offset > 0
            assert faulty.pid()

    def test_b3_one_that_hangs_is_ended_and_holds_nobody_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TVMFFI_HOSTD", daemon_with("exec sleep 60", tmp_path))
        with tvmffi_host.Session(prepared=0) as session:
            faulty = session.load_module(plugin("faulty"))
            reports = []
            thread = threading.Thread(target=lambda: reports.append(death(faulty, "segfault").report))
            begin = time.monotonic()
            thread.start()
            daemon = session.info()["daemon_pid"]
            assert eventually(lambda: "sleep" in map(name_of, children_of(daemon)))
            other = session.load_module(plugin("values"))
            assert other.sum8(*range(8)) == 28
            assert time.monotonic() - begin < 2
            thread.join(10)

            assert time.monotonic() - begin < 5
            assert reports[0].signal == signal.SIGSEGV
            assert reports[0].frames_note.startswith("no symbols: ")
            # The worker of `values` is left.
            assert eventually(lambda: len(children_of(session.info()["daemon_pid"])) == 1)
