"""Plug-ins in a process of their own, used like those of :mod:`tvm_ffi`.

>>> import tvmffi_host
>>> mod = tvmffi_host.load_module("build/softmax.so", deadline=5.0)
>>> mod.softmax(x, out)

A call that crashes, hangs or is killed raises :class:`WorkerCrashed` or :class:`DeadlineExceeded` with a ``report``; the
program goes on, and the next call runs in a fresh worker.
"""

from ._errors import (
    DeadlineExceeded,
    Frame,
    HostError,
    LoadFailed,
    PolicyViolation,
    Report,
    ResourceExhausted,
    ResourceUsage,
    Unavailable,
    WorkerCrashed,
    report,
)
from ._module import load_module, reset, stats, worker_info
from ._session import Session
from ._tensor import as_input, empty, from_dlpack, full, is_shared, numpy, zeros
from ._version import __version__

__all__ = [
    "DeadlineExceeded",
    "Frame",
    "HostError",
    "LoadFailed",
    "PolicyViolation",
    "Report",
    "ResourceExhausted",
    "ResourceUsage",
    "Session",
    "Unavailable",
    "WorkerCrashed",
    "__version__",
    "as_input",
    "empty",
    "from_dlpack",
    "full",
    "is_shared",
    "load_module",
    "numpy",
    "report",
    "reset",
    "stats",
    "worker_info",
    "zeros",
]
