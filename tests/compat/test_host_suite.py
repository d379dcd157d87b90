"""The host's whole end-to-end suite where `import tvm_ffi` finds a published release instead of ours.

It mostly waits: for deadlines, and for processes to end. The releases take their turns at the same time.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import published as published_releases
import pytest

E2E = Path(__file__).resolve().parents[1] / "e2e"


SECONDS = 1500  # more than the time-out that tools/test.sh gives a test


class Suite(NamedTuple):
    package: Path
    process: subprocess.Popen[bytes]
    output: Path


def start(package: Path, build_dir: Path, output: Path) -> Suite:
    path = os.pathsep.join(map(str, [package, build_dir / "python"]))
    environment = {**os.environ, "PYTHONPATH": path, "TVMFFI_BUILD_DIR": str(build_dir)}
    script = "import sys, tvm_ffi, pytest; print('tvm_ffi from', tvm_ffi.__file__); sys.exit(pytest.main(sys.argv[1:]))"
    limit = ["--timeout=300"] if importlib.util.find_spec("pytest_timeout") else []
    command = [sys.executable, "-c", script, "-q", "-p", "no:cacheprovider", *limit, str(E2E)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    return Suite(package, process, output)


@pytest.fixture(scope="module")
def suites(build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Suite | str]]:
    """A running suite of each release, or why there is none."""
    outputs = tmp_path_factory.mktemp("host_suites")
    running: dict[str, Suite | str] = {}
    try:
        for version in published_releases.VERSIONS:
            try:
                package = published_releases.prepare(version, build_dir).package
                running[version] = start(package, build_dir, outputs / f"{version}.txt")
            except published_releases.Unavailable as reason:
                running[version] = str(reason)
        yield running
    finally:
        for suite in running.values():
            if isinstance(suite, Suite):
                suite.process.kill()
                suite.process.wait()


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("version", published_releases.VERSIONS)
def test_the_host_suite_passes_over_the_published_library(version: str, suites: dict[str, Suite | str]) -> None:
    suite = suites[version]
    if isinstance(suite, str):
        pytest.skip(suite)

    status = suite.process.wait(SECONDS - 60)

    output = suite.output.read_text(errors="replace")
    print(output[-8000:])
    assert f"tvm_ffi from {suite.package}" in output
    assert status == 0
