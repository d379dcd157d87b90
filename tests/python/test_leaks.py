"""A million calls of each kind leave no memory behind; ten thousand in a quick run."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from typing import Any, Callable

import numpy as np
import pytest
import tvm_ffi

PAGE = os.sysconf("SC_PAGE_SIZE")
WARM_UP = 3000
# A leak of one small Python object a call is 480 KB and more.
RUNS = [pytest.param(10_000, 384 << 10), pytest.param(1_000_000, 1 << 20, marks=pytest.mark.slow)]
BLOCKS = 200


class Plain:
    pass


class FromInt:
    def __tvm_ffi_int__(self) -> int:
        return 3


class Half:
    """The end of a list whose conversion fails after its other elements were converted."""

    def __tvm_ffi_value__(self) -> object:
        raise KeyError("half")


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


def swallow(error: type[Exception], function: Callable[..., Any], *args: Any) -> Callable[[], None]:
    def call() -> None:
        try:
            function(*args)
        except error:
            return
        raise AssertionError("no error was raised")

    return call


def fail(*_: object) -> None:
    raise ValueError("from a callback")


def value_kinds(echo: tvm_ffi.Function) -> dict[str, Callable[[], Any]]:
    value, long_text = Plain(), "a text that lives on the heap"
    own = echo(long_text)
    return {
        "int": lambda: echo(7),
        "int of two digits": lambda: echo(2**62),
        "float": lambda: echo(1.5),
        "short str": lambda: echo("short"),
        "long str": lambda: echo(long_text),
        "String": lambda: echo(own),
        "str beyond ASCII": lambda: echo("日本語日本語"),
        "bytes": lambda: echo(b"bytes that live on the heap"),
        "tuple": lambda: echo((1, 2.5, None, long_text)),
        "nested list and dict": lambda: echo([value, {"k": value, long_text: [1, long_text]}]),
        "opaque object": lambda: echo(value),
        "int protocol": lambda: echo(FromInt()),
        "Shape": lambda: echo(tvm_ffi.Shape((1, 2, 3))),
        "dtype": lambda: echo(tvm_ffi.float32),
        "device": lambda: echo(tvm_ffi.device("cuda", 1)),
        "keyword refused": swallow(TypeError, lambda: echo(x=1)),
        "int too large": swallow(OverflowError, echo, 2**70),
        "half a list": swallow(KeyError, echo, [long_text, value, Half()]),
    }


def call_kinds(mod: tvm_ffi.Module) -> dict[str, Callable[[], Any]]:
    value, kept = Plain(), tvm_ffi.convert(lambda x: x)
    return {
        "nothing": mod.nop,
        "many arguments": lambda: mod.count_args(*range(20)),
        "callback": lambda: mod.apply(lambda x: x, value),
        "callback kept": lambda: mod.apply(kept, value),
        "callback's text": lambda: mod.apply(lambda x: x, "a text that lives on the heap"),
        "callback's error": swallow(ValueError, mod.apply, fail, 1),
        "error": swallow(ValueError, mod.raise_error, "ValueError", "no such thing"),
        "function looked up": lambda: mod["nop"],
        "wrapped function": lambda: tvm_ffi.convert(fail),
    }


def container_kinds() -> dict[str, Callable[[], Any]]:
    array, items = tvm_ffi.Array([1, "a text that lives on the heap"]), tvm_ffi.Map({"a": [1]})
    changing, table = tvm_ffi.List([1]), tvm_ffi.Dict({})

    def change() -> None:
        changing.append("another text on the heap")
        changing.pop()
        table["key"] = [1, 2]
        del table["key"]

    return {
        "Array": lambda: tvm_ffi.Array([1, "two", None]),
        "Array item": lambda: array[1],
        "Array iterated": lambda: list(array),
        "Map item": lambda: items["a"],
        "Map missing": swallow(KeyError, lambda: items["z"]),
        "List and Dict changed": change,
        "compared": lambda: array == [1, "a text that lives on the heap"],
        "repr": lambda: repr(array),
    }


def tensor_kinds(echo: tvm_ffi.Function) -> dict[str, Callable[[], Any]]:
    array = np.zeros((2, 3), dtype="float32")
    own = tvm_ffi.from_dlpack(array)
    kinds: dict[str, Callable[[], Any]] = {
        "NumPy array": lambda: echo(array),
        "strided NumPy array": lambda: echo(array[:, ::2]),
        "Tensor": lambda: echo(own),
        "from_dlpack": lambda: tvm_ffi.from_dlpack(array),
        "exported": lambda: np.from_dlpack(own),
        "capsule nobody took": lambda: own.__dlpack__(max_version=(1, 0)),
        "shape and strides": lambda: (own.shape, own.strides, own.dtype, own.device),
        "list of tensors": lambda: echo([array, own]),
    }
    if "torch" in sys.modules:
        import torch

        tensor = torch.zeros(2, 3)
        kinds["torch tensor"] = lambda: echo(tensor)
        kinds["list of torch tensors"] = lambda: echo([tensor, 1])[0]
    return kinds


@pytest.fixture
def kinds(request: pytest.FixtureRequest, mod: tvm_ffi.Module, echo: tvm_ffi.Function) -> dict[str, Callable[[], Any]]:
    makers = {
        "values": lambda: value_kinds(echo),
        "calls": lambda: call_kinds(mod),
        "containers": container_kinds,
        "tensors": lambda: tensor_kinds(echo),
    }
    return makers[request.param]()


def grown(call: Callable[[], Any], count: int) -> tuple[int, int]:
    """By how many bytes and Python objects `count` calls let the process grow."""
    for _ in range(WARM_UP):
        call()
    gc.collect()
    blocks, memory = sys.getallocatedblocks(), resident_bytes()
    for _ in range(count):
        call()
    gc.collect()
    return resident_bytes() - memory, sys.getallocatedblocks() - blocks


@pytest.fixture(autouse=True)
def small_pages():
    """The kernel makes 2 MiB resident of the first page that is touched, where it hands out huge ones."""
    set_thp_disable = 41
    libc = ctypes.CDLL(None)
    assert libc.prctl(set_thp_disable, 1, 0, 0, 0) == 0
    yield
    libc.prctl(set_thp_disable, 0, 0, 0, 0)


@pytest.mark.parametrize("kinds", ["values", "calls", "containers", "tensors"], indirect=True)
@pytest.mark.parametrize(("count", "limit"), RUNS)
def test_calls_leave_no_memory_behind(kinds, count, limit):
    leaks = {}
    for name, call in kinds.items():
        memory, blocks = grown(call, count)
        if memory > limit or blocks > BLOCKS:
            leaks[name] = f"{memory} bytes, {blocks} Python objects after {count} calls"
    assert not leaks
