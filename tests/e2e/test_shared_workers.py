"""Modules that share a worker: what one that does not load means for the others, and how many there may be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tvmffi_host

from conftest import eventually, host_pid, plugin

MODULE = """
#include <stdint.h>
struct any { int32_t type_index; uint32_t padding; int64_t value; };
%s
int __tvm_ffi_answer(void* self, const struct any* args, int32_t count, struct any* result) {
  result->type_index = 1;
  result->value = %s;
  return 0;
}
"""
Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def compile_module(name: str, answer: str, *flags: object, declarations: str = "") -> Path:
        source, library = tmp_path / f"{name}.c", tmp_path / f"{name}.so"
        source.write_text(MODULE % (declarations, answer))
        library.unlink(missing_ok=True)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), *map(str, flags)], check=True)
        return library

    return compile_module


def kill_worker(mod: Any) -> None:
    os.kill(int(tvmffi_host.worker_info(mod)["pid"]), signal.SIGKILL)
    assert eventually(lambda: not tvmffi_host.worker_info(mod)["alive"])


@pytest.mark.parametrize("without", [[], ["mountns"]], ids=str)
def test_b12_a_file_that_did_not_load_can_be_mended(build: Build, without: list[str]) -> None:
    session = tvmffi_host.Session(without=without)
    mod = session.load_module(plugin("values"))
    path = build("mended", "missing()", "-Wl,-z,now", declarations="int missing(void);")
    with pytest.raises(tvmffi_host.LoadFailed, match="missing"):
        session.load_module(str(path), worker=mod)
    build("mended", "2")

    assert session.load_module(str(path), worker=mod).answer() == 2
    kill_worker(mod)
    assert mod.echo_int(1) == 1


def test_b12_another_version_of_a_file_that_is_loaded_is_refused(build: Build) -> None:
    """One whose ``init`` failed stays loaded: the linker would not look at the new file."""
    mod = tvmffi_host.load_module(plugin("values"))
    path = str(build("versions", "1"))
    for _ in range(2):
        with pytest.raises(AttributeError, match="no function 'setup'"):
            tvmffi_host.load_module(path, worker=mod, init=[("setup", ())])
    assert tvmffi_host.load_module(path, worker=mod).answer() == 1
    kill_worker(mod)
    mod.echo_int(1)

    second = str(build("others", "1"))
    with pytest.raises(AttributeError):
        tvmffi_host.load_module(second, worker=mod, init=[("setup", ())])
    build("others", "2")
    with pytest.raises(ValueError, match="another version"):
        tvmffi_host.load_module(second, worker=mod)
    kill_worker(mod)
    assert tvmffi_host.load_module(second, worker=mod).answer() == 2


def test_b12_libraries_are_looked_for_where_the_checked_file_says(build: Build, tmp_path: Path) -> None:
    """The file may be gone by the time its worker is started again."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    library, source = folder / "libhelper.so", tmp_path / "helper.c"
    source.write_text("int helper(void) { return 42; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), "-Wl,-soname,libhelper.so", str(source)], check=True)
    flags = (f"-L{folder}", "-lhelper", f"-Wl,-rpath,{folder}")
    path = build("user", "helper()", *flags, declarations="int helper(void);")
    mod = tvmffi_host.load_module(str(path))
    assert mod.answer() == 42
    path.unlink()
    kill_worker(mod)

    assert mod.answer() == 42


def test_b25_a_load_that_may_yet_fail_shares_with_nobody() -> None:
    entered, go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def fail() -> None:
        entered.set()
        assert go_on.wait(60)
        raise KeyError("not ready")

    with tvmffi_host.Session() as session:

        def load() -> None:
            try:
                session.load_module(plugin("values"), reuse="session", init=[("apply", (fail,))])
            except BaseException as error:
                failures.append(error)

        first = threading.Thread(target=load)
        first.start()
        assert entered.wait(60)
        second = session.load_module(plugin("values"), reuse="session")
        assert second.echo_int(3) == 3
        go_on.set()
        first.join()
        assert len(failures) == 1 and "not ready" in str(failures[0])
        assert second.echo_int(4) == 4


def test_b25_a_worker_with_many_modules_can_be_started_again(tmp_path: Path) -> None:
    """Their names together are longer than a label, and cut inside a character."""
    paths = [shutil.copy(plugin("faulty"), tmp_path / f"{prefix}{'ä' * 60}.so") for prefix in ("xxx", "yy", "")]
    with tvmffi_host.Session() as session:
        mods = [session.load_module(str(path), reuse="session") for path in paths]
        assert len({host_pid(mod) for mod in mods}) == 1
        kill_worker(mods[0])
        assert len({host_pid(mod) for mod in mods}) == 1


def test_b25_no_worker_gets_more_modules_than_it_can_be_started_with(build: Build, tmp_path: Path) -> None:
    original = build("original", "7")
    paths = [shutil.copy(original, tmp_path / f"{number}.so") for number in range(65)]
    with tvmffi_host.Session() as session:
        mods = [session.load_module(str(path), reuse="session") for path in paths]
        pids = [int(tvmffi_host.worker_info(mod)["pid"]) for mod in mods]
        assert len(set(pids[:64])) == 1
        assert pids[64] != pids[0]
        with pytest.raises(tvmffi_host.ResourceExhausted, match="its worker has 64 modules"):
            session.load_module(plugin("values"), worker=mods[0])
        kill_worker(mods[0])
        assert [mods[number].answer() for number in (0, 63, 64)] == [7] * 3
