"""Where the parts of this package, and the libraries of other packages, lie."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

if TYPE_CHECKING:
    from .module import Module

# Not resolved: in a build tree the folder holds links to sources and to the built library.
_PACKAGE = Path(__file__).absolute().parent


def in_config_mode() -> bool:
    """Whether this process only prints flags: ``tvm-ffi-config`` or ``python -m tvm_ffi.config``."""
    if sys.argv and sys.argv[0].endswith("tvm-ffi-config"):
        return True
    arguments = sys.orig_argv
    return any(pair == ("-m", "tvm_ffi.config") for pair in zip(arguments, arguments[1:]))


def _find(what: str, candidates: Sequence[Path], holds: Callable[[Path], bool]) -> str:
    for path in candidates:
        if holds(path):
            return str(path)
    raise RuntimeError(f"cannot find {what}: looked at {', '.join(map(str, candidates))}")


def find_libtvm_ffi() -> str:
    """Full path of libtvm_ffi.so. RuntimeError when it is absent."""
    return _find("libtvm_ffi.so", [_PACKAGE / "lib" / "libtvm_ffi.so"], Path.is_file)


def find_windows_implib() -> str:
    """Full path of the import library. RuntimeError where there is none, as everywhere but on Windows."""
    return _find("tvm_ffi.lib", [_PACKAGE / "lib" / "tvm_ffi.lib"], Path.is_file)


def find_source_path() -> str:
    """The folder below which the library's sources are. RuntimeError when they are not installed."""
    return _find(
        "the sources",
        list(Path(__file__).resolve().parents[:3]),
        lambda path: (path / "CMakeLists.txt").is_file() and (path / "abi").is_dir(),
    )


def find_cmake_path() -> str:
    """The folder of tvm_ffi-config.cmake. RuntimeError when it is absent."""
    return _find(
        "tvm_ffi-config.cmake",
        [_PACKAGE / "share" / "cmake" / "tvm_ffi"],
        lambda path: (path / "tvm_ffi-config.cmake").is_file(),
    )


def find_include_path() -> str:
    """The folder to include ``tvm/ffi/c_api.h`` from. RuntimeError when it is absent."""
    return _find("tvm/ffi/c_api.h", [_PACKAGE / "include"], lambda path: (path / "tvm/ffi/c_api.h").is_file())


def find_dlpack_include_path() -> str:
    """The folder to include ``dlpack/dlpack.h`` from. RuntimeError when it is absent."""
    return _find("dlpack/dlpack.h", [_PACKAGE / "include"], lambda path: (path / "dlpack/dlpack.h").is_file())


def find_python_helper_include_path() -> str:
    """The folder of tvm_ffi_python_helpers.h. RuntimeError when it is absent."""
    return _find(
        "tvm_ffi_python_helpers.h",
        [_PACKAGE / "include"],
        lambda path: (path / "tvm_ffi_python_helpers.h").is_file(),
    )


def find_cython_lib() -> str:
    """Full path of the extension module. RuntimeError when it is absent."""
    tag = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"
    built = sorted(_PACKAGE.glob("core.*.so"), key=lambda path: tag not in path.name)
    return _find("the extension module core", built or [_PACKAGE / f"core.{tag}.so"], Path.is_file)


def include_paths() -> list[str]:
    """The folders a C++ compiler needs, sorted."""
    return sorted({find_include_path(), find_dlpack_include_path(), find_python_helper_include_path()})


# --- libraries of other packages


def _library_name(target_name: str) -> str:
    return f"lib{target_name}.so"


def _paths_of_record(package: str, name: str) -> Iterator[Path]:
    # Imported here: importing this package must not pay for it.
    from importlib import metadata

    try:
        files = metadata.distribution(package).files or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == name:
            yield Path(str(file.locate()))


def _folders(package: str, extra: Sequence[Path]) -> Iterator[Path]:
    yield from extra
    for folder in sys.path:
        root = Path(folder or ".").absolute() / package.replace("-", "_")
        if root.is_dir():
            yield from (root / "build" / "lib", root / "lib", root, root / "../../build/lib", root / "../../lib")
    for variable in ("LD_LIBRARY_PATH", "PATH"):
        yield from (Path(part) for part in os.environ.get(variable, "").split(os.pathsep) if part)


def _find_library(package: str, target_name: str, extra_lib_paths: Sequence[Path] | None) -> str:
    extra = list(extra_lib_paths or ())
    for index, path in enumerate(extra):
        if not isinstance(path, Path):
            raise TypeError(f"extra_lib_paths[{index}] must be a Path, not {type(path).__name__}")
    name = _library_name(target_name)
    for path in _paths_of_record(package, name):
        if path.is_file():
            return str(path)
    searched = []
    for folder in _folders(package, extra):
        path = folder / name
        if path.is_file():
            return str(path)
        searched.append(str(folder))
    raise RuntimeError(f"Cannot find library {name} of package {package}; searched directories: {', '.join(searched)}")


def load_lib_ctypes(
    package: str, target_name: str, mode: str, extra_lib_paths: Sequence[Path] | None = None
) -> ctypes.CDLL:
    """Load a package's library ``lib<target_name>.so`` with ctypes.

    ``mode`` names a constant of ctypes, such as ``"RTLD_GLOBAL"``. RuntimeError lists the folders when none has it.
    """
    return ctypes.CDLL(_find_library(package, target_name, extra_lib_paths), getattr(ctypes, mode))


def load_lib_module(
    package: str, target_name: str, keep_module_alive: bool = True, extra_lib_paths: Sequence[Path] | None = None
) -> Module:
    """Load a package's library ``lib<target_name>.so`` as a Module. RuntimeError lists the folders when none has it."""
    from .module import load_module

    return load_module(_find_library(package, target_name, extra_lib_paths), keep_module_alive)


def load_library() -> ctypes.CDLL:
    """Load libtvm_ffi.so with global symbols, as modules without a link to it need."""
    return ctypes.CDLL(find_libtvm_ffi(), ctypes.RTLD_GLOBAL)


def load_testing_library() -> ctypes.CDLL | None:
    """Load the library of the ``testing.*`` functions and types when it is installed."""
    path = _PACKAGE / "lib" / "libtvm_ffi_testing.so"
    return ctypes.CDLL(str(path)) if path.is_file() else None
