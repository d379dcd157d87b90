"""The names that annotations of one file use, and the imports these need."""

from __future__ import annotations

import builtins
from collections import defaultdict
from typing import Iterable, Mapping

from .._type_schema import INPUT_NAMES, OUTPUT_NAMES, TypeSchema
from ._directives import ImportObject

_FULL_NAMES = {
    **{name: f"collections.abc.{name}" for name in {*INPUT_NAMES.values(), *OUTPUT_NAMES.values()}},
    "Any": "typing.Any",
    "Callable": "typing.Callable",
    **{name: f"tvm_ffi.{name}" for name in ("Device", "Module", "Object", "Shape", "Tensor", "dtype")},
    **{f"ffi.{name}": f"tvm_ffi.dataclasses.{name}" for name in ("Enum", "IntEnum", "StrEnum")},
    "ffi.Error": "tvm_ffi.core.Error",
}
_MOVED_MODULES = {"ffi.": "tvm_ffi.", "testing.": "tvm_ffi.testing."}


def full_name_of(key: str) -> str:
    """The name by which Python imports what the library calls ``key``."""
    if key in _FULL_NAMES:
        return _FULL_NAMES[key]
    for prefix, module in _MOVED_MODULES.items():
        if key.startswith(prefix):
            return module + key[len(prefix) :]
    return key


class Names:
    """Gives names to types and remembers what must be imported for them."""

    def __init__(self, type_map: Mapping[str, str], defined: Iterable[str], functions: Iterable[str]) -> None:
        self._type_map = type_map
        # What the file defines itself, by full name.
        self._names = {self.mapped(key): self.short(key) for key in defined}
        self._taken = {*self._names.values(), *functions}
        self._runtime: dict[str, set[str]] = defaultdict(set)
        self._type_checking: dict[str, set[str]] = defaultdict(set)
        self.uses_type_checking = False

    def mapped(self, key: str) -> str:
        """The full name of a type, as the file's ``ty-map`` says."""
        target = self._type_map.get(key)
        return full_name_of(key) if target is None else full_name_of(target)

    def short(self, key: str) -> str:
        """The last part of a type's name."""
        return self.mapped(key).rpartition(".")[2]

    def parameter(self, schema: TypeSchema) -> str:
        """The annotation of a parameter."""
        return schema.repr(lambda key: self._use(key, INPUT_NAMES))

    def result(self, schema: TypeSchema) -> str:
        """The annotation of a result or a field."""
        return schema.repr(lambda key: self._use(key, OUTPUT_NAMES))

    def _use(self, key: str, protocols: Mapping[str, str]) -> str:
        key = key if key in self._type_map else protocols.get(key, key)
        full_name = self.mapped(key)
        if full_name not in self._names:
            self._names[full_name] = self._import(full_name)
        return self._names[full_name]

    def _import(self, full_name: str) -> str:
        module, _, short = full_name.rpartition(".")
        if not module:
            return full_name
        name = short if short not in self._taken and not hasattr(builtins, short) else full_name.replace(".", "_")
        self._taken.add(name)
        self._type_checking[module].add(_imported(short, name))
        return name

    def add_import(self, item: ImportObject) -> None:
        """Import what the file or a block asks for, under its alias."""
        module, _, short = full_name_of(item.full_name).rpartition(".")
        target = self._type_checking if item.type_checking_only else self._runtime
        target[module].add(_imported(short, item.alias or short))

    def add_init_function(self, import_from: str, alias: str) -> None:
        """Import init_ffi_api, from a module of the file's choice."""
        module = full_name_of(import_from + ".x").rpartition(".")[0] if import_from else "tvm_ffi"
        module = import_from if import_from.startswith(".") else module
        self._runtime[module].add(_imported("init_ffi_api", alias))

    def import_lines(self, indent: str) -> list[str]:
        """The import statements, sorted."""
        if not (self._runtime or self._type_checking or self.uses_type_checking):
            return []
        lines = _statements(self._runtime)
        if self._type_checking or self.uses_type_checking:
            lines = sorted([*lines, "from typing import TYPE_CHECKING"], key=_module_of)
        if self._type_checking:
            lines += ["if TYPE_CHECKING:", *(indent + line for line in _statements(self._type_checking))]
        return ["from __future__ import annotations", *lines]


def _imported(short: str, name: str) -> str:
    return short if short == name else f"{short} as {name}"


def _module_of(statement: str) -> str:
    return statement.split()[1]


def _statements(imports: Mapping[str, set[str]]) -> list[str]:
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(imports.items())]
