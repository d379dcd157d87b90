#!/usr/bin/env python3
"""Writes tests/hostd/THREATS.md from the results of tests that quote rows of the threat model.

    tools/threats.py --build build/release [--user NAME] [--python PYTHON]

Runs those tests, as this user and with --user once more as another one, and writes the table. A row is what its tests
say: nothing in the table is written by hand but the rows' own texts and why three of them can have no control run. The exit
status is 1 when an attempt was not stopped, a row has no test, tests did not run to their end, a control run failed, or a row
that was exercised has no control run that worked.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "hostd" / "THREATS.md"
GTEST_ROW = re.compile(r"(?:^|_)(?:C([123])_(\d{1,2})|D(\d{1,2}))(?=_|$)")
GTEST_FILTER = "*C1_*:*C2_*:*C3_*:*.D?_*:*.D??_*:*_D?_*:*_D??_*"
PYTEST_EXPRESSION = " or ".join(["c1_", "c2_", "c3_", *(f"_d{number}_" for number in range(1, 25))])

# Row: what is attempted, what is to stop it.
ROWS = {
    "C1.1": ("wild write, stack overflow, abort, foreign exception", "the process boundary"),
    "C1.2": ("hostile constructor", "locked before the load; empty environment"),
    "C1.3": ("hang with signals masked", "the deadline: SIGKILL to the worker's process 1"),
    "C1.4": ("double fork to outlive the kill", "pid namespace"),
    "C1.5": ("fork, thread or memory bomb", "control groups"),
    "C1.6": ("fill disk or shared memory", "file size limit, sized tmpfs, no writable paths"),
    "C1.7": ("read files, keys, environment", "mounts, Landlock, empty environment, closed descriptors"),
    "C1.8": ("network, abstract sockets", "net namespace, Landlock, seccomp"),
    "C1.9": ("modify inputs, reference or caller memory", "sealed arenas; the process boundary"),
    "C1.10": ("signal caller, daemon, siblings", "pid namespace, Landlock's signal scope"),
    "C1.11": ("kernel attack surface", "seccomp, no_new_privs, no capabilities"),
    "C1.12": ("tamper with its own runtime, handlers, timers, crash page", "nothing it says decides anything"),
    "C1.13": ("see other sessions' data", "memory of one worker only, cleared before another gets it"),
    "C1.14": ("threads that write after the reply", "freeze or kill before the caller reads"),
    "C1.15": ("write outside its output", "guard pages, canaries, only this call's memory"),
    "C1.16": ("forged result descriptors", "rebuilt from checked fields; no worker's pointer is used"),
    "C1.17": ("huge or deep results and error texts", "budgets"),
    "C1.18": ("log flooding, escape sequences", "rate limit, escaping, cap"),
    "C2.1": ("change bytes between check and use", "private copies"),
    "C2.2": ("bad offsets, overflow", "index and generation, checked arithmetic"),
    "C2.3": ("shrink a mapped file", "seals demanded before mapping"),
    "C2.4": ("descriptor flood", "bounded control buffer; workers send none"),
    "C2.5": ("wrong kind of descriptor", "fstat, seals, size"),
    "C2.6": ("index jumps, unknown, duplicate or early replies", "own indexes, range check, kill"),
    "C2.7": ("doorbell storm or silence", "bounded waits"),
    "C2.8": ("die holding a lock", "no locks in shared memory"),
    "C2.9": ("lie about completion, time, crash cause", "waitid and the caller's clock"),
    "C2.10": ("callback abuse", "a capability for one call, with depth limit and deadline"),
    "C2.11": ("serialised code in replies", "no pickle anywhere"),
    "C2.12": ("pid reuse", "pidfds"),
    "C2.13": ("partial or giant frames", "cap before allocation, read deadline"),
    "C2.14": ("text as format or path", "fixed formats"),
    "C2.15": ("forged or stale GPU handles", "handles flow from trusted to worker only"),
    "C2.16": ("leak GPU memory by dying", "the client is the exporter"),
    "C2.17": ("unkillable worker", "bounded reap"),
    "C3.1": ("connect to the socket", "0700 folder, 0600 socket, SO_PEERCRED"),
    "C3.2": ("squat the path", "credentials of server and folder"),
    "C3.3": ("read named shared memory", "memfds only"),
    "C3.4": ("guess ids", "ids are a connection's own"),
    "C3.5": ("exhaust resources", "quotas, back-off"),
    "C3.6": ("confused deputy on paths", "the client opens and passes the descriptor"),
    "C3.7": ("swap the file", "the sealed copy that was checked is loaded"),
    "C3.8": ("leaks through environment, argv, cores", "empty environment, no cores"),
    "C3.9": ("ptrace the daemon", "not dumpable"),
    "C3.10": ("version confusion", "negotiated first"),
    "D1": ("patch timers, statistics, code", "the process boundary"),
    "D2": ("forge or rewrite the result channel", "outputs and verdict are the caller's"),
    "D3": ("scan memory for keys", "the process boundary"),
    "D4": ("find or overwrite expected outputs", "the process boundary"),
    "D5": ("reuse stale memory holding the answer", "poisoned memory, fresh workers"),
    "D6": ("modify inputs", "sealed arenas"),
    "D7": ("reset the error counter", "the process boundary"),
    "D8": ("background thread finishes later", "freeze or kill before the caller reads"),
    "D10": ("lazy tensors", "results are bytes in the caller's memory"),
    "D14": ("persist results; read harness or seeds", "mounts, Landlock, net namespace"),
    "D15": ("edit harness files", "mounts, Landlock"),
    "D23": ("compute in the constructor", "inputs arrive after the load"),
    "D24": ("early exit 0", "no reply is a failure"),
}
# Rows of hardware that this version gives no worker.
GPU_ROWS = {"C2.15", "C2.16"}
NO_GPU = "not exercised: layer 'gpu' is missing, no worker has one"
NO_CONTROL = {
    "C1.12": "none can exist: a process can always change itself; the tests show that its word decides nothing",
    "C2.8": "none can exist: there is no lock in shared memory to die with",
    "C2.11": "none can exist: there is no code that would load a pickle",
}

Note = dict[str, Any]


def gtest_notes(path: Path) -> list[Note]:
    notes = []
    for suite in json.loads(path.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            rows = [f"C{part}.{number}" if part else f"D{digits}" for part, number, digits in GTEST_ROW.findall(case["name"])]
            if not rows or case["status"] != "RUN":
                continue
            outcome = "failed" if "failures" in case else "skipped" if case["result"] == "SKIPPED" else "passed"
            reason = case["skipped"][0]["message"].strip().split("\n")[-1] if "skipped" in case else ""
            note = {"test": f"{case['classname']}.{case['name']}", "rows": rows, "outcome": outcome, "reason": reason}
            notes.append({**note, "control": "_Control" in case["name"]})
    return notes


def run_tests(build: Path, python: str, results: Path, prefix: list[str], end_to_end: bool) -> list[str]:
    """All tests of rows, or the C++ ones alone; their results as files; the programs that did not come to their end."""
    environment = {
        **os.environ,
        "TVMFFI_TEST_RESULTS": str(results),
        "TVMFFI_BUILD_DIR": str(build),
        "PYTHONPATH": str(build / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(results),
    }
    environment.pop("XDG_RUNTIME_DIR", None)
    ended = {}
    if end_to_end:
        command = [*prefix, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={results}/tmp"]
        command += ["-k", PYTEST_EXPRESSION, str(ROOT / "tests" / "e2e")]
        ended["pytest"] = subprocess.run(command, env=environment, check=False).returncode
    for program in sorted((build / "bin").glob("*_tests")):
        output = f"--gtest_output=json:{results}/{program.name}.json"
        command = [*prefix, str(program), f"--gtest_filter={GTEST_FILTER}", "--gtest_brief=1", output]
        ended[program.name] = subprocess.run(command, env=environment, check=False).returncode
    return cut_short(ended)


def cut_short(ended: dict[str, int]) -> list[str]:
    """Programs whose exit status says more than that their tests passed or failed: a crash, a file that could not be collected.

    pytest's 5 is that it found nothing to run."""
    return [f"{name} ended with {code}" for name, code in ended.items() if code not in ((0, 1, 5) if name == "pytest" else (0, 1))]


