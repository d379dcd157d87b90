"""``tvm-ffi-config``: prints what a compiler, a linker or CMake needs to know. Also ``python -m tvm_ffi.config``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable

from . import libinfo


def _includes() -> str:
    return f"-I{libinfo.find_include_path()} -I{libinfo.find_dlpack_include_path()}"


def _library_folder() -> str:
    return os.path.dirname(libinfo.find_libtvm_ffi())


# In the order of the output.
_ANSWERS: list[tuple[str, str, Callable[[], str]]] = [
    ("includedir", "folder of the headers", libinfo.find_include_path),
    ("dlpack-includedir", "folder of dlpack/dlpack.h", libinfo.find_dlpack_include_path),
    ("cmakedir", "folder of tvm_ffi-config.cmake", libinfo.find_cmake_path),
    ("libdir", "folder of libtvm_ffi.so", _library_folder),
    ("libfiles", "path of libtvm_ffi.so", libinfo.find_libtvm_ffi),
    ("sourcedir", "folder of the sources", libinfo.find_source_path),
    ("cython-lib-path", "path of the extension module", libinfo.find_cython_lib),
    ("cxxflags", "flags of a C++ compiler", lambda: _includes() + " -std=c++17"),
    ("cflags", "flags of a C compiler", _includes),
    ("libs", "libraries to link", lambda: "-ltvm_ffi"),
    ("ldflags", "flags of a linker", lambda: f"-L{_library_folder()}"),
]


def __main__() -> None:  # noqa: N807 - the console script's name
    """Print one line for each flag given; help when there is none."""
    description = "Flags and folders for building against TVM FFI."
    parser = argparse.ArgumentParser(prog="tvm-ffi-config", description=description)
    for name, what, _ in _ANSWERS:
        parser.add_argument(f"--{name}", action="store_true", help=f"print the {what}")
    arguments = vars(parser.parse_args())
    if not any(arguments.values()):
        parser.print_help()
        sys.exit(0)
    for name, _, answer in _ANSWERS:
        if arguments[name.replace("-", "_")]:
            print(answer())


if __name__ == "__main__":
    __main__()
