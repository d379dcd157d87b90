"""What a kernel that cheats does to the benchmark that calls it: works in process, the control, and not in a worker."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import plugin

# As in the plug-in: what inputs and expected outputs are filled with.
MARKER = 8765.25


@pytest.fixture
def cheats() -> Iterator[Any]:
    with tvmffi_host.Session() as session:
        yield session.load_module(plugin("adversarial_cheats"))


def in_process(code: str) -> str:
    """What the code prints in a process of its own, with the cheat loaded into it.

    A forked child: its one thread looks at all of its memory, which no other may unmap meanwhile.
    """
    prelude = """import os, sys, time, ctypes, numpy as np, tvm_ffi
load = lambda: tvm_ffi.load_module(sys.argv[1])
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    result = subprocess.run(
        [sys.executable, "-c", prelude + code, plugin("adversarial_cheats")], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestMemory:
    def test_d3_the_callers_data_is_not_found(self, cheats: Any) -> None:
        seeds = np.full(1000, MARKER, "float32")
        assert cheats.find(MARKER) == 0
        assert (seeds == np.float32(MARKER)).all()

    def test_d3_control(self) -> None:
        assert int(in_process(f"seeds = np.full(1000, {MARKER}, 'float32'); print(load().find({MARKER}))")) >= 250

    def test_d4_expected_outputs_stay_what_they_are(self, cheats: Any) -> None:
        expected = tvmffi_host.full((1000,), MARKER)
        plain = np.full(1000, MARKER, "float32")
        assert cheats.replace(MARKER, 1.0) == 0
        assert (tvmffi_host.numpy(expected) == np.float32(MARKER)).all() and (plain == np.float32(MARKER)).all()

    def test_d4_control(self) -> None:
        code = f"expected = np.full(1000, {MARKER}, 'float32'); load().replace({MARKER}, 1.0)"
        assert int(in_process(code + "; print((expected == 1).sum())")) >= 990

    def test_d7_the_error_counter_keeps_counting(self, cheats: Any) -> None:
        errors = ctypes.c_int64(3)
        try:
            cheats.poke(ctypes.addressof(errors), 0)  # where that is memory of the worker's own, it is that it changes
        except tvmffi_host.WorkerCrashed as error:
            assert error.report.fault_address == ctypes.addressof(errors)
        assert errors.value == 3

    def test_d7_control(self) -> None:
        code = "errors = ctypes.c_int64(3); load().poke(ctypes.addressof(errors), 0); print(errors.value)"
        assert in_process(code) == "0\n"

    def test_d23_nothing_is_there_yet_when_it_is_loaded(self) -> None:
        inputs = tvmffi_host.full((1000,), MARKER)
        plain = np.full(1000, MARKER, "float32")
        cheats = tvmffi_host.load_module(plugin("adversarial_cheats"))
        assert cheats.found_at_load() == 0
        assert (plain == tvmffi_host.numpy(inputs)).all()

    def test_d23_control(self) -> None:
        assert int(in_process(f"inputs = np.full(1000, {MARKER}, 'float32'); print(load().found_at_load())")) >= 250


class TestVerdict:
    def test_d1_the_callers_clock_goes_on(self, cheats: Any) -> None:
        before = time.perf_counter()
        try:
            assert cheats.stop_clock()
        except tvmffi_host.HostError:
            pass  # a worker without a clock does not get far
        time.sleep(0.05)
        assert 0.05 <= time.perf_counter() - before < 60

    @pytest.mark.skipif(os.uname().machine != "x86_64", reason="its code is for x86-64")
    def test_d1_control(self) -> None:
        code = "print(load().stop_clock()); a = time.perf_counter(); time.sleep(0.05); print(time.perf_counter() - a)"
        assert in_process(code) == "True\n0.0\n"

    def test_d2_its_words_are_in_its_log_only(self) -> None:
        code = (
            "import sys, tvmffi_host\nmod = tvmffi_host.load_module(sys.argv[1])\n"
            "mod.announce('score: 1000000\\n')\nprint('score: 1')"
        )
        command = [sys.executable, "-c", code, plugin("adversarial_cheats")]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (result.stdout, result.returncode) == ("score: 1\n", 0), result.stderr
        assert "1000000" not in result.stderr

    def test_d2_control(self) -> None:
        assert in_process("load().announce('score: 1000000\\n')") == "score: 1000000\n"


class TestPersistence:
    def worked(self, attempts: Any) -> set[str]:
        return {str(name) for name, outcome in attempts.items() if str(outcome) == "worked"}

    def test_d14_a_later_run_finds_nothing(self) -> None:
        """Neither the next worker of the same module, nor another module, nor a module in the next session."""
        name = f"TVMFFI_D14_{os.getpid()}"
        for options in ({"reuse": "never"}, {}):
            with tvmffi_host.Session() as session:
                mod = session.load_module(plugin("adversarial_cheats"), **options)
                mod.persist(name)
                if options:
                    assert self.worked(mod.recall(name)) == set()
                assert self.worked(session.load_module(plugin("adversarial_cheats")).recall(name)) == set()
        assert self.worked(tvmffi_host.load_module(plugin("adversarial_cheats")).recall(name)) == set()

    def test_d14_control(self) -> None:
        name = f"TVMFFI_D14_{os.getpid()}_control"
        with tvmffi_host.Session(without=["all"]) as session:
            mod, other = (session.load_module(plugin("adversarial_cheats")) for _ in range(2))
            try:
                assert f"/tmp/{name}" in self.worked(mod.persist(name))
                assert self.worked(other.recall(name)) >= {f"/tmp/{name}"}
                assert "the environment" in self.worked(mod.recall(name))  # its own, while it lives
            finally:
                for folder in ("/tmp", "/var/tmp", "/dev/shm", "/", "/root", "/home"):
                    with contextlib.suppress(PermissionError):  # what this user may not change its worker did not either
                        Path(folder, name).unlink(missing_ok=True)
