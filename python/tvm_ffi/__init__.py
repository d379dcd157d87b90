"""The TVM FFI convention in Python: load modules, call their functions, hand over callables and tensors."""

# ruff: noqa: E402, F401 - the order of these imports matters
from __future__ import annotations

from typing import TYPE_CHECKING

from . import libinfo

if TYPE_CHECKING:
    from . import config, cpp, stub, testing, utils

# tvm-ffi-config only prints flags: it needs neither the library nor the extension module.
if not libinfo.in_config_mode():
    LIB = libinfo.load_library()
    _TESTING_LIB = libinfo.load_testing_library()

    from . import core
    from . import _object  # completes core
    from ._convert import convert, convert_func
    from ._device import DLDeviceType, device
    from ._dtype import LITERALS as _LITERALS
    from ._dtype import dtype
    from ._version import __version__, __version_tuple__, warn_of_other_distribution
    from .error import register_error
    from .registry import (
        get_global_func,
        get_global_func_metadata,
        init_ffi_api,
        register_global_func,
        register_object,
        remove_global_func,
    )
    from . import _type_schema  # completes core
    from . import container, error, module, registry, stream
    from .container import Array, Dict, List, Map
    from .module import Module, load_module, system_lib
    from .stream import StreamContext, get_raw_stream, use_raw_stream, use_torch_stream
    from . import access_path, dataclasses, serialization, structural
    from .dataclasses import method
    from .structural import (
        DefRegionKind,
        StructuralKey,
        StructuralVisitor,
        VisitInterrupt,
        WalkOrder,
        WalkResult,
        get_first_structural_mismatch,
        structural_equal,
        structural_hash,
        structural_walk,
    )

    CAny = core.CAny
    CContainerBase = core.CContainerBase
    Device = core.Device
    from_dlpack = core.from_dlpack
    Function = core.Function
    Object = core.Object
    ObjectConvertible = core.ObjectConvertible
    Shape = core.Shape
    Tensor = core.Tensor

    warn_of_other_distribution()

    if TYPE_CHECKING:
        int8: dtype
        int16: dtype
        int32: dtype
        int64: dtype
        uint8: dtype
        uint16: dtype
        uint32: dtype
        uint64: dtype
        float16: dtype
        float32: dtype
        float64: dtype
        bfloat16: dtype
        float8_e3m4: dtype
        float8_e4m3: dtype
        float8_e4m3b11fnuz: dtype
        float8_e4m3fn: dtype
        float8_e4m3fnuz: dtype
        float8_e5m2: dtype
        float8_e5m2fnuz: dtype
        float8_e8m0fnu: dtype
        float6_e2m3fn: dtype
        float6_e3m2fn: dtype
        float4_e2m1fn: dtype
        float4_e2m1fnx2: dtype
        bool: dtype
    # Last: one of the literals is called `bool`.
    globals().update(_LITERALS)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a submodule that importing the package leaves out."""
        if name not in _ON_DEMAND:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})


_ON_DEMAND = ("config", "cpp", "stub", "testing", "utils")

__all__ = [
    "Array",
    "DLDeviceType",
    "DefRegionKind",
    "Device",
    "Dict",
    "Function",
    "LIB",
    "List",
    "Map",
    "Module",
    "Object",
    "ObjectConvertible",
    "Shape",
    "StreamContext",
    "StructuralKey",
    "StructuralVisitor",
    "Tensor",
    "VisitInterrupt",
    "WalkOrder",
    "WalkResult",
    "__version__",
    "__version_tuple__",
    "access_path",
    "convert",
    "convert_func",
    "cpp",
    "dataclasses",
    "device",
    "dtype",
    "from_dlpack",
    "get_first_structural_mismatch",
    "get_global_func",
    "get_global_func_metadata",
    "get_raw_stream",
    "init_ffi_api",
    "load_module",
    "method",
    "register_error",
    "register_global_func",
    "register_object",
    "remove_global_func",
    "serialization",
    "structural",
    "structural_equal",
    "structural_hash",
    "structural_walk",
    "system_lib",
    "use_raw_stream",
    "use_torch_stream",
]
