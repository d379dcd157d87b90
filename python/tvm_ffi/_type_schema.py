"""``core.TypeSchema``: a type as annotations and reflection describe it, and what values become of it."""

from __future__ import annotations

import collections.abc
import ctypes
import json
import types
import typing
from typing import Any, Callable

from . import core
from ._convert_value import ConversionError, convert_value

ANY_INDEX = -1
UNION_INDEX = -2
NO_INDEX = -3

_ORIGIN_INDEX = {
    "None": 0,
    "int": 1,
    "bool": 2,
    "float": 3,
    "ctypes.c_void_p": 4,
    "dtype": 5,
    "Device": 6,
    "str": 65,
    "bytes": 66,
    "Callable": 68,
    "Shape": 69,
    "Tensor": 70,
    "Array": 71,
    "Map": 72,
    "Module": 73,
    "List": 75,
    "Dict": 76,
    "Object": 64,
    "Any": ANY_INDEX,
    "Optional": UNION_INDEX,
    "Union": UNION_INDEX,
    "tuple": NO_INDEX,
}
# From the names of reflected schemas.
_ORIGIN_OF_NAME = {
    "Variant": "Union",
    "Tuple": "tuple",
    "void*": "ctypes.c_void_p",
    "DataType": "dtype",
    "dtype": "dtype",
    "DLTensor*": "Tensor",
    "const char*": "str",
    "TVMFFIByteArray*": "bytes",
    "ffi.SmallStr": "str",
    "ffi.SmallBytes": "bytes",
    "ffi.String": "str",
    "std::string": "str",
    "ffi.Bytes": "bytes",
    "ffi.Function": "Callable",
    "ffi.Shape": "Shape",
    "ffi.Tensor": "Tensor",
    "ffi.Array": "Array",
    "ffi.Map": "Map",
    "ffi.Module": "Module",
    "ffi.List": "List",
    "ffi.Dict": "Dict",
    "ffi.Object": "Object",
    "list": "List",
    "dict": "Dict",
}
_NAME_OF_INDEX = {index: name for name, index in _ORIGIN_INDEX.items() if index >= 0} | {ANY_INDEX: "Any"}
_CONTAINERS = {"Array": 1, "List": 1, "Map": 2, "Dict": 2}


