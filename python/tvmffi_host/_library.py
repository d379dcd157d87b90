"""Finds ``libtvmffi_host.so`` and opens it as a module of the process's ``tvm_ffi``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tvm_ffi

_NAME = "libtvmffi_host.so"


def _find() -> Path:
    named = os.environ.get("TVMFFI_HOST_LIBRARY")
    if named:
        return Path(named)
    beside = Path(__file__).resolve().parent / "lib" / _NAME
    # The package's files may be links into a source tree; the library lies where the package was imported from.
    imported = Path(__file__).absolute().parent / "lib" / _NAME
    for candidate in (imported, beside):
        if candidate.exists():
            return candidate
    raise ImportError(f"cannot find {_NAME}: neither '{imported}' nor '{beside}' exists and $TVMFFI_HOST_LIBRARY is not set")


_module = tvm_ffi.load_module(str(_find()))


def function(name: str) -> Any:
    """The library's function ``name``."""
    return _module.get_function(name)
