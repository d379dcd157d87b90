"""Mistakes that mypy must find: each line marked with the error's code, and no other."""

from __future__ import annotations

import tvm_ffi

tvm_ffi.load_module(3)  # E: arg-type
tvm_ffi.device("cuda", "1")  # E: arg-type
tvm_ffi.from_dlpack([1], require_contiguous="yes", alignment=4)  # E: call-arg arg-type
tvm_ffi.no_such_name  # E: attr-defined
tensor = tvm_ffi.from_dlpack([1])
tensor.shape = (1, 2)  # E: misc
tensor.ndim.upper()  # E: attr-defined
name: int = tvm_ffi.dtype("int8").is_bool  # a bool is an int
text: str = tvm_ffi.dtype("int8").bits  # E: assignment
with tvm_ffi.use_raw_stream("cuda", 0):  # E: arg-type
    pass
