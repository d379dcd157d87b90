"""Values made by hypothesis go through a call, a callback and a container, and come back as the tables say."""

from __future__ import annotations

import math
import pickle
import struct
from typing import Any

import numpy as np
import pytest
import tvm_ffi
from tvm_ffi import core

pytest.importorskip("hypothesis", reason="hypothesis is not installed: pip install hypothesis")

from hypothesis import HealthCheck, assume, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

RELAXED = settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DEVICES = st.builds(tvm_ffi.device, st.sampled_from(["cpu", "cuda", "rocm", "vulkan"]), st.integers(0, 100))
DTYPES = st.builds(
    lambda base, lanes: tvm_ffi.dtype(base if lanes == 1 else f"{base}x{lanes}"),
    st.sampled_from(["int8", "int64", "uint33", "float16", "float32", "bfloat16", "bool", "float8_e4m3fn"]),
    st.integers(1, 64),
)
SCALARS = st.one_of(st.none(), st.booleans(), INT64, st.floats(), TEXT, st.binary(max_size=20), DEVICES, DTYPES)
KEYS = st.one_of(INT64, TEXT, st.binary(max_size=20), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(KEYS, inner, max_size=5),
    ),
    max_leaves=20,
)
# What the JSON graph holds.
STORED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXT, inner, max_size=5)),
    max_leaves=20,
)


def bits(value: float) -> bytes:
    return struct.pack("d", value)


def assert_came_back(sent: Any, got: Any) -> None:
    """Compare with the table of results: the class and the value."""
    if isinstance(sent, (list, tuple)):
        assert type(got) is tvm_ffi.Array
        assert len(got) == len(sent)
        for sent_item, got_item in zip(sent, got):
            assert_came_back(sent_item, got_item)
    elif isinstance(sent, dict):
        assert type(got) is tvm_ffi.Map
        assert len(got) == len(sent)
        for (sent_key, sent_value), (got_key, got_value) in zip(sent.items(), got.items()):
            assert_came_back(sent_key, got_key)
            assert_came_back(sent_value, got_value)
    elif isinstance(sent, float):
        assert type(got) is float
        assert bits(got) == bits(sent) or (math.isnan(got) and math.isnan(sent))
    elif isinstance(sent, str) and not isinstance(sent, tvm_ffi.dtype):
        assert type(got) is (str if len(sent.encode()) <= 7 else core.String)
        assert got == sent and hash(got) == hash(sent)
    elif isinstance(sent, bytes):
        assert type(got) is (bytes if len(sent) <= 7 else core.Bytes)
        assert got == sent and hash(got) == hash(sent)
    else:
        assert type(got) is type(sent)
        assert got == sent


@RELAXED
@given(VALUES)
def test_a_value_comes_back_from_a_call(echo, value):
    assert_came_back(value, echo(value))


@RELAXED
@given(VALUES)
def test_what_came_back_goes_again(echo, value):
    assert_came_back(value, echo(echo(value)))


@RELAXED
@given(VALUES)
def test_a_value_comes_back_through_a_callback(mod, value):
    seen = []

    def callback(argument: Any) -> Any:
        seen.append(argument)
        return argument

    assert_came_back(value, mod.apply(callback, value))
    assert_came_back(value, seen[0])


@RELAXED
@given(st.lists(VALUES, max_size=12))
def test_every_position_of_an_argument_list(mod, values):
    assert mod.count_args(*values) == len(values)
    if values:
        assert_came_back(values[-1], mod.last_arg(*values))


@RELAXED
@given(st.lists(VALUES, max_size=6), st.data())
def test_a_list_behaves_as_python_does(values, data):
    ours = tvm_ffi.List(values)
    index = data.draw(st.integers(-8, 8))
    inside = -len(values) <= index < len(values)
    if inside:
        assert_came_back(values[index], ours[index])
        values.insert(index, 1)
        ours.insert(index, 1)
        assert_came_back(values, tvm_ffi.Array(ours))
    else:
        with pytest.raises(IndexError):
            ours[index]


@RELAXED
@given(st.integers().filter(lambda value: not -(2**63) <= value < 2**63))
def test_ints_out_of_range_overflow(echo, value):
    with pytest.raises(OverflowError):
        echo(value)
    with pytest.raises(OverflowError):
        echo([1, {"a": value}])


@RELAXED
@given(TEXT, st.characters(categories=["Cs"]), TEXT)
def test_lone_surrogates_are_refused(echo, before, surrogate, after):
    text = before + surrogate + after
    with pytest.raises(UnicodeEncodeError):
        echo(text)


@RELAXED
@given(
    st.sampled_from(["int8", "uint8", "int32", "int64", "float16", "float32", "float64"]),
    st.lists(st.integers(0, 4), max_size=7),
    st.data(),
)
def test_arrays_keep_memory_shape_and_strides(echo, dtype, shape, data):
    array = np.arange(math.prod(shape), dtype=dtype).reshape(shape)
    for axis in range(array.ndim):
        step = data.draw(st.sampled_from([1, 2, -1]))
        array = array[(slice(None),) * axis + (slice(None, None, step),)]
    if data.draw(st.booleans()):
        array = array.T
    tensor = echo(array)
    assert type(tensor) is tvm_ffi.Tensor
    assert tensor.shape == array.shape
    assert tensor.dtype == dtype
    assert tensor.data_ptr() == array.__array_interface__["data"][0]
    if array.size:
        assert tensor.strides == tuple(step // array.itemsize for step in array.strides)
    np.testing.assert_array_equal(np.from_dlpack(tensor), array)


@RELAXED
@given(st.lists(INT64, max_size=10))
def test_shapes(echo, extents):
    shape = echo(tvm_ffi.Shape(tuple(extents)))
    assert type(shape) is tvm_ffi.Shape
    assert shape == tuple(extents)


@RELAXED
@given(STORED)
def test_pickled_containers_are_equal(value):
    assume(isinstance(value, (list, dict)))
    ours = tvm_ffi.convert(value)
    again = pickle.loads(pickle.dumps(ours))
    assert again == ours
    assert tvm_ffi.structural_equal(again, ours)
    assert tvm_ffi.structural_hash(again) == tvm_ffi.structural_hash(ours)


@RELAXED
@given(st.integers(1, 255), st.integers(1, 1000), st.sampled_from(["int", "uint", "float"]))
def test_dtype_text_and_numbers_agree(base_bits, lanes, base):
    text = f"{base}{base_bits}" + (f"x{lanes}" if lanes > 1 else "")
    dtype = tvm_ffi.dtype(text)
    assert (dtype.bits, dtype.lanes) == (base_bits, lanes)
    assert tvm_ffi.dtype.from_dlpack_data_type((dtype.type_code, dtype.bits, dtype.lanes)) == text
    assert str(core.DataType(text)) == text
