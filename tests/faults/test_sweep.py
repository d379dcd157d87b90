"""One system call of the host fails: a typed error or success, and nothing left. A part of it always, all of it with `-m exhaustive`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("TVMFFI_BUILD_DIR", HERE.parents[1] / "build" / "release"))
ROLES = ("client", "daemon", "start", "worker")


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Runs sweep.py; prints how many calls failed, whatever pytest captures."""

    def run(*options: str) -> None:
        output = run_sweep(*options)
        with capsys.disabled():
            print(f"\n{' '.join(options)}: {output.splitlines()[-1]}")

    return run


def run_sweep(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(HERE / "sweep.py"), "--build", str(BUILD), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_some_places_fail_once(sweep: Callable[..., None], role: str) -> None:
    sweep("--role", role, "--sites", "--stride", "5")


@pytest.mark.parametrize("role", [*ROLES, "symbolizer"])
def test_some_places_fail_once_while_a_crash_is_reported(sweep: Callable[..., None], role: str) -> None:
    sweep("--scenario", "crash", "--role", role, "--sites", "--stride", "12")


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ROLES)
def test_every_call_fails_once(sweep: Callable[..., None], role: str) -> None:
    sweep("--role", role)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", [*ROLES, "symbolizer"])
def test_every_place_fails_once_while_a_crash_is_reported(sweep: Callable[..., None], role: str) -> None:
    sweep("--scenario", "crash", "--role", role, "--sites")


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["limits", "shared"])
@pytest.mark.parametrize("role", ["client", "daemon"])
def test_every_place_fails_once_elsewhere(sweep: Callable[..., None], scenario: str, role: str) -> None:
    sweep("--scenario", scenario, "--role", role, "--sites")


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ROLES)
def test_every_place_is_interrupted_once(sweep: Callable[..., None], role: str) -> None:
    sweep("--interrupt", "--role", role, "--sites")