def read_run(results: Path) -> Note:
    run: Note = {"uid": None, "level": [], "tests": []}
    for path in sorted(results.glob("e2e-*.json")):
        part = json.loads(path.read_text())
        run["uid"], run["level"] = part["uid"], part["level"]
        run["tests"] += part["tests"]
    for path in sorted(results.glob("*_tests.json")):
        run["tests"] += gtest_notes(path)
    if not run["tests"]:
        sys.exit(f"error: no test of a row has run: {results} holds no results")
    return run


def of_row(run: Note, row: str, control: bool) -> list[Note]:
    return [note for note in run["tests"] if row in note["rows"] and note["control"] == control]


def outcome_cell(run: Note, row: str) -> str:
    """How the row's tests ended in one run."""
    if row in GPU_ROWS and not of_row(run, row, False):
        return NO_GPU
    notes = of_row(run, row, False)
    if not notes:
        return "**no test**"
    failed = [note["test"] for note in notes if note["outcome"] == "failed"]
    if failed:
        return "**FAILED**: " + ", ".join(failed)
    passed = sum(note["outcome"] == "passed" for note in notes)
    reasons = sorted({note["reason"] or "skipped" for note in notes if note["outcome"] == "skipped"})
    if not passed:
        return "not exercised: " + "; ".join(reasons)
    return f"stopped, {passed} of {len(notes)} tests" + (f" ({'; '.join(reasons)})" if reasons else "")


def how_it_worked(note: Note) -> str:
    without = sorted({name for load in note.get("loads", []) for name in load["without"]})
    return "works without " + ", ".join(without) if without else "works: " + note["test"].split("[")[0]


