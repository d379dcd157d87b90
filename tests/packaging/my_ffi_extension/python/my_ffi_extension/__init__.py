"""A package of kernels: one wheel for every Python and every tvm_ffi."""

from __future__ import annotations

from typing import Any

import tvm_ffi

LIB = tvm_ffi.libinfo.load_lib_module("my-ffi-extension", "my_ffi_extension")


@tvm_ffi.register_object("my_ffi_extension.IntPair")
class IntPair(tvm_ffi.Object):
    a: int
    b: int

    def __init__(self, a: int, b: int) -> None:
        self.__ffi_init__(a, b)


def add_one(x: Any, y: Any) -> None:
    LIB.add_one(x, y)


tvm_ffi.init_ffi_api("my_ffi_extension", __name__)
