"""Modules are checked, and what was checked is what workers run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tvm_ffi
import tvmffi_host

from conftest import eventually, host_pid, in_process, plugin

PLACES = [[], ["mountns"], ["all"]]

ANSWER = """
#include <stdint.h>
struct any { int32_t type_index; uint32_t padding; int64_t value; };
extern int helper(void) __attribute__((weak));
int __tvm_ffi_answer(void* self, const struct any* args, int32_t count, struct any* result) {
  result->type_index = 1;
  result->value = %s;
  return 0;
}
int __tvm_ffi_die(void* self, const struct any* args, int32_t count, struct any* result) {
  *(volatile int*)0 = 1;
  return 0;
}
"""
Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def compile_module(name: str, answer: str | int, *flags: object) -> Path:
        source, library = tmp_path / f"{name}.c", tmp_path / f"{name}.so"
        source.write_text(ANSWER % answer)
        subprocess.run(["cc", "-g", "-shared", "-fPIC", "-o", str(library), str(source), *map(str, flags)], check=True)
        return library

    return compile_module


def load(path: Path | str, without: list[str] | None = None, **options: object) -> tvm_ffi.Module:
    session = tvmffi_host.Session(without=without or [])
    return session.load_module(str(path), **options)


@pytest.mark.parametrize("without", PLACES, ids=str)
def test_b12_c3_7_a_file_swapped_after_the_check_is_not_loaded(build: Build, without: list[str]) -> None:
    path, other = build("checked", 1), build("swapped", 2)
    mod = load(path, without)
    assert mod.answer() == 1
    os.replace(other, path)
    os.kill(tvmffi_host.worker_info(mod)["pid"], signal.SIGKILL)
    assert eventually(lambda: not tvmffi_host.worker_info(mod)["alive"])

    assert mod.answer() == 1
    assert load(path, without).answer() == 2


def test_c3_7_control_by_its_path_the_swapped_file_is_loaded(build: Build) -> None:
    path, other = build("checked", 1), build("swapped", 2)
    assert in_process(path, "print(mod.answer())").stdout == b"1\n"
    os.replace(other, path)
    assert in_process(path, "print(mod.answer())").stdout == b"2\n"


def test_c3_7_a_file_removed_after_the_check_is_loaded(build: Build) -> None:
    path = build("gone", 3)
    mod = load(path)
    path.unlink()
    with pytest.raises(tvmffi_host.WorkerCrashed):
        mod.die()

    assert mod.answer() == 3


@pytest.mark.parametrize("without", PLACES, ids=str)
def test_b12_messages_and_frames_name_the_callers_path(build: Build, without: list[str]) -> None:
    path = build("mine", 1)
    mod = load(path, without)
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        mod.die()
    top = caught.value.report.frames[0]
    assert (top.module, top.symbol) == ("mine.so", "__tvm_ffi_die")
    assert top.file.endswith("mine.c") and top.line == 11

    with pytest.raises(tvmffi_host.LoadFailed) as failed:
        load(plugin("faulty_undefined_symbol"), without)
    assert plugin("faulty_undefined_symbol") in str(failed.value)
    assert "/proc/self" not in str(failed.value)


@pytest.mark.parametrize("without", PLACES, ids=str)
def test_b12_libraries_relative_to_the_modules_folder(build: Build, tmp_path: Path, without: list[str]) -> None:
    (tmp_path / "lib").mkdir()
    library = tmp_path / "lib" / "libhelper.so"
    source = tmp_path / "helper.c"
    source.write_text("int helper(void) { return 42; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), "-Wl,-soname,libhelper.so", str(source)], check=True)
    flags = ("-Wl,--no-as-needed", f"-L{library.parent}", "-lhelper", "-Wl,-rpath,$ORIGIN/lib")
    first, second = build("user", "helper()", *flags), build("other", "helper() + 1", *flags)
    session = tvmffi_host.Session(without=without)
    mod = session.load_module(str(first))
    assert mod.answer() == 42
    assert session.load_module(str(second), worker=mod).answer() == 43


def test_b12_a_module_in_a_folder_that_the_policy_grants(build: Build, tmp_path: Path) -> None:
    """Its place is part of a read-only folder: the copy is loaded all the same."""
    path, other = build("granted", 1), build("replaced", 2)
    mod = load(path, policy={"read": [str(tmp_path)]})
    os.replace(other, path)
    with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
        mod.die()
    assert mod.answer() == 1
    assert caught.value.report.frames[0].module == "granted.so"


def test_b12_a_function_that_the_abi_does_not_have(tmp_path: Path) -> None:
    source, library = tmp_path / "new.c", tmp_path / "new.so"
    source.write_text("int TVMFFIFromTheFuture(void); int __tvm_ffi_f(void) { return TVMFFIFromTheFuture(); }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    with pytest.raises(tvmffi_host.LoadFailed, match="it calls TVMFFIFromTheFuture, which the C ABI of this version"):
        tvmffi_host.load_module(str(library))

    source.write_text("int TVMFFIMaybe(void) __attribute__((weak)); int __tvm_ffi_f(void) { return TVMFFIMaybe ? 1 : 0; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    tvmffi_host.load_module(str(library))


def test_b12_malformed_files_harm_nobody(tmp_path: Path) -> None:
    """Damaged in random places: refused or loaded, and at worst the worker's own linker dies of them."""
    random.seed(12)
    image = Path(plugin("faulty_undefined_symbol")).read_bytes()
    session = tvmffi_host.Session()
    values = session.load_module(plugin("values"))
    pid, daemon = host_pid(values), tvmffi_host.worker_info(values)["daemon_pid"]
    outcomes = []
    for number in range(40):
        damaged = bytearray(image)
        for _ in range(random.choice([1, 4, 64])):
            damaged[random.randrange(len(damaged) if number % 2 else 0x400)] = random.randrange(256)
        path = tmp_path / f"damaged{number}.so"
        path.write_bytes(damaged)
        try:
            session.load_module(str(path), deadline=10)
            outcomes.append("loaded")
        except tvmffi_host.HostError as error:
            outcomes.append(type(error).__name__)
    assert len(outcomes) == 40 and "LoadFailed" in outcomes
    assert host_pid(values) == pid
    assert tvmffi_host.worker_info(values)["daemon_pid"] == daemon
