"""What types say of themselves that every library must share. Prints one line each; needs `tvm_ffi`.

    python tests/compat/reflected_types.py      # with the tvm_ffi that the interpreter finds
"""

from __future__ import annotations

import tvm_ffi
from tvm_ffi import core

PRE, POST = 0, 1
structural_walk = tvm_ffi.get_global_func("ffi.StructuralWalk")
with_region = tvm_ffi.get_global_func("ffi.StructuralVisitorWithDefRegionKind")
default_visit = tvm_ffi.get_global_func("ffi.StructuralVisitorDefaultVisit")
region_of = tvm_ffi.get_global_func("ffi.StructuralVisitorDefRegionKind")
visit = tvm_ffi.get_global_func("ffi.StructuralVisit")
function = tvm_ffi.convert_func


def check_finality() -> None:
    for key in sorted(str(key) for key in tvm_ffi.get_global_func("ffi.GetRegisteredTypeKeys")()):
        # Its class is here in C++, there in Python.
        if key != "testing.TestFrozenCxx":
            index = core._object_type_key_to_index(key)
            print(key, core._lookup_type_attr(index, "__ffi_type_final__"))


def check_region_graph() -> None:
    make = tvm_ffi.get_global_func("testing.make_visit_region_graph")
    for hooked in (True, False):
        graph = make(hooked)
        print(repr(graph))
        for order in (PRE, POST):
            seen: list[tuple[str, int]] = []
            structural_walk(graph, [], [(-1, function(lambda x, kind: seen.append((str(x), kind))))], order)
            print(order, seen)
    for wrong in ((), (True, True), ("x",), (None,)):
        try:
            print(make(*wrong))
        except TypeError as error:
            print(error)


def check_region_graph_within_regions() -> None:
    graph = tvm_ffi.get_global_func("testing.make_visit_region_graph")(True)
    for kind in (0, 1, 2):
        seen: list[tuple[str, int]] = []

        def note(value, visitor):
            seen.append((str(value), region_of(visitor)))
            if isinstance(value, int):
                return None
            if not value.same_as(graph):
                return default_visit(visitor, value)
            return with_region(visitor, kind, function(lambda: default_visit(visitor, value)))

        visit(graph, [(-1, function(note))])
        print(kind, seen)


if __name__ == "__main__":
    import tvm_ffi.testing  # noqa: F401  loads the testing library

    check_finality()
    check_region_graph()
    check_region_graph_within_regions()
