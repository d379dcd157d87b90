"""First versions of a package's files, for what a library registers under one prefix."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .. import core
from .._type_info import TypeInfo
from ..registry import get_registered_type_keys, list_global_func_names
from ._generate import type_info_of

_MARK = "# tvm-ffi-stubgen"


class Package(NamedTuple):
    """The package's name for pip, the library's target in CMake, the prefix of its registered names."""

    name: str
    library: str
    prefix: str

    @property
    def root(self) -> str:
        """The name of its outermost module."""
        return self.prefix.rstrip(".")


def _block(name: str) -> list[str]:
    return [f"{_MARK}(begin): {name}", f"{_MARK}(end)"]


def _modules(package: Package) -> dict[str, list[TypeInfo]]:
    """The modules that the registered names belong to, with their types: bases first."""
    modules: dict[str, list[TypeInfo]] = {package.root: []}
    for name in list_global_func_names():
        if name.startswith(package.root + "."):
            modules.setdefault(name.rpartition(".")[0], [])
    for key in map(str, get_registered_type_keys()):
        if key.startswith(package.root + "."):
            info = type_info_of(key)
            assert info is not None
            modules.setdefault(key.rpartition(".")[0], []).append(info)
    for infos in modules.values():
        infos.sort(key=lambda info: (len(info.type_ancestors), info.type_key))
    return dict(sorted(modules.items()))


def _base_of(info: TypeInfo, module: str) -> tuple[str, str | None]:
    """The name of a type's base class, and what to import it from if it is not of the module."""
    key = core._type_info(info.type_ancestors[-1])[0] if info.type_ancestors else "ffi.Object"
    if key.rpartition(".")[0] == module:
        return key.rpartition(".")[2], None
    alias = "_" + key.replace(".", "_")
    return alias, f"{key};False;{alias}"


def _class_lines(info: TypeInfo, module: str) -> list[str]:
    base, imported = _base_of(info, module)
    name = info.type_key.rpartition(".")[2]
    lines = [f"{_MARK}(import-object): tvm_ffi.register_object;False;_FFI_REG_OBJ"]
    lines += [f"{_MARK}(import-object): {imported}"] if imported else []
    lines += [f'@_FFI_REG_OBJ("{info.type_key}")', f"class {name}({base}):"]
    lines += [f'    """FFI binding for `{info.type_key}`."""', ""]
    return [*lines, *("    " + line for line in _block(f"object/{info.type_key}")), "", ""]


def _api_text(package: Package, module: str, infos: list[TypeInfo]) -> str:
    lines = [f'"""FFI API bindings for {module}."""', "", *_block("import-section")]
    if module == package.root:
        lines.append(f"{_MARK}(import-object): tvm_ffi.libinfo.load_lib_module;False;_FFI_LOAD_LIB")
        lines.append(f'LIB = _FFI_LOAD_LIB("{package.name}", "{package.library}")')
    lines += _block(f"global/{module}")
    for info in infos:
        lines += _class_lines(info, module)
    lines += ["__all__ = [", *("    " + line for line in _block("__all__")), "]"]
    return "\n".join(lines) + "\n"


def _package_text(module: str) -> str:
    return "\n".join([f'"""Package {module}."""', "", *_block("export/_ffi_api")]) + "\n"


def missing_files(package: Package, folder: Path) -> dict[Path, str]:
    """The files that the package lacks below ``folder``, with blocks that are still empty."""
    texts = {}
    for module, infos in _modules(package).items():
        place = folder.joinpath(*module.split("."))
        texts[place / "_ffi_api.py"] = _api_text(package, module, infos)
        texts[place / "__init__.py"] = _package_text(module)
    return {path: text for path, text in texts.items() if not path.exists()}
