"""From a Python value to the one that a field of some type stores; what TypeSchema.convert and fields do."""

from __future__ import annotations

import ctypes
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Callable

from . import core

if TYPE_CHECKING:
    from ._type_schema import TypeSchema

_MAX_PROTOCOL_STEPS = 64


class ConversionError(Exception):
    """A value that is not of the type; the text says where and why."""


def type_name(value: Any) -> str:
    """Return what messages call the type of ``value``."""
    if value is None:
        return "None"
    if isinstance(value, core.String):
        return "str"
    if isinstance(value, core.Bytes):
        return "bytes"
    is_object = isinstance(value, core.CObject) and not isinstance(value, core.CContainerBase)
    if is_object and value.__chandle__() != 0:
        return core._type_info(core._type_index_of(value))[0]
    return type(value).__name__


def _expected(name: str, value: Any) -> ConversionError:
    return ConversionError(f"expected {name}, got {type_name(value)}")


def _unwrap(value: Any) -> Any:
    """Replace a value by what its value protocol gives, as arguments of calls are."""
    for _ in range(_MAX_PROTOCOL_STEPS):
        protocol = getattr(type(value), "__tvm_ffi_value__", None)
        if protocol is None:
            if isinstance(value, core.CAny):
                return core._to_py_class_value(value)
            return value.asobject() if isinstance(value, core.ObjectConvertible) else value
        value = protocol(value)
    raise ConversionError(f"__tvm_ffi_value__ of {type(value).__name__} is a cycle: no value after 64 steps")


def _to_int(schema: TypeSchema, value: Any) -> int:
    if not isinstance(value, Integral):
        protocol = getattr(type(value), "__tvm_ffi_int__", None)
        if protocol is None:
            raise _expected("int", value)
        value = protocol(value)
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ConversionError(f"integer {number} out of int64 range [{-(2**63)}, {2**63 - 1}]")
    return number


def _to_float(schema: TypeSchema, value: Any) -> float:
    if not isinstance(value, Real):
        protocol = getattr(type(value), "__tvm_ffi_float__", None)
        if protocol is None:
            raise _expected("float", value)
        value = protocol(value)
    return float(value)


def _to_bool(schema: TypeSchema, value: Any) -> bool:
    is_numpy_bool = type(value).__name__ in ("bool_", "bool") and hasattr(value, "dtype")
    if isinstance(value, Integral) or is_numpy_bool:
        return bool(value)
    raise _expected("bool", value)


def _to_str(schema: TypeSchema, value: Any) -> str:
    if not isinstance(value, str):
        raise _expected("str", value)
    return value


def _to_bytes(schema: TypeSchema, value: Any) -> bytes | bytearray:
    if not isinstance(value, (bytes, bytearray)):
        raise _expected("bytes", value)
    return value


def _to_none(schema: TypeSchema, value: Any) -> None:
    if value is not None:
        raise _expected("None", value)


def _to_pointer(schema: TypeSchema, value: Any) -> Any:
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, ctypes.c_void_p):
        return value
    protocol = getattr(type(value), "__tvm_ffi_opaque_ptr__", None)
    if protocol is None:
        raise _expected("ctypes.c_void_p", value)
    return ctypes.c_void_p(protocol(value))


def _to_dtype(schema: TypeSchema, value: Any) -> Any:
    if isinstance(value, core.DataType):
        return core._CLASS_DTYPE(value)
    if isinstance(value, str):
        try:
            return core._CLASS_DTYPE(value)
        except ValueError:
            raise ConversionError(f"expected dtype, got invalid dtype string {str(value)!r}") from None
    converted = _crossed(value)
    if not isinstance(converted, core._CLASS_DTYPE):
        raise _expected("dtype", value)
    return converted


def _to_device(schema: TypeSchema, value: Any) -> Any:
    if isinstance(value, core.Device):
        return value
    if isinstance(value, str):
        try:
            return core._CLASS_DEVICE(value)
        except ValueError:
            raise ConversionError(f"expected Device, got invalid device string {str(value)!r}") from None
    converted = _crossed(value)
    if not isinstance(converted, core.Device):
        raise _expected("Device", value)
    return converted


