"""The example package of tests/packaging, built with the CMake package and run from a folder; wheels are wheel_matrix.py's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "packaging" / "my_ffi_extension"

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
