"""The soak of tests/soak, for a minute: long enough to meet every kind of work and every kind of death."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import BUILD

SOAK = Path(__file__).resolve().parents[1] / "soak" / "soak.py"


@pytest.mark.slow
def test_a_minute_of_everything_leaves_nothing_wrong_and_nothing_behind() -> None:
    soak = subprocess.run(
        [sys.executable, str(SOAK), "--seconds", "60", "--seed", "4", "--build", str(BUILD)],
        capture_output=True,
        text=True,
        timeout=500,
    )
    print(soak.stdout)
    if soak.returncode != 0:
        pytest.fail(soak.stdout[-6000:] + soak.stderr[-2000:])
    assert "\n0 wrong" in soak.stdout
