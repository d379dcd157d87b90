"""The special methods that c_class and py_class give to classes."""

from __future__ import annotations

from typing import Any

from .. import core
from .._init import init_fields
from .._type_info import TypeInfo
from ..registry import get_global_func

_COMPARE_FAMILY = ("__eq__", "__ne__")
_ORDER_FAMILY = {"__lt__": "RecursiveLt", "__le__": "RecursiveLe", "__gt__": "RecursiveGt", "__ge__": "RecursiveGe"}


def check_flags(eq: bool, order: bool) -> None:
    """Raise ValueError for an order without equality."""
    if order and not eq:
        raise ValueError("order=True requires eq=True")


def _unrelated(self: Any, other: Any) -> bool:
    return not (isinstance(other, type(self)) or isinstance(self, type(other)))


def _comparison(name: str) -> Any:
    def compare(self: Any, other: Any) -> Any:
        if not isinstance(other, core.CObject) or _unrelated(self, other):
            return NotImplemented
        return get_global_func("ffi." + name)(self, other)

    return compare


def _not_equal(self: Any, other: Any) -> Any:
    result = self.__eq__(other)
    return result if result is NotImplemented else not result


def _recursive_hash(self: Any) -> int:
    return hash(get_global_func("ffi.RecursiveHash")(self))


def _install(cls: type, name: str, function: Any) -> None:
    function.__name__ = name
    function.__qualname__ = f"{cls.__qualname__}.{name}"
    setattr(cls, name, function)


def add_comparison(cls: type, body: set[str], *, eq: bool, order: bool, unsafe_hash: bool) -> None:
    """Install comparison and hash by content, each family unless the class body has a member of it."""
    if eq and not body.intersection(_COMPARE_FAMILY):
        _install(cls, "__eq__", _comparison("RecursiveEq"))
        setattr(cls, "__ne__", _not_equal)
    if order and not body.intersection(_ORDER_FAMILY):
        for name, function in _ORDER_FAMILY.items():
            _install(cls, name, _comparison(function))
    if "__hash__" not in body:
        if unsafe_hash:
            setattr(cls, "__hash__", _recursive_hash)
        elif eq:
            setattr(cls, "__hash__", core.CObject.__hash__)


def _replace(self: Any, /, **changes: Any) -> Any:
    copied = self.__copy__()
    known = {field.name: field for field in type(self).__tvm_ffi_type_info__.all_fields()}
    for name, value in changes.items():
        field = known.get(name)
        if field is None or field.setter is None:
            raise TypeError(f"{type(self).__name__}.__replace__() got an unexpected keyword argument {name!r}")
        field.setter(copied, value)
    return copied


def add_copying(cls: type, body: set[str]) -> None:
    """Install the protocol of ``copy.replace``."""
    if "__replace__" not in body:
        setattr(cls, "__replace__", _replace)


def add_match_args(cls: type, info: TypeInfo, body: set[str]) -> None:
    """Install the names that positional patterns match."""
    if "__match_args__" not in body:
        setattr(cls, "__match_args__", tuple(field.name for field in init_fields(info) if not field.c_kw_only))
