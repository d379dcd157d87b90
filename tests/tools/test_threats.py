"""tools/threats.py: the table says what the results say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def note(test: str, rows: list[str], outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return {"test": test, "rows": rows, "outcome": outcome, "reason": "", "control": "control" in test, **more}


def table(tmp_path: Path, *runs: dict[str, Any], gtest: dict[str, Any] | None = None, code: int = 0) -> dict[str, list[str]]:
    """The cells of each row."""
    command = [sys.executable, str(ROOT / "tools" / "threats.py"), "--out", str(tmp_path / "out.md")]
    for number, run in enumerate(runs):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        (folder / "e2e-1.json").write_text(json.dumps(run))
        if gtest is not None:
            (folder / "proto_tests.json").write_text(json.dumps(gtest))
        command += ["--results", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    lines = (tmp_path / "out.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row for row in cells}


def run(*tests: dict[str, Any], uid: int = 0) -> dict[str, Any]:
    return {"uid": uid, "level": ["process", "seccomp"], "tests": list(tests)}


def test_a_row_is_what_its_tests_say(tmp_path: Path) -> None:
    loads = [{"module": "adversarial_signals", "without": []}]
    control = [{"module": "adversarial_signals", "without": ["pidns"]}]
    rows = table(
        tmp_path,
        run(
            note("TestSignals.test_c1_10_x", ["C1.10"], loads=loads, layers=["pidns"]),
            note("TestSignals.test_c1_10_control", ["C1.10"], loads=control),
        ),
        run(note("TestSignals.test_c1_10_x", ["C1.10"], "skipped", reason="this machine lacks layer 'pidns'"), uid=1000),
    )
    assert rows["row"][5:] == ["as root", "as uid 1000"]
    assert rows["C1.10"][2:5] == ["adversarial_signals", "pidns", "works without pidns"]
    assert rows["C1.10"][5] == "stopped, 1 of 1 tests"
    assert rows["C1.10"][6].startswith("not exercised: this machine lacks layer 'pidns'")
    assert rows["C1.8"][5] == "**no test**" and rows["C1.8"][4] == "none"
    assert rows["C2.8"][4].startswith("none can exist")


def test_a_row_with_a_failure_is_no_row_that_passed(tmp_path: Path) -> None:
    rows = table(
        tmp_path, run(note("test_d14_a", ["D14"]), note("test_d14_b", ["D14"], "failed")), code=1
    )
    assert rows["D14"][5] == "**FAILED**: test_d14_b"


def test_results_of_c_plus_plus_tests(tmp_path: Path) -> None:
    def case(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "classname": "Codec", "status": "RUN", "result": "COMPLETED", **more}

    cases = [case("C2_2_BadOffsets"), case("C088_Streams"), case("D5_Stale", failures=[{}]), case("Plain")]
    rows = table(tmp_path, run(), gtest={"testsuites": [{"testsuite": cases}]}, code=1)
    assert rows["C2.2"][2] == "Codec" and rows["C2.2"][5] == "stopped, 1 of 1 tests"
    assert rows["D5"][5] == "**FAILED**: Codec.D5_Stale"


def test_without_results_there_is_no_table(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "threats.py"), "--results", str(tmp_path), "--out", str(tmp_path / "x")]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert not (tmp_path / "x").exists()
