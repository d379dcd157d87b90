"""Loading modules into workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import tvm_ffi

from . import _errors, _library  # noqa: F401  (the error classes must be known before the first call)

_load_module = _library.function("load_module")
_stats = _library.function("stats")
_reset = _library.function("reset")
_worker_info = _library.function("worker_info")


def _options(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def load_module(
    path: str | os.PathLike[str],
    *,
    deadline: float | None = 30.0,
    callback_deadline: float | None = 30.0,
    queue_deadline: float | None = None,
    load_deadline: float | None = None,
    init: Iterable[tuple[str, Sequence[Any]]] = (),
    respawn: Literal["auto", "never"] = "auto",
    reuse: Literal["module", "session", "never"] = "module",
    poison: bool = False,
    readonly: bool | Mapping[str, bool | Sequence[int]] = False,
    session: Any = None,
    worker: tvm_ffi.Module | None = None,
    env: Mapping[str, str] | None = None,
    limits: Mapping[str, int] | None = None,
    policy: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    require: Sequence[str] = (),
    log: Literal["keep", "forward"] = "keep",
    record: str | os.PathLike[str] | None = None,
    breaker_deaths: int = 5,
    breaker_seconds: float = 30.0,
) -> tvm_ffi.Module:
    """Load ``path`` in a worker process and return a module used like :func:`tvm_ffi.load_module`'s.

    Parameters
    ----------
    path
        The shared library. Taken from the current directory when relative.
    deadline
        Seconds a call may take outside the caller's own callbacks, waiting for its turn included. None: no limit.
    callback_deadline
        Seconds that the callbacks of one call may take together. None: no limit. No callback is interrupted, but once they
        took longer the next one ends the call: :class:`DeadlineExceeded`.
    queue_deadline
        Seconds a call may wait for its turn alone.
    load_deadline
        Seconds that starting a worker may take, loading and ``init`` included. It is no part of the deadline of the call
        that needs one then; by default it is.
    init
        ``(function name, arguments)`` pairs, called after every start of the worker.
    respawn
        ``"never"``: after the worker's death calls raise :class:`Unavailable` instead of starting another.
    reuse
        For whom a worker, with all that its modules remember, is used again. ``"session"``: modules of one folder, loaded
        into one session with equal options, share one. ``"never"``: each call has a worker of its own, which has ended
        when the call returns, so that nothing is kept for the next call and nothing written after the answer; about 10 ms
        per call, one call at a time. It is refused with ``respawn="never"`` (ValueError) and by a daemon that has neither
        layer ``pidns`` nor ``orphans`` to end what a call leaves behind (:class:`Unavailable`); a call inside a callback
        of a call of the same module is refused too (:class:`ResourceExhausted`).
    poison
        Overwrite with 0xFF (NaN) what a call leaves in memory that its worker has mapped: copies of plain tensors, tensors
        of the worker's pool and results that were dropped.
    readonly
        Plain tensors that a function only reads, and that are not copied back: True for all, or a map from function
        names to True or to the indices of arguments.
    session
        A :class:`Session`; by default the process's own.
    worker
        A hosted module whose worker to share.
    env
        The worker's whole environment; by default what the policy lists, and without one a few variables of this process.
    limits
        ``address_space_bytes``, ``file_size_bytes``, ``open_files``, ``cpu_seconds``.
    policy
        What the worker may do, beyond loading its modules and computing: the path of a TOML file or a mapping with the
        same keys. ``read`` and ``library_path`` (lists of absolute paths), ``libraries`` (all that the module's file may
        name as needed, like ``["libc.so.6"]``; without it any), ``tmpfs``, ``memory``, ``file_size`` and
        ``address_space`` (bytes, or texts like ``"64 MiB"``), ``processes``, ``cpus``, ``cpu_seconds``,
        ``wall_seconds``, ``open_files``, ``network``, ``environment`` (names, or ``NAME=value``). What is not granted is denied.
        Without ``memory`` a worker has half of what its daemon may have, without ``processes`` 1024, threads included.
        The daemon ends a worker that takes more (``layers`` has "usage"). What a policy names is enforced by control groups
        where they can be made ("cgroup-memory", "cgroup-pids"), else by the daemon; with neither it is refused.
    require
        Layers of the sandbox that the worker must have, by the names in ``worker_info(mod)["layers"]``.
    log
        ``"forward"`` copies what the plug-in prints to this process's stderr.
    record
        A folder that exists. A call, or a load, that ends its worker (by a signal, an exit, its deadline or a violation)
        is written there, readable by its user alone: arguments as they were before the call, policy, environment, and how it ended.
        The error's ``report.recording`` names the file, ``tvmffi-hostctl replay`` runs it again. Every call then costs a
        copy of all bytes of its tensors, and some microseconds; a call that returns leaves nothing. Callables and
        objects of this process or the worker cannot be recorded: the file then says so, and cannot be replayed.
    breaker_deaths, breaker_seconds
        After so many deaths in a row no worker is started for so long, see :func:`reset`.

    Raises
    ------
    LoadFailed
        The module cannot be loaded. A RuntimeError, as in process.
    Unavailable
        There is no daemon to start the worker, or it lacks a required layer of the sandbox.
    """
    if policy is not None:
        policy = dict(policy) if isinstance(policy, Mapping) else os.fspath(policy)
    options = _options(
        policy=policy,
        queue_deadline=queue_deadline,
        load_deadline=load_deadline,
        worker=worker,
        record=None if record is None else os.fspath(record),
        env=None if env is None else dict(env),
        limits=None if limits is None else dict(limits),
        session=None if session is None else session._object(),
    )
    options.update(
        deadline=deadline,
        callback_deadline=callback_deadline,
        init=[(name, list(args)) for name, args in init],
        respawn=respawn,
        reuse=reuse,
        poison=poison,
        readonly=readonly if isinstance(readonly, bool) else {k: _indices(v) for k, v in readonly.items()},
        require=list(require),
        log=log,
        breaker_deaths=breaker_deaths,
        breaker_seconds=breaker_seconds,
    )
    return _load_module(os.fspath(path), options)


def _indices(value: bool | Sequence[int]) -> bool | list[int]:
    return value if isinstance(value, bool) else [int(index) for index in value]


def stats() -> dict[str, int]:
    """What all hosted calls of this process did so far: calls, tensors by path, bytes copied, workers."""
    return {str(name): int(value) for name, value in _stats().items()}


def reset(module: tvm_ffi.Module) -> None:
    """Close the circuit breaker of a module's worker: the next call starts one at once."""
    _reset(module)


def worker_info(module: tvm_ffi.Module) -> dict[str, Any]:
    """The worker behind a hosted module: ``pid`` (0 while there is none), ``generation``, ``alive``, ``daemon_pid``, ``layers``, ...

    ``start`` says when each step of its start was done, in seconds since it was asked for, as the worker itself has it; what one
    that was prepared had done before that is negative.
    """
    info = dict(_worker_info(module).items())
    start = {str(step): float(when) for step, when in info.pop("start").items()}
    result = {str(name): value if isinstance(value, (bool, int)) else str(value) for name, value in info.items()}
    result["layers"] = result["layers"].split()
    result["start"] = start
    return result
