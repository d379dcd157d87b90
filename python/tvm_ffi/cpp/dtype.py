"""Names of C++ types for dtypes, for sources that are made from templates."""

from __future__ import annotations

from typing import Any

_STANDARD = {f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_STANDARD |= {"float32": "float", "float64": "double", "bool": "bool"}
_CUDA = {
    "float16": "__half",
    "bfloat16": "__nv_bfloat16",
    "float8_e4m3fn": "__nv_fp8_e4m3",
    "float8_e5m2": "__nv_fp8_e5m2",
    "float8_e8m0fnu": "__nv_fp8_e8m0",
    "float4_e2m1": "__nv_fp4_e2m1",
    "float4_e2m1fn": "__nv_fp4_e2m1",
    "float4_e2m1fn_x2": "__nv_fp4x2_e2m1",
}
_HIP = {
    "float16": "__half",
    "bfloat16": "__hip_bfloat16",
    "float8_e4m3fn": "__hip_fp8_e4m3",
    "float8_e4m3fnuz": "__hip_fp8_e4m3_fnuz",
    "float8_e5m2": "__hip_fp8_e5m2",
    "float8_e5m2fnuz": "__hip_fp8_e5m2_fnuz",
    "float4_e2m1": "__hip_fp4_e2m1",
    "float4_e2m1fn": "__hip_fp4_e2m1",
    "float4_e2m1fn_x2": "__hip_fp4x2_e2m1",
}


def _gpu_names() -> dict[str, str]:
    try:
        import torch
    except ImportError:
        return {}
    if not torch.cuda.is_available():
        return {}
    return _HIP if torch.version.hip else _CUDA


def to_cpp_dtype(dtype_str: str | Any) -> str:
    """Return the C++ type of a dtype, given by name or as a torch.dtype.

    The small floating-point types have a name only where torch sees a GPU, whose headers define them. ValueError for a
    dtype without C++ type.
    """
    name = str(dtype_str).removeprefix("torch.")
    found = _STANDARD.get(name) or _gpu_names().get(name)
    if found is None:
        raise ValueError(f"dtype {name!r} has no C++ type here: expected one of {', '.join(_STANDARD)}")
    return found