class TypeSchema:
    """A type: its name ``origin`` and the types it is made of, ``args``; a Callable's result comes first."""

    __slots__ = ("_args", "origin", "origin_type_index")

    def __init__(
        self, origin: str, args: tuple[TypeSchema, ...] | None = None, origin_type_index: int | None = None
    ) -> None:
        self.origin = origin
        if origin == "Union" and args is not None and len(args) < 2:
            raise ValueError("a Union has at least two types")
        if origin == "Optional" and (args is None or len(args) != 1):
            raise ValueError("an Optional has one type")
        if not args and origin in _CONTAINERS:
            args = (TypeSchema("Any"),) * _CONTAINERS[origin]
        self._args = args
        self.origin_type_index = _index_of_origin(origin) if origin_type_index is None else origin_type_index

    @property
    def args(self) -> tuple[TypeSchema, ...]:
        """The types it is made of."""
        return self._args or ()

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing about its parts, as a plain ``tuple`` or ``Callable``."""
        return self._args is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypeSchema):
            return NotImplemented
        return (self.origin, self._args) == (other.origin, other._args)

    def __hash__(self) -> int:
        return hash((self.origin, self._args))

    @staticmethod
    def from_annotation(annotation: object) -> TypeSchema:
        """Return the schema of an annotation; TypeError when values of it cannot cross the boundary."""
        return _from_annotation(annotation)

    @staticmethod
    def from_json_obj(obj: dict[str, Any]) -> TypeSchema:
        """Return the schema of a parsed ``type_schema``."""
        name = obj["type"]
        args = obj.get("args")
        if "named_args" in obj:  # how the headers of 0.1.15 describe functions
            args = obj["named_args"]["return"] + obj["named_args"]["params"]
        parsed = None if args is None else tuple(TypeSchema.from_json_obj(arg) for arg in args)
        return TypeSchema(_ORIGIN_OF_NAME.get(name, name), parsed)

    @staticmethod
    def from_json_str(text: str) -> TypeSchema:
        """Return the schema of a ``type_schema`` in metadata."""
        return TypeSchema.from_json_obj(json.loads(text))

    @staticmethod
    def from_type_index(type_index: int, args: tuple[TypeSchema, ...] | None = None) -> TypeSchema:
        """Return the schema of a type the library knows."""
        name = _NAME_OF_INDEX.get(type_index)
        return TypeSchema(name if name is not None else core._type_info(type_index)[0], args, type_index)

    def to_json(self) -> dict[str, Any]:
        """Return what from_json_obj() reads."""
        names = {"str": "ffi.String", "bytes": "ffi.Bytes", "Callable": "ffi.Function", "Union": "Variant"}
        same = ("Array", "List", "Map", "Dict", "Shape", "Tensor", "Module", "Object")
        names |= {name: f"ffi.{name}" for name in same}
        names |= {"tuple": "Tuple", "ctypes.c_void_p": "void*", "dtype": "DataType"}
        result: dict[str, Any] = {"type": names.get(self.origin, self.origin)}
        if self._args is not None:
            result["args"] = [arg.to_json() for arg in self._args]
        return result

    def __repr__(self) -> str:
        return self.repr()

    def repr(self, ty_map: Callable[[str], str] | None = None) -> str:
        """Return it as an annotation, names mapped by ``ty_map``."""
        name_of = ty_map if ty_map is not None else (lambda name: name)
        parts = [arg.repr(ty_map) for arg in self.args]
        if self.origin == "Union":
            return " | ".join(parts)
        if self.origin == "Optional":
            return f"{parts[0]} | None"
        name = name_of(self.origin)
        if self.origin == "Callable":
            if not parts:
                return f"{name}[..., Any]"
            return f"{name}[[{', '.join(parts[1:])}], {parts[0]}]"
        if self.origin == "tuple" and self._args is not None and not parts:
            return f"{name}[()]"
        return f"{name}[{', '.join(parts)}]" if parts else name

    def input_repr(self, ty_map: Callable[[str], str] | None = None) -> str:
        """Return the annotation of a parameter: read-only protocols for containers."""
        return self.repr(lambda name: _mapped(name, INPUT_NAMES, ty_map))

    def output_repr(self, ty_map: Callable[[str], str] | None = None) -> str:
        """Return the annotation of a result."""
        return self.repr(lambda name: _mapped(name, OUTPUT_NAMES, ty_map))

    def check_value(self, value: Any) -> None:
        """Raise TypeError, saying where, unless ``value`` converts to this type."""
        self._convert(value, "type check failed")

    def convert(self, value: Any) -> core.CAny:
        """Return ``value`` converted to this type; TypeError, saying where, when it does not."""
        return core.CAny(self._convert(value, "type conversion failed"))

    def _convert(self, value: Any, what: str) -> Any:
        try:
            return convert_value(self, value)
        except ConversionError as error:
            raise TypeError(f"{what} for {self!r}: {error}") from None

    def convert_field(self, value: Any) -> Any:
        """Return the Python value a field of this type stores; TypeError, saying where, when there is none."""
        try:
            return convert_value(self, value)
        except ConversionError as error:
            raise TypeError(str(error)) from None

    def is_subtype_of(self, other: TypeSchema) -> bool:
        """Whether every value of this type is one of ``other``."""
        if other.origin == "Any" or self == other:
            return True
        if self.origin in ("Union", "Optional"):
            return all(arg.is_subtype_of(other) for arg in self._alternatives())
        if other.origin in ("Union", "Optional"):
            return any(self.is_subtype_of(arg) for arg in other._alternatives())
        if self.origin == other.origin:
            return other.is_bare or (
                len(self.args) == len(other.args) and all(a.is_subtype_of(b) for a, b in zip(self.args, other.args))
            )
        return is_derived(self.origin_type_index, other.origin_type_index)

    def _alternatives(self) -> tuple[TypeSchema, ...]:
        return (*self.args, TypeSchema("None")) if self.origin == "Optional" else self.args


INPUT_NAMES = {"Array": "Sequence", "List": "Sequence", "Map": "Mapping", "Dict": "Mapping"}
OUTPUT_NAMES = {"Array": "Sequence", "List": "MutableSequence", "Map": "Mapping", "Dict": "MutableMapping"}


def _mapped(name: str, names: dict[str, str], ty_map: Callable[[str], str] | None) -> str:
    name = names.get(name, name)
    return ty_map(name) if ty_map is not None else name


def is_derived(index: int, base: int) -> bool:
    """Whether a type is another one or derives from it."""
    if index == base:
        return True
    return index >= 64 and base >= 64 and (base == 64 or base in core._type_info(index)[1])


def _index_of_origin(origin: str) -> int:
    index = _ORIGIN_INDEX.get(origin)
    if index is None:
        known = core._type_key_to_index(origin)
        index = known if known is not None else NO_INDEX
    return index


# --- annotations


def _simple_annotations() -> dict[Any, str]:
    return {
        int: "int",
        float: "float",
        bool: "bool",
        str: "str",
        core.String: "str",
        bytes: "bytes",
        core.Bytes: "bytes",
        None: "None",
        type(None): "None",
        Any: "Any",
        ctypes.c_void_p: "ctypes.c_void_p",
        core.Device: "Device",
        core._CLASS_DTYPE: "dtype",
        core.DataType: "dtype",
        core.Tensor: "Tensor",
        core.Function: "Callable",
        core.Shape: "Shape",
        core.Object: "Object",
        list: "List",
        dict: "Dict",
        tuple: "tuple",
        typing.Callable: "Callable",
        collections.abc.Callable: "Callable",
        typing.List: "List",
        typing.Dict: "Dict",
        typing.Tuple: "tuple",
    }


_SIMPLE = _simple_annotations()


def _refuse(annotation: object) -> TypeError:
    return TypeError(f"Cannot convert {annotation!r} to TypeSchema")


def _from_annotation(annotation: Any) -> TypeSchema:
    if isinstance(annotation, TypeSchema):
        return annotation
    try:
        simple = _SIMPLE.get(annotation)
    except TypeError:  # not hashable
        raise _refuse(annotation) from None
    if simple is not None:
        return TypeSchema(simple)
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _from_generic(annotation, origin, typing.get_args(annotation))
    if not isinstance(annotation, type):
        raise _refuse(annotation)
    return _from_class(annotation)


def _from_generic(annotation: Any, origin: Any, args: tuple[Any, ...]) -> TypeSchema:
    if origin is typing.Union or origin is types.UnionType:
        return _from_union(args)
    if origin is collections.abc.Callable:
        return _from_callable(args)
    if origin is typing.Annotated:
        return _from_annotation(args[0])
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return TypeSchema("Array", (_from_annotation(args[0]),))
        return TypeSchema("tuple", () if args == ((),) else tuple(map(_from_annotation, args)))
    base = _from_annotation(origin)
    if base.origin not in _CONTAINERS or len(args) != _CONTAINERS[base.origin]:
        raise _refuse(annotation)
    return TypeSchema(base.origin, tuple(map(_from_annotation, args)))


def _from_union(args: tuple[Any, ...]) -> TypeSchema:
    members = tuple(_from_annotation(arg) for arg in args if arg is not type(None))
    if len(members) == len(args):
        return TypeSchema("Union", members)
    return TypeSchema("Optional", (members[0] if len(members) == 1 else TypeSchema("Union", members),))


def _from_callable(args: tuple[Any, ...]) -> TypeSchema:
    if not args:
        return TypeSchema("Callable")
    parameters, result = args
    if parameters is Ellipsis:
        return TypeSchema("Callable")
    return TypeSchema("Callable", (_from_annotation(result), *map(_from_annotation, parameters)))


def _from_class(cls: type) -> TypeSchema:
    info = cls.__dict__.get("__tvm_ffi_type_info__")
    if info is not None:
        return TypeSchema.from_type_index(info.type_index)
    if hasattr(cls, "__dlpack__"):
        return TypeSchema("Tensor")
    raise _refuse(cls)


core.TypeSchema = TypeSchema
