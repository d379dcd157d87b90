"""Structural maps, mutations and visits whose outcome every library must share. Prints one line each; needs `tvm_ffi`.

    python tests/compat/structural_calls.py      # with the tvm_ffi that the interpreter finds
"""

from __future__ import annotations

from typing import Any, Callable

import tvm_ffi
from tvm_ffi.dataclasses import field, py_class

ANY, BOOL, INT, SMALL_STRING, STRING = -1, 2, 1, 11, 65
PRE, POST = 0, 1
structural_map = tvm_ffi.get_global_func("ffi.StructuralMap")
structural_mutate = tvm_ffi.get_global_func("ffi.StructuralMutate")
structural_visit = tvm_ffi.get_global_func("ffi.StructuralVisit")
function = tvm_ffi.convert_func
value_of = tvm_ffi.convert
plus_one = (INT, function(lambda x: x + 1))


def node(name: str, kind: str | None) -> type:
    @py_class(f"compat.{name}", structural_eq=kind)
    class Node(tvm_ffi.Object):
        a: Any
        b: Any = field(default=None, structural_eq="ignore")

    return Node


KINDS = {"tree": "Tree", "dag": "Dag", "const-tree": "ConstTree", "singleton": "Singleton", "var": "Var", None: "None"}
NODES = {kind: node(name, kind) for kind, name in KINDS.items()}
Tree, Dag, Var = NODES["tree"], NODES["dag"], NODES["var"]


def binder(name: str, region: str) -> tuple[type, type]:
    @py_class(f"compat.{name}", structural_eq="tree")
    class Binder(tvm_ffi.Object):
        params: Any = field(structural_eq=region)
        body: Any

    @py_class(f"compat.Late{name}", structural_eq="tree")
    class LateBinder(tvm_ffi.Object):
        body: Any
        params: Any = field(structural_eq=region)

    return Binder, LateBinder


BINDERS = [binder("Pattern", "def-pattern"), binder("Simple", "def-simple")]


def index_of(cls: type) -> int:
    return cls.__tvm_ffi_type_info__.type_index


def address(value: Any) -> Any:
    return value.__chandle__() if callable(value.__chandle__) else value.__chandle__


def show(what: str, call: Callable[[], Any]) -> None:
    try:
        result = call()
        print(f"{what}: {result!r} {type(result).__name__}")
    except Exception as error:
        print(f"{what}: {type(error).__name__} {error}")


def recorded(root: Any, order: int) -> list[str]:
    seen: list[str] = []
    structural_map(root, [(ANY, function(lambda x: (seen.append(str(x)), x)[1]))], [], order)
    return seen


def check_containers() -> None:
    array = value_of([1, 2, [3, "x"]])
    for order in (PRE, POST):
        show("plus one", lambda order=order: structural_map(array, [plus_one], [], order))
        show("nothing to call", lambda order=order: structural_map(array, [], [], order).same_as(array))
        show("identity", lambda order=order: structural_map(array, [(INT, function(lambda x: x))], [], order).same_as(array))
        show("None", lambda order=order: structural_map(array, [(INT, function(lambda x: None))], [], order))
        for root in (array, value_of([None, 1]), None, 3, value_of({"a": 1, "b": [1, 2]}), tvm_ffi.Dict({"k": [1]})):
            show("order", lambda root=root, order=order: recorded(root, order))
    shared = value_of([5])
    result = structural_map(value_of([shared, shared]), [plus_one], [], POST)
    print(result, result[0].same_as(result[1]))
    for root in (tvm_ffi.List([1, [2]]), tvm_ffi.Map({"a": 1, "b": [2]}), tvm_ffi.Dict({"z": 1, "y": "s", "x": 3})):
        show("container", lambda root=root: structural_map(root, [plus_one], [], POST))
        print(root)
    entries = {f"k{i}": i for i in range(40)}
    double_seven = (INT, function(lambda x: 70 if x == 7 else x))
    show("order of a map is kept", lambda: list(structural_map(tvm_ffi.Map(entries), [double_seven], [], POST).items()))


def check_dispatch() -> None:
    array = value_of([1, True, "x", "a string that is long"])
    exclaim = function(lambda x: x + "!")
    for index in (SMALL_STRING, STRING):
        show("string", lambda index=index: structural_map(array, [(index, exclaim)], [], POST))
    show("bool", lambda: structural_map(array, [(BOOL, function(lambda x: 5))], [], POST))
    show("first wins", lambda: structural_map(array, [plus_one, (INT, function(lambda x: 9))], [], POST))
    show("plain before kinds", lambda: structural_map(array, [plus_one], [(INT, function(lambda x, k: 9))], POST))
    show("None callback", lambda: structural_map(array, [(INT, None), plus_one], [], POST))
    show("array to int", lambda: structural_map(value_of([[1]]), [(index_of(tvm_ffi.Array), function(lambda x: 7))], [], PRE))

    def fail(x: Any) -> None:
        raise ValueError("no")

    show("error", lambda: structural_map(array, [(INT, function(fail))], [], POST))


def check_objects() -> None:
    for kind, cls in NODES.items():
        for order in (PRE, POST):
            x = cls(1, 1)
            r = structural_map(value_of([x, x]), [plus_one], [], order)
            print(kind, order, r[0].a, r[0].b, r[0].same_as(x), r[0].same_as(r[1]), x.a)
    for cls in (Dag, Var):
        calls: list[Any] = []
        x = cls(None, 1)
        structural_map(value_of([x, x]), [(ANY, function(lambda v: (calls.append(type(v).__name__), v)[1]))], [], POST)
        print(calls)
    for order in (PRE, POST):
        x = Dag(1, 1)
        replace = function(lambda v: Dag(9, 9) if v.a == 1 else v)
        r = structural_map(value_of([x, x]), [(index_of(Dag), replace), plus_one], [], order)
        print(r[0].a, r[1].a, r[0].same_as(r[1]))

    @py_class("compat.Typed", structural_eq="tree", frozen=True)
    class Typed(tvm_ffi.Object):
        n: int

    show("typed field", lambda: structural_map(Typed(1), [plus_one], [], POST).n)
    show("wrong type", lambda: structural_map(Typed(1), [(INT, function(lambda x: "bad"))], [], POST))


