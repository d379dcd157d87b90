"""``tvm_ffi.dtype``: element types that are also their names."""

from __future__ import annotations

import sys
from typing import Any

from . import core

_INT, _UINT, _FLOAT, _HANDLE, _BFLOAT, _BOOL = 0, 1, 2, 3, 4, 6

_NARROW_FLOATS = {
    "float8_e3m4": (7, 8, 1),
    "float8_e4m3": (8, 8, 1),
    "float8_e4m3b11fnuz": (9, 8, 1),
    "float8_e4m3fn": (10, 8, 1),
    "float8_e4m3fnuz": (11, 8, 1),
    "float8_e5m2": (12, 8, 1),
    "float8_e5m2fnuz": (13, 8, 1),
    "float8_e8m0fnu": (14, 8, 1),
    "float6_e2m3fn": (15, 6, 1),
    "float6_e3m2fn": (16, 6, 1),
    "float4_e2m1fn": (17, 4, 1),
}
_NUMPY_KINDS = {"i": _INT, "u": _UINT, "f": _FLOAT}


class dtype(str):  # noqa: N801 - the convention's name
    """An element type. It equals its own spelling; ``dtype("int")`` and ``dtype("int32")`` are different strings."""

    __slots__ = ("_tvm_ffi_dtype",)
    _tvm_ffi_dtype: core.DataType

    def __new__(cls, content: Any) -> dtype:
        """Parse ``str(content)``; ValueError for an unknown name."""
        text = str(content)
        value = str.__new__(cls, text)
        value._tvm_ffi_dtype = content if isinstance(content, core.DataType) else core.DataType(text)
        return value

    @staticmethod
    def from_dlpack_data_type(data_type: tuple[int, int, int]) -> dtype:
        """Return the dtype of a (code, bits, lanes) tuple."""
        return dtype(core._make_data_type(*data_type))

    @staticmethod
    def is_dtype(x: object) -> bool:
        """Whether ``x`` is a dtype or names one."""
        if isinstance(x, dtype):
            return True
        try:
            dtype(x)
        except (ValueError, TypeError):
            return False
        return isinstance(x, str)

    @property
    def type_code(self) -> int:
        """DLDataTypeCode."""
        return self._tvm_ffi_dtype.type_code

    @property
    def bits(self) -> int:
        """Bits of one lane."""
        return self._tvm_ffi_dtype.bits

    @property
    def lanes(self) -> int:
        """Number of lanes."""
        return self._tvm_ffi_dtype.lanes

    @property
    def itemsize(self) -> int:
        """Bytes of one element; ValueError for a scalable vector."""
        return self._tvm_ffi_dtype.itemsize

    @property
    def is_bool(self) -> bool:
        """Whether it is a boolean."""
        return self.type_code == _BOOL

    @property
    def is_integer(self) -> bool:
        """Whether it is an integer, signed or not."""
        return self.type_code in (_INT, _UINT)

    @property
    def is_float(self) -> bool:
        """Whether it is a floating point number of any width."""
        return self.type_code in (_FLOAT, _BFLOAT) or self.type_code >= 7

    @property
    def is_handle(self) -> bool:
        """Whether it is an opaque handle."""
        return self.type_code == _HANDLE

    def with_lanes(self, lanes: int) -> dtype:
        """Return the vector type of this element type."""
        return dtype.from_dlpack_data_type((self.type_code, self.bits, lanes))

    def __repr__(self) -> str:
        return f"dtype('{str(self)}')"

    def __reduce__(self) -> Any:
        return dtype, (str(self),)


_torch_dtypes: dict[Any, core.DataType] = {}


def _fill_torch_dtypes(torch: Any) -> None:
    names = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
    names += ["float16", "float32", "float64", "bfloat16", "bool"]
    for name in names + list(_NARROW_FLOATS):
        if hasattr(torch, name):
            _torch_dtypes[getattr(torch, name)] = core.DataType(name)
    if hasattr(torch, "float4_e2m1fn_x2"):
        _torch_dtypes[torch.float4_e2m1fn_x2] = core._make_data_type(17, 4, 2)


def _torch_dtype_to_data_type(value: Any) -> core.DataType:
    if not _torch_dtypes:
        _fill_torch_dtypes(sys.modules["torch"])
    found = _torch_dtypes.get(value)
    if found is None:
        raise ValueError(f"{value!r} has no counterpart among FFI dtypes")
    return found


def _numpy_dtype_to_data_type(value: Any) -> core.DataType:
    code = _NUMPY_KINDS.get(value.kind)
    if code is not None and value.itemsize in (1, 2, 4, 8) and value.isnative:
        return core._make_data_type(code, value.itemsize * 8, 1)
    if value.kind == "b":
        return core._make_data_type(_BOOL, 8, 1)
    narrow = {"int2", "int4", "uint2", "uint4", "bfloat16", *_NARROW_FLOATS}
    if value.name in narrow:
        return core.DataType(value.name)
    raise ValueError(f"{value!r} has no counterpart among FFI dtypes")


def _dtype_of_result(value: core.DataType) -> dtype:
    return dtype(value)


core._install(
    dtype=dtype,
    _CLASS_DTYPE=dtype,
    torch_dtype_to_data_type=_torch_dtype_to_data_type,
    numpy_dtype_to_data_type=_numpy_dtype_to_data_type,
)

# The literals exported by the package; `bool` is among them, so builtins are not used below this line.
LITERALS = {
    name: dtype(name)
    for name in (
        "bool",
        *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        "float16",
        "float32",
        "float64",
        "bfloat16",
        *_NARROW_FLOATS,
        "float4_e2m1fnx2",
    )
}
