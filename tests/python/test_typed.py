"""Functions exported through the C++ API: conversions, argument errors, C++ frames."""

from __future__ import annotations

import traceback

import numpy as np
import pytest
import tvm_ffi


def test_044_a_callback_result_of_the_wrong_type(typed):
    assert typed.call_for_int(lambda: 3) == 3
    with pytest.raises(TypeError, match="Cannot convert from type"):
        typed.call_for_int(lambda: "three")


def test_048_a_mismatch_names_the_argument_and_the_signature(typed):
    with pytest.raises(TypeError) as caught:
        typed.add_one("a")
    text = str(caught.value)
    assert "argument #0" in text and "`add_one(0: int) -> int`" in text and "ffi.SmallStr" in text


@pytest.mark.parametrize("value", [1.5, None, [1]])
def test_049_no_silent_conversion_to_int(typed, value):
    with pytest.raises(TypeError):
        typed.add_one(value)


def test_050_bool_is_int(typed):
    assert typed.add_one(True) == 2


@pytest.mark.parametrize("arguments", [(), (1, 2)])
def test_051_wrong_number_of_arguments(typed, arguments):
    with pytest.raises(TypeError, match=f"Expected 1 but got {len(arguments)}"):
        typed.add_one(*arguments)


def test_052_int_and_bool_are_float(typed):
    assert typed.half(1) == 0.5 and typed.half(True) == 0.5


def test_053_int_is_bool_and_float_is_not(typed):
    assert typed.negate(2) is False
    with pytest.raises(TypeError):
        typed.negate(1.0)


def test_054_a_wrong_element_is_named(typed):
    with pytest.raises(TypeError, match=r"Array\[index 1: ffi.SmallStr\]"):
        typed.ints([1, "a"])


def test_055_elements_are_converted(typed):
    assert typed.ints([True]) == [1]
    assert typed.ints(tvm_ffi.List([1])) == [1]


def test_056_a_wrong_key_is_named(typed):
    assert typed.map_size({"a": 1}) == 1
    with pytest.raises(TypeError, match="some key is int"):
        typed.map_size({1: 1})


def test_057_optional(typed):
    assert typed.has_value(None) is False and typed.has_value(1) is True
    with pytest.raises(TypeError):
        typed.has_value("a")


def test_058_dtypes_by_name(typed):
    assert typed.data_type("int8") == "int8"
    with pytest.raises(ValueError, match="unknown dtype"):
        typed.data_type("zzz")


def test_059_devices_by_name(typed):
    assert typed.device("cuda:1") == tvm_ffi.device("cuda:1")
    with pytest.raises(TypeError):
        typed.device("xyz")


def test_060_tensor_views(typed):
    assert typed.rank(np.zeros((2, 3))) == 2
    with pytest.raises(TypeError, match=r"DLTensor\*"):
        typed.rank([1])


def test_063_other_cpp_exceptions(typed):
    with pytest.raises(RuntimeError, match="from the standard library"):
        typed.throw_std()
    with pytest.raises(RuntimeError, match=r"Check failed: a == b \(1 vs. 2\)") as caught:
        typed.fail_internal_check()
    assert caught.value.__tvm_ffi_error__.kind == "InternalError"
    with pytest.raises(ValueError, match="x is -3"):
        typed.fail_value_check(-3)


def test_066_a_cpp_error_has_its_own_frame(typed):
    with pytest.raises(IndexError) as caught:
        typed.throw_index_error()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[0].name == "test_066_a_cpp_error_has_its_own_frame"
    assert frames[-1].filename.endswith("typed_module.cc") and "ThrowIndexError" in frames[-1].name
    assert "thrown on this line" in frames[-1].line


def test_a_kept_numpy_array_is_the_same_memory(typed):
    x = np.arange(6, dtype="float64").reshape(2, 3)[:, ::2]
    kept = typed.keep(x)
    pointer = x.ctypes.data
    del x
    assert kept.data_ptr() == pointer and kept.strides == (3, 2)
    assert np.from_dlpack(kept).tolist() == [[0, 2], [3, 5]]
