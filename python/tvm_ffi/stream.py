"""The stream on which functions called from this thread work."""

from __future__ import annotations

from contextlib import ExitStack
from ctypes import c_void_p
from typing import Any

from . import core

__all__ = ["StreamContext", "get_raw_stream", "use_raw_stream", "use_torch_stream"]


class StreamContext:
    """Sets this thread's stream of one device on entry, restores it on exit."""

    def __init__(self, device: core.Device, stream: int | c_void_p) -> None:
        self.device_type = device.dlpack_device_type()
        self.device_id = device.index
        self.stream = (stream.value or 0) if isinstance(stream, c_void_p) else stream
        self._outer: list[int] = []

    def __enter__(self) -> StreamContext:
        self._outer.append(core._env_set_stream(self.device_type, self.device_id, self.stream))
        return self

    def __exit__(self, *args: Any) -> None:
        core._env_set_stream(self.device_type, self.device_id, self._outer.pop())


def use_raw_stream(device: core.Device, stream: int | c_void_p) -> StreamContext:
    """Return a context in which functions work on a native stream, given by its handle. ValueError for anything else."""
    if not isinstance(stream, (int, c_void_p)):
        raise ValueError(f"a raw stream is an int or ctypes.c_void_p, not {type(stream).__name__}")
    return StreamContext(device, stream)


def get_raw_stream(device: core.Device) -> int:
    """Return the handle of this thread's current stream of a device; 0 is the default stream."""
    return core._env_get_stream(device.dlpack_device_type(), device.index)


class TorchStreamContext:
    """Enters a torch context, if one is given, and works on torch's current CUDA stream."""

    def __init__(self, context: Any | None) -> None:
        self._torch_context = context
        self._entered: list[ExitStack] = []

    def __enter__(self) -> TorchStreamContext:
        import torch

        with ExitStack() as stack:
            if self._torch_context is not None:
                stack.enter_context(self._torch_context)
            current = torch.cuda.current_stream()
            stack.enter_context(StreamContext(core.Device("cuda", current.device_index), current.cuda_stream))
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, *args: Any) -> None:
        self._entered.pop().__exit__(*args)


def use_torch_stream(context: Any | None = None) -> TorchStreamContext:
    """Return a context in which functions work on torch's current CUDA stream.

    ``context``, a torch stream context or CUDA graph, is entered first. ImportError without torch.
    """
    import torch  # noqa: F401 - fails here rather than on entry

    return TorchStreamContext(context)
