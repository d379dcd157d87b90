"""Modules: libraries of functions."""

from __future__ import annotations

import json
from enum import IntFlag
from os import PathLike, fspath
from typing import Any, ClassVar, Sequence

from . import core
from .registry import get_global_func, register_object

__all__ = ["Module", "ModulePropertyMask", "load_module", "system_lib"]


class ModulePropertyMask(IntFlag):
    """What can be done with a module."""

    BINARY_SERIALIZABLE = 1
    RUNNABLE = 2
    COMPILATION_EXPORTABLE = 4


def _call(name: str, *args: Any) -> Any:
    return get_global_func("ffi." + name)(*args)


@register_object("ffi.Module", init=False)
class Module(core.Object):
    """A loaded module. ``module.name`` and ``module["name"]`` are its functions."""

    __slots__ = ("__dict__",)

    entry_name: ClassVar[str] = "main"

    def __init__(self) -> None:
        raise TypeError("a Module is made by load_module() or system_lib()")

    @property
    def kind(self) -> str:
        """The module's kind; ``library`` for shared objects."""
        return _call("ModuleGetKind", self)

    @property
    def imports(self) -> Sequence[Module]:
        """The modules this one imports."""
        return self.imports_

    def implements_function(self, name: str, query_imports: bool = False) -> bool:
        """Whether the module (or, if asked, one of its imports) has the function."""
        return _call("ModuleImplementsFunction", self, name, query_imports)

    def get_function(self, name: str, query_imports: bool = False) -> core.Function:
        """Return the function of this name; AttributeError when there is none."""
        function = _call("ModuleGetFunction", self, name, query_imports)
        if function is None:
            raise AttributeError(f"Module has no function '{name}'")
        return function

    def get_function_metadata(self, name: str, query_imports: bool = False) -> dict[str, Any] | None:
        """Return the function's metadata, None when the module was built without."""
        text = _call("ModuleGetFunctionMetadata", self, name, query_imports)
        return None if text is None else json.loads(text)

    def get_function_doc(self, name: str, query_imports: bool = False) -> str | None:
        """Return the function's documentation, None when the module was built without."""
        text = _call("ModuleGetFunctionDoc", self, name, query_imports)
        return None if text is None else str(text)

    def import_module(self, module: Module) -> None:
        """Add an import; RuntimeError when that would close a cycle."""
        _call("ModuleImportModule", self, module)

    def clear_imports(self) -> None:
        """Drop all imports."""
        _call("ModuleClearImports", self)

    def inspect_source(self, fmt: str = "") -> str:
        """Return the module's source in a format it knows, an empty string otherwise."""
        return _call("ModuleInspectSource", self, fmt)

    def get_write_formats(self) -> Sequence[str]:
        """Return the formats write_to_file accepts."""
        return _call("ModuleGetWriteFormats", self)

    def write_to_file(self, file_name: str, fmt: str = "") -> None:
        """Save the module; RuntimeError when it cannot be saved."""
        _call("ModuleWriteToFile", self, file_name, fmt)

    def get_property_mask(self) -> int:
        """Return the bits of ModulePropertyMask that hold."""
        return _call("ModuleGetPropertyMask", self)

    def is_runnable(self) -> bool:
        """Whether its functions can be called."""
        return bool(self.get_property_mask() & ModulePropertyMask.RUNNABLE)

    def is_binary_serializable(self) -> bool:
        """Whether it can be stored as bytes."""
        return bool(self.get_property_mask() & ModulePropertyMask.BINARY_SERIALIZABLE)

    def is_compilation_exportable(self) -> bool:
        """Whether it can be exported to a compilable form."""
        return bool(self.get_property_mask() & ModulePropertyMask.COMPILATION_EXPORTABLE)

    def __getitem__(self, name: str) -> core.Function:
        """Return the function without remembering it."""
        if not isinstance(name, str):
            raise ValueError(f"a module's functions are named by str, not {type(name).__name__}")
        return self.get_function(name)

    def __getattr__(self, name: str) -> core.Function:
        """Return the function and remember it on this object."""
        function = self.get_function(name)
        self.__dict__[name] = function
        return function

    def __call__(self, *args: Any) -> Any:
        """Call the function named by ``entry_name``."""
        return self.__getattr__(self.entry_name)(*args)


def load_module(path: str | PathLike[str], keep_module_alive: bool = True) -> Module:
    """Load a module from a file; the extension says how.

    Parameters
    ----------
    path
        The file. RuntimeError when it cannot be loaded.
    keep_module_alive
        Never unload it. Without, objects that the library made must die before the last of its functions does: their
        destructors are in it.
    """
    module = _call("ModuleLoadFromFile", fspath(path))
    if keep_module_alive:
        _call("ModuleGlobalsAdd", module)
    return module


def system_lib(symbol_prefix: str = "") -> Module:
    """Return the module of the functions linked into this process under ``__tvm_ffi_<prefix>``."""
    return _call("SystemLib", symbol_prefix)
