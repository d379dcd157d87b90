"""Device code that CMake embeds in a library, on the GPU at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
tvm_ffi = pytest.importorskip("tvm_ffi")

PROJECT = Path(__file__).parent / "embedded_kernels"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    build = tmp_path_factory.mktemp("build")
    major, minor = torch.cuda.get_device_capability()
    arguments = [f"-DCMAKE_CUDA_ARCHITECTURES={major}{minor}", f"-DPython_EXECUTABLE={sys.executable}"]
    for command in (["cmake", "-S", PROJECT, "-B", build, *arguments], ["cmake", "--build", build]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
    return tvm_ffi.load_module(build / "libembedded_kernels.so")


@pytest.mark.parametrize("function", ["add_one", "add_one_from_fatbin"])
def test_the_embedded_kernel_runs(library, function):
    x = torch.arange(32, dtype=torch.float32, device="cuda")

    library[function](x)

    assert torch.equal(x.cpu(), torch.arange(32, dtype=torch.float32) + 1)
