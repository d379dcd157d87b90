"""Fixtures: the build's plug-ins, loaded in process and isolated, and what a process holds."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tvm_ffi
import tvmffi_host

from threat_notes import pytest_runtest_makereport, pytest_runtest_setup, pytest_sessionfinish  # noqa: F401

BUILD = Path(os.environ.get("TVMFFI_BUILD_DIR", Path(__file__).resolve().parents[2] / "build" / "release"))
PLUGINS = Path(os.environ.get("TVMFFI_PLUGIN_DIR", BUILD / "plugins"))


HOSTD = str(Path(tvmffi_host.__file__).parent / "bin" / "tvmffi-hostd")


def plugin(name: str) -> str:
    return str(PLUGINS / f"{name}.so")


@pytest.fixture
def load() -> Iterator[Callable[..., Any]]:
    """``load(name, without=...)``: an adversarial plug-in in a session of its own."""
    sessions = []

    def load_module(name: str, without: list[str] | None = None, **options: Any) -> Any:
        session = tvmffi_host.Session(without=without or [])
        sessions.append(session)
        return session.load_module(plugin(f"adversarial_{name}"), **options)

    yield load_module
    for session in sessions:
        session.close()


def in_process(module: str | Path, code: str) -> subprocess.CompletedProcess[bytes]:
    """Of a program that has the module within itself, as ``mod``: what a caller goes through without a worker."""
    program = "import sys, numpy as np, tvm_ffi\nmod = tvm_ffi.load_module(sys.argv[1])\n" + code
    return subprocess.run([sys.executable, "-c", program, str(module)], capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def local() -> Any:
    return tvm_ffi.load_module(plugin("values"))


@pytest.fixture(scope="session")
def isolated() -> Any:
    return tvmffi_host.load_module(plugin("values"))


@pytest.fixture(params=["in-process", "isolated"])
def mod(request: pytest.FixtureRequest) -> Any:
    """The values plug-in, loaded both ways: whatever a test asserts holds for both."""
    return request.getfixturevalue("local" if request.param == "in-process" else "isolated")


@pytest.fixture
def faulty() -> Any:
    return tvmffi_host.load_module(plugin("faulty"), deadline=20.0, breaker_deaths=1_000_000)


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Polls, for what other processes do in their own time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def listens(path: Path) -> bool:
    """The file is there before anybody listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def children_of(pid: int) -> list[int]:
    """Processes whose parent is ``pid``."""
    children = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        state, parent = stat.rsplit(")", 1)[1].split()[:2]
        if int(parent) == pid and state != "Z":
            children.append(int(entry))
    return children


def host_pid(mod: Any) -> int:
    """The worker's process as this one sees it, started if there is none; it may live in a pid namespace."""
    mod.pid()
    return int(tvmffi_host.worker_info(mod)["pid"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def host_mappings() -> list[str]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in lines if "memfd:tvmffi" in line or "memfd:channel" in line or "memfd:death" in line]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def descriptors_of(pid: int) -> int:
    """Of a daemon started with --debuggable: any other hides them from its own user."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_anon(pid: int | str = "self") -> int:
    """KiB of anonymous memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon in /proc")


@pytest.fixture
def no_leaks(isolated: Any) -> Iterator[None]:
    """What the test opened is closed again when it is over: descriptors, mappings, workers."""
    isolated.pid()
    gc.collect()
    descriptors, mappings = open_descriptors(), len(host_mappings())
    yield
    gc.collect()
    sys.last_exc = sys.last_value = sys.last_traceback = None
    assert eventually(lambda: open_descriptors() <= descriptors), (descriptors, os.listdir("/proc/self/fd"))
    assert eventually(lambda: len(host_mappings()) <= mappings), host_mappings()


@contextlib.contextmanager
def shared_daemon(
    folder: Path, *flags: str, program: str = HOSTD, **options: Any
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon that listens in ``folder``/run, and where."""
    run = folder / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    if "user" in options:
        os.chown(run, options["user"], -1)
    path = run / "hostd.sock"
    options.setdefault("stderr", subprocess.DEVNULL)
    process = subprocess.Popen([program, "--socket", str(path), *flags], **options)
    try:
        assert eventually(path.exists)
        yield process, path
    finally:
        process.terminate()
        process.wait()