def _crossed(value: Any) -> Any:
    """Return the value after a trip through the boundary; itself when it cannot cross."""
    try:
        return core._convert(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _to_callable(schema: TypeSchema, value: Any) -> Any:
    if isinstance(value, core.CFunction) or callable(value):
        return value
    raise _expected("Callable", value)


def _to_tensor(schema: TypeSchema, value: Any) -> Any:
    if isinstance(value, core.CTensor):
        return value
    if not hasattr(type(value), "__dlpack__") and not hasattr(type(value), "__dlpack_c_exchange_api__"):
        raise _expected("Tensor", value)
    try:
        return core.from_dlpack(value)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise ConversionError(f"expected Tensor, got {type_name(value)}: {error}") from None


def _to_shape(schema: TypeSchema, value: Any) -> Any:
    if not isinstance(value, (tuple, list, core.CSequenceBase)):
        raise _expected("Shape", value)
    try:
        return core.Shape(tuple(value))
    except ValueError as error:
        raise ConversionError(f"expected Shape: {error}") from None


def _elements(schema: TypeSchema, value: Any, what: str) -> list[Any]:
    if not isinstance(value, (list, tuple, core.CSequenceBase)):
        raise _expected(what, value)
    return list(value)


def _convert_each(schemas: Any, values: list[Any]) -> list[Any]:
    converted = []
    for i, (schema, value) in enumerate(zip(schemas, values)):
        try:
            converted.append(convert_value(schema, value))
        except ConversionError as error:
            raise ConversionError(f"element [{i}]: {error}") from None
    return converted


def _to_sequence(schema: TypeSchema, value: Any) -> Any:
    cls = _container_class(schema.origin)
    values = _elements(schema, value, schema.origin)
    element = schema.args[0]
    if element.origin == "Any":
        return value if type(value) is cls else cls(values)
    converted = _convert_each([element] * len(values), values)
    if type(value) is cls and all(a is b for a, b in zip(converted, values)):
        return value
    return cls(converted)


def _to_mapping(schema: TypeSchema, value: Any) -> Any:
    cls = _container_class(schema.origin)
    if not isinstance(value, (dict, _container_class("Map"), _container_class("Dict"))):
        raise _expected(schema.origin, value)
    key_schema, value_schema = schema.args
    if type(value) is cls and key_schema.origin == value_schema.origin == "Any":
        return value
    items = list(value.items())
    converted = [(_key(key_schema, key), _value_for(value_schema, key, item)) for key, item in items]
    if type(value) is cls and all(a is c and b is d for (a, b), (c, d) in zip(items, converted)):
        return value
    return cls(dict(converted))


def _key(schema: TypeSchema, key: Any) -> Any:
    try:
        return convert_value(schema, key)
    except ConversionError as error:
        raise ConversionError(f"key {key!r}: {error}") from None


def _value_for(schema: TypeSchema, key: Any, value: Any) -> Any:
    try:
        return convert_value(schema, value)
    except ConversionError as error:
        raise ConversionError(f"value for key {key!r}: {error}") from None


def _to_tuple(schema: TypeSchema, value: Any) -> Any:
    array = _container_class("Array")
    values = _elements(schema, value, "tuple")
    if schema.is_bare:
        return value if type(value) is array else array(values)
    if len(values) != len(schema.args):
        raise ConversionError(
            f"expected tuple of length {len(schema.args)}, got {type_name(value)} of length {len(values)}"
        )
    return array(_convert_each(schema.args, values))


def _to_optional(schema: TypeSchema, value: Any) -> Any:
    return None if value is None else convert_value(schema.args[0], value)


def _to_union(schema: TypeSchema, value: Any) -> Any:
    # A member that takes the value as it is comes before one that converts it.
    for exactly in (True, False):
        for member in schema.args:
            try:
                converted = convert_value(member, value)
            except ConversionError:
                continue
            if not exactly or type(converted) is type(value):
                return converted
    raise _expected(repr(schema), value)


def _to_object(schema: TypeSchema, value: Any) -> Any:
    from ._type_schema import is_derived

    held = value
    if not isinstance(value, core.CObject):
        protocol = getattr(type(value), "__tvm_ffi_object__", None)
        held = protocol(value) if protocol is not None else value
    if isinstance(held, core.CObject) and held.__chandle__() != 0:
        if is_derived(core._type_index_of(held), schema.origin_type_index):
            return held
    if schema.origin_type_index == 64:
        crossed = _crossed(value)
        if isinstance(crossed, (core.CObject, core.Shape)) or type(crossed) in (core.String, core.Bytes):
            return crossed
        raise _expected(schema.origin, value)
    return _by_convert_hook(schema, value)


def _by_convert_hook(schema: TypeSchema, value: Any) -> Any:
    hook = core._type_attr(schema.origin_type_index, "__ffi_convert__")
    if hook is None:
        raise _expected(schema.origin, value)
    try:
        return hook(value)
    except Exception as error:
        text = str(error).replace("\n", "\n    ")
        raise ConversionError(
            f"expected {schema.origin}, got {type_name(value)}\n  __ffi_convert__ failed:\n    {text}"
        ) from None


def _container_class(name: str) -> Any:
    from . import container

    return getattr(container, name)


_BY_ORIGIN: dict[str, Callable[[TypeSchema, Any], Any]] = {
    "Any": lambda schema, value: value,
    "None": _to_none,
    "int": _to_int,
    "float": _to_float,
    "bool": _to_bool,
    "str": _to_str,
    "bytes": _to_bytes,
    "ctypes.c_void_p": _to_pointer,
    "dtype": _to_dtype,
    "Device": _to_device,
    "Callable": _to_callable,
    "Tensor": _to_tensor,
    "Shape": _to_shape,
    "Array": _to_sequence,
    "List": _to_sequence,
    "Map": _to_mapping,
    "Dict": _to_mapping,
    "tuple": _to_tuple,
    "Optional": _to_optional,
    "Union": _to_union,
}


def convert_value(schema: TypeSchema, value: Any) -> Any:
    """Return ``value`` as one of the type; ConversionError when it is none, TypeError for an unknown type."""
    if hasattr(type(value), "__tvm_ffi_value__") or isinstance(value, (core.CAny, core.ObjectConvertible)):
        value = _unwrap(value)
    convert = _BY_ORIGIN.get(schema.origin)
    if convert is not None:
        return convert(schema, value)
    if schema.origin_type_index < 64:
        raise TypeError(f"unknown TypeSchema origin: {schema.origin!r}")
    return _to_object(schema, value)
