"""A client that sends bytes of its own choice, and other users' and neighbours' ways in."""

from __future__ import annotations

import array
import contextlib
import ctypes
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "control_frame"
NOBODY = 65534


def frame(name: str) -> bytes:
    """A whole control frame of the fuzzers' corpus."""
    return (CORPUS / name).read_bytes()[2:]


class RawClient:
    """A connection that sends what it likes."""

    def __init__(self, path: Path, greet: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        if greet:
            self.socket.sendall(frame("hello"))
            assert self.socket.recv(4096)

    def send(self, data: bytes, fds: list[int] | None = None) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([data], ancillary)

    def is_closed(self) -> bool:
        """Whether the daemon ends the connection, within the socket's time-out."""
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def ptrace_scope() -> int:
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    return int(scope.read_text()) if scope.exists() else 0


def intrude(pid: int) -> list[str]:
    """The ways into a process of the same user that are open."""
    ways: list[tuple[str, Callable[[], Any]]] = [
        ("mem", lambda: open(f"/proc/{pid}/mem", "rb").close()),
        ("environ", lambda: open(f"/proc/{pid}/environ", "rb").close()),
        ("fd", lambda: os.readlink(f"/proc/{pid}/fd/0")),
    ]
    seize, detach = 0x4206, 17
    libc = ctypes.CDLL(None)
    none = ctypes.c_long(0)
    opened = []
    if libc.ptrace(seize, ctypes.c_long(pid), none, none) == 0:
        libc.ptrace(detach, ctypes.c_long(pid), none, none)
        opened.append("ptrace")
    for name, way in ways:
        with contextlib.suppress(OSError):
            way()
            opened.append(name)
    return opened


def in_child(body: Callable[[], Any], user: int | None = None) -> str:
    """The repr of what the function returns, or the name of what it raises, in a child; with ``user`` as that one."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            answer = repr(body())
        except BaseException as error:
            answer = type(error).__name__
        os.write(write_end, answer.encode())
        os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as answers:
        answer = answers.read().decode()
    os.waitpid(child, 0)
    return answer


def as_nobody(body: Callable[[], Any]) -> str:
    """In a child that gives up being root."""
    return in_child(body, NOBODY)
