"""One library in one process: answers `ROW` lines on stdin with nanoseconds per call on stdout.

    worker.py PEER PATH     PEER: ffi, fastcall, ctypes, nanobind or pybind11; PATH: what peers.py built

The first line it prints names the rows it has. The cost of the empty loop, timed beside each sample, is taken off.
"""

from __future__ import annotations

import importlib.util
import statistics
import sys
import timeit
from types import ModuleType
from typing import Any, Callable

SAMPLES = 9
SECONDS_PER_SAMPLE = 0.0008

Row = tuple[str, dict[str, Any]]


def load_extension(path: str) -> ModuleType:
    name = path.rsplit("/", 1)[-1].split(".")[0]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numpy_arrays() -> dict[str, Any]:
    import numpy

    return {name: numpy.zeros((2, 3), dtype="float32") for name in "abc"}


def torch_tensors() -> dict[str, Any]:
    import torch

    return {name: torch.zeros(2, 3) for name in "abc"}


def swallow_value_error(fail: Callable[[], object]) -> Callable[[], None]:
    def call() -> None:
        try:
            fail()
        except ValueError:
            return
        raise AssertionError("fail() raised nothing")

    return call


def common_rows(module: Any) -> dict[str, Row]:
    return {
        "f()": ("f()", {"f": module.nothing}),
        "f(int)": ("f(7)", {"f": module.number}),
        "f(str)": ("f('hello')", {"f": module.text}),
        "callback": ("f(g, 7)", {"f": module.apply, "g": lambda value: value}),
        "error": ("f()", {"f": swallow_value_error(module.fail)}),
    }


def ffi_rows(path: str) -> dict[str, Row]:
    import tvm_ffi

    module = tvm_ffi.load_module(path)
    own = {name: tvm_ffi.from_dlpack(array) for name, array in numpy_arrays().items()}
    keeps_gil = module["nothing"]
    keeps_gil.release_gil = False
    return {
        **common_rows(module),
        "f(3 own tensors)": ("f(a, b, c)", {"f": module.tensors, **own}),
        "f(3 torch tensors)": ("f(a, b, c)", {"f": module.tensors, **torch_tensors()}),
        "f(3 NumPy arrays)": ("f(a, b, c)", {"f": module.tensors, **numpy_arrays()}),
        "f(), release_gil off": ("f()", {"f": keeps_gil}),
        "callback, converted before": ("f(g, 7)", {"f": module.apply, "g": tvm_ffi.convert(lambda value: value)}),
        "a converted callable, called": ("g(7)", {"g": tvm_ffi.convert(lambda value: value)}),
    }


def fastcall_rows(path: str) -> dict[str, Row]:
    module = load_extension(path)
    return {
        **common_rows(module),
        "f(3 torch tensors)": ("f(a, b, c)", {"f": module.tensors, **torch_tensors()}),
        "f(3 NumPy arrays)": ("f(a, b, c)", {"f": module.arrays, **numpy_arrays()}),
        "GIL dropped and taken, nothing else": ("f()", {"f": module.drop_gil}),
        "the same, f an object": ("f()", {"f": module.object_drop_gil}),
    }


def nanobind_rows(path: str) -> dict[str, Row]:
    module = load_extension(path)
    return {
        **common_rows(module),
        "f(3 torch tensors)": ("f(a, b, c)", {"f": module.tensors, **torch_tensors()}),
        "f(3 NumPy arrays)": ("f(a, b, c)", {"f": module.tensors, **numpy_arrays()}),
    }


def pybind11_rows(path: str) -> dict[str, Row]:
    module = load_extension(path)
    return {**common_rows(module), "f(3 NumPy arrays)": ("f(a, b, c)", {"f": module.arrays, **numpy_arrays()})}


def ctypes_rows(path: str) -> dict[str, Row]:
    import ctypes

    import numpy

    library = ctypes.CDLL(path)
    function_type = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    library.nothing.restype = None
    library.number.argtypes = [ctypes.c_int64]
    library.text.argtypes = [ctypes.c_char_p]
    library.arrays.argtypes = [numpy.ctypeslib.ndpointer(dtype="float32", ndim=2)] * 3
    library.apply.argtypes = [function_type, ctypes.c_int64]
    return {
        "f()": ("f()", {"f": library.nothing}),
        "f(int)": ("f(7)", {"f": library.number}),
        "f(str)": ("f('hello'.encode())", {"f": library.text}),
        "f(3 NumPy arrays)": ("f(a, b, c)", {"f": library.arrays, **numpy_arrays()}),
        "callback": ("f(t(g), 7)", {"f": library.apply, "g": lambda value: value, "t": function_type}),
    }


ROWS = {
    "ffi": ffi_rows,
    "fastcall": fastcall_rows,
    "ctypes": ctypes_rows,
    "nanobind": nanobind_rows,
    "pybind11": pybind11_rows,
}


def measure(call: timeit.Timer, empty: timeit.Timer, count: int) -> float:
    samples = [call.timeit(count) - empty.timeit(count) for _ in range(SAMPLES)]
    return statistics.median(samples) / count * 1e9


def main() -> None:
    rows = ROWS[sys.argv[1]](sys.argv[2])
    timers = {name: timeit.Timer(statement, globals=names) for name, (statement, names) in rows.items()}
    empty = timeit.Timer("pass")
    counts = {}
    for name, timer in timers.items():
        timer.timeit(1000)
        counts[name] = max(100, int(SECONDS_PER_SAMPLE / (timer.timeit(1000) / 1000)))
    print("\t".join(timers), flush=True)
    for line in sys.stdin:
        name = line.rstrip("\n")
        print(measure(timers[name], empty, counts[name]), flush=True)


if __name__ == "__main__":
    main()
