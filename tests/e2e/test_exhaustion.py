"""A client that may open no more descriptors: the call that needs one fails, and nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tvmffi_host
from conftest import eventually, plugin


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
