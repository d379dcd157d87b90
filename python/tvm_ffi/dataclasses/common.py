"""Functions over instances of c_class and py_class, as the standard library's dataclasses have them."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from .. import core
from .._type_info import TypeField
from .field import Field

_MARK = "__ffi_is_dataclass__"


def is_dataclass(obj: Any) -> bool:
    """Whether ``obj`` is a c_class or py_class, or an instance of one."""
    cls = obj if isinstance(obj, type) else type(obj)
    return bool(getattr(cls, _MARK, False))


def _require(obj: Any, name: str) -> Any:
    if not is_dataclass(obj):
        raise TypeError(f"{name}() argument must be a c_class or py_class type or instance, got {type(obj).__name__}")
    return obj if isinstance(obj, type) else type(obj)


def _require_instance(obj: Any, name: str) -> None:
    if isinstance(obj, type) or not is_dataclass(obj):
        raise TypeError(f"{name}() should be called on c_class / py_class instances")


def _as_field(reflected: TypeField) -> Field:
    if reflected.dataclass_field is None:
        reflected.dataclass_field = Field(
            default=reflected.c_default,
            default_factory=reflected.c_default_factory,
            frozen=reflected.frozen,
            init=reflected.c_init,
            repr=reflected.c_repr,
            hash=reflected.c_hash,
            compare=reflected.c_compare,
            kw_only=reflected.c_kw_only,
            structural_eq=reflected.c_structural_eq,
            doc=reflected.doc,
            name=reflected.name,
            type=reflected.ty,
        )
    return reflected.dataclass_field


def fields(class_or_instance: Any) -> tuple[Field, ...]:
    """Return the fields, inherited ones first. TypeError for anything but c_class and py_class."""
    cls = _require(class_or_instance, "fields")
    return tuple(_as_field(reflected) for reflected in cls.__tvm_ffi_type_info__.all_fields())


def replace(obj: Any, /, **changes: Any) -> Any:
    """Return a copy with some fields changed, frozen ones too. TypeError for names that are no fields."""
    _require_instance(obj, "replace")
    return obj.__replace__(**changes)


def asdict(obj: Any, *, dict_factory: Callable[[list[tuple[str, Any]]], Any] = dict) -> Any:
    """Return the fields as a dict, recursively; containers become lists and dicts."""
    _require_instance(obj, "asdict")
    return _plain(obj, lambda names, values: dict_factory(list(zip(names, values))))


def astuple(obj: Any, *, tuple_factory: Callable[[list[Any]], Any] = tuple) -> Any:
    """Return the fields' values as a tuple, recursively; containers become lists and dicts."""
    _require_instance(obj, "astuple")
    return _plain(obj, lambda names, values: tuple_factory(values))


def _plain(value: Any, make: Callable[[list[str], list[Any]], Any]) -> Any:
    if isinstance(value, core.CObject) and is_dataclass(value):
        names = [reflected.name for reflected in type(value).__tvm_ffi_type_info__.all_fields()]
        return make(names, [_plain(getattr(value, name), make) for name in names])
    if isinstance(value, core.CContainerBase):
        if isinstance(value, Sequence):
            return [_plain(item, make) for item in value]
        return {_plain(key, make): _plain(item, make) for key, item in value.items()}
    return value
