"""The TVM FFI convention in Python: load modules, call their functions, hand over callables and tensors."""

from __future__ import annotations

from . import libinfo

LIB = libinfo.load_library()

from . import core  # noqa: E402 - needs the library's symbols
from . import _object  # noqa: E402, F401 - completes core
from ._convert import convert, convert_func  # noqa: E402
from ._device import DLDeviceType, device  # noqa: E402
from ._dtype import LITERALS as _LITERALS  # noqa: E402
from ._dtype import dtype  # noqa: E402
from ._version import __version__, __version_tuple__, warn_of_other_distribution  # noqa: E402
from .error import register_error  # noqa: E402
from .registry import (  # noqa: E402
    get_global_func,
    get_global_func_metadata,
    init_ffi_api,
    register_global_func,
    register_object,
    remove_global_func,
)

from . import container, error, module, registry, stream  # noqa: E402, F401
from .container import Array, Dict, List, Map  # noqa: E402
from .module import Module, load_module, system_lib  # noqa: E402
from .stream import StreamContext, get_raw_stream, use_raw_stream  # noqa: E402

CContainerBase = core.CContainerBase
Device = core.Device
from_dlpack = core.from_dlpack
Function = core.Function
Object = core.Object
ObjectConvertible = core.ObjectConvertible
Shape = core.Shape
Tensor = core.Tensor

warn_of_other_distribution()

__all__ = [
    "LIB",
    "Array",
    "CContainerBase",
    "DLDeviceType",
    "Device",
    "Dict",
    "Function",
    "List",
    "Map",
    "Module",
    "Object",
    "ObjectConvertible",
    "Shape",
    "StreamContext",
    "Tensor",
    "__version__",
    "__version_tuple__",
    "convert",
    "convert_func",
    "device",
    "dtype",
    "from_dlpack",
    "get_global_func",
    "get_global_func_metadata",
    "get_raw_stream",
    "init_ffi_api",
    "load_module",
    "register_error",
    "register_global_func",
    "register_object",
    "remove_global_func",
    "system_lib",
    "use_raw_stream",
]

# Last: one of the literals is called `bool`.
globals().update(_LITERALS)
