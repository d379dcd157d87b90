"""Calls through `tvm_ffi` and `tvm_ffi.testing`, whichever libraries stand behind them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import tvm_ffi
import tvm_ffi.testing as testing
from tvm_ffi import get_global_func
from tvm_ffi.dataclasses import Object, field, py_class


def raises(kind: type[Exception], text: str, function: Any, *arguments: Any) -> None:
    try:
        function(*arguments)
    except kind as error:
        assert text in str(error), error
        return
    raise AssertionError(f"{function} did not raise {kind}")


@py_class("package_calls.Point", eq=True, order=True, unsafe_hash=True)
class Point(Object):
    x: int
    label: str = field(default="p", compare=False)
    inside: Any = None


def check_functions() -> None:
    assert get_global_func("testing.add_one")(1) == 2
    assert testing.echo("text") == "text"
    assert testing.nop(1, 2) is None
    assert get_global_func("testing.apply")(lambda a, b: a * b, 6, 7) == 42
    raises(ValueError, "told", testing.test_raise_error, "ValueError", "told")
    raises(TypeError, "testing.add_one(0: int) -> int", get_global_func("testing.add_one"), "a")
    assert tvm_ffi.system_lib("testing.")["add_one"](10) == 11
    address = get_global_func("testing.get_mlir_add_one_c_symbol")()
    assert tvm_ffi.Function.__from_mlir_packed_safe_call__(address)(4) == 5
    address = get_global_func("testing.get_add_one_c_symbol")()
    assert tvm_ffi.Function.__from_extern_c__(address)(5) == 6


def check_containers() -> None:
    tensor = tvm_ffi.from_dlpack(np.arange(3))
    mapping = get_global_func("testing.make_map_with_tensor")(tensor)
    assert repr(mapping) == '{"tensor": int64[3]@cpu:0, "value": 42, "name": "test"}'
    nested = get_global_func("testing.make_nested_map_with_tensor")(tensor, tensor)
    assert nested["scalar"] == 99 and len(nested["array"]) == 2
    ints = get_global_func("testing.schema_arr_map_opt")([1, None, 2], {"a": [1]}, "b")
    assert repr(ints) == '{"a": (1,), "b": (1, 2)}'
    values = tvm_ffi.List([1, tvm_ffi.List([2])])
    copied = copy.deepcopy(values)
    assert not copied.same_as(values) and not copied[1].same_as(values[1]) and repr(copied) == "[1, [2]]"
    values.append(values)
    assert repr(values) == "[1, [2], ...]"


def check_testing_types() -> None:
    pair = testing.TestIntPair(1, 2)
    assert repr(pair) == "testing.TestIntPair(a=1, b=2)" and pair.sum() == 3
    assert get_global_func("testing.TestIntPairSum")(pair) == 3
    base = testing.create_object("testing.TestObjectBase", v_i64=5)
    assert base.add_i64(2) == 7 and base.v_str == "hello"
    assert repr(get_global_func("testing.make_unregistered_object")()) == "testing.TestUnregisteredObject(v1=41, v2=42)"
    assert repr(get_global_func("testing.enum_variant_get")("Beta")) == "testing.TestEnumVariant.Beta"
    raises(ValueError, "no instance", get_global_func("testing.enum_variant_get"), "Gamma")
    raises(RuntimeError, "not copy-constructible", copy.deepcopy, testing.TestNonCopyable(1))
    recursive_eq = get_global_func("ffi.RecursiveEq")
    assert recursive_eq(testing.TestCustomCompare(1, "a"), testing.TestCustomCompare(1, "b"))
    assert not recursive_eq(testing.TestCustomCompare(1, "a"), testing.TestCustomCompare(2, "a"))
    recursive_hash = get_global_func("ffi.RecursiveHash")
    assert recursive_hash(testing.TestHash(1, "a", 5)) == recursive_hash(testing.TestHash(1, "a", 6))
    raises(ValueError, "but not __ffi_hash__", recursive_hash, testing.TestEqWithoutHash(1, "a"))


def check_dataclasses() -> None:
    assert repr(Point(1)) == 'package_calls.Point(x=1, label="p", inside=None)'
    assert Point(1, "a") == Point(1, "b") and hash(Point(1, "a")) == hash(Point(1, "b"))
    assert Point(1) < Point(2) and sorted([Point(3), Point(1)])[0].x == 1
    point = Point(1, "a", tvm_ffi.List([1]))
    copied = copy.deepcopy(point)
    assert copied == point and not copied.inside.same_as(point.inside)
    raises(TypeError, "missing required argument", Point)


def check_integers() -> None:
    if tuple(int(part) for part in tvm_ffi.__version__.split(".")[:3]) < (0, 1, 15):
        raises(OverflowError, "", testing.echo, 2**70)
        return
    values = [2**63, -(2**63) - 1, 2**70 + 5, -(2**70), 3**500, -(3**500)]
    for value in values:
        assert testing.echo(value) == value
        assert get_global_func("ffi.ReprPrint")(value) == str(value)
        assert tvm_ffi.Map({value: "v"})[value] == "v"
    assert list(tvm_ffi.Array(values)) == values
    less = get_global_func("ffi.RecursiveLt")
    assert all(less(a, b) == (a < b) for a in [*values, 1] for b in [*values, 1])
    assert get_global_func("ffi.RecursiveHash")(values[2]) == 4799
    assert get_global_func("ffi.StructuralHash")(values[2], False, False) == 2654445637
    graph = get_global_func("ffi.ToJSONGraphString")(values, None)
    assert list(get_global_func("ffi.FromJSONGraphString")(graph)) == values
    raises(TypeError, "Expected `int` but got `ffi.BigInt`", get_global_func("testing.add_one"), 2**70)


def main() -> None:
    print(f"tvm_ffi from {Path(tvm_ffi.__file__).parent}")
    check_functions()
    check_containers()
    check_testing_types()
    check_dataclasses()
    check_integers()
    print("all calls done")


if __name__ == "__main__":
    main()
