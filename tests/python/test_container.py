"""Array, List, Map, Dict."""

from __future__ import annotations

import math
import weakref

import pytest
import tvm_ffi
from tvm_ffi import Array, Dict, List, Map


def test_073_array_slicing_gives_lists():
    a = Array([1, 2, 3])
    assert a[-1] == 3
    assert a[1:] == [2, 3] and type(a[1:]) is list
    assert a[::-1] == [3, 2, 1]


def test_074_wrong_indices_and_arguments():
    a = Array([1, 2, 3])
    with pytest.raises(IndexError):
        a[3]
    with pytest.raises(IndexError):
        a[-4]
    with pytest.raises(TypeError):
        a["x"]
    with pytest.raises(TypeError):
        Array()


def test_075_sequences_are_equal_by_content():
    a = Array([1, 2, 3])
    assert a == [1, 2, 3] and a == (1, 2, 3) and a == List([1, 2, 3]) and [1, 2, 3] == a
    assert List([1, [2]]) == [1, [2]]
    assert a != [1, 2] and not (a != [1, 2, 3])
    assert Array([math.nan]) == Array([math.nan])


def test_076_equality_is_strict_about_types():
    assert Array(list("abc")) != "abc"
    assert Array([1]) != Array([1.0])
    assert Array([1]) != Array([True])
    assert Array([[1]]) != Array([List([1])])


def test_077_membership():
    a = Array([1, 2, 3])
    assert [1] in Array([[1]])
    assert 2 in a and "2" not in a


def test_078_concatenation_gives_an_array():
    a = Array([1])
    assert type(a + [4]) is Array and a + [4] == [1, 4]
    assert type([0] + a) is Array and [0] + a == [0, 1]
    assert a.index(1) == 0 and a.count(1) == 1


def test_080_list_behaves_like_list():
    mine, model = List([1, 2, 3]), [1, 2, 3]
    for target in (mine, model):
        target.append(4)
        target.insert(0, 0)
        target.insert(-1, 9)
        target[1] = 7
        del target[2]
        target[1:2] = [5, 6, 7]
        target.extend([8])
        target.reverse()
        target += [10]
        del target[::2]
        target[0:0] = ["a"]
        target[::2] = [0] * len(target[::2])
    assert list(mine) == model
    assert mine.pop(0) == model.pop(0)
    assert list(mine) == model


def test_081_list_errors():
    with pytest.raises(IndexError):
        List().pop()
    l = List([1])
    with pytest.raises(IndexError):
        l[9] = 1
    with pytest.raises(ValueError):
        l.remove(99)
    l.remove(1)
    assert len(l) == 0 and not l


def test_082_extended_slice_of_the_wrong_length():
    with pytest.raises(ValueError):
        List([1, 2, 3])[::2] = [1]


def test_083_lists_are_shared(echo):
    l = List([1])
    echo(l).append(2)
    assert l == [1, 2]


def test_084_iteration_ends_at_the_first_length():
    l = List([1, 2])
    for x in l:
        l.append(x)
    assert l == [1, 2, 1, 2]


def test_084_a_list_that_shrinks_while_iterated_does_not_read_past_its_end():
    l = List([1, 2, 3])
    with pytest.raises(IndexError):
        for _ in l:
            l.clear()


def test_085_missing_keys():
    m = Map({"a": 1})
    with pytest.raises(KeyError):
        m["z"]
    assert m.get("z") is None and m.get("z", 5) == 5 and m.get("a") == 1


def test_086_insertion_order():
    assert list(Map({5: 0, 3: 1, 9: 2})) == [5, 3, 9]
    assert list(Map({str(i): i for i in range(50)}).values()) == list(range(50))


def test_087_maps_equal_only_maps():
    m = Map({"a": 1})
    assert m != {"a": 1} and m == Map({"a": 1}) and m != Dict({"a": 1})
    assert Map({"a": 1, "b": 2}) == Map({"b": 2, "a": 1})
    assert m != Map({"a": 1.0}) and m != Map({"b": 1})


