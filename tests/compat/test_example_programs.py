"""The convention's introductory programs, unchanged: two kernels, three callers, in process and isolated; the extension
with a class; the CUDA kernel given as a string.

Their sources are not part of this tree. `TVMFFI_EXAMPLE_PROGRAMS` names the folder that holds them.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TVMFFI_BUILD_DIR", ROOT / "build" / "release"))
PROGRAMS = Path(os.environ.get("TVMFFI_EXAMPLE_PROGRAMS", ""))
INCLUDES, LIBRARIES = ROOT / "abi" / "include", BUILD / "lib"
EXPECTED = "2 3 4 5 6"
NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")

pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "add_one_c.c").is_file(),
    reason="TVMFFI_EXAMPLE_PROGRAMS names no folder with the example programs",
)


def compile(source: Path, out: Path, *flags: str) -> Path:
    compiler = ["gcc", "-std=c11"] if source.suffix == ".c" else ["g++", "-std=c++17"]
    link = [f"-L{LIBRARIES}", "-ltvm_ffi", f"-Wl,-rpath,{LIBRARIES}"]
    subprocess.run([*compiler, "-O2", *flags, f"-I{INCLUDES}", str(source), "-o", str(out), *link], check=True)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module", params=["add_one_cpu.cc", "add_one_c.c"])
def kernel(request: pytest.FixtureRequest, folder: Path) -> Path:
    return compile(PROGRAMS / request.param, folder / f"{request.param}.so", "-shared", "-fPIC")


@pytest.mark.parametrize("caller", ["call_from_c.c", "call_from_cpp.cc"])
def test_compiled_callers_print_the_five_numbers(kernel: Path, folder: Path, caller: str) -> None:
    program = compile(PROGRAMS / caller, folder / caller.replace(".", "_"))

    run = subprocess.run([program, kernel], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == EXPECTED


def test_the_python_caller_prints_them_for_numpy_and_torch(kernel: Path) -> None:
    pytest.importorskip("torch")

    run = subprocess.run(
        [sys.executable, PROGRAMS / "call_from_python.py", kernel], capture_output=True, text=True, check=True
    )

    assert run.stdout.splitlines() == ["2.0 3.0 4.0 5.0 6.0"] * 2


def test_the_kernel_works_isolated(kernel: Path) -> None:
    tvmffi_host = pytest.importorskip("tvmffi_host")
    x = np.array([1, 2, 3, 4, 5], dtype="float32")
    y = np.empty_like(x)

    tvmffi_host.load_module(kernel).add_one_cpu(x, y)

    assert y.tolist() == [2, 3, 4, 5, 6]


@pytest.fixture(scope="module")
def extension(folder: Path) -> Path:
    source = PROGRAMS / "my_ffi_extension" / "extension.cc"
    return compile(source, folder / "my_ffi_extension.so", "-shared", "-fPIC", "-g")


def expect_the_extensions_output(text: str) -> None:
    lines = text.splitlines()
    assert lines[:2] == ["1", "2"]
    assert [float(word) for word in lines[2].split()] == [2, 3, 4, 5, 6]
    assert lines[3] == "Traceback (most recent call last):"
    source = (PROGRAMS / "my_ffi_extension" / "extension.cc").read_text().splitlines()
    throw_line = 1 + next(i for i, line in enumerate(source) if "TVM_FFI_THROW(RuntimeError)" in line)
    assert re.search(rf'extension\.cc", line {throw_line}, in .*RaiseError', text)
    assert lines[-1] == "RuntimeError: error happens"


def test_the_extension_from_cpp(extension: Path, folder: Path) -> None:
    caller = compile(ROOT / "tests" / "compat" / "programs" / "call_extension.cc", folder / "call_extension")

    run = subprocess.run([caller, extension], capture_output=True, text=True, check=True)

    expect_the_extensions_output(run.stdout)


def test_the_extension_from_python(extension: Path) -> None:
    example = PROGRAMS / "my_ffi_extension" / "run_example.py"

    run = subprocess.run([sys.executable, example, extension], capture_output=True, text=True, check=True)

    expect_the_extensions_output(run.stdout)


def test_the_inline_program_prints_them(folder: Path) -> None:
    pytest.importorskip("tvm_ffi")

    environment = {**os.environ, "TVM_FFI_CACHE_DIR": str(folder / "cache")}
    run = subprocess.run(
        [sys.executable, PROGRAMS / "inline_cpp.py"], env=environment, capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "2.0 3.0 4.0 5.0 6.0"


def arguments_of_load_inline(program: Path) -> dict[str, object]:
    for call in ast.walk(ast.parse(program.read_text())):
        if isinstance(call, ast.Call) and any(keyword.arg == "cuda_sources" for keyword in call.keywords):
            return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
    raise AssertionError(f"{program} passes no cuda_sources")


@pytest.mark.skipif(NVCC is None, reason="no nvcc")
def test_the_inline_cuda_kernel_compiles_loads_and_checks_its_argument(folder: Path, monkeypatch) -> None:
    cpp = pytest.importorskip("tvm_ffi.cpp")
    monkeypatch.setenv("TVM_FFI_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("TVM_FFI_CUDA_ARCH_LIST", "8.0")

    add_one_cuda = cpp.load_inline(**arguments_of_load_inline(PROGRAMS / "inline_cuda.py")).add_one_cuda

    matrix = np.zeros((2, 2), dtype="float32")
    with pytest.raises(RuntimeError, match="x must be a 1D tensor"):
        add_one_cuda(matrix, matrix)
