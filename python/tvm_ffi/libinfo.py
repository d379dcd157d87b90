"""Where the parts of this package lie."""

from __future__ import annotations

import ctypes
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find_libtvm_ffi() -> str:
    """Full path of libtvm_ffi.so. RuntimeError when it is absent."""
    # Not resolved: in a build tree `lib` is a link next to links to the sources.
    for folder in (Path(__file__).parent, _PACKAGE):
        path = folder / "lib" / "libtvm_ffi.so"
        if path.is_file():
            return str(path)
    raise RuntimeError(f"cannot find libtvm_ffi.so: {Path(__file__).parent / 'lib'} has none")


def load_library() -> ctypes.CDLL:
    """Load libtvm_ffi.so with global symbols, as modules without a link to it need."""
    return ctypes.CDLL(find_libtvm_ffi(), ctypes.RTLD_GLOBAL)
