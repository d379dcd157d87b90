"""Runs ninja in a folder: waits, tells about long builds, reports failures."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, Callable

from ..utils.lockfile import FileLock
from ._toolchain import find_ninja

logger = logging.getLogger("tvm_ffi.cpp.extension")

# A build that takes longer says what it is doing, then again at twice the time.
_FIRST_NOTE_S = 10.0
_LOCK_POLL_S = 0.02

_STEP = re.compile(r"\[(\d+)/(\d+)\] ")


def _logged_streams() -> tuple[str, ...]:
    value = os.environ.get("TVM_FFI_CPP_EXTENSION_LOG_BUILD", "0")
    return ("stdout", "stderr") if value == "1" else (value,)


class _Notes:
    """Calls ``tell`` with the seconds passed, after the first note's time, twice that, and so on."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell
        self._started = time.monotonic()
        self._next = _FIRST_NOTE_S

    def remaining(self) -> float:
        return max(self._started + self._next - time.monotonic(), 0.0)

    def tell_if_due(self) -> None:
        if self.remaining() == 0.0:
            self._tell(time.monotonic() - self._started)
            self._next *= 2


class _Output:
    """Reads one stream of a process to its end, in a thread of its own."""

    def __init__(self, stream: IO[str], name: str) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._log = name in _logged_streams()
        self._thread = threading.Thread(target=self._read, name=f"ninja {name}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self.lines.append(line)
            if self._log:
                logger.info("%s", line.rstrip("\n"))

    def finish(self) -> str:
        self._thread.join()
        return "".join(self.lines)

    def steps(self) -> str:
        """How far ninja is, in its own words; it names a step when the step is done."""
        done = [match for match in map(_STEP.match, self.lines) if match]
        return f"{done[-1][1]} of {done[-1][2]} steps are done" if done else "no step is done yet"


class NinjaFailed(RuntimeError):
    """A build failed; the text holds all that ninja and the compilers wrote."""


def _command() -> list[str]:
    command = [find_ninja(), "-v"]
    jobs = os.environ.get("MAX_JOBS")
    if jobs:
        if not jobs.isdigit():
            raise ValueError(f"MAX_JOBS is {jobs!r}, expected a number")
        command += ["-j", jobs]
    return command


def _wait(process: subprocess.Popen[str], notes: _Notes) -> None:
    while True:
        try:
            process.wait(timeout=notes.remaining())
            return
        except subprocess.TimeoutExpired:
            notes.tell_if_due()


def _message(status: int, stdout: str, stderr: str) -> str:
    parts = [f"ninja exited with status {status}"]
    parts += [f"{name}:\n{text.rstrip()}" for name, text in (("stdout", stdout), ("stderr", stderr)) if text]
    return "\n".join(parts) + "\n"


def run_ninja(folder: Path) -> None:
    """Bring the default target of ``folder/build.ninja`` up to date. NinjaFailed tells what the compilers wrote."""
    process = subprocess.Popen(
        _command(),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        stdout, stderr = _Output(process.stdout, "stdout"), _Output(process.stderr, "stderr")
        notes = _Notes(
            lambda passed: logger.warning("still compiling in %s after %.0f s: %s", folder, passed, stdout.steps())
        )
        try:
            _wait(process, notes)
        except BaseException:
            # ninja stops its compilers and removes what they left half written.
            process.terminate()
            raise
        finally:
            texts = stdout.finish(), stderr.finish()
    if process.returncode != 0:
        raise NinjaFailed(_message(process.returncode, *texts))


class BuildLock:
    """Only one process builds in a folder. The lock ends with its holder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "lock")

    def __enter__(self) -> None:
        notes = _Notes(
            lambda passed: logger.warning("waiting for another build in %s since %.0f s", self._folder, passed)
        )
        while not self._lock.acquire():
            notes.tell_if_due()
            time.sleep(_LOCK_POLL_S)

    def __exit__(self, *args: object) -> None:
        self._lock.release()
