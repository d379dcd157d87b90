"""The published Python package, its extension module included, on our libraries in place of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import published as published_releases
import pytest

# One release before the convention's version, and the newest one.
VERSIONS = ["0.1.13", "0.1.15.post2"]
PROGRAM = Path(__file__).resolve().parent / "package_calls.py"


@pytest.fixture(scope="module", params=VERSIONS)
def package(build_dir: Path, request: pytest.FixtureRequest) -> Path:
    try:
        folder = build_dir / "compat" / request.param
        folder.mkdir(parents=True, exist_ok=True)
        return published_releases.fetch(request.param, folder)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))


def swapped(package: Path, build_dir: Path, folder: Path, libraries: list[str]) -> Path:
    shutil.copytree(package / "tvm_ffi", folder / "tvm_ffi")
    for library in libraries:
        shutil.copy(build_dir / "lib" / library, folder / "tvm_ffi" / "lib" / library)
    return folder


@pytest.mark.parametrize(
    "libraries",
    [["libtvm_ffi.so"], ["libtvm_ffi_testing.so"], ["libtvm_ffi.so", "libtvm_ffi_testing.so"]],
    ids=["library", "testing-library", "both"],
)
def test_the_published_package_runs_on_our_libraries(package, build_dir, tmp_path, libraries) -> None:
    path = swapped(package, build_dir, tmp_path, libraries)

    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [f"tvm_ffi from {path / 'tvm_ffi'}", "all calls done"]
