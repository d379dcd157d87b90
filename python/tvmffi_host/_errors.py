"""Errors that come from the host, never from a plug-in, and the reports they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import tvm_ffi

from . import _library


@dataclass(frozen=True)
class ResourceUsage:
    """What a worker used in its life, as the kernel counted it. Seconds, and KiB."""

    lifetime: float = 0.0
    user_time: float = 0.0
    system_time: float = 0.0
    max_rss_kib: int = 0


@dataclass(frozen=True)
class Report:
    """How a worker ended, and the call that saw it.

    Everything is the kernel's and the caller's own word, except ``log_tail`` and the ``fault_*`` fields, which the worker
    wrote: treat those as hints.
    """

    id: int
    kind: str
    #: "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon" or "load"
    cause: str
    signal: int = 0
    signal_name: str = ""
    #: -1 unless the worker exited
    exit_status: int = -1
    function: str = ""
    module: str = ""
    #: seconds into the call, time in callbacks left out
    elapsed: float = 0.0
    log_tail: tuple[str, ...] = ()
    log_bytes: int = 0
    worker_pid: int = 0
    #: how many workers the module has had, this one included
    generation: int = 0
    resource_usage: ResourceUsage = field(default_factory=ResourceUsage)
    fault_address: int | None = None
    is_write: bool | None = None
    #: False when the fault record belongs to another call of the same worker
    fault_in_this_call: bool | None = None
    frames: tuple[str, ...] = ()


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    return str(value)


def _make_report(fields: Any) -> Report:
    values: dict[str, Any] = {}
    for key, value in fields.items():
        name = str(key)
        if name == "resource_usage":
            values[name] = ResourceUsage(**{str(k): _plain(v) for k, v in value.items()})
        elif name in ("log_tail", "frames"):
            values[name] = tuple(str(line) for line in value)
        elif name in Report.__dataclass_fields__:
            values[name] = _plain(value)
    return Report(**values)


_report = _library.function("report")


def report(error: BaseException | int) -> Report | None:
    """The report that an error of the host carries, or that has this id; None for any other error."""
    if isinstance(error, BaseException):
        if isinstance(error, HostError):
            return error.report
        error = getattr(error, "__tvm_ffi_error__", None)
        if error is None:
            return None
    fields = _report(error)
    return None if fields is None else _make_report(fields)


def _rebuild(cls: type[HostError], args: tuple[Any, ...], state: dict[str, Any]) -> HostError:
    error = cls(*args)
    error._report = state["report"]
    return error


class HostError(RuntimeError):
    """Base of all errors of the host. Pickles, with its report."""

    _report: Report | None = None

    @property
    def report(self) -> Report | None:
        """How the worker ended; None for errors without a worker, such as a daemon that cannot be reached."""
        if self._report is None:
            error = getattr(self, "__tvm_ffi_error__", None)
            fields = None if error is None else _report(error)
            if fields is not None:
                self._report = _make_report(fields)
        return self._report

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.args, {"report": self.report})


@tvm_ffi.register_error
class WorkerCrashed(HostError):
    """The worker died during the call; the caller did not."""


@tvm_ffi.register_error
class DeadlineExceeded(HostError, TimeoutError):
    """The call took longer than its deadline; its worker was killed."""


@tvm_ffi.register_error
class LoadFailed(HostError):
    """The module could not be loaded; the message has the loader's own words."""


@tvm_ffi.register_error
class PolicyViolation(HostError):
    """The worker did what its policy or the protocol forbids; it was killed."""


@tvm_ffi.register_error
class Unavailable(HostError):
    """There is no daemon, no worker can be started, or the circuit breaker is open."""


@tvm_ffi.register_error
class ResourceExhausted(HostError):
    """Memory, descriptors or lanes ran out."""
