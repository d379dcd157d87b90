"""Fixtures: a module compiled from C, loaded once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import tvm_ffi

HERE = Path(__file__).resolve().parent
INCLUDE = Path(os.environ.get("TVMFFI_INCLUDE_DIR", HERE.parents[1] / "abi" / "include"))


def compile_module(source: Path, output: Path) -> Path:
    """Compile a module against the headers alone; the process has the library's symbols."""
    if source.suffix == ".c":
        command = [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L"]
    else:
        command = [os.environ.get("CXX", "c++"), "-std=c++17"]
    command += ["-shared", "-fPIC", "-g", "-O1", "-pthread", f"-I{INCLUDE}", str(source), "-o", str(output)]
    command += os.environ.get("TVMFFI_TEST_CFLAGS", "").split()
    # What a sanitizer has this process load first is not for the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run(command, check=True, env=environment)
    return output


@pytest.fixture(scope="session")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_module(HERE / "test_module.c", tmp_path_factory.mktemp("module") / "test_module.so")


@pytest.fixture(scope="session")
def mod(module_path: Path) -> tvm_ffi.Module:
    return tvm_ffi.load_module(module_path)


@pytest.fixture(scope="session")
def echo(mod: tvm_ffi.Module) -> tvm_ffi.Function:
    return mod["echo"]


@pytest.fixture(scope="session")
def point_index(mod: tvm_ffi.Module) -> int:
    return mod.register_point("pytest.Point")


@pytest.fixture(scope="session")
def typed(tmp_path_factory: pytest.TempPathFactory) -> tvm_ffi.Module:
    output = tmp_path_factory.mktemp("module") / "typed_module.so"
    return tvm_ffi.load_module(compile_module(HERE / "typed_module.cc", output))
