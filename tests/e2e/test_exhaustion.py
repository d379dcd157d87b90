"""A client that may open no more descriptors: the call that needs one fails, and nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host
from conftest import HOSTD, eventually, listens, plugin


@contextlib.contextmanager
def spare_descriptors(count: int) -> Iterator[None]:
    """This process may open so many more; nothing else can be imported or opened meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = {int(name) for name in os.listdir("/proc/self/fd")}
    taken = {fd for fd in taken if os.path.exists(f"/proc/self/fd/{fd}")}
    limit = 0
    while count > 0 or limit in taken:
        count -= limit not in taken
        limit += 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def outcome_of_load(session: tvmffi_host.Session, spare: int) -> str:
    """With so many descriptors left: what the error says, or nothing."""
    try:
        with spare_descriptors(spare):
            mod: Any = session.load_module(plugin("values"))
        assert mod.echo_int(spare) == spare
    except tvmffi_host.ResourceExhausted as error:
        return str(error)
    return ""


def test_a_client_out_of_descriptors_loses_one_request_and_not_its_session(no_leaks: None) -> None:
    with tvmffi_host.Session() as session:
        first: Any = session.load_module(plugin("values"))
        daemon = session.info()["daemon_pid"]
        worker = first.pid()

        outcomes = [outcome_of_load(session, spare) for spare in range(16)]

        assert "" in outcomes, outcomes
        lost = [text for text in outcomes if "were lost: this process may open no more, its limit is" in text]
        assert lost, outcomes
        assert (session.info()["daemon_pid"], first.pid()) == (daemon, worker)
        # A worker whose channel did not arrive is ended.
        assert eventually(lambda: session.info()["workers"] == 1), session.info()


@pytest.mark.parametrize("spare", [0, 1])
def test_a_client_out_of_descriptors_goes_on_calling(spare: int) -> None:
    with tvmffi_host.Session() as session:
        mod: Any = session.load_module(plugin("values"))
        mod.fill(np.zeros(16, "float32"), 1.0)
        worker = mod.pid()
        with spare_descriptors(spare):
            assert mod.echo_int(1) == 1
            with pytest.raises(tvmffi_host.ResourceExhausted):
                tvmffi_host.empty((1 << 20,), "float32")
                mod.fill(tvmffi_host.empty((1 << 20,), "float32"), 1.0)
        assert mod.pid() == worker


def end_of_start(path: Path, limit: int) -> tuple[int | None, str]:
    """Of a daemon that may open descriptors below ``limit``: its exit status, None when it serves, and its log."""
    daemon = subprocess.Popen(
        [HOSTD, "--socket", str(path)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
    )
    try:
        assert eventually(lambda: daemon.poll() is not None or listens(path), 60)
        status = daemon.poll()
    finally:
        daemon.terminate()
        _, log = daemon.communicate(timeout=60)
    return status, log


def test_c3_5_a_daemon_without_descriptors_says_so_and_does_not_abort(tmp_path: Path) -> None:
    path = tmp_path / "run" / "hostd.sock"
    path.parent.mkdir(mode=0o700)
    ends = {}
    for limit in range(5, 64):
        ends[limit] = end_of_start(path, limit)
        if ends[limit][0] is None:
            break
    *failures, success = ends.values()
    assert success[0] is None
    assert len(failures) >= 5
    assert {status for status, _ in failures} == {1}, ends
    assert all("Too many open files" in log for _, log in failures), ends
