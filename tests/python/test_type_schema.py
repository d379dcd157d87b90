"""Types as annotations, and what values become of them."""

from __future__ import annotations

import ctypes
import json
from typing import Any, Callable, Optional, Union

import pytest
import tvm_ffi
from tvm_ffi import core
from tvm_ffi.core import CAny, TypeSchema


def converted(annotation, value):
    return core._to_py_class_value(TypeSchema.from_annotation(annotation).convert(value))


def test_166_values_are_checked():
    integer = TypeSchema.from_annotation(int)
    with pytest.raises(TypeError, match="int64 range"):
        integer.check_value(2**70)
    with pytest.raises(TypeError, match="expected int, got float"):
        integer.check_value(1.0)
    integers = TypeSchema.from_annotation(list[int])
    integers.check_value((1, 2))
    assert type(converted(list[int], (1, 2))) is tvm_ffi.List


@pytest.mark.parametrize(
    ("annotation", "value", "result"),
    [
        (int, True, 1),
        (float, 2, 2.0),
        (bool, 2, True),
        (str, "a" * 9, "a" * 9),
        (bytes, bytearray(b"x"), b"x"),
        (Optional[int], None, None),
        (Union[int, str], "s", "s"),
        (Union[float, int], 3, 3),
        (tvm_ffi.Device, "cuda:1", tvm_ffi.device("cuda", 1)),
        (tvm_ffi.dtype, "int8", "int8"),
        (Any, "x", "x"),
        (tuple[int, ...], tvm_ffi.List([1]), [1]),
        (list[int], tvm_ffi.Array([1]), [1]),
    ],
)
def test_values_that_convert(annotation, value, result):
    assert converted(annotation, value) == result


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (int, "a", "expected int, got str"),
        (int, None, "expected int, got None"),
        (bool, 1.0, "expected bool, got float"),
        (list[int], 5, "expected List, got int"),
        (list[int], "abc", "expected List, got str"),
        (list[list[int]], [[1], ["a"]], r"element \[1\]: element \[0\]: expected int, got str"),
        (dict[str, int], {"a": "b"}, "value for key 'a': expected int, got str"),
        (dict[str, int], {1: 1}, "key 1: expected str, got int"),
        (tuple[int, str], (1,), "length 2, got tuple of length 1"),
        (tuple[int, ...], [1.5], "expected int, got float"),
        (Union[int, str], 1.5, r"expected int \| str, got float"),
        (tvm_ffi.Device, "xx", "invalid device string 'xx'"),
        (tvm_ffi.dtype, "xx", "invalid dtype string 'xx'"),
        (Callable, 3, "expected Callable, got int"),
        (tvm_ffi.Array, 3, "expected Array, got int"),
        (ctypes.c_void_p, 3, "expected ctypes.c_void_p, got int"),
    ],
)
def test_values_that_do_not(annotation, value, text):
    schema = TypeSchema.from_annotation(annotation)
    with pytest.raises(TypeError, match=text):
        schema.check_value(value)
    with pytest.raises(TypeError, match=text):
        schema.convert(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (list[int], "List[int]"),
        (dict[str, Any], "Dict[str, Any]"),
        (tuple[int, ...], "Array[int]"),
        (tuple[int, str], "tuple[int, str]"),
        (Optional[int], "int | None"),
        (Callable[[int], str], "Callable[[int], str]"),
        (tvm_ffi.Map[str, int], "Map[str, int]"),
        (tvm_ffi.Object, "Object"),
    ],
)
def test_annotations_and_json(annotation, text):
    schema = TypeSchema.from_annotation(annotation)
    assert repr(schema) == text
    assert TypeSchema.from_json_str(json.dumps(schema.to_json())) == schema


def test_annotations_of_nothing_that_crosses():
    for annotation in (complex, set, 3, [int], list[complex]):
        with pytest.raises(TypeError, match="TypeSchema"):
            TypeSchema.from_annotation(annotation)
    with pytest.raises(TypeError, match="unknown TypeSchema origin"):
        TypeSchema("bogus").check_value(3)


def test_schemas_of_functions():
    metadata = tvm_ffi.get_global_func_metadata("testing.schema_id_map_str_int")
    schema = TypeSchema.from_json_str(metadata["type_schema"])
    assert repr(schema) == "Callable[[Map[str, int]], Map[str, int]]"
    assert schema.input_repr() == "Callable[[Mapping[str, int]], Mapping[str, int]]"


def test_subtypes():
    of = TypeSchema.from_annotation
    assert of(int).is_subtype_of(of(Optional[int])) and not of(Optional[int]).is_subtype_of(of(int))
    assert of(tvm_ffi.Module).is_subtype_of(of(tvm_ffi.Object)) and of(list[int]).is_subtype_of(of(Any))


def test_a_protocol_that_never_ends():
    class Endless:
        def __tvm_ffi_value__(self):
            return self

    with pytest.raises(TypeError, match="cycle"):
        TypeSchema.from_annotation(int).check_value(Endless())


def test_owned_values():
    assert repr(CAny()) == "CAny(None)" and repr(CAny(1)) == "CAny(int=1)" and CAny("x").type_index == 11
    assert repr(CAny("a" * 20)) == "CAny(object, type_index=65)" and repr(CAny(2.5)) == "CAny(float=2.5)"
    assert type(core._to_py_class_value(CAny("x"))) is core.String
    assert tvm_ffi.get_global_func("testing.echo")(CAny([1])) == [1]
