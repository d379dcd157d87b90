"""A worker that dies before it has anything of the module's: the host's failure, which the module is not blamed for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tvmffi_host

from conftest import plugin, shared_daemon


@contextlib.contextmanager
def session_with_worker(folder: Path, script: str) -> Iterator[Any]:
    """Whose workers are a shell script."""
    worker = folder / "worker"
    worker.write_text(f"#!/bin/sh\n{script}\n")
    worker.chmod(0o755)
    with shared_daemon(folder, "--worker", str(worker), "--without", "all", "--prepared", "0") as (_, path):
        with tvmffi_host.Session(socket=path) as session:
            yield session


def test_a_worker_that_cannot_start_is_unavailable_and_says_why(tmp_path: Path) -> None:
    with session_with_worker(tmp_path, "echo tvmffi-worker: cannot lock the door >&2; exit 71") as session:
        with pytest.raises(tvmffi_host.Unavailable, match="cannot start a worker: .* exited with status 71") as caught:
            session.load_module(plugin("values"))
    report = caught.value.report
    assert (report.kind, report.cause, report.exit_status) == ("Unavailable", "exit", 71)
    assert report.log_tail[-1] == "tvmffi-worker: cannot lock the door"


def test_a_worker_killed_while_it_starts_is_unavailable(tmp_path: Path) -> None:
    with session_with_worker(tmp_path, "kill -SEGV $$") as session:
        with pytest.raises(tvmffi_host.Unavailable, match="cannot start a worker: .* died of SIGSEGV"):
            session.load_module(plugin("values"))


def test_starts_that_fail_do_not_open_the_breaker(tmp_path: Path) -> None:
    """They say nothing about the module: the next call tries again."""
    marker = tmp_path / "fail"
    worker = Path(tvmffi_host.__file__).parent / "bin" / "tvmffi-worker"
    script = f"[ -e {marker} ] && exit 71\nexec {worker}"
    with session_with_worker(tmp_path, script) as session:
        mod: Any = session.load_module(plugin("faulty"), breaker_deaths=2)
        with pytest.raises(tvmffi_host.WorkerCrashed):
            mod.segfault()
        marker.touch()
        for _ in range(3):
            with pytest.raises(tvmffi_host.Unavailable, match="cannot start a worker"):
                mod.pid()
        marker.unlink()
        assert mod.pid() > 0


def test_a_module_that_dies_while_it_loads_is_still_to_blame() -> None:
    with pytest.raises(tvmffi_host.LoadFailed):
        tvmffi_host.load_module(plugin("faulty_init_exit"))


def test_the_start_is_no_call(tmp_path: Path) -> None:
    before = tvmffi_host.stats()["calls"]
    mod: Any = tvmffi_host.load_module(plugin("values"))
    mod.echo_int(1)
    del mod
    # The load, the look-up of the function and the call.
    assert tvmffi_host.stats()["calls"] - before == 3
