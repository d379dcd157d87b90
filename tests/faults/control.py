"""The file that the sweep shares with every process that has libfail_nth.so: fail_nth.h says what lies in it."""

from __future__ import annotations

import ctypes
import errno
import mmap
from pathlib import Path

ROLES = ("client", "daemon", "start", "worker", "symbolizer")


class _Frame(ctypes.Structure):
    _fields_ = [("object", ctypes.c_char * 64), ("offset", ctypes.c_uint64)]


class _Failure(ctypes.Structure):
    _fields_ = [
        ("happened", ctypes.c_uint32),
        ("role", ctypes.c_uint32),
        ("pid", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("name", ctypes.c_char * 32),
        ("depth", ctypes.c_uint32),
        ("unused", ctypes.c_uint32),
        ("frames", _Frame * 12),
    ]


class Control(ctypes.Structure):
    _fields_ = [
        ("armed", ctypes.c_uint32),
        ("role", ctypes.c_uint32),
        ("nth", ctypes.c_uint64),
        ("interrupt", ctypes.c_uint32),
        ("record_sites", ctypes.c_uint32),
        ("counts", ctypes.c_uint64 * len(ROLES)),
        ("failure", _Failure),
        ("sites", (ctypes.c_uint64 * 4096) * len(ROLES)),
    ]

    def aim(self, role: str, nth: int, *, interrupt: bool = False, record_sites: bool = False) -> None:
        """Makes the ``nth`` call of ``role`` the one to fail, once ``armed`` is set. 0: none."""
        ctypes.memset(ctypes.addressof(self), 0, ctypes.sizeof(self))
        self.role = ROLES.index(role)
        self.nth = nth
        self.interrupt = interrupt
        self.record_sites = record_sites

    def failed_call(self) -> FailedCall | None:
        failure = self.failure
        if not failure.happened:
            return None
        frames = [(frame.object.decode(), frame.offset) for frame in failure.frames[: failure.depth]]
        return FailedCall(ROLES[failure.role], failure.name.decode(), errno.errorcode[failure.error], frames)


class FailedCall:
    """Which call was made to fail, with what, and where."""

    def __init__(self, role: str, name: str, error: str, frames: list[tuple[str, int]]) -> None:
        self.role = role
        self.name = name
        self.error = error
        self.frames = frames

    def __str__(self) -> str:
        return f"{self.role}: {self.name} -> {self.error}"


def open_control(path: Path) -> Control:
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), ctypes.sizeof(Control))
    return Control.from_buffer(memory)


def create_control(path: Path) -> Control:
    path.write_bytes(bytes(ctypes.sizeof(Control)))
    return open_control(path)
