"""The contents of blocks, from what the library knows of functions and types."""

from __future__ import annotations

import keyword
from typing import Mapping

from .. import core
from .._init import _explicit_takes_fields, init_fields
from .._type_info import INIT_METHOD, TypeField, TypeInfo, TypeMethod
from .._type_schema import TypeSchema
from ..registry import _type_info_of, get_global_func_metadata, list_global_func_names
from ._directives import Block, SourceFile, StubError
from ._names import Names

INIT_FUNCTION = "_FFI_INIT_FUNC"
_UNFORMATTED = ("# fmt: off", "# fmt: on")
_UNSORTED = ("# isort: off", "# isort: on")


def functions_of(prefix: str) -> dict[str, str]:
    """The global functions ``<prefix>.<name>`` by name, sorted."""
    names = sorted(name for name in list_global_func_names() if name.startswith(prefix + "."))
    found = {name[len(prefix) + 1 :]: name for name in names}
    return {name: full for name, full in found.items() if name.isidentifier() and not keyword.iskeyword(name)}


def type_info_of(key: str) -> TypeInfo | None:
    """What the library knows of a type, None when it knows none of this key."""
    index = core._type_key_to_index(key)
    return None if index is None else _type_info_of(index)


def _schema(metadata: Mapping[str, str]) -> TypeSchema | None:
    text = metadata.get("type_schema")
    schema = TypeSchema.from_json_str(text) if text else None
    return schema if schema is not None and schema.origin == "Callable" and schema.args else None


def _parameters(schemas: tuple[TypeSchema, ...], names: Names, first: int = 0) -> list[str]:
    listed = [f"_{index}: {names.parameter(schema)}" for index, schema in enumerate(schemas, first)]
    return [*listed, "/"] if listed else []


def _define(name: str, parameters: list[str], result: str) -> str:
    return f"def {name}({', '.join(parameters)}) -> {result}: ..."


def _any(names: Names) -> str:
    return names.result(TypeSchema("Any"))


def _function(name: str, schema: TypeSchema | None, names: Names) -> str:
    if schema is None:
        return _define(name, [f"*args: {_any(names)}"], _any(names))
    result, *arguments = schema.args
    return _define(name, _parameters(tuple(arguments), names), names.result(result))


def _method(method: TypeMethod, names: Names) -> list[str]:
    schema = _schema(method.metadata)
    if method.is_static:
        return ["@staticmethod", _function(method.name, schema, names)]
    if schema is None:
        return [_define(method.name, ["self", f"*args: {_any(names)}"], _any(names))]
    result, _, *arguments = schema.args
    parameters = ["self", *(_parameters(tuple(arguments), names, first=1) or ["/"])]
    return [_define(method.name, parameters, names.result(result))]


def _field_type(field: TypeField) -> TypeSchema:
    return field.ty if field.ty is not None else TypeSchema("Any")


def _init_parameters(info: TypeInfo, names: Names) -> list[str]:
    parameters = ["self"]
    for field in init_fields(info):
        if field.c_kw_only and "*" not in parameters:
            parameters.append("*")
        default = " = ..." if field.c_has_default else ""
        parameters.append(f"{field.name}: {names.parameter(_field_type(field))}{default}")
    return parameters


def _constructors(info: TypeInfo, names: Names) -> list[str]:
    if info.constructor() is None:
        return []
    explicit = info.explicit_constructor()
    if explicit is None:
        return [_define(name, _init_parameters(info, names), "None") for name in ("__init__", INIT_METHOD)]
    schema = _schema(explicit.metadata)
    by_position = ["self"]
    by_position += [f"*args: {_any(names)}"] if schema is None else _parameters(schema.args[1:], names)
    by_name = _init_parameters(info, names) if _explicit_takes_fields(info) else by_position
    return [_define("__init__", by_name, "None"), _define(INIT_METHOD, by_position, "None")]


def _object_lines(block: Block, names: Names, indent: str) -> list[str]:
    info = type_info_of(block.name)
    if info is None:
        raise StubError(f"line {block.line_number}: the library knows no type `{block.name}`; load its library with "
                        "--dlls or --imports")
    lines = [f"{field.name}: {names.result(_field_type(field))}" for field in info.fields]
    members = _constructors(info, names)
    for method in info.methods:
        if not method.name.startswith("__"):
            members += _method(method, names)
    if members:
        names.uses_type_checking = True
        lines += ["if TYPE_CHECKING:", *(indent + member for member in members)]
    return [_UNFORMATTED[0], *lines, _UNFORMATTED[1]]


def _global_lines(block: Block, names: Names, indent: str) -> list[str] | None:
    functions = functions_of(block.prefix)
    if not functions:
        return None
    names.uses_type_checking = True
    names.add_init_function(block.import_from, INIT_FUNCTION)
    stubs = [_function(name, _schema(get_global_func_metadata(full)), names) for name, full in functions.items()]
    call = f'{INIT_FUNCTION}("{block.prefix}", __name__)'
    return [_UNFORMATTED[0], call, "if TYPE_CHECKING:", *(indent + stub for stub in stubs), _UNFORMATTED[1]]


def _export_lines(module: str) -> list[str]:
    alias = f"{module.strip('.').replace('.', '_')}__all__"
    return [
        _UNFORMATTED[0],
        _UNSORTED[0],
        f"from .{module} import *  # noqa: F403",
        f"from .{module} import __all__ as {alias}",
        'if "__all__" not in globals():',
        "    __all__ = []",
        f"__all__.extend({alias})",
        _UNSORTED[1],
        _UNFORMATTED[1],
    ]


def _all_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as import sorters do."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


def _exported(file: SourceFile, names: Names, functions: set[str]) -> list[str]:
    exported = {*functions, *(names.short(block.name) for block in file.blocks("object"))}
    if any(isinstance(part, str) and part.startswith("LIB = ") for part in file.parts):
        exported.add("LIB")
    return [f'"{name}",' for name in sorted(exported, key=_all_order)]


def _set_lines(block: Block, lines: list[str]) -> None:
    block.lines = [block.indent + line for line in lines]


def generate(file: SourceFile, type_map: Mapping[str, str], indent: str) -> None:
    """Write the contents of all blocks of a file. StubError for types that the library does not know."""
    functions = {name for block in file.blocks("global") for name in functions_of(block.prefix)}
    names = Names({**type_map, **file.type_map}, [block.name for block in file.blocks("object")], functions)
    for item in file.import_objects:
        names.add_import(item)
    for block in file.blocks("global", "object", "export"):
        if block.kind == "global":
            lines = _global_lines(block, names, indent)
        elif block.kind == "object":
            lines = _object_lines(block, names, indent)
        else:
            lines = _export_lines(block.name)
        if lines is not None:
            _set_lines(block, lines)
    for block in file.blocks("__all__"):
        _set_lines(block, _exported(file, names, functions))
    for block in file.blocks("import-section"):
        lines = names.import_lines(indent)
        _set_lines(block, [_UNFORMATTED[0], _UNSORTED[0], *lines, _UNSORTED[1], _UNFORMATTED[1]] if lines else [])
