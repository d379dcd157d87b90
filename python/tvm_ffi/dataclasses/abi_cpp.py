"""C++ views of reflected types: structs that C++ code reads and writes their objects through."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Sequence

from .. import core
from .._type_info import TypeField, TypeInfo
from .._type_schema import TypeSchema
from ..registry import _type_info_of, get_registered_type_keys

_OBJECT_INDEX = 64
_PLAIN = {
    "bool": "bool",
    "ctypes.c_void_p": "void*",
    "dtype": "DLDataType",
    "Device": "DLDevice",
    "str": "::tvm::ffi::String",
    "bytes": "::tvm::ffi::Bytes",
    "Tensor": "::tvm::ffi::Tensor",
    "Callable": "::tvm::ffi::Function",
    "Shape": "::tvm::ffi::Shape",
    "Module": "::tvm::ffi::Module",
    "Object": "::tvm::ffi::ObjectRef",
}
_SIZED = {("int", 8): "int64_t", ("int", 4): "int32_t", ("int", 2): "int16_t", ("int", 1): "int8_t"}
_SIZED |= {("float", 8): "double", ("float", 4): "float"}

_HEAD = """#pragma once

#include <tvm/ffi/tvm_ffi.h>
"""
_CHECKS = """
static_assert(sizeof(::tvm::ffi::Object) == 24);
static_assert(alignof(::tvm::ffi::Object) == 8);

#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
#endif
"""
_TAIL = """
#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
"""


class _Names:
    """The C++ name of a type: namespaces from its key, ``Obj`` at the end."""

    def __init__(self, info: TypeInfo) -> None:
        namespace, _, name = info.type_key.rpartition(".")
        self.namespace = namespace.replace(".", "::")
        self.struct = f"{name}Obj"
        self.full = f"::{self.namespace}::{self.struct}" if namespace else f"::{self.struct}"

    def inside(self, text: str) -> str:
        if not self.namespace:
            return f"\n{text}"
        return f"\nnamespace {self.namespace} {{\n\n{text}\n}}  // namespace {self.namespace}\n"


def _select(selectors: Sequence[str]) -> list[TypeInfo]:
    """Return the types of the keys and patterns with their ancestors, ancestors first."""
    keys = [str(key) for key in get_registered_type_keys()]
    indices: set[int] = set()
    for selector in selectors:
        matched = [key for key in keys if fnmatchcase(key, selector)]
        if not matched:
            raise ValueError(f"Type-key selector {selector!r} did not match any registered type")
        for key in matched:
            index = core._type_key_to_index(key)
            assert index is not None
            indices.update([index, *core._type_info(index)[1]])
    indices.discard(_OBJECT_INDEX)
    infos = [_type_info_of(index) for index in indices]
    return sorted(infos, key=lambda info: (len(info.type_ancestors), info.type_index))


def _template(name: str, schema: TypeSchema, known: dict[str, _Names]) -> str:
    return f"::tvm::ffi::{name}<{', '.join(_element_type(arg, known) for arg in schema.args)}>"


def _element_type(schema: TypeSchema, known: dict[str, _Names]) -> str:
    if schema.origin in ("int", "float"):
        return _SIZED[schema.origin, 8]
    return _object_type(schema, known)


def _object_type(schema: TypeSchema, known: dict[str, _Names]) -> str:
    if schema.origin in ("Array", "List", "Map", "Dict"):
        return _template(schema.origin, schema, known)
    if schema.origin == "tuple" and schema.args:
        return _template("Tuple", schema, known)
    if schema.origin == "tuple":
        return "::tvm::ffi::Array<::tvm::ffi::Any>"
    if schema.origin in known:
        return f"::tvm::ffi::Arc<{known[schema.origin].full}>"
    unknown = "::tvm::ffi::ObjectRef" if schema.origin_type_index >= _OBJECT_INDEX else "::tvm::ffi::Any"
    return _PLAIN.get(schema.origin, unknown)


def _member_type(info: TypeInfo, field: TypeField, known: dict[str, _Names]) -> str:
    schema = field.ty if field.ty is not None else TypeSchema("Any")
    found = _SIZED.get((schema.origin, field.size))
    if found is None and schema.origin in ("Any", "Optional", "Union", "None"):
        if field.size == 16:
            return "::tvm::ffi::Any"
        if schema.origin == "Optional" and field.size == 8:
            return f"::tvm::ffi::Optional<{_object_type(schema.args[0], known)}>"
    elif found is None:
        found = _object_type(schema, known)
    if found is None:
        raise ValueError(f"cannot describe {info.type_key}.{field.name} of {field.size} bytes in C++: {schema!r}")
    return found


def _struct(info: TypeInfo, known: dict[str, _Names]) -> str:
    names = known[info.type_key]
    parent = info.parent_type_info
    base = known[parent.type_key].full if parent is not None and parent.type_key in known else "::tvm::ffi::Object"
    lines = [f"struct alignas(8) {names.struct} : public {base} {{"]
    lines.append(f'  TVM_FFI_DECLARE_OBJECT_INFO_LOOKUP("{info.type_key}", {len(info.type_ancestors)});')
    for field in sorted(info.fields, key=lambda field: field.offset):
        place = f"offset={field.offset}, size={field.size}, align={field.alignment}"
        lines.append(f"  {_member_type(info, field, known)} {field.name};  // {place}")
    lines.append("};\n")
    if info.total_size > 0:
        lines.append(f"static_assert(sizeof({names.struct}) == {info.total_size});")
    for field in info.fields:
        member = f"{names.struct}::{field.name}"
        lines.append(f"static_assert(sizeof(decltype({member})) == {field.size});")
        lines.append(f"static_assert(offsetof({names.struct}, {field.name}) == {field.offset});")
    return "\n".join(lines) + "\n"


def gen_abi_cpp(type_keys: str | Sequence[str]) -> str:
    """Return a C++ header with a struct for each type, laid out as the type's objects are.

    The structs look their types up when they are first used; they register nothing. ``type_keys`` are keys or patterns
    such as ``"my.*"``; ancestors come with them. ValueError for one that no type matches, and for fields that have no C++
    form.
    """
    infos = _select([type_keys] if isinstance(type_keys, str) else list(type_keys))
    known: dict[str, Any] = {info.type_key: _Names(info) for info in infos}
    parts = [_HEAD]
    parts += [known[info.type_key].inside(f"struct {known[info.type_key].struct};\n") for info in infos]
    parts.append("\n")
    for info in infos:
        name = known[info.type_key].full
        parts.append(f"template <>\ninline constexpr bool tvm::ffi::is_object_subclass_v<{name}> = true;\n")
    parts.append(_CHECKS)
    parts += [known[info.type_key].inside(_struct(info, known)) for info in infos]
    parts.append(_TAIL)
    return "".join(parts)
