"""A small user of tvm_ffi that is typed strictly. Checked by mypy, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tvm_ffi
import tvm_ffi.cpp
from tvm_ffi import dataclasses as dc
from tvm_ffi import libinfo, serialization, structural
from tvm_ffi.access_path import AccessPath
from tvm_ffi.utils import FileLock
from typing_extensions import assert_type


@tvm_ffi.register_object("sample.Pair")
class Pair(tvm_ffi.Object):
    first: int
    second: int

    def __init__(self, first: int, second: int) -> None:
        self.__init_handle_by_constructor__(tvm_ffi.get_global_func("sample.Pair"), first, second)


@dc.py_class("sample.Settings")
class Settings(dc.Object):
    name: str
    rate: float = 0.5
    tags: list[str] = dc.field(default_factory=list)

    def shout(self) -> str:
        return self.name.upper()


@tvm_ffi.register_error
class SampleError(RuntimeError):
    pass


@tvm_ffi.register_global_func("sample.add")
def add(left: int, right: int) -> int:
    return left + right


class Wrapper(tvm_ffi.ObjectConvertible):
    def __init__(self, inner: tvm_ffi.Object) -> None:
        self.inner = inner

    def asobject(self) -> tvm_ffi.Object:
        return self.inner


def load(path: Path) -> tvm_ffi.Module:
    module = tvm_ffi.load_module(path)
    assert_type(module, tvm_ffi.Module)
    function = module.get_function("add_one")
    assert_type(function, tvm_ffi.Function)
    function.release_gil = False
    return module


def describe(tensor: tvm_ffi.Tensor) -> str:
    assert_type(tensor.shape, tuple[int, ...])
    device = tensor.device
    assert_type(device.index, int)
    return f"{tensor.ndim} {tensor.numel()} {tensor.size(0)} {tensor.is_contiguous()} {device.type} {tensor.data_ptr():x}"


def tensors(array: Any) -> str:
    tensor = tvm_ffi.from_dlpack(array, require_contiguous=True)
    assert_type(tensor, tvm_ffi.Tensor)
    return describe(tensor)


def types() -> int:
    half = tvm_ffi.dtype("float16")
    assert_type(half.bits, int)
    assert_type(tvm_ffi.float32, tvm_ffi.dtype)
    assert_type(tvm_ffi.device("cuda", 1), tvm_ffi.Device)
    return half.with_lanes(4).itemsize + tvm_ffi.Shape((1, 2))[0]


def containers() -> int:
    array = tvm_ffi.Array([1, 2, 3])
    items = tvm_ffi.List(["a", "b"])
    items.append("c")
    table = tvm_ffi.Dict({"a": 1})
    table["b"] = 2
    frozen = tvm_ffi.Map({"a": 1})
    for key, value in frozen.items():
        print(key, value)
    return len(array) + len(items) + len(table) + len(frozen)


def compiled() -> tvm_ffi.Module:
    return tvm_ffi.cpp.load_inline("sample", cpp_sources="int f() { return 1; }", functions=["f"], extra_cflags=["-O3"])


def compare(left: object, right: object) -> int:
    if structural.structural_equal(left, right):
        return 0
    mismatch = tvm_ffi.get_first_structural_mismatch(left, right)
    if mismatch is not None:
        assert_type(mismatch[0], AccessPath)
    return tvm_ffi.structural_hash(left)


def stored(value: tvm_ffi.Object) -> Any:
    return serialization.from_json_graph_str(serialization.to_json_graph_str(value))


def main() -> None:
    settings = Settings(name="x", rate=1)
    assert_type(settings.rate, float)
    print(settings.shout(), dc.asdict(settings), [each.name for each in dc.fields(Settings)])
    with FileLock("sample.lock"), tvm_ffi.use_raw_stream(tvm_ffi.device("cuda"), 0):
        print(tvm_ffi.get_raw_stream(tvm_ffi.device("cuda")), libinfo.find_include_path())
    function = tvm_ffi.get_global_func("sample.add", allow_missing=True)
    if function is not None:
        print(function(1, 2), tvm_ffi.convert([1, 2]))
    print(tvm_ffi.__version__, containers(), types())
