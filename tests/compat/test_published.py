"""Modules built with the published headers run here; modules built with ours run under the published library."""

import os
import subprocess
import sys
from pathlib import Path

import calls
import pytest
import tvm_ffi
import tvmffi_host

CALLS = Path(calls.__file__)

each_check = pytest.mark.parametrize("check", calls.CHECKS, ids=lambda check: check.__name__)


def run_calls(published, python_path, *arguments):
    """calls.py with the published `tvm_ffi`, in a process of its own: two libtvm_ffi in one would each have a type table."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, python_path))}
    done = subprocess.run(
        [sys.executable, str(CALLS), *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"tvm_ffi from {published.package}" in done.stdout


@each_check
def test_a_module_built_with_published_headers_runs_in_process(check, published):
    check(tvm_ffi.load_module, published.plugins)


@each_check
def test_a_module_built_with_published_headers_runs_isolated(check, published):
    check(tvmffi_host.load_module, published.plugins)


@each_check
def test_a_module_built_here_runs_under_the_published_library(check, published, build_dir):
    run_calls(published, [published.package], build_dir / "plugins", check.__name__)


@each_check
def test_the_host_works_over_the_published_library(check, published, build_dir):
    path = [published.package, build_dir / "python"]
    run_calls(published, path, "--isolated", build_dir / "plugins", check.__name__)
