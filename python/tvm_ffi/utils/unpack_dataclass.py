"""Instances of the standard library's dataclasses as tuples, which functions of the convention take."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

__all__ = ["unpack_dataclass_to_tuple"]

# The fields of each class, read once.
_fields: dict[type, tuple[str, ...] | None] = {}


def _fields_of(cls: type) -> tuple[str, ...] | None:
    if cls not in _fields:
        _fields[cls] = tuple(f.name for f in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else None
    return _fields[cls]


def _map_sequence(value: Any, function: Callable[[Any], Any]) -> Any:
    items = [function(item) for item in value]
    if all(a is b for a, b in zip(items, value)):
        return value
    return items if isinstance(value, list) else tuple(items)


def unpack_dataclass_to_tuple(value: Any) -> Any:
    """Return a dataclass as the tuple of its fields, also inside lists, tuples and the values of dicts."""
    if isinstance(value, (list, tuple)):
        return _map_sequence(value, unpack_dataclass_to_tuple)
    if isinstance(value, dict):
        return {key: unpack_dataclass_to_tuple(item) for key, item in value.items()}
    names = _fields_of(type(value))
    if names is None:
        return value
    return tuple(unpack_dataclass_to_tuple(getattr(value, name)) for name in names)
