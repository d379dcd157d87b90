"""Calls that every combination of library, headers and process must answer alike. Needs NumPy and some `tvm_ffi`.

    python tests/compat/calls.py [--isolated] PLUGIN_DIR [CHECK ...]      # with the tvm_ffi that the interpreter finds
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np

Load = Callable[[str], Any]


def raises(kind: type, text: str, call: Callable[..., Any], *args: Any) -> None:
    try:
        call(*args)
    except kind as error:
        assert type(error) is kind, f"{type(error)} is not exactly {kind}"
        assert text in str(error), f"{text!r} is not in {str(error)!r}"
    else:
        raise AssertionError(f"no {kind.__name__}")


def check_add_one(load: Load, plugins: Path) -> None:
    for name in ("add_one_cpu", "add_one_c"):
        module = load(str(plugins / f"{name}.so"))
        x = np.array([1, 2, 3, 4, 5], dtype="float32")
        y = np.zeros_like(x)
        module.add_one_cpu(x, y)
        assert y.tolist() == [2, 3, 4, 5, 6]
        raises(ValueError, "add_one_cpu", module.add_one_cpu, x, y[:3].copy())


def check_plain_values(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    for value in (0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, True, False, None, "", "seven77", "eight888", "é" * 40):
        echoed = module.echo(value)
        assert echoed == value and isinstance(echoed, type(value))
    for value in (b"", b"\0seven", b"\0" * 300):
        assert module.echo(value) == value
    assert math.isnan(module.echo(float("nan")))
    assert module.make_str(1000) == ("abcdefghijklmnopqrstuvwxyz" * 39)[:1000]
    assert module.make_bytes(300) == bytes(i % 256 for i in range(300))
    assert module.sum8(*range(8)) == 28
    assert module.nothing() is None
    assert str(module.make_dtype()) == "float16x4"
    assert tuple(module.make_shape()) == (2, 3, 5)
    assert module.echo_optional_int(None) is None and module.echo_optional_int(3) == 3


def check_containers(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    array = module.echo([1, "two", [3.0, None], {"four": [b"5"]}])
    assert array[0] == 1 and array[1] == "two" and array[2][0] == 3.0 and array[3]["four"][0] == b"5"
    assert list(module.make_array(5)) == [0, 1, 2, 3, 4]
    numbers = module.make_map(100)
    assert len(numbers) == 100 and all(numbers[f"key{i}"] == i for i in range(100))
    nested = module.make_nested(20)
    for depth in range(20, 0, -1):
        assert nested[0] == depth
        nested = nested[1]["inner"]
    assert nested[0] == 0
    assert module.array_sum(list(range(1000))) == 499500
    assert module.map_total({f"k{i}": i for i in range(100)}) == 4950


def check_tensors(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    a, b = np.arange(6, dtype="float32").reshape(2, 3), np.ones((2, 3), dtype="float32")
    out = np.zeros((2, 3), dtype="float32")
    module.add(a, b, out)
    assert (out == a + 1).all()
    assert module.sum_all([a, b]) == 21.0
    assert module.optional_sum(None) == 0.0 and module.optional_sum(b) == 6.0
    info = module.tensor_info(a)
    assert tuple(info["shape"]) == (2, 3) and tuple(info["strides"]) == (3, 1) and str(info["dtype"]) == "float32"
    assert (np.from_dlpack(module.make_own((2, 3), 4.0)) == 4.0).all()
    first, second = module.make_pair(3)
    assert np.from_dlpack(first).tolist() == [1, 1, 1] and np.from_dlpack(second).tolist() == [2, 2, 2]
    assert np.from_dlpack(module.view(module.make_own((4, 2), 7.0), 1, 3)).tolist() == [[7, 7], [7, 7]]


def check_callables(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    assert module.apply(lambda *args: len(args), 1, "two", None) == 3
    assert module.call_twice(lambda x: x * 2, 3) == 12
    assert module.make_adder(3)(4) == 7
    counter = module.make_counter()
    assert [counter(), counter(), counter()] == [1, 2, 3]
    assert module.apply(lambda f: f(1), module.make_adder(1)) == 2
    assert list(module.catch_error(lambda: [][1]))[0] == "IndexError"
    raises(KeyError, "gone", module.apply, lambda: {}["gone"])


def check_objects(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    box = module.make_box([1, 2])
    assert list(module.box_get(box)) == [1, 2]
    module.box_set(box, "other")
    assert module.box_get(box) == "other"
    raises(TypeError, "values.Box", module.box_get, 3)
    counter = module.counter_module(5)
    assert counter.increment(2) == 7 and counter.value() == 7
    module.retain("key", "kept")
    assert module.retained("key") == "kept"
    module.release("key")
    raises(KeyError, "nothing is retained as key", module.retained, "key")


def check_errors(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "values.so"))
    for kind in (ValueError, TypeError, IndexError, KeyError, RuntimeError):
        name = kind.__name__.replace("Error", "").lower()
        raises(kind, "the message", getattr(module, f"raise_{name}_error"), "the message")
    raises(ValueError, "any kind", module.raise_error, "ValueError", "any kind")
    raises(TypeError, "Expected `int` but got `float`", module.echo_int, 1.5)
    raises(TypeError, "Expected 8 but got 1 arguments", module.sum8, 1)


def check_operators(load: Load, plugins: Path) -> None:
    module = load(str(plugins / "llm_ops.so"))
    random = np.random.default_rng(0)
    a = random.standard_normal((37, 65), dtype="float32")
    b = random.standard_normal((65, 29), dtype="float32")
    product = np.zeros((37, 29), dtype="float32")
    module.matmul(a, b, product)
    assert np.abs(product - a @ b).max() < 1e-4
    probabilities = np.zeros_like(a)
    module.softmax(a, probabilities)
    exponentials = np.exp(a - a.max(axis=1, keepdims=True))
    assert np.abs(probabilities - exponentials / exponentials.sum(axis=1, keepdims=True)).max() < 1e-6
    raises(ValueError, "matmul: dimension 0 of b is 65, dimension 1 of a is 29", module.matmul, product, b, product)


CHECKS = [
    check_add_one,
    check_plain_values,
    check_containers,
    check_tensors,
    check_callables,
    check_objects,
    check_errors,
    check_operators,
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--isolated", action="store_true", help="load with tvmffi_host")
    parser.add_argument("plugins", type=Path)
    parser.add_argument("checks", nargs="*", help="names; default: all")
    arguments = parser.parse_args()

    import tvm_ffi

    load = tvm_ffi.load_module
    if arguments.isolated:
        import tvmffi_host

        load = tvmffi_host.load_module
    print(f"tvm_ffi from {Path(tvm_ffi.__file__).parent}")
    for check in CHECKS:
        if not arguments.checks or check.__name__ in arguments.checks:
            check(load, arguments.plugins)
            print(f"{check.__name__}: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
