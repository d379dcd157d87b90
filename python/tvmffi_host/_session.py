"""Sessions: a daemon of one's own, or a connection to a shared one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tvm_ffi

from . import _library
from ._module import load_module

_open_session = _library.function("open_session")
_close_session = _library.function("close_session")
_session_info = _library.function("session_info")


class Session:
    """A private daemon, or a connection to the one that listens at ``socket``.

    Closing it ends all its workers; modules loaded through it then raise :class:`Unavailable`.

    >>> with tvmffi_host.Session() as session:
    ...     mod = session.load_module("build/softmax.so")

    Workers of a private daemon go without the layers of the sandbox named in ``without`` (or ``"all"``), for finding out
    which one stands in a plug-in's way. They are not safe from what such a layer would have stopped.

    A private daemon keeps ``prepared`` workers started for modules to come (default 1, 0: none): a load then takes a fraction of
    the time.
    """

    def __init__(
        self,
        *,
        socket: str | os.PathLike[str] | None = None,
        without: Sequence[str] = (),
        prepared: int | None = None,
    ) -> None:
        self._handle: Any = None
        options: dict[str, Any] = {} if socket is None else {"socket": os.fspath(socket)}
        if without:
            options["without"] = list(without)
        if prepared is not None:
            options["prepared"] = prepared
        self._handle = _open_session(options)

    def _object(self) -> Any:
        if self._handle is None:
            raise ValueError("the session was closed")
        return self._handle

    def load_module(self, path: str | os.PathLike[str], **options: Any) -> tvm_ffi.Module:
        """:func:`tvmffi_host.load_module` in this session; ``worker=module`` puts it into that module's worker."""
        return load_module(path, session=self, **options)

    def info(self) -> dict[str, Any]:
        """What the daemon says of itself: ``daemon``, ``daemon_pid``, ``sessions``, ``workers``, ``uptime``, ..."""
        info = _session_info(self._object())
        return {str(name): value if isinstance(value, (int, float)) else str(value) for name, value in info.items()}

    def close(self) -> None:
        """End the session and all its workers. Closing twice is harmless."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _close_session(handle)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
