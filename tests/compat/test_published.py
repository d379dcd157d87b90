"""Modules built with the published headers run here; modules built with ours run under the published library."""

import os
import subprocess
import sys
from pathlib import Path

import calls
import pytest
import tvm_ffi

CALLS = Path(calls.__file__)


@pytest.mark.parametrize("check", calls.CHECKS, ids=lambda check: check.__name__)
def test_a_module_built_with_published_headers_runs_in_process(check, published):
    check(tvm_ffi.load_module, published.plugins)


@pytest.mark.parametrize("check", calls.CHECKS, ids=lambda check: check.__name__)
def test_a_module_built_with_published_headers_runs_isolated(check, published):
    tvmffi_host = pytest.importorskip("tvmffi_host")
    check(tvmffi_host.load_module, published.plugins)


@pytest.mark.parametrize("check", calls.CHECKS, ids=lambda check: check.__name__)
def test_a_module_built_here_runs_under_the_published_library(check, published, build_dir):
    # A process of its own: two libtvm_ffi in one would each have a type table.
    environment = {**os.environ, "PYTHONPATH": str(published.package)}
    command = [sys.executable, str(CALLS), str(build_dir / "plugins"), check.__name__]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"tvm_ffi from {published.package}" in done.stdout
