"""The example package of tests/packaging, built with the CMake package and run from a folder; wheels are wheel_matrix.py's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tvm_ffi

TESTS = Path(__file__).resolve().parents[1]
EXAMPLE = TESTS / "packaging" / "my_ffi_extension"
KERNELS = TESTS / "gpu" / "embedded_kernels"

pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on the PATH")


def configure(source: Path, build: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["cmake", "-S", str(source), "-B", str(build), f"-DPython_EXECUTABLE={sys.executable}", *options]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_cmake(*arguments: str) -> None:
    done = subprocess.run(["cmake", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def test_the_example_package_builds_and_runs(tmp_path):
    configured = configure(EXAMPLE, tmp_path / "build")
    assert configured.returncode == 0, configured.stdout
    run_cmake("--build", str(tmp_path / "build"))
    shutil.copytree(EXAMPLE / "python", tmp_path / "python")
    package = tmp_path / "python" / "my_ffi_extension"
    run_cmake("--install", str(tmp_path / "build"), "--prefix", str(package))
    assert (package / "libmy_ffi_extension.so").is_file()

    paths = os.pathsep.join([str(tmp_path / "python"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "my_ffi_extension"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )

    assert done.stdout == "1 2 1 2\n2.0 3.0 4.0 5.0 6.0\nerror happens True\n"
    # What else the interpreter imports has warnings of its own.
    assert [line for line in done.stderr.splitlines() if "tvm_ffi" in line or "my_ffi_extension" in line] == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("tvm_ffi_configure_target(ext STUB_INIT ON)", "STUB_INIT needs STUB_DIR"),
        ("tvm_ffi_configure_target(ext STUB_PKG p)", "need STUB_DIR and STUB_INIT ON"),
        ("tvm_ffi_configure_target(ext STUB_DIR d STUB_PREFIX p.)", "need STUB_INIT ON"),
        ("tvm_ffi_configure_target(ext NO_SUCH_OPTION ON)", "unknown arguments NO_SUCH_OPTION;ON"),
        ("tvm_ffi_install(no_such_target)", "there is no such target"),
        ("tvm_ffi_embed_bin_into(ext SYMBOL a-b BIN f)", "SYMBOL must be a C identifier, not 'a-b'"),
        ("tvm_ffi_embed_bin_into(ext SYMBOL s)", "BIN <file> is missing"),
        ("tvm_ffi_embed_bin_into(no_such_target SYMBOL s BIN f)", "there is no such target"),
        ("tvm_ffi_embed_bin_into(ext SYMBOL s BIN f NAME n)", "unknown arguments NAME;n"),
        ("add_tvm_ffi_cubin(k CUDA k.cu)", "add_tvm_ffi_cubin(k): the project's languages lack CUDA"),
        ("add_tvm_ffi_fatbin(k k.cu)", "add_tvm_ffi_fatbin(k): unknown arguments k.cu"),
        ("add_tvm_ffi_fatbin(k)", "add_tvm_ffi_fatbin(k): no source is given"),
    ],
)
def test_mistakes_in_cmake_files_are_fatal(tmp_path, call, message):
    text = (EXAMPLE / "CMakeLists.txt").read_text()
    head = text[: text.index("# Another source")]
    (tmp_path / "CMakeLists.txt").write_text(f"{head}add_library(ext SHARED ext.cc)\n{call}\n")
    (tmp_path / "ext.cc").write_text("")

    done = configure(tmp_path, tmp_path / "build")

    assert done.returncode != 0
    assert message in " ".join(done.stdout.split())


def test_stubs_are_written_after_the_build(tmp_path):
    text = (EXAMPLE / "CMakeLists.txt").read_text()
    options = "STUB_DIR stubs STUB_INIT ON STUB_PKG my-ffi-extension STUB_PREFIX my_ffi_extension."
    shutil.copytree(EXAMPLE, tmp_path / "example")
    changed = text.replace("tvm_ffi_configure_target(my_ffi_extension)", f"tvm_ffi_configure_target(my_ffi_extension {options})")
    (tmp_path / "example" / "CMakeLists.txt").write_text(changed)
    (tmp_path / "example" / "stubs").mkdir()

    configured = configure(tmp_path / "example", tmp_path / "build")
    assert configured.returncode == 0, configured.stdout
    run_cmake("--build", str(tmp_path / "build"))

    written = "".join(path.read_text() for path in (tmp_path / "example" / "stubs").rglob("*.py"))
    assert "def raise_error" in written


EMBEDDED = """
#include <tvm/ffi/function.h>
#include <tvm/ffi/string.h>
extern "C" const char __tvm_ffi__cubin_first[], __tvm_ffi__cubin_first_end[];
extern "C" const char __tvm_ffi__cubin_second[], __tvm_ffi__cubin_second_end[];
tvm::ffi::Bytes Between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }
TVM_FFI_DLL_EXPORT_TYPED_FUNC(first, [] { return Between(__tvm_ffi__cubin_first, __tvm_ffi__cubin_first_end); });
TVM_FFI_DLL_EXPORT_TYPED_FUNC(second, [] { return Between(__tvm_ffi__cubin_second, __tvm_ffi__cubin_second_end); });
"""


def symbols_that_leave(library: Path) -> str:
    return subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout


def test_files_are_embedded_and_follow_their_changes(tmp_path):
    project, build = tmp_path / "a project", tmp_path / "a build"
    project.mkdir()
    (project / "first.bin").write_bytes(b"a" * 81)
    (project / "ext.cc").write_text(EMBEDDED)
    text = (EXAMPLE / "CMakeLists.txt").read_text()
    head = text[: text.index("# Another source")]
    (project / "CMakeLists.txt").write_text(
        f"{head}add_library(ext SHARED ext.cc)\ntvm_ffi_configure_target(ext)\n"
        "tvm_ffi_embed_bin_into(ext SYMBOL first BIN ${CMAKE_CURRENT_SOURCE_DIR}/first.bin)\n"
        "add_custom_command(OUTPUT second.bin COMMAND ${CMAKE_COMMAND} -E echo_append xyz > second.bin)\n"
        "tvm_ffi_embed_bin_into(ext SYMBOL second BIN second.bin)\n"
    )
    configured = configure(project, build)
    assert configured.returncode == 0, configured.stdout

    run_cmake("--build", str(build))
    shutil.copyfile(build / "libext.so", tmp_path / "before.so")
    (project / "first.bin").write_bytes(b"b")
    os.utime(project / "first.bin", (time.time() + 2, time.time() + 2))
    run_cmake("--build", str(build))

    before, after = tvm_ffi.load_module(tmp_path / "before.so"), tvm_ffi.load_module(build / "libext.so")
    assert (before.first(), before.second()) == (b"a" * 81, b"xyz")
    assert (after.first(), after.second()) == (b"b", b"xyz")
    assert "__cubin_" not in symbols_that_leave(build / "libext.so")


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on the PATH")
def test_cubins_and_fatbins_are_embedded(tmp_path):
    build = tmp_path / "build"
    configured = configure(KERNELS, build, "-DCMAKE_CUDA_ARCHITECTURES=90")
    assert configured.returncode == 0, configured.stdout

    run_cmake("--build", str(build))

    library = build / "libembedded_kernels.so"
    module = tvm_ffi.load_module(library)
    cubin, fatbin = bytes(module.cubin_bytes()), bytes(module.fatbin_bytes())
    machine = int.from_bytes(cubin[18:20], "little")
    assert (cubin[:4], machine) == (b"\x7fELF", 190)
    assert b"add_one" in cubin
    assert fatbin[:4] == bytes.fromhex("50ed55ba")
    assert "__cubin_" not in symbols_that_leave(library)

    refused = configure(KERNELS, build, "-DCMAKE_CUDA_ARCHITECTURES=80;90")
    assert refused.returncode != 0
    assert "CUDA_ARCHITECTURES names 80;90; use add_tvm_ffi_fatbin" in " ".join(refused.stdout.split())
