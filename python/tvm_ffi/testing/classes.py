"""Classes for the ``testing.*`` types."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core import Object
from ..dataclasses import Enum, IntEnum, StrEnum, c_class
from ..registry import get_global_func, register_object

__all__ = [
    "SchemaAllTypes",
    "TestCompare",
    "TestCustomCompare",
    "TestCustomHash",
    "TestCxxAutoInit",
    "TestCxxAutoInitAllInitOff",
    "TestCxxAutoInitChild",
    "TestCxxAutoInitKwOnlyDefaults",
    "TestCxxAutoInitParent",
    "TestCxxAutoInitSimple",
    "TestCxxClassBase",
    "TestCxxClassDerived",
    "TestCxxClassDerivedDerived",
    "TestCxxEnumHolder",
    "TestCxxInitSubset",
    "TestCxxIntEnum",
    "TestCxxKwOnly",
    "TestCxxNoAutoInit",
    "TestCxxStrEnum",
    "TestDeepCopyEdges",
    "TestEnumVariant",
    "TestEqWithoutHash",
    "TestFrozenCxx",
    "TestHash",
    "TestIntPair",
    "TestNonCopyable",
    "TestObjectBase",
    "TestObjectDerived",
    "TestObjectPtrHolder",
]


@register_object("testing.TestObjectBase")
class TestObjectBase(Object):
    """Has defaults and a method."""

    v_i64: int
    v_f64: float
    v_str: str


@register_object("testing.TestObjectDerived")
class TestObjectDerived(TestObjectBase):
    """Has containers."""

    v_map: Any
    v_array: Any


@c_class("testing.TestObjectPtrHolder")
class TestObjectPtrHolder(Object):
    """Has a pointer that is never null and one that may be."""

    value: TestObjectBase
    optional_value: TestObjectBase | None


@c_class("testing.TestIntPair")
class TestIntPair(Object):
    """Has a constructor of its own, and a method ``sum``."""

    a: int
    b: int

    def sum(self) -> int:
        """Return a + b."""
        return get_global_func("testing.TestIntPairSum")(self)


@c_class("testing.TestCxxClassBase")
class TestCxxClassBase(Object):
    """Root of three generations."""

    v_i64: int
    v_i32: int


@c_class("testing.TestCxxClassDerived", eq=True, order=True, unsafe_hash=True)
class TestCxxClassDerived(TestCxxClassBase):
    """Second generation."""

    v_f64: float
    v_f32: float


@c_class("testing.TestCxxClassDerivedDerived")
class TestCxxClassDerivedDerived(TestCxxClassDerived):
    """Third generation."""

    v_str: str
    v_bool: bool


@c_class("testing.TestCxxInitSubset")
class TestCxxInitSubset(Object):
    """Its constructor takes one of three fields."""

    required_field: int
    optional_field: int
    note: str


@c_class("testing.TestCxxKwOnly")
class TestCxxKwOnly(Object):
    """Its constructor takes keywords only."""

    x: int
    y: int
    z: int
    w: int


@c_class("testing.TestCxxAutoInit")
class TestCxxAutoInit(Object):
    """Has each kind of parameter."""

    a: int
    b: int
    c: int
    d: int


@c_class("testing.TestCxxAutoInitSimple")
class TestCxxAutoInitSimple(Object):
    """Has positional parameters only."""

    x: int
    y: int


@c_class("testing.TestCxxAutoInitAllInitOff")
class TestCxxAutoInitAllInitOff(Object):
    """Its constructor takes nothing."""

    x: int
    y: int
    z: int


@c_class("testing.TestCxxAutoInitKwOnlyDefaults")
class TestCxxAutoInitKwOnlyDefaults(Object):
    """Has parameters of both kinds, with and without defaults."""

    p_required: int
    p_default: int
    k_required: int
    k_default: int
    hidden: int


@c_class("testing.TestCxxAutoInitParent")
class TestCxxAutoInitParent(Object):
    """Has a child."""

    parent_required: int
    parent_default: int


@c_class("testing.TestCxxAutoInitChild")
class TestCxxAutoInitChild(TestCxxAutoInitParent):
    """Inherits parameters."""

    child_required: int
    child_kw_only: int


@c_class("testing.TestCxxNoAutoInit")
class TestCxxNoAutoInit(Object):
    """Has no constructor."""

    x: int
    y: int


@c_class("testing.TestFrozenCxx", frozen=True)
class TestFrozenCxx(Object):
    """C++ reflects none of its fields and gives it no constructor."""


@c_class("testing.TestCompare", eq=True, order=True, unsafe_hash=True)
class TestCompare(Object):
    """One field does not take part in comparison."""

    key: int
    name: str
    ignored_field: int


@c_class("testing.TestHash", eq=True, unsafe_hash=True)
class TestHash(Object):
    """One field does not take part in the hash."""

    key: int
    name: str
    hash_ignored: int


@c_class("testing.TestCustomHash", eq=True, unsafe_hash=True)
class TestCustomHash(Object):
    """Hashes by its key."""

    key: int
    label: str


@c_class("testing.TestCustomCompare", eq=True, order=True, unsafe_hash=True)
class TestCustomCompare(Object):
    """Compares by its key."""

    key: int
    label: str


@c_class("testing.TestEqWithoutHash", eq=True)
class TestEqWithoutHash(Object):
    """Has an equality and no hash of its own."""

    key: int
    label: str


@c_class("testing.TestDeepCopyEdges")
class TestDeepCopyEdges(Object):
    """Refers to anything."""

    v_any: Any
    v_obj: Any


@c_class("testing.TestNonCopyable")
class TestNonCopyable(Object):
    """Cannot be copied."""

    value: int


@c_class("testing.SchemaAllTypes")
class SchemaAllTypes(Object):
    """Has a field of every type."""


class TestCxxIntEnum(IntEnum, type_key="testing.TestCxxIntEnum"):
    """Values with numbers, from C++."""


class TestCxxStrEnum(StrEnum, type_key="testing.TestCxxStrEnum"):
    """Values with texts, from C++."""


class TestEnumVariant(Enum, type_key="testing.TestEnumVariant"):
    """Values with names alone, from C++."""

    __test__: ClassVar[bool] = False


@c_class("testing.TestCxxEnumHolder")
class TestCxxEnumHolder(Object):
    """Has fields that are enums."""

    priority: TestCxxIntEnum
    opcode: TestCxxStrEnum


# pytest collects none of them.
for _name in __all__:
    globals()[_name].__test__ = False
