"""What the package says about its types: a sample project passes mypy --strict, and mistakes are found."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import tvm_ffi

PROJECT = Path(__file__).resolve().parent / "typed_project"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason=f"mypy is not installed in {sys.executable}: pip install mypy"
)


def check(source: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy as in a project that has the package installed: by py.typed, errors inside the package unreported."""
    packages = Path(tvm_ffi.__file__).absolute().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), *sys.path])}
    environment.pop("MYPYPATH", None)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--show-error-codes", "--cache-dir", str(cache)]
    return subprocess.run([*command, source.name], cwd=PROJECT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_a_strict_project_passes(cache):
    done = check(PROJECT / "good.py", cache)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def test_mistakes_are_found_where_they_are(cache):
    expected = {}
    for number, line in enumerate((PROJECT / "bad.py").read_text().splitlines(), 1):
        if "# E: " in line:
            expected[number] = set(line.split("# E: ")[1].split())

    done = check(PROJECT / "bad.py", cache)

    found = defaultdict(set)
    for match in re.finditer(r"^bad\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE):
        found[int(match[1])].add(match[2])
    assert dict(found) == expected, done.stdout + done.stderr
