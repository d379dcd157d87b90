"""JSON graphs, pickles, copies."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import tvm_ffi
import tvm_ffi.testing as testing
from tvm_ffi import Array, Dict, List, Map, Object
from tvm_ffi.serialization import from_json_graph_str, to_json_graph_str


@pytest.mark.parametrize(
    "value", [Array([1, "a", None]), List([1.5, [True]]), Map({"a": 1, "b": Array([2])}), Dict({1: "x" * 30})]
)
def test_079_copies_of_containers(value):
    for copied in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert copied == value and type(copied) is type(value) and not copied.same_as(value)


def test_170_shared_objects_stay_shared():
    shared = testing.TestIntPair(1, 2)
    text = to_json_graph_str(Array([shared, shared]))
    nodes = json.loads(text)["nodes"]
    assert sum(node["type"] == "testing.TestIntPair" for node in nodes) == 1
    restored = from_json_graph_str(text)
    assert restored[0].same_as(restored[1]) and restored[0].sum() == 3


def test_170_metadata():
    graph = json.loads(to_json_graph_str([1, "a"], {"version": "7"}))
    assert graph["metadata"] == {"version": "7"} and graph["root_index"] == len(graph["nodes"]) - 1


def test_171_what_has_no_graph():
    with pytest.raises(TypeError, match="ffi.Function"):
        to_json_graph_str(lambda: None)
    for text in ("{", "", '{"root_index": 0}'):
        with pytest.raises(ValueError):
            from_json_graph_str(text)
    with pytest.raises(TypeError):
        pickle.dumps(tvm_ffi.get_global_func("testing.echo"))


def test_objects_pickle():
    value = testing.create_object("testing.TestObjectBase", v_i64=3)
    restored = pickle.loads(pickle.dumps(value))
    assert (type(restored), restored.v_i64, restored.v_str) == (testing.TestObjectBase, 3, "hello")
    empty = pickle.loads(pickle.dumps(Object()))
    assert empty.__chandle__() == 0 and copy.copy(Object()).__chandle__() == 0


def test_deep_copies_share_what_was_shared():
    inner = testing.TestIntPair(1, 2)
    value = testing.TestDeepCopyEdges([inner, inner], inner)
    copied = copy.deepcopy(value)
    assert copied.v_any[0].same_as(copied.v_obj) and not copied.v_obj.same_as(inner)


def test_markers_survive():
    from tvm_ffi.core import KWARGS, MISSING

    assert (repr(MISSING), repr(KWARGS)) == ("<MISSING>", "<KWARGS>")
    assert copy.copy(MISSING) is MISSING and copy.deepcopy(KWARGS) is KWARGS
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
