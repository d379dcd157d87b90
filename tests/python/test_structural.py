"""Comparing, hashing and walking by structure; paths into values."""

from __future__ import annotations

import numpy as np
import pytest
import tvm_ffi
import tvm_ffi.testing as testing
from tvm_ffi import (
    Array,
    Dict,
    List,
    Map,
    StructuralKey,
    VisitInterrupt,
    WalkOrder,
    WalkResult,
    get_first_structural_mismatch,
    structural_equal,
    structural_hash,
    structural_walk,
)
from tvm_ffi.access_path import AccessKind, AccessPath
from tvm_ffi.dataclasses import field, py_class


def test_167_equality_is_strict_about_types():
    assert not structural_equal([1], [1.0])
    assert not structural_equal([1], List([1]))
    assert structural_equal([1, {"a": [2]}], [1, {"a": [2]}])
    assert structural_equal("abc", "abc") and not structural_equal(1, True)


def test_equality_of_tensors():
    one, other = (tvm_ffi.from_dlpack(np.array(v, dtype="int32")) for v in ([1, 2], [1, 3]))
    assert not structural_equal(one, other) and structural_equal(one, other, skip_tensor_content=True)


def test_hash():
    value = [1, "a" * 20, {"k": 2.5}]
    assert 0 <= structural_hash(value) < 2**64
    assert structural_hash(value) == structural_hash([1, "a" * 20, {"k": 2.5}])
    assert structural_hash([1]) != structural_hash([2])


def test_168_first_mismatch():
    lhs, rhs = get_first_structural_mismatch([1, [2, 3]], [1, [2, 4]])
    assert (repr(lhs), repr(rhs)) == ("<root>[1][1]", "<root>[1][1]")
    assert get_first_structural_mismatch([1, [2]], [1, [2]]) is None
    shorter, longer = get_first_structural_mismatch([1], [1, 2])
    assert (repr(shorter), repr(longer)) == ("<root>[<missing:1>]", "<root>[1]")


def test_169_walks():
    seen = []
    assert structural_walk([1, [2, "x"]], (int, seen.append)) is None
    assert seen == [1, 2]
    before, after = [], []
    structural_walk([1, [2]], before.append, order="pre")
    structural_walk([1, [2]], after.append, order=WalkOrder.POSTORDER)
    assert before == [[1, [2]], 1, [2], 2] and after == [1, 2, [2], [1, [2]]]
    with pytest.raises(ValueError, match="zz"):
        structural_walk([1], print, order="zz")
    with pytest.raises(TypeError):
        structural_walk([1], 3)
    with pytest.raises(TypeError):
        structural_walk([1], (complex, print))


def test_169_callbacks_steer_the_walk():
    seen = []

    def skip_inner(value):
        seen.append(value)
        return WalkResult.SKIP if len(value) == 1 else None

    structural_walk([1, [2], 3], [(Array, skip_inner), ((int, str), seen.append)])
    assert seen == [[1, [2], 3], 1, [2], 3]

    found = structural_walk([1, [7, 8]], (int, lambda v: VisitInterrupt(v * 10) if v > 5 else None))
    assert found.value == 70

    def fail(value):
        raise KeyError("stop")

    with pytest.raises(KeyError):
        structural_walk([1], fail)


def test_walks_tell_the_region():
    @py_class("pp.Binder")
    class Binder(tvm_ffi.Object):
        name: tvm_ffi.Object = field(structural_eq="def")
        body: tvm_ffi.Object

    seen = []
    structural_walk(
        Binder(testing.TestIntPair(1, 2), testing.TestIntPair(3, 4)),
        with_def_region_kind=(testing.TestIntPair, lambda pair, kind: seen.append((pair.a, kind))),
    )
    assert seen == [(1, tvm_ffi.DefRegionKind.DEF_RECURSIVE), (3, tvm_ffi.DefRegionKind.NONE)]


def test_structural_keys():
    one, same, other = StructuralKey([1]), StructuralKey([1]), StructuralKey([2])
    assert one == same and hash(one) == hash(same) and one != other and one != 3
    assert {one: "found"}[same] == "found"
    assert Map({one: 5})[same] == 5 and Dict({one: 5})[same] == 5
    assert list(one.key) == [1] and isinstance(one.hash_i64, int)


def test_access_paths():
    path = AccessPath.root().attr("a").array_item(2).map_item("k")
    assert repr(path) == '<root>.a[2]["k"]' and path.depth == 3
    assert repr(path.array_item_missing(1)) == '<root>.a[2]["k"][<missing:1>]'
    kinds = [step.kind for step in path.to_steps()]
    assert kinds == [AccessKind.ATTR, AccessKind.ARRAY_ITEM, AccessKind.MAP_ITEM]
    assert [step.key for step in path.to_steps()] == ["a", 2, "k"]
    same = AccessPath.root().attr("a").array_item(2).map_item("k")
    assert path == same and hash(path) == hash(same) and path != path.parent and path.step.key == "k"
    assert path.parent.is_prefix_of(path) and not path.is_prefix_of(path.parent)
    with pytest.raises(ValueError, match="root"):
        AccessPath()
    with pytest.raises(TypeError):
        tvm_ffi.StructuralVisitor()
