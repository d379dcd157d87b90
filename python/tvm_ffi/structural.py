"""Comparing, hashing and walking values by structure."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Callable, Sequence

from . import core
from .registry import get_global_func, register_object

if TYPE_CHECKING:
    from .access_path import AccessPath

__all__ = [
    "DefRegionKind",
    "StructuralKey",
    "StructuralVisitor",
    "VisitInterrupt",
    "WalkOrder",
    "WalkResult",
    "get_first_structural_mismatch",
    "structural_equal",
    "structural_hash",
    "structural_walk",
]


def structural_equal(lhs: Any, rhs: Any, map_free_vars: bool = False, skip_tensor_content: bool = False) -> bool:
    """Whether two values have the same structure, strict about types.

    Parameters
    ----------
    map_free_vars
        Variables that nothing defines may stand for each other.
    skip_tensor_content
        Compare tensors by shape and dtype only.
    """
    return get_global_func("ffi.StructuralEqual")(lhs, rhs, map_free_vars, skip_tensor_content)


def structural_hash(value: Any, map_free_vars: bool = False, skip_tensor_content: bool = False) -> int:
    """Return a number of 64 bits that is the same for structurally equal values."""
    return get_global_func("ffi.StructuralHash")(value, map_free_vars, skip_tensor_content) % 2**64


def get_first_structural_mismatch(
    lhs: Any, rhs: Any, map_free_vars: bool = False, skip_tensor_content: bool = False
) -> tuple[AccessPath, AccessPath] | None:
    """Return the paths to the first difference in either value, None when they are structurally equal."""
    found = get_global_func("ffi.GetFirstStructuralMismatch")(lhs, rhs, map_free_vars, skip_tensor_content)
    return None if found is None else (found[0], found[1])


@register_object("ffi.StructuralKey")
class StructuralKey(core.Object):
    """A value as a key: equal and hashed by structure, in Python's dicts as well as in Map and Dict."""

    key: Any
    hash_i64: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StructuralKey):
            return NotImplemented
        return get_global_func("ffi.StructuralKeyEqual")(self, other)

    def __ne__(self, other: object) -> bool:
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    def __hash__(self) -> int:
        return hash(self.hash_i64)


class DefRegionKind(IntEnum):
    """Whether the part of a value that is visited defines variables."""

    NONE = 0
    DEF_RECURSIVE = 1
    DEF_NON_RECURSIVE = 2


class WalkResult(IntEnum):
    """What a callback of a walk wants next: to go on, or (before the children) to leave them out."""

    ADVANCE = 0
    SKIP = 1


class WalkOrder(IntEnum):
    """Whether a value is visited before or after its children."""

    PREORDER = 0
    POSTORDER = 1


@register_object("ffi.VisitInterrupt")
class VisitInterrupt(core.Object):
    """Ends a walk when a callback returns it; ``value`` is for the caller."""

    value: Any

    def __init__(self, value: Any = None) -> None:
        self.__init_handle_by_constructor__(get_global_func("ffi.VisitInterrupt"), value)


@register_object("ffi.StructuralVisitor", init=False)
class StructuralVisitor(core.Object):
    """What a type's ``__s_visit__`` hook gets to visit its parts with. Made by the library only."""

    def __init__(self) -> None:
        raise TypeError("a StructuralVisitor is made by the library, for the __s_visit__ hooks of types")

    def visit(self, value: Any) -> VisitInterrupt | None:
        """Visit a part; a VisitInterrupt must be returned on."""
        return get_global_func("ffi.StructuralVisitorVisit")(self, value)

    @property
    def def_region_kind(self) -> DefRegionKind:
        """Whether the part being visited defines variables."""
        return DefRegionKind(get_global_func("ffi.StructuralVisitorDefRegionKind")(self))

    def with_def_region_kind(self, kind: DefRegionKind | int, callback: Callable[[], Any]) -> Any:
        """Call ``callback`` with another kind of region in force and return its result."""
        return get_global_func("ffi.StructuralVisitorWithDefRegionKind")(self, int(kind), callback)


_ORDERS = {"pre": WalkOrder.PREORDER, "post": WalkOrder.POSTORDER}
_ANY_TYPE = -1
_FORMS = (
    "structural_walk callbacks must be a callback, a (type, callback) entry, a ((type1, type2, ...), callback) entry "
    "or a sequence of entries"
)
_BUILTIN_TYPES: dict[Any, int] = {type(None): 0, int: 1, bool: 2, float: 3, str: 65, bytes: 66}


def _type_index(cls: Any) -> int:
    if cls is Any:
        return _ANY_TYPE
    if cls in _BUILTIN_TYPES:
        return _BUILTIN_TYPES[cls]
    info = cls.__dict__.get("__tvm_ffi_type_info__") if isinstance(cls, type) else None
    if info is not None:
        return info.type_index
    schema = core.TypeSchema.from_annotation(cls)
    if schema.origin_type_index < _ANY_TYPE:
        raise TypeError(f"structural_walk cannot select values by {cls!r}")
    return schema.origin_type_index


def _entries(spec: Any) -> list[tuple[int, Callable[..., Any]]]:
    if callable(spec):
        return [(_ANY_TYPE, spec)]
    if not isinstance(spec, (tuple, list)):
        raise TypeError(_FORMS)
    if len(spec) == 2 and callable(spec[1]) and (isinstance(spec[0], tuple) or _is_type(spec[0])):
        types = spec[0] if isinstance(spec[0], tuple) else (spec[0],)
        return [(_type_index(cls), spec[1]) for cls in types]
    if not all(isinstance(entry, tuple) for entry in spec):
        raise TypeError(_FORMS)
    return [pair for entry in spec for pair in _entries(entry)]


def _is_type(value: Any) -> bool:
    return isinstance(value, type) or value is None or value is Any


def structural_walk(
    root: Any,
    callbacks: tuple[Any, ...] | Sequence[Any] | Callable[[Any], Any] = (),
    with_def_region_kind: tuple[Any, ...] | Sequence[Any] | Callable[[Any, int], Any] = (),
    order: str | WalkOrder = "pre",
) -> VisitInterrupt | None:
    """Call back for the parts of a value, and for the value itself.

    Parameters
    ----------
    callbacks
        A callable, ``(type, callable)``, ``((type, type), callable)`` or a sequence of such pairs; the first that
        takes a part's type is called with it. It returns None, a WalkResult, or a VisitInterrupt to end the walk.
    with_def_region_kind
        The same, called with the part and its DefRegionKind.
    order
        ``"pre"`` or ``"post"``; ValueError for anything else.

    Returns
    -------
    The VisitInterrupt that ended the walk, None when it went to its end.
    """
    if isinstance(order, str):
        if order not in _ORDERS:
            raise ValueError(f"Unknown structural walk order: {order!r}")
        order = _ORDERS[order]
    return get_global_func("ffi.StructuralWalk")(
        root, _entries(callbacks), _entries(with_def_region_kind), int(WalkOrder(order))
    )
