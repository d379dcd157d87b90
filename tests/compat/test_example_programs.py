"""The convention's introductory programs, unchanged: two kernels, three callers, in process and isolated.

Their sources are not part of this tree. `TVMFFI_EXAMPLE_PROGRAMS` names the folder that holds them.
"""

from __future__ import annotations

import os
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