def check_variables() -> None:
    for early, late in BINDERS:
        for order in (PRE, POST):
            v, w = Var(1, 1), Var(5, 5)
            r = structural_map(early([v], [v, v, w]), [plus_one], [], order)
            print(r.params[0].a, r.body[0].a, r.params[0].same_as(r.body[0]), r.body[2].same_as(w))
            kinds: list[Any] = []
            note = function(lambda x, k, kinds=kinds: (kinds.append((type(x).__name__, k)), x)[1])
            structural_map(early([v, v], [v]), [], [(ANY, note)], order)
            print(kinds)
            other = Var(100, 0)
            in_definition = function(lambda x, k, other=other: other if k != 0 else x)
            r = structural_map(early([v], [v]), [], [(index_of(Var), in_definition)], order)
            print(r.params[0].same_as(other), r.body[0].same_as(other))
            r = structural_map(late([v], [v]), [plus_one], [], order)
            print(r.body[0].a, r.params[0].a)
            nested = Var(Var(1, 1), 1)
            r = structural_map(early([nested], [nested, nested.a]), [plus_one], [], order)
            print(r.params[0].a.a, r.body[1].a, r.body[0].a.same_as(r.body[1]))


def check_in_place() -> None:
    makers = (
        lambda: value_of([1, 2]),
        lambda: value_of([[1], [2]]),
        lambda: tvm_ffi.List([1]),
        lambda: tvm_ffi.Map({"a": 1}),
        lambda: tvm_ffi.Dict({"a": 1}),
        lambda: Tree(1, 1),
        lambda: Dag(1, 1),
    )
    for make in makers:
        root = make()
        before = address(root)
        result = structural_map(root._move(), [plus_one], [], POST)
        print(result, address(result) == before)
        root = make()
        modes: list[int] = []
        note = function(lambda v, m, mode, modes=modes: (modes.append(mode), v + 1)[1])
        print(structural_mutate(root._move(), [(INT, note, True)]), modes)
    for move in (True, False):
        root, modes = value_of([Tree(1, 1)]), []
        go_on = function(lambda v, m, mode, modes=modes: (modes.append(mode), m.default_mutate(v))[1])
        argument = root._move() if move else root
        print(structural_mutate(argument, [(index_of(Tree), go_on, True), (INT, function(lambda v, m: v + 1), False)]), modes)


def mutate_one(body: Callable[[Any], Any]) -> Any:
    return structural_mutate(1, [(INT, function(lambda v, m: body(m)), False)])


def check_mutator() -> None:
    for name, key in {"int": 3, "None": None, "tree": Tree(1, 1), "var": Var(1, 1), "array": value_of([1])}.items():
        show(f"no replacement for {name}", lambda key=key: mutate_one(lambda m: m.var_remap_get(key)))
    show("set for int", lambda: mutate_one(lambda m: m.var_remap_set(3, 4)))

    def remap(m: Any) -> Any:
        x, found = Var(1, 1), []
        for mapped in (5, 6):
            m.var_remap_set(x, mapped)
            found += [m.var_remap_get(x), m.mutate(x), m.default_mutate(x), m.with_def_region_kind(1, lambda: m.mutate(x))]
        m.var_remap_set(x, None)
        return value_of([*found, m.var_remap_get(x), m.mutate(x).same_as(x)])

    show("remap", lambda: mutate_one(remap))
    for outer in (0, 1, 2):
        for inner in (0, 1, 2):
            nested = lambda m, i: m.with_def_region_kind(i, lambda: int(m.def_region_kind()))  # noqa: E731
            show("regions", lambda o=outer, i=inner: mutate_one(lambda m: m.with_def_region_kind(o, lambda: nested(m, i))))
    for hook in ("__s_mutate__", "__s_maybe_inplace_mutate__"):

        def replace(mutator: Any, value: Any) -> Any:
            return value_of(["hook", type(mutator).__name__])

        body = {"__annotations__": {"a": Any}, hook: staticmethod(replace)}
        hooked = py_class(f"compat.{hook}", structural_eq="tree")(type("Hooked", (tvm_ffi.Object,), body))
        show(f"{hook}, shared", lambda hooked=hooked: (lambda x: structural_map(x, [plus_one], [], POST))(hooked(1)))
        show(f"{hook}, moved", lambda hooked=hooked: structural_map(hooked(1)._move(), [plus_one], [], POST))


def check_visit() -> None:
    seen: list[str] = []
    note = function(lambda v, visitor: seen.append(f"{v} {type(visitor).__name__}"))
    for root in (value_of([1, [2]]), None, 3, value_of([None, 1])):
        for index in (INT, index_of(tvm_ffi.Array), ANY):
            show("visit", lambda root=root, index=index: structural_visit(root, [(index, note)]))
    print(seen)
    show("interrupt", lambda: structural_visit(value_of([1]), [(INT, function(lambda v, m: tvm_ffi.VisitInterrupt(4)))]))
    show("wrong result", lambda: structural_visit(value_of([1]), [(INT, function(lambda v, m: 1))]))
    show("no callbacks", lambda: structural_visit(value_of([1]), []))


for check in (check_containers, check_dispatch, check_objects, check_variables, check_in_place, check_mutator, check_visit):
    print(check.__name__)
    check()
