"""Enums of Python and of C++."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest
import tvm_ffi
import tvm_ffi.testing as testing
from tvm_ffi.dataclasses import Enum, IntEnum, StrEnum, auto, entry


class Number(IntEnum, type_key="pp.Number"):
    A = 1
    B = entry(value=5)


class Shade(Enum, type_key="pp.Shade"):
    depth: int
    light = entry(depth=1)
    dark = entry(depth=9)


def test_165_int_enum():
    assert Number(5).same_as(Number.B) and Number.A == 1 and Number.A != 5
    with pytest.raises(ValueError, match="9 is not a valid Number"):
        Number(9)
    assert [n.value for n in Number] == [1, 5] and len(Number) == 2
    assert hash(Number.A) == hash(1) and str(Number.B) == "5" and Number.A < Number.B
    assert Number.get("A").same_as(Number.A) and Number.get(5).name == "B"
    with pytest.raises(KeyError):
        Number.get("C")


def test_165_value_cannot_be_redefined():
    with pytest.raises(TypeError, match="value"):

        class Bad(IntEnum, type_key="pp.BadEnum"):
            value: int


def test_values_are_singletons():
    echo = tvm_ffi.get_global_func("testing.echo")
    assert echo(Number.B).same_as(Number.B) and type(echo(Number.B)) is Number
    assert copy.copy(Shade.dark).same_as(Shade.dark) and copy.deepcopy(Shade.dark).same_as(Shade.dark)
    assert pickle.loads(pickle.dumps(Shade.dark)).same_as(Shade.dark)


def test_values_with_fields():
    assert (Shade.light.depth, Shade.dark.depth) == (1, 9)
    assert Shade.get("dark").same_as(Shade.get(1)) and [s.name for s in Shade] == ["light", "dark"]
    with pytest.raises(AttributeError):
        Shade.light.depth = 3


def test_attributes_of_values():
    cost = Shade.def_attr("cost", default=7)
    assert cost[Shade.light] == 7
    cost[Shade.light] = 9
    assert cost[Shade.light] == 9 and Shade.attr_dict["cost"][Shade.light] == 9
    price = Shade.def_attr("price")
    assert price.get(Shade.dark) is None and Shade.dark not in price
    with pytest.raises(KeyError):
        price[Shade.dark]
    with pytest.raises(TypeError, match="no value of Shade"):
        cost[Number.A] = 1


def test_str_enum_and_auto():
    class Colour(StrEnum, type_key="pp.Colour"):
        RED = "red"

    class Side(Enum, type_key="pp.Side"):
        left = auto()
        right: ClassVar[Side]

    assert Colour.RED == "red" and Colour("red").same_as(Colour.RED) and Colour.RED.name == "RED"
    assert [side.name for side in Side] == ["left", "right"]


def test_enums_of_cpp():
    values = list(testing.TestCxxIntEnum)
    assert values and all(testing.TestCxxIntEnum(v.value).same_as(v) for v in values)
    name = values[0].name
    assert getattr(testing.TestCxxIntEnum, name).same_as(values[0])
    assert all(isinstance(v, testing.TestEnumVariant) for v in testing.TestEnumVariant)


def test_duplicates_are_refused():
    with pytest.raises(ValueError, match="already"):

        class Twice(IntEnum, type_key="pp.Twice"):
            A = 1
            B = 1
