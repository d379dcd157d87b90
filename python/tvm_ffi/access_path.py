"""Places inside a value: which field, element or key leads to them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Sequence

from .core import Object
from .registry import register_object

__all__ = ["AccessKind", "AccessPath", "AccessStep"]


class AccessKind(IntEnum):
    """What a step goes through; the missing ones lead to where only the other value has something."""

    ATTR = 0
    ARRAY_ITEM = 1
    MAP_ITEM = 2
    ATTR_MISSING = 3
    ARRAY_ITEM_MISSING = 4
    MAP_ITEM_MISSING = 5


@register_object("ffi.reflection.AccessStep", init=False)
class AccessStep(Object):
    """One step: ``kind``, an AccessKind, and ``key``."""

    kind: AccessKind
    key: Any


@register_object("ffi.reflection.AccessPath", init=False)
class AccessPath(Object):
    """A path from a root. Immutable: the methods that extend it return a new one."""

    parent: AccessPath | None
    step: AccessStep | None
    depth: int

    def __init__(self) -> None:
        raise ValueError(
            "AccessPath can't be initialized directly. Use AccessPath.root() to create a path to the root object"
        )

    @staticmethod
    def root() -> AccessPath:
        """Return the path to the value itself."""
        return AccessPath._root()

    def attr(self, attr_key: str) -> AccessPath:
        """Return the path to a field."""
        return self._attr(attr_key)

    def attr_missing(self, attr_key: str) -> AccessPath:
        """Return the path to a field that is not there."""
        return self._attr_missing(attr_key)

    def array_item(self, index: int) -> AccessPath:
        """Return the path to an element."""
        return self._array_item(index)

    def array_item_missing(self, index: int) -> AccessPath:
        """Return the path to an element that is not there."""
        return self._array_item_missing(index)

    def map_item(self, key: Any) -> AccessPath:
        """Return the path to a key's value."""
        return self._map_item(key)

    def map_item_missing(self, key: Any) -> AccessPath:
        """Return the path to the value of a key that is not there."""
        return self._map_item_missing(key)

    def is_prefix_of(self, other: AccessPath) -> bool:
        """Whether ``other`` begins with this path."""
        return self._is_prefix_of(other)

    def to_steps(self) -> Sequence[AccessStep]:
        """Return the steps from the root."""
        return self._to_steps()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessPath) and self._path_equal(other)

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return hash(repr(self))
