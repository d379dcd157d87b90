"""Structural maps, mutations and visits: the newest published package has the same outcomes on our library as on its own."""

import os
import subprocess
import sys
from pathlib import Path

import published as published_releases
import pytest
from test_published_package import swapped

PROGRAM = Path(__file__).resolve().parent / "structural_calls.py"


def outcomes(package: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_structural_calls_have_the_published_outcomes(build_dir: Path, tmp_path: Path) -> None:
    version = published_releases.VERSIONS[0]
    try:
        package = published_releases.fetch(version, published_releases.folder_of(version, build_dir))
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))

    theirs = outcomes(package)
    ours = outcomes(swapped(package, build_dir, tmp_path, ["libtvm_ffi.so"]))

    assert len(theirs) > 100
    assert ours == theirs
