"""The host's whole end-to-end suite where `import tvm_ffi` finds a published release instead of ours."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

E2E = Path(__file__).resolve().parents[1] / "e2e"


SECONDS = 1500  # more than the time-out that tools/test.sh gives a test


@pytest.mark.timeout(SECONDS)
def test_the_host_suite_passes_over_the_published_library(published, build_dir) -> None:
    path = os.pathsep.join(map(str, [published.package, build_dir / "python"]))
    environment = {**os.environ, "PYTHONPATH": path, "TVMFFI_BUILD_DIR": str(build_dir)}
    script = "import sys, tvm_ffi, pytest; print('tvm_ffi from', tvm_ffi.__file__); sys.exit(pytest.main(sys.argv[1:]))"
    limit = ["--timeout=300"] if importlib.util.find_spec("pytest_timeout") else []

    done = subprocess.run(
        [sys.executable, "-c", script, "-q", "-p", "no:cacheprovider", *limit, str(E2E)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS - 60,
        check=False,
    )

    print(done.stdout[-4000:], done.stderr[-4000:])
    assert f"tvm_ffi from {published.package}" in done.stdout
    assert done.returncode == 0
