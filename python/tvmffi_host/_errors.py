"""Errors that come from the host, never from a plug-in, and the reports they carry."""

from __future__ import annotations

import itertools
import re
import shlex
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
class Frame:
    """One function on the stack of a thread that died."""

    #: demangled; empty when the file has no symbol there
    symbol: str = ""
    #: source file; empty without debug information (``-g``)
    file: str = ""
    #: 0 without debug information
    line: int = 0
    #: file name of the library; empty for code that is in none
    module: str = ""
    #: in the library's file
    offset: int = 0
    address: int = 0
    #: into the function of the next frame
    inlined: bool = False

    def __str__(self) -> str:
        name = self.symbol or (f"{self.module}+{self.offset:#x}" if self.module else f"{self.address:#x}")
        if self.file:
            return f"{name} at {self.file}:{self.line}"
        return f"{name} in {self.module}" if self.symbol and self.module else name


@dataclass(frozen=True)
class Report:
    """How a worker ended, and the call that saw it.

    Everything is the kernel's and the caller's own word, except ``log_tail``, ``signal_code``, ``instruction``, the fault's
    fields and ``frames``, which rest on what the worker wrote: treat those as hints.
    """

    id: int
    kind: str
    #: "signal", "exit", "oom", "deadline", "cancelled", "violation", "closed", "daemon", "load", "queue", or "stuck": killed,
    #: but held by the kernel or a debugger
    cause: str
    signal: int = 0
    signal_name: str = ""
    #: -1 unless the worker exited
    exit_status: int = -1
    function: str = ""
    module: str = ""
    #: seconds into the call, time in callbacks left out
    elapsed: float = 0.0
    #: of these, seconds before the call was sent: waiting for its turn, starting a worker
    queued: float = 0.0
    log_tail: tuple[str, ...] = ()
    log_bytes: int = 0
    worker_pid: int = 0
    #: how many workers the module has had, this one included
    generation: int = 0
    resource_usage: ResourceUsage = field(default_factory=ResourceUsage)
    #: "memory", "address_space_bytes", "cpu_seconds", "file_size_bytes": what ended the worker or was used up when it died
    limits_hit: tuple[str, ...] = ()
    #: equal for deaths that look the same
    bucket: str = ""
    #: the file this call was recorded in, with ``record=``; for ``tvmffi-hostctl replay``
    recording: str = ""
    #: what that file lacks, or why there is none
    recording_note: str = ""
    #: si_code of the signal
    signal_code: int | None = None
    #: address of the instruction that died
    instruction: int | None = None
    fault_address: int | None = None
    #: the tensor argument that the fault's address lies in or beside
    fault_argument: int | None = None
    #: bytes from the argument's first element; its size or more is behind it, negative before it
    fault_offset: int | None = None
    is_write: bool | None = None
    #: the fault was in the guard below the thread's stack
    stack_overflow: bool = False
    #: False when the fault belongs to another call of the same worker, or to a thread of the plug-in's own
    fault_in_this_call: bool | None = None
    #: innermost first
    frames: tuple[Frame, ...] = ()
    #: why names are missing from ``frames``
    frames_note: str = ""

    def __str__(self) -> str:
        """A page for people: what happened, where, with what output."""
        return "\n".join(_page(self))


#: cause -> what the page says of it
_CAUSES = {
    "oom": "killed for lack of memory",
    "deadline": "killed at its deadline",
    "cancelled": "killed because a call was cancelled",
    "violation": "killed because it broke the rules",
    "closed": "closed",
    "daemon": "ended with its daemon",
    "load": "alive; the loader refused the library",
    "stuck": "killed, but something holds it",
    "queue": "alive; the call's turn did not come in time",
}


def _fault_line(report: Report) -> str:
    access = {True: "write", False: "read", None: "access"}[report.is_write]
    place = "" if report.fault_address is None else f" at {report.fault_address:#x}"
    if report.fault_argument is not None:
        place += f", byte {report.fault_offset} of argument {report.fault_argument}"
    return f"bad {access}{place}" + (", below the end of the stack: it overflowed" if report.stack_overflow else "")


#: the binding's own code between a plug-in's function and its export
_WRAPPER = re.compile(r"^[^(]*\btvm::ffi::details::")


def _frame_lines(report: Report) -> list[str]:
    lines: list[str] = []
    shown = [(number, frame) for number, frame in enumerate(report.frames) if not _WRAPPER.match(frame.symbol)]
    for _, same in itertools.groupby(shown, key=lambda entry: str(entry[1])):
        (number, frame), *more = same
        lines.append(f"  #{number:<3} {frame}" + (" (inlined)" if frame.inlined else ""))
        if more:
            lines.append(f"       ... {len(more)} more like it")
    return lines


def _page(report: Report) -> list[str]:
    how = _CAUSES.get(report.cause)
    if how is None:
        how = report.signal_name if report.signal else f"exit status {report.exit_status}"
    where = f" in '{report.function}'" if report.function else ""
    lines = [f"worker {report.worker_pid} of '{report.module}'{where}: {how}"]
    if report.fault_address is not None or report.fault_argument is not None:
        lines.append(f"fault:   {_fault_line(report)}")
    if report.frames:
        lines += ["frames:", *_frame_lines(report)]
    if report.frames_note:
        lines.append(f"note:    {report.frames_note}")
    if report.limits_hit:
        lines.append(f"limits:  {', '.join(report.limits_hit)}")
    usage = report.resource_usage
    queued = f", {report.queued * 1e3:.1f} ms of these before its turn" if report.queued >= 1e-3 else ""
    lines.append(
        f"used:    {usage.user_time + usage.system_time:.3f} s of processor in {usage.lifetime:.3f} s, "
        f"{usage.max_rss_kib / 1024:.1f} MiB at most; {report.elapsed * 1e3:.1f} ms into the call{queued}"
    )
    if report.log_tail:
        lines += ["output:", *(f"  {line}" for line in report.log_tail[-_PAGE_LOG_LINES:])]
    lines.append(f"bucket:  {report.bucket}")
    if report.recording:
        lines.append(f"replay:  tvmffi-hostctl replay {shlex.quote(report.recording)}")
    if report.recording_note:
        lines.append(f"{'note' if report.recording else 'replay'}:".ljust(9) + report.recording_note)
    return lines


_PAGE_LOG_LINES = 12


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
        elif name in ("log_tail", "limits_hit"):
            values[name] = tuple(str(line) for line in value)
        elif name == "frames":
            values[name] = tuple(Frame(**{str(k): _plain(v) for k, v in frame.items()}) for frame in value)
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

    def __str__(self) -> str:
        """The message, and under it the report as a page if a worker died."""
        message = super().__str__()
        report = self.report
        return message if report is None or report.cause == "load" else f"{message}\n\n{report}\n"

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