def control_cell(runs: list[Note], row: str) -> str:
    """What the control runs show; where one needs another user, that user's run counts."""
    notes = [note for run in runs for note in of_row(run, row, True)]
    failed = ["**FAILED**: " + note["test"] for note in notes if note["outcome"] == "failed"]
    worked = [how_it_worked(note) for note in notes if note["outcome"] == "passed"]
    # Layers that were left out say more than a name.
    cells = failed or ([cell for cell in worked if cell.startswith("works without")] or worked[:1])
    if row in NO_CONTROL:
        cells.append(NO_CONTROL[row])
    elif row in GPU_ROWS and not notes:
        cells.append(NO_GPU)
    elif not cells:
        cells = [f"**{note['outcome']}** {note['reason']}" for note in notes] or ["**none**"]
    return "; ".join(dict.fromkeys(cells))


def attempt_cell(runs: list[Note], row: str) -> str:
    """The plug-ins, and the tests of rows that have none."""
    notes = [note for run in runs for note in of_row(run, row, False)]
    modules = sorted({load["module"] for note in notes for load in note.get("loads", [])})
    plugins = [module for module in modules if module.startswith(("adversarial_", "faulty"))]
    if plugins:
        return ", ".join(plugins)
    return ", ".join(sorted({re.split(r"[.\[]", note["test"])[0] for note in notes}))


def layers_cell(runs: list[Note], row: str) -> str:
    """The layers that its tests need; where they need none, the mechanism."""
    layers = dict.fromkeys(name for run in runs for note in of_row(run, row, False) for name in note.get("layers", []))
    return ", ".join(layers) or ROWS[row][1]


def problems_of(run: Note) -> list[str]:
    """Why this run is no evidence."""
    problems = [] if run["uid"] is not None else ["no end-to-end test has run"]
    for row in ROWS:
        if "**no test**" in outcome_cell(run, row):
            problems.append(f"{row} has no test")
        elif "FAILED" in outcome_cell(run, row):
            problems.append(f"{row} was not stopped")
        if any(note["outcome"] == "failed" for note in of_row(run, row, True)):
            problems.append(f"the control run of {row} failed")
    return problems


def unproven(runs: list[Note]) -> list[str]:
    """Rows of which nobody knows that what stopped them was needed. A control run that this machine cannot do says why."""
    problems = []
    for row in ROWS:
        exercised = any(note["outcome"] == "passed" for run in runs for note in of_row(run, row, False))
        controls = [note for run in runs for note in of_row(run, row, True)]
        proven = any(note["outcome"] == "passed" or note["reason"] for note in controls)
        if exercised and not proven and row not in NO_CONTROL:
            problems.append(f"{row} has no control run")
    return problems


def who(run: Note) -> str:
    return "root" if run["uid"] == 0 else f"uid {run['uid']}"


def write_table(runs: list[Note], path: Path) -> None:
    lines = [
        "# Threats",
        "",
        "Written by `tools/threats.py` from test results: not to be edited. Rows and ids are those of the threat model. A test of a",
        "row has its id in its name; a control run is the same attempt with the layer left out, in which it must work. Layers in",
        "the column 'stopped by' are those that the tests demand; where none is named the mechanism is the code's own.",
        "",
    ]
    for run in runs:
        lines.append(f"- Level as {who(run)}: {' '.join(run['level'])}")
    heads = ["row", "attempt", "plug-in or test", "stopped by", "control run", *(f"as {who(run)}" for run in runs)]
    lines += ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row, (attempt, _) in ROWS.items():
        cells = [row, attempt, attempt_cell(runs, row), layers_cell(runs, row), control_cell(runs, row)]
        cells += [outcome_cell(run, row) for run in runs]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--user", help="run the tests once more as this user; needs root")
    parser.add_argument("--results", type=Path, action="append", help="do not run: read these folders of results")
    parser.add_argument(
        "--end-to-end",
        type=Path,
        metavar="FOLDER",
        help="with the results of this user's end-to-end tests, which ran already with TVMFFI_TEST_RESULTS=FOLDER",
    )
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    problems: list[str] = []
    if options.results:
        runs = [read_run(folder) for folder in options.results]
    else:
        runs = []
        users: list[str | None] = [None, options.user] if options.user else [None]
        for user in users:
            with tempfile.TemporaryDirectory(prefix="tvmffi-threats-") as folder:
                prefix = []
                if user is not None:
                    entry = pwd.getpwnam(user)
                    os.chown(folder, entry.pw_uid, entry.pw_gid)
                    prefix = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
                ran = options.end_to_end if user is None else None
                if ran is not None:
                    shutil.copytree(ran, folder, dirs_exist_ok=True)
                problems += run_tests(options.build.resolve(), options.python, Path(folder), prefix, ran is None)
                runs.append(read_run(Path(folder)))
    write_table(runs, options.out)
    problems += [problem for run in runs for problem in problems_of(run)] + unproven(runs)
    if problems:
        sys.exit("error: " + "; ".join(dict.fromkeys(problems)))


if __name__ == "__main__":
    main()