def test_088_dict_behaves_like_dict():
    mine, model = Dict({"a": 1}), {"a": 1}
    for target in (mine, model):
        target["b"] = 2
        del target["a"]
        target.update({"c": 3, "d": 4})
        target.setdefault("c", 9)
        target.setdefault("e", 5)
        target.pop("d")
    assert dict(mine.items()) == model
    assert mine.popitem()[0] in ("b", "c", "e")
    mine.clear()
    assert len(mine) == 0 and Dict() == mine


def test_089_dict_errors():
    d = Dict()
    with pytest.raises(KeyError):
        del d["q"]
    with pytest.raises(KeyError):
        d.pop("q")
    assert d.pop("q", 1) == 1
    with pytest.raises(TypeError):
        d.pop("q", 1, 2)
    with pytest.raises(TypeError):
        d.update(a=1)


def test_090_views_are_live():
    d = Dict({"a": 1})
    view = d.keys()
    d["b"] = 2
    assert list(view) == ["a", "b"] and len(view) == 2 and "b" in view


def test_091_items_contain_pairs():
    assert ("a", 1) in Map({"a": 1}).items()
    assert ("a", 2) not in Map({"a": 1}).items() and ("b", 1) not in Map({"a": 1}).items()
    assert [1] in Map({"a": [1]}).values()


def test_092_object_keys_are_told_apart_by_identity():
    m = Map({(1, 2): 5})
    with pytest.raises(KeyError):
        m[Array([1, 2])]
    assert m[next(iter(m))] == 5


def test_093_equal_containers_hash_alike():
    assert hash(Array([1, [2, "x"]])) == hash(Array([1, [2, "x"]]))
    assert hash(Map({"a": 1, "b": 2})) == hash(Map({"b": 2, "a": 1}))
    assert hash(Array([1])) != hash(Array([2]))


def test_094_use_counts(mod):
    x = Array([1])
    l = List([x])
    assert mod.use_count(x) == 2
    y = l[0]
    assert mod.use_count(x) == 3
    del y, l
    assert mod.use_count(x) == 1


def test_095_containers_have_no_dict_and_no_weak_references():
    a = Array([1])
    with pytest.raises(AttributeError):
        a.foo = 1
    with pytest.raises(TypeError):
        weakref.ref(a)


def test_177_keys_are_told_apart_by_type():
    d = Dict({1: "int", 1.0: "float"})
    d[1] = "int"
    d[1.0] = "float"
    d[True] = "bool"
    d["1"] = "str"
    d[b"1"] = "bytes"
    d[None] = "none"
    d["a string of 20 chars"] = "long"
    assert len(d) == 7 and d[True] == "bool" and d[1] == "int" and d["a string of 20 chars"] == "long"
    d[math.nan] = "nan"
    assert d[math.nan] == "nan"
    d[0.0], d[-0.0] = "plus", "minus"
    assert (d[0.0], d[-0.0]) == ("plus", "minus")


def test_178_a_list_that_contains_itself():
    l = List([1])
    l.append(l)
    assert "..." in repr(l)
    assert l._text(set()) == "[1, [...]]"
    assert l == l and hash(l) == hash(l)


def test_text():
    assert repr(Array([1, "a", None])) == '(1, "a", None)'
    assert repr(List([1, [2]])) == "[1, (2,)]"
    assert repr(Map({"a": 1})) == '{"a": 1}'
    assert Array([1, "a", None])._text(set()) == '(1, "a", None)'
    assert Map({"a": List()})._text(set()) == '{"a": []}'


def test_nested_values_are_containers(echo):
    result = echo([1, (2, 3), {"k": [4]}])
    assert type(result) is Array and type(result[1]) is Array and type(result[2]) is Map
    assert result[2]["k"] == [4]
    assert type(tvm_ffi.convert([1])) is Array
