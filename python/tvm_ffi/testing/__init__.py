"""Types and functions for tests, from libtvm_ffi_testing.so."""

from __future__ import annotations

from typing import Any

from ..core import Object
from ..registry import get_global_func, init_ffi_api
from ._lock import run_with_gpu_lock
from .classes import *  # noqa: F403
from .classes import __all__ as _classes

__all__ = ["create_object", "run_with_gpu_lock", *_classes]


def create_object(type_key: str, **kwargs: Any) -> Object:
    """Make an object of a type from the values of its fields; the others get their defaults."""
    arguments = [part for item in kwargs.items() for part in item]
    return get_global_func("ffi.MakeObjectFromPackedArgs")(type_key, *arguments)


# The published package's names for some of them.
for _name in _classes:
    if _name.startswith(("TestCxx", "Schema")):
        globals()["_" + _name] = globals()[_name]

# What the library defines and no name above stands for: testing.echo, testing.add_one and so on.
init_ffi_api("testing", __name__)
