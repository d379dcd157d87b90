"""Tensors that cross to a worker without a copy. They are tensors like any other: torch and NumPy can use them in place."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Literal

import tvm_ffi

from . import _library

_empty = _library.function("empty")
_as_input = _library.function("as_input")
_to_shared = _library.function("to_shared")
_is_shared = _library.function("is_shared")


def _dtype(dtype: Any) -> str:
    # torch.float32, numpy.dtype("float32") and numpy.float32 all end in a name the ABI knows.
    if isinstance(dtype, str):
        return dtype
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    return name.rsplit(".", 1)[-1]


def _shape(shape: int | Sequence[int]) -> list[int]:
    return [shape] if isinstance(shape, int) else [int(extent) for extent in shape]


def empty(
    shape: int | Sequence[int],
    dtype: Any = "float32",
    *,
    module: tvm_ffi.Module | None = None,
    guard: Literal["right", "left"] | None = None,
) -> tvm_ffi.Tensor:
    """A tensor in shared memory, zeroed.

    By default it has a segment of its own, mapped into each worker it is passed to; its end lies against a page that
    nobody can touch, or its beginning does with ``guard="left"``. What lies between it and the pages around it, up to 16
    bytes before it, is looked at after each call: a function that wrote there raises :class:`PolicyViolation`.

    With ``module``, a hosted module, it lies in the pool of that module's worker, which has it mapped already: made and
    passed fastest, for many fresh or small tensors. Any other worker gets copies of it, as of a plain tensor, and so does
    the worker that follows this one after a crash.

    (There is no ``module.empty``: attributes of a module are the plug-in's own functions.)
    """
    if module is not None and guard is not None:
        raise ValueError("a tensor of a module's pool has no guard pages: give either module or guard")
    return _empty(_shape(shape), _dtype(dtype), module, guard)


def zeros(
    shape: int | Sequence[int], dtype: Any = "float32", *, module: tvm_ffi.Module | None = None
) -> tvm_ffi.Tensor:
    """A tensor of zeros in shared memory. See :func:`empty`."""
    return empty(shape, dtype, module=module)


def full(
    shape: int | Sequence[int], value: float, dtype: Any = "float32", *, module: tvm_ffi.Module | None = None
) -> tvm_ffi.Tensor:
    """A tensor of equal elements in shared memory, see :func:`empty`. Of the types NumPy has."""
    tensor = empty(shape, dtype, module=module)
    numpy(tensor)[...] = value
    return tensor


def from_dlpack(tensor: Any) -> tvm_ffi.Tensor:
    """The tensor itself if it lies in shared memory, else a copy that does."""
    imported = tensor if isinstance(tensor, tvm_ffi.Tensor) else tvm_ffi.from_dlpack(tensor)
    return imported if _is_shared(imported) else _to_shared(imported)


def as_input(tensor: Any) -> tvm_ffi.Tensor:
    """A copy in sealed shared memory: no worker can change it, whatever it does, and it is never copied back."""
    imported = tensor if isinstance(tensor, tvm_ffi.Tensor) else tvm_ffi.from_dlpack(tensor)
    return _as_input(imported)


def is_shared(tensor: Any) -> bool:
    """True when ``tensor`` can be passed to a worker without a copy; to its module's one if :func:`empty` was given one."""
    imported = tensor if isinstance(tensor, tvm_ffi.Tensor) else tvm_ffi.from_dlpack(tensor)
    return bool(_is_shared(imported))


def numpy(tensor: tvm_ffi.Tensor) -> Any:
    """A writable NumPy array over a CPU tensor's memory, which it keeps alive. ``np.from_dlpack`` may be read-only."""
    import numpy as np

    device_type, _ = tensor.__dlpack_device__()
    if int(device_type) != 1:
        raise ValueError(f"the tensor is on device type {int(device_type)}, not in CPU memory")
    dtype = np.dtype(str(tensor.dtype))
    strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
    count = 1
    for extent in tensor.shape:
        count *= extent
    if count == 0:
        return np.empty(tuple(tensor.shape), dtype)
    low = sum(min(0, stride * (extent - 1)) for stride, extent in zip(strides, tensor.shape))
    high = sum(max(0, stride * (extent - 1)) for stride, extent in zip(strides, tensor.shape)) + dtype.itemsize
    first = _data_pointer(tensor)
    memory = (ctypes.c_byte * (high - low)).from_address(first + low)
    memory._keep = tensor
    return np.ndarray(tuple(tensor.shape), dtype, memory, -low, strides)


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("dtype", ctypes.c_uint32),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("byte_offset", ctypes.c_uint64),
    ]


def _data_pointer(tensor: tvm_ffi.Tensor) -> int:
    if hasattr(tensor, "data_ptr"):
        return int(tensor.data_ptr())
    capsule = tensor.__dlpack__()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    managed = ctypes.cast(get(capsule, b"dltensor"), ctypes.POINTER(_DLTensor)).contents
    return (managed.data or 0) + managed.byte_offset
