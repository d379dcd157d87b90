"""tools/threats.py: the table says what the results say."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("threats", ROOT / "tools" / "threats.py")
assert SPEC is not None and SPEC.loader is not None
threats = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(threats)


def note(test: str, rows: list[str], outcome: str = "passed", **more: Any) -> dict[str, Any]:
    return {"test": test, "rows": rows, "outcome": outcome, "reason": "", "control": "control" in test, **more}


def write_table(tmp_path: Path, *runs: dict[str, Any], gtest: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "threats.py"), "--out", str(tmp_path / "out.md")]
    for number, run in enumerate(runs):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        (folder / "e2e-1.json").write_text(json.dumps(run))
        if gtest is not None:
            (folder / "proto_tests.json").write_text(json.dumps(gtest))
        command += ["--results", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def table(tmp_path: Path, *runs: dict[str, Any], gtest: dict[str, Any] | None = None, code: int = 0) -> dict[str, list[str]]:
    """The cells of each row."""
    done = write_table(tmp_path, *runs, gtest=gtest)
    assert done.returncode == code, done.stderr
    lines = (tmp_path / "out.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row for row in cells}


def run(*tests: dict[str, Any], uid: int = 0) -> dict[str, Any]:
    return {"uid": uid, "level": ["process", "seccomp"], "tests": list(tests)}


def all_rows(*left_out: str) -> list[dict[str, Any]]:
    """Each row stopped, and its control run at work where it can have one."""
    rows = [row for row in threats.ROWS if row not in left_out]
    controls = [note(f"test_{row}_control", [row]) for row in rows if row not in threats.NO_CONTROL]
    return [*(note(f"test_{row}", [row]) for row in rows), *controls]


def without_control(row: str, *instead: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(each for each in all_rows() if each["test"] != f"test_{row}_control"), *instead]


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
        code=1,
    )
    assert rows["row"][5:] == ["as root", "as uid 1000"]
    assert rows["C1.10"][2:5] == ["adversarial_signals", "pidns", "works without pidns"]
    assert rows["C1.10"][5] == "stopped, 1 of 1 tests"
    assert rows["C1.10"][6].startswith("not exercised: this machine lacks layer 'pidns'")
    assert rows["C1.8"][5] == "**no test**" and rows["C1.8"][4] == "**none**"
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


def test_where_all_was_stopped_the_status_is_0(tmp_path: Path) -> None:
    rows = table(tmp_path, run(*all_rows("C2.15", "C2.16")), run(*all_rows("C2.15", "C2.16"), uid=1000))
    assert rows["D24"][4] == "works: test_D24_control"
    assert rows["C2.15"][4:7] == ["not exercised: layer 'gpu' is missing, no worker has one"] * 3


def test_one_of_several_users_can_do_the_control_run(tmp_path: Path) -> None:
    skipped = note("test_c3_1_control", ["C3.1"], "skipped", reason="needs root")
    rows = table(tmp_path, run(*all_rows()), run(*without_control("C3.1", skipped), uid=1000))
    assert rows["C3.1"][4] == "works: test_C3.1_control"


def test_a_control_run_that_this_machine_cannot_do_says_why(tmp_path: Path) -> None:
    skipped = note("test_c3_1_control", ["C3.1"], "skipped", reason="needs root")
    assert table(tmp_path, run(*without_control("C3.1", skipped), uid=1000))["C3.1"][4] == "**skipped** needs root"


@pytest.mark.parametrize("instead", [[], [note("test_d24_control", ["D24"], "skipped")]], ids=["none", "no reason"])
def test_a_row_that_was_exercised_without_a_control_run_is_an_error(tmp_path: Path, instead: list[dict[str, Any]]) -> None:
    done = write_table(tmp_path, run(*without_control("D24", *instead)))
    assert (done.returncode, done.stderr) == (1, "error: D24 has no control run\n")


def test_a_row_that_was_not_exercised_needs_none(tmp_path: Path) -> None:
    skipped = note("test_c1_5", ["C1.5"], "skipped", reason="this machine lacks layer 'cgroup-pids'")
    others = [each for each in without_control("C1.5") if each["rows"] != ["C1.5"]]
    assert table(tmp_path, run(*others, skipped))["C1.5"][4] == "**none**"


@pytest.mark.parametrize(
    ("tests", "problem"),
    [
        (all_rows("C1.8"), "C1.8 has no test"),
        ([*all_rows(), note("test_d8_b", ["D8"], "failed")], "D8 was not stopped"),
        ([*all_rows(), note("test_c1_10_control", ["C1.10"], "failed")], "the control run of C1.10 failed"),
    ],
    ids=["no test", "not stopped", "control"],
)
def test_what_is_no_evidence_is_an_error(tmp_path: Path, tests: list[dict[str, Any]], problem: str) -> None:
    done = write_table(tmp_path, run(*all_rows()), run(*tests, uid=1000))
    assert (done.returncode, done.stderr) == (1, f"error: {problem}\n")


def test_a_control_run_that_failed_is_seen_beside_one_that_worked(tmp_path: Path) -> None:
    controls = [note("test_d8_control[a]", ["D8"]), note("test_d8_control[b]", ["D8"], "failed")]
    assert table(tmp_path, run(*all_rows(), *controls), code=1)["D8"][4] == "**FAILED**: test_d8_control[b]"


def test_without_end_to_end_tests_there_is_no_user_to_speak_of(tmp_path: Path) -> None:
    done = write_table(tmp_path, run(*all_rows(), uid=None))  # type: ignore[arg-type]
    assert done.returncode == 1 and "no end-to-end test has run" in done.stderr


def test_programs_that_were_cut_short_are_named() -> None:
    ended = {"pytest": 2, "a_tests": 0, "b_tests": 1, "c_tests": -11, "d_tests": 5}
    assert threats.cut_short(ended) == ["pytest ended with 2", "c_tests ended with -11", "d_tests ended with 5"]
    assert [threats.cut_short({"pytest": code}) for code in (0, 1, 5)] == [[]] * 3


def test_without_results_there_is_no_table(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "threats.py"), "--results", str(tmp_path), "--out", str(tmp_path / "x")]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert not (tmp_path / "x").exists()


def test_end_to_end_tests_that_ran_already_are_not_run_again(tmp_path: Path) -> None:
    results, programs = tmp_path / "results", tmp_path / "build" / "bin"
    results.mkdir()
    programs.mkdir(parents=True)
    (results / "e2e-1.json").write_text(json.dumps(run(*all_rows("C2.2"))))
    cases = [{"name": name, "classname": "Codec", "status": "RUN", "result": "COMPLETED"} for name in ("C2_2_A", "C2_2_ControlA")]
    program = programs / "codec_tests"
    program.write_text(f"#!{sys.executable}\nimport sys\n[out] = [a.split(':', 1)[1] for a in sys.argv if 'output=' in a]\n")
    with program.open("a") as text:
        text.write(f"open(out, 'w').write({json.dumps({'testsuites': [{'testsuite': cases}]})!r})\n")
    program.chmod(0o755)

    command = [sys.executable, str(ROOT / "tools" / "threats.py"), "--build", str(programs.parent), "--python", "/no/such/python"]
    command += ["--end-to-end", str(results), "--out", str(tmp_path / "out.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    table_text = (tmp_path / "out.md").read_text()
    assert "| C2.2 |" in table_text and "stopped, 1 of 1 tests" in table_text
    assert [path.name for path in results.iterdir()] == ["e2e-1.json"]
