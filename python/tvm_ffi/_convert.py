"""Values as FFI calls see them."""

from __future__ import annotations

from typing import Any, Callable

from . import core


def convert(value: Any) -> Any:
    """Return what an FFI function would give back for ``value``: lists become Arrays, callables Functions."""
    if isinstance(value, (core.CObject, core.Device, core.PyNativeObject)):
        return value
    if isinstance(value, str) and type(value) is str:
        return core.String(value)
    if isinstance(value, (bytes, bytearray)):
        return core.Bytes(value)
    return core._convert(value)


def convert_func(pyfunc: Callable[..., Any], tensor_cls: type | None = None) -> core.Function:
    """Return a Function that calls ``pyfunc``.

    Tensor arguments reach it as Tensors, or with ``tensor_cls`` (a class that has ``__dlpack_c_exchange_api__``) as
    tensors of that framework.
    """
    return core._convert_func(pyfunc, tensor_cls)
