"""Classes defined in Python, and classes for types that C++ defines."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, Callable, ClassVar, Optional, Union

import numpy as np
import pytest
import tvm_ffi
import tvm_ffi.testing as testing
from conftest import compile_module
from tvm_ffi import List, Object, core, structural_equal
from tvm_ffi.dataclasses import (
    KW_ONLY,
    MISSING,
    asdict,
    astuple,
    c_class,
    field,
    fields,
    gen_abi_cpp,
    init_property,
    is_dataclass,
    method,
    py_class,
    replace,
)


@py_class("pp.Inner")
class Inner(Object):
    val: int


@py_class("pp.Outer")
class Outer(Object):
    x: Inner
    y: float = 1.5
    tags: list[str] = field(default_factory=list)


@py_class("pp.Frozen", frozen=True)
class Frozen(Object):
    f: int
    g: int = 3


@py_class("pp.Ordered", eq=True, order=True, unsafe_hash=True)
class Ordered(Object):
    v: int
    note: str = field(default="", compare=False)


def test_157_a_class_with_defaults():
    outer = Outer(Inner(1))
    assert repr(outer) == "pp.Outer(x=pp.Inner(val=1), y=1.5, tags=[])"
    assert type(outer.tags) is List
    outer.tags.append("a")
    assert list(Outer(Inner(2)).tags) == [] and list(outer.tags) == ["a"]
    assert str(inspect.signature(Outer)) == "(x, y=<MISSING>, tags=<MISSING>)"


def test_158_wrong_arguments():
    with pytest.raises(TypeError, match="missing required argument: 'x'"):
        Outer()
    with pytest.raises(TypeError, match="unexpected keyword argument 'zz'"):
        Outer(Inner(1), zz=1)
    with pytest.raises(TypeError, match="at most 3 positional"):
        Outer(Inner(1), 1.0, [], 4)
    with pytest.raises(TypeError, match="multiple values for argument 'x'"):
        Outer(Inner(1), x=Inner(2))


def test_159_values_are_checked_when_set():
    outer = Outer(Inner(1))
    outer.y = 3
    assert outer.y == 3.0 and type(outer.y) is float
    with pytest.raises(TypeError, match="expected float, got str"):
        outer.y = "s"
    with pytest.raises(AttributeError):
        outer.zz = 1
    with pytest.raises(TypeError, match=r"element \[0\]: expected str, got int"):
        outer.tags = [1]
    with pytest.raises(TypeError, match="int64 range"):
        outer.x.val = 2**70
    with pytest.raises(TypeError, match="expected pp.Inner, got int"):
        Outer(5)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_159_integers_no_field_holds(value):
    with pytest.raises(TypeError, match="int64 range"):
        Inner(value)


def test_160_a_key_is_taken_once():
    with pytest.raises(ValueError, match="already registered"):

        @py_class("pp.Inner")
        class Again(Object):
            val: int


def test_160_the_key_of_a_failed_class_is_free_again():
    with pytest.raises(TypeError, match="complex"):

        @py_class("pp.SecondTry")
        class Bad(Object):
            a: complex

    @py_class("pp.SecondTry")
    class Good(Object):
        a: float

    assert Good(1).a == 1.0


def test_161_frozen():
    value = Frozen(1)
    with pytest.raises(AttributeError):
        value.f = 2
    Frozen.f.set(value, 9)
    assert value.f == 9
    assert replace(value, f=5).f == 5 and value.f == 9
    with pytest.raises(TypeError, match="zz"):
        replace(value, zz=1)


def test_161_one_frozen_field():
    @py_class("pp.HalfFrozen")
    class HalfFrozen(Object):
        a: int = field(frozen=True)
        b: int = 0

    value = HalfFrozen(1)
    value.b = 3
    with pytest.raises(AttributeError):
        value.a = 2


def test_162_equality_order_and_hash():
    assert Ordered(1, "x") == Ordered(1, "y") and Ordered(1) != Ordered(2)
    assert hash(Ordered(1, "x")) == hash(Ordered(1, "y"))
    assert [o.v for o in sorted([Ordered(3), Ordered(1), Ordered(2)])] == [1, 2, 3]
    assert Ordered(1) <= Ordered(1) and Ordered(2) > Ordered(1) and Ordered(2) >= Ordered(1)
    assert Ordered(1).__eq__(3) is NotImplemented and Ordered(1).__lt__(Inner(1)) is NotImplemented
    with pytest.raises(ValueError, match="eq"):
        py_class("pp.Unordered", order=True)


def test_162_a_member_of_the_body_disables_its_family():
    @py_class("pp.OwnEq", eq=True)
    class OwnEq(Object):
        v: int

        def __eq__(self, other):
            return True

        __hash__ = Object.__hash__

    assert OwnEq(1) == OwnEq(2)


def test_163_identity_by_default():
    assert Inner(1) != Inner(1)
    assert structural_equal(Inner(1), Inner(1)) and not structural_equal(Inner(1), Inner(2))


def test_164_keyword_only():
    @py_class("pp.Keywords")
    class Keywords(Object):
        a: int
        _: KW_ONLY
        b: int = 3
        c: int

    with pytest.raises(TypeError):
        Keywords(1, 2)
    value = Keywords(1, c=2)
    assert (value.a, value.b, value.c) == (1, 3, 2)
    assert Keywords.__match_args__ == ("a",)
    assert str(inspect.signature(Keywords)) == "(a, *, c, b=<MISSING>)"


@py_class("pp.AllKinds")
class AllKinds(Object):
    i: int
    f: float
    b: bool
    s: str
    raw: bytes
    any: Any
    opt: Optional[int]
    either: Union[int, str]
    seq: list[int]
    fixed: tuple[int, str]
    many: tuple[int, ...]
    table: dict[str, int]
    call: Callable[[int], int]
    device: tvm_ffi.Device
    dtype: tvm_ffi.dtype
    tensor: tvm_ffi.Tensor
    counter: ClassVar[int] = 0


def test_every_kind_of_field():
    array = np.arange(3)
    value = AllKinds(
        1, 2, True, "text", b"raw", [1], None, "s", (1, 2), [3, "x"], [4], {"k": 5}, lambda x: x + 1,
        "cuda:1", "int8", array,
    )  # fmt: skip
    assert (value.i, value.f, value.b, value.s, value.raw) == (1, 2.0, True, "text", b"raw")
    assert (value.opt, value.either, list(value.seq), list(value.fixed), list(value.many)) == (
        None, "s", [1, 2], [3, "x"], [4],
    )  # fmt: skip
    assert dict(value.table) == {"k": 5} and value.call(2) == 3
    assert value.device == tvm_ffi.device("cuda", 1) and value.dtype == "int8"
    assert value.tensor.data_ptr() == array.ctypes.data
    with pytest.raises(TypeError, match="expected tuple of length 2"):
        value.fixed = (1,)
    with pytest.raises(TypeError, match="value for key 'k': expected int, got str"):
        value.table = {"k": "v"}
    with pytest.raises(TypeError, match=r"expected int \| str"):
        value.either = 1.5
    names = [f.name for f in fields(AllKinds)]
    assert "counter" not in names and len(names) == 16


def test_fields_are_released_with_their_object():
    use_count = tvm_ffi.get_global_func("testing.object_use_count")
    inner = Inner(1)
    before = use_count(inner)
    outers = [Outer(inner) for _ in range(10)]
    assert use_count(inner) == before + 10
    outers[0].x = Inner(2)
    assert use_count(inner) == before + 9
    del outers
    assert use_count(inner) == before


def test_inheritance_and_super():
    @py_class("pp.Base")
    class Base(Object):
        a: int
        small: bool = True

    @py_class("pp.Derived")
    class Derived(Base):
        b: int = 2

    value = Derived(1)
    assert (value.a, value.small, value.b) == (1, True, 2) and isinstance(value, Base)
    assert [f.name for f in fields(value)] == ["a", "small", "b"]
    value.__init__(7)
    assert value.a == 1

    @py_class("pp.OwnInit")
    class OwnInit(Base):
        c: int = 9

        def __init__(self, a):
            super().__init__(a)
            self.a = a

    assert (OwnInit(4).a, OwnInit(4).c) == (4, 9)
    echo = tvm_ffi.get_global_func("testing.echo")
    assert type(echo(value)) is Derived


def test_post_init_and_init_property():
    @py_class("pp.Computed")
    class Computed(Object):
        a: int
        seen: int = 0

        @init_property
        def twice(self) -> int:
            return self.a * 2

        def __post_init__(self):
            self.seen = self.twice + 1

    value = Computed(4)
    assert (value.twice, value.seen) == (8, 9)
    value.a = 100
    assert value.twice == 8
    assert "twice" not in inspect.signature(Computed).parameters


def test_annotations_of_classes_defined_later():
    @py_class("pp.Node")
    class Node(Object):
        value: int
        next: Optional[Node] = None
        tail: Optional["Tail"] = None  # noqa: UP037

    with pytest.raises(TypeError, match="Tail"):
        Node(1)

    @py_class("pp.Tail")
    class Tail(Object):
        length: int

    node = Node(1, Node(2), Tail(3))
    assert (node.next.value, node.tail.length, node.next.next) == (2, 3, None)


def test_reflected_methods():
    @py_class("pp.WithMethods")
    class WithMethods(Object):
        a: int

        @method
        def plus(self, b: int) -> int:
            return self.a + b

        @method
        @staticmethod
        def twice(b: int) -> int:
            return 2 * b

    assert WithMethods(1).plus(2) == 3 and WithMethods.twice(4) == 8
    reflected = {m.name: m for m in WithMethods.__tvm_ffi_type_info__.methods}
    assert reflected["plus"].func(WithMethods(5), 6) == 11
    schema = core.TypeSchema.from_json_str(reflected["plus"].metadata["type_schema"])
    assert repr(schema) == "Callable[[pp.WithMethods, int], int]"
    assert reflected["twice"].is_static and not reflected["plus"].is_static
    with pytest.raises(TypeError, match="classmethod"):
        method(classmethod(lambda cls: None))


def test_hooks_of_the_body_reach_the_library():
    @py_class("pp.Hooked")
    class Hooked(Object):
        v: int

        def __ffi_repr__(self, to_text):
            return f"<{to_text(self.v)}>"

        def __ffi_hash__(self, hash_of):
            return 42

        def __ffi_eq__(self, other, equal):
            return abs(self.v - other.v) < 10

    assert repr(Hooked(3)) == "<3>" and repr(tvm_ffi.Array([Hooked(4)])) == "(<4>,)"
    assert tvm_ffi.get_global_func("ffi.RecursiveHash")(Hooked(3)) == 42
    recursive_eq = tvm_ffi.get_global_func("ffi.RecursiveEq")
    assert recursive_eq(Hooked(1), Hooked(5)) and not recursive_eq(Hooked(1), Hooked(50))


def test_structural_roles_of_fields():
    @py_class("pp.Noted")
    class Noted(Object):
        v: int
        note: str = field(default="", structural_eq="ignore")

    assert structural_equal(Noted(1, "a"), Noted(1, "b")) and not structural_equal(Noted(1), Noted(2))
    with pytest.raises(ValueError, match="structural_eq"):
        field(structural_eq="sometimes")


def test_copies():
    outer = Outer(Inner(1), 2.0, ["a"])
    shallow, deep, pickled = copy.copy(outer), copy.deepcopy(outer), pickle.loads(pickle.dumps(outer))
    assert shallow.x.same_as(outer.x) and not shallow.same_as(outer)
    assert not deep.x.same_as(outer.x) and structural_equal(deep, outer)
    assert structural_equal(pickled, outer) and not pickled.same_as(outer)
    with pytest.raises(TypeError, match="not copy-constructible"):
        copy.copy(testing.TestNonCopyable(1))


def test_as_plain_values():
    outer = Outer(Inner(1), 2.0, ["a"])
    assert asdict(outer) == {"x": {"val": 1}, "y": 2.0, "tags": ["a"]}
    assert astuple(outer) == ((1,), 2.0, ["a"])
    assert is_dataclass(outer) and is_dataclass(Outer) and not is_dataclass(List([1]))
    for function in (asdict, astuple, replace):
        with pytest.raises(TypeError, match="c_class / py_class instances"):
            function(3)
    with pytest.raises(TypeError):
        fields(3)


def test_arguments_of_field():
    with pytest.raises(ValueError, match="both"):
        field(default=1, default_factory=list)
    with pytest.raises(TypeError, match="callable"):
        field(default_factory=3)
    assert field(default=1).default == 1 and field().default is MISSING

    @py_class("pp.Converted")
    class Converted(Object):
        a: int = field(converter=int)
        hidden: str = field(default="secret", repr=False)

    assert Converted("12").a == 12 and repr(Converted("12")) == "pp.Converted(a=12)"


def test_what_can_be_a_class():
    with pytest.raises(TypeError, match="registered FFI Object type"):

        @py_class("pp.NoObject")
        class NoObject:
            a: int

    with pytest.raises(TypeError, match="no type annotation"):

        @py_class("pp.Bare")
        class Bare(Object):
            a = field(default=1)


def test_classes_with_a_dict():
    @py_class("pp.WithDict", slots=False)
    class WithDict(Object):
        a: int

        def __repr__(self):
            return "with " + super().__repr__()

    value = WithDict(1)
    value.extra = 2
    assert value.extra == 2 and repr(value) == "with pp.WithDict(a=1)"


def test_no_constructor():
    @py_class("pp.NoInit", init=False)
    class NoInit(Object):
        a: int

    for cls in (NoInit, testing.TestCxxNoAutoInit, testing.TestFrozenCxx):
        with pytest.raises(TypeError, match="cannot be constructed directly"):
            cls()


def test_a_class_may_have_no_fields():
    @py_class("pp.Empty")
    class Empty(Object):
        pass

    assert type(tvm_ffi.get_global_func("testing.echo")(Empty())) is Empty and fields(Empty) == ()


def test_cpp_classes_have_constructors():
    value = testing.TestCxxClassDerived(1, 2, 3.0)
    assert (value.v_i64, value.v_i32, value.v_f64, value.v_f32) == (1, 2, 3.0, 8.0)
    assert str(inspect.signature(testing.TestCxxClassDerived)) == "(v_i64, v_i32, v_f64, v_f32=<MISSING>)"
    assert str(inspect.signature(testing.TestCxxKwOnly)) == "(*, x, y, z, w=<MISSING>)"
    assert testing.TestCxxKwOnly(x=1, y=2, z=3).w == 100
    assert testing.TestIntPair(b=2, a=1).sum() == 3
    with pytest.raises(TypeError, match="unexpected keyword"):
        testing.TestIntPair(1, 2, c=3)
    with pytest.raises(TypeError, match="made already"):
        value.__init__(1, 2, 3.0)


def test_cpp_classes_compare_by_content_when_asked():
    make = testing.TestCxxClassDerived
    assert make(1, 2, 3.0) == make(1, 2, 3.0) and make(1, 2, 3.0) < make(2, 2, 3.0)
    assert hash(make(1, 2, 3.0)) == hash(make(1, 2, 3.0))
    assert testing.TestCompare(1, "a", 5) == testing.TestCompare(1, "a", 6)


def test_defect_04_cpp_classes_can_be_frozen_in_python():
    index = core._type_key_to_index("testing.TestCxxAutoInitSimple")
    usual = core._class_of(index)

    @c_class("testing.TestCxxAutoInitSimple", frozen=True)
    class Simple(Object):
        x: int
        y: int

    try:
        value = Simple(1, 2)
        with pytest.raises(AttributeError):
            value.x = 3
        Simple.x.set(value, 4)
        assert value.x == 4 and replace(value, y=7).y == 7
    finally:
        core._register_class(index, usual)
    with pytest.raises(ValueError, match="no.such"):
        c_class("no.such.type")(Simple)


def test_patterns():
    match Outer(Inner(1), 2.0):
        case Outer(Inner(val), y):
            assert (val, y) == (1, 2.0)
        case _:
            pytest.fail("the pattern does not match")


def test_type_info_describes_fields():
    info = Outer.__tvm_ffi_type_info__
    assert info.type_key == "pp.Outer" and [f.name for f in info.fields] == ["x", "y", "tags"]
    y = info.fields[1]
    assert (y.size, y.c_has_default, y.c_default, repr(y.ty), y.frozen) == (8, True, 1.5, "float", False)
    assert info.fields[2].c_default_factory is not MISSING
    assert info.fields[0].offset == 24 and info.total_size == 48


def test_164_the_boundary_of_the_standard_library():
    import dataclasses

    @py_class("pp.StandardBoundary")
    class Standard(Object):
        a: int
        _: dataclasses.KW_ONLY
        b: int = 2

    with pytest.raises(TypeError, match="at most 1 positional"):
        Standard(1, 2)


def test_defaults_are_converted_when_used():
    @py_class("pp.Defaults")
    class Defaults(Object):
        items: list[int] = []  # noqa: RUF012 - converted anew for each object
        other: Inner = None

    with pytest.raises(TypeError, match="expected pp.Inner, got None"):
        Defaults()
    Defaults([1], Inner(1)).items.append(2)
    assert list(Defaults(other=Inner(1)).items) == []


def test_inherited_fields_are_not_defined_again():
    with pytest.raises(ValueError, match="inherits a field 'val'"):

        @py_class("pp.Redefined")
        class Redefined(Inner):
            val: float


def test_defaults_are_set_before_a_constructor_of_ones_own():
    @py_class("pp.OwnConstructor")
    class OwnConstructor(Object):
        a: int = 5
        tags: list[str] = field(default_factory=list)

        def __init__(self, text):
            self.tags.append(text)

    assert (OwnConstructor("x").a, list(OwnConstructor("y").tags)) == (5, ["y"])


def test_objects_read_by_cpp_structs(tmp_path):
    @py_class("pp.cpp.Base")
    class Base(Object):
        a: int
        flag: bool

    @py_class("pp.cpp.Kid")
    class Kid(Base):
        f: float
        s: str
        items: list[int]
        kind: tvm_ffi.dtype
        device: tvm_ffi.Device
        base: Base
        maybe: Optional[Base]
        pair: tuple[int, str]

    with pytest.raises(ValueError, match="did not match"):
        gen_abi_cpp("pp.cpp.nope.*")
    header = tmp_path / "kid.h"
    header.write_text(gen_abi_cpp(["pp.cpp.*"]))
    assert header.read_text() == gen_abi_cpp("pp.cpp.Kid")
    source = tmp_path / "kid.cc"
    source.write_text(
        '#include "kid.h"\n'
        "static double Sum(const tvm::ffi::ObjectRef& ref) {\n"
        "  const auto* kid = ref.as<pp::cpp::KidObj>();\n"
        "  return kid->a + kid->f + kid->items[1] + kid->base->a + kid->device.device_id + kid->s.size();\n"
        "}\n"
        "TVM_FFI_DLL_EXPORT_TYPED_FUNC(sum, Sum);\n"
    )
    module = tvm_ffi.load_module(compile_module(source, tmp_path / "kid.so"))
    kid = Kid(1, True, 2.5, "a text", [0, 10], "int8", "cuda:3", Base(100, False), None, (1, "x"))
    assert module.sum(kid) == 1 + 2.5 + 10 + 100 + 3 + 6
