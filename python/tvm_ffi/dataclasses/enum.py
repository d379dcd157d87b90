"""Enums: types with a fixed set of named values that every language shares."""

from __future__ import annotations

import sys
import typing
from typing import Any, ClassVar, Iterator

from .. import core
from .._type_info import TypeInfo
from ..container import Dict, List
from ..registry import _type_info_of, register_object
from .py_class import Options, define

__all__ = ["Enum", "EnumAttrMap", "EnumState", "IntEnum", "StrEnum", "auto", "entry"]

_STATE = "__ffi_enum__"


@register_object("ffi.EnumState")
class EnumState(core.Object):
    """The values of an enum: ``entries`` in order, ``indexes`` by number and name, ``attrs`` by attribute name."""

    entries: List
    indexes: Dict
    attrs: Dict


class _Entry:
    """A value still to be made: the arguments of its fields."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs


def entry(*args: Any, **kwargs: Any) -> Any:
    """Describe a value of an enum by the values of its fields."""
    return _Entry(args, kwargs)


def auto() -> Any:
    """Describe a value of an enum that has no fields of its own."""
    return _Entry((), {})


class EnumAttrMap:
    """An attribute of the values of an enum: ``map[value]`` reads and writes it."""

    def __init__(self, cls: Any, name: str, default: Any = core.MISSING) -> None:
        self._cls = cls
        self.name = name
        self._default = default

    def _values(self) -> Any:
        attrs = self._cls._state().attrs
        if self.name not in attrs:
            attrs[self.name] = Dict()
        return attrs[self.name]

    def __getitem__(self, value: Any) -> Any:
        found = self.get(value, core.MISSING)
        if found is core.MISSING:
            raise KeyError(value)
        return found

    def __setitem__(self, value: Any, attribute: Any) -> None:
        if not isinstance(value, self._cls):
            raise TypeError(f"{value!r} is no value of {self._cls.__name__}")
        self._values()[value] = attribute

    def __contains__(self, value: Any) -> bool:
        return value in self._values()

    def get(self, value: Any, default: Any = None) -> Any:
        """Return the attribute of ``value``; the map's default, else ``default``, when it has none."""
        values = self._values()
        if value in values:
            return values[value]
        return self._default if self._default is not core.MISSING else default


class _EnumMeta(type(core.Object)):  # type: ignore[misc]
    """Makes the type of an enum from its body, and the values it names."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], type_key: str | None = None, **kwargs: Any
    ) -> Any:
        entries = {} if type_key is None else _take_entries(bases, namespace)
        cls = super().__new__(mcls, name, bases, namespace, **kwargs)
        if type_key is None:
            return cls
        index = core._type_key_to_index(type_key)
        if index is None:
            options = Options(type_key=type_key, frozen=True, structural_eq="singleton")
            define(cls, options, dict(sys._getframe(1).f_locals))
            core._register_attr(core._type_key_to_index(type_key), _STATE, EnumState())
        else:
            _bind(cls, _type_info_of(index))
        _add_entries(cls, entries)
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        kwargs.pop("type_key", None)
        super().__init__(name, bases, namespace, **kwargs)

    def __call__(cls, value: Any) -> Any:
        found = cls._find(value)
        if found is None:
            raise ValueError(f"{value!r} is not a valid {cls.__name__}")
        return found

    def __iter__(cls) -> Iterator[Any]:
        return iter(cls._state().entries)

    def __len__(cls) -> int:
        return len(cls._state().entries)

    def __bool__(cls) -> bool:
        return True

    def _state(cls) -> Any:
        state = core._type_attr(cls.__tvm_ffi_type_info__.type_index, _STATE)
        if state is None:
            raise TypeError(f"{cls.__name__} has no values: it has no type_key")
        return state

    def _find(cls, key: Any) -> Any:
        if isinstance(key, cls):
            return key
        return cls._state().indexes.get(key)


def _take_entries(bases: tuple[type, ...], namespace: dict[str, Any]) -> dict[str, Any]:
    """Remove the values from a class body; a payload enum takes plain ones of its kind too."""
    payload = next((base._payload for base in bases if getattr(base, "_payload", None) is not None), None)
    if "value" in namespace or "value" in namespace.get("__annotations__", {}):
        if payload is not None:
            raise TypeError("`value` of an IntEnum or StrEnum cannot be redefined")
    entries = {}
    for name, value in list(namespace.items()):
        is_plain = payload is not None and isinstance(value, payload) and not name.startswith("__")
        if isinstance(value, _Entry) or is_plain:
            entries[name] = value if isinstance(value, _Entry) else _Entry((), {"value": value})
            del namespace[name]
    return entries


def _bind(cls: Any, info: TypeInfo) -> None:
    """Stand for an enum that C++ defines."""
    for field in info.fields:
        if field.name not in cls.__dict__:
            setattr(cls, field.name, field.as_property(cls))
    info.type_cls = cls
    setattr(cls, "__tvm_ffi_type_info__", info)
    core._register_class(info.type_index, cls)
    for value in cls._state().entries if core._type_attr(info.type_index, _STATE) is not None else ():
        setattr(cls, value._str_index, value)


def _add_entries(cls: Any, entries: dict[str, _Entry]) -> None:
    for name, value in entries.items():
        setattr(cls, name, _register(cls, name, value))
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():
        if name not in entries and name not in cls.__dict__ and _is_class_var(annotation):
            found = cls._find(name)
            setattr(cls, name, found if found is not None else _register(cls, name, _Entry((), {})))


def _is_class_var(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.replace("typing.", "").startswith("ClassVar")
    return annotation is ClassVar or typing.get_origin(annotation) is ClassVar


def _register(cls: Any, name: str, value: _Entry) -> Any:
    state = cls._state()
    number, text, kwargs = cls._indexes_of(name, dict(value.kwargs), len(state.entries))
    if number in state.indexes or text in state.indexes:
        raise ValueError(f"cannot add {name} to {cls.__name__}: it has a value {number!r} or {text!r} already")
    made = cls.__new__(cls)
    made.__ffi_init__(number, text, *value.args, **kwargs)
    state.entries.append(made)
    state.indexes[number] = made
    state.indexes[text] = made
    return made


class _AttrDict:
    def __get__(self, obj: Any, cls: Any) -> Any:
        return cls._state().attrs


@register_object("ffi.Enum", init=False)
class Enum(core.Object, metaclass=_EnumMeta):
    """An enum; annotations are fields of its values, ``entry(...)`` makes one. ``class C(Enum, type_key="k")``."""

    _payload: ClassVar[Any] = None
    attr_dict: ClassVar[Any] = _AttrDict()

    @classmethod
    def get(cls, key: Any) -> Any:
        """Return the value of a number or name; KeyError when there is none."""
        found = cls._find(key)
        if found is None:
            raise KeyError(key)
        return found

    @classmethod
    def def_attr(cls, name: str, default: Any = core.MISSING) -> EnumAttrMap:
        """Return the attribute ``name`` of the values."""
        return EnumAttrMap(cls, name, default)

    @classmethod
    def _indexes_of(cls, name: str, kwargs: dict[str, Any], count: int) -> tuple[int, str, dict[str, Any]]:
        return count, name, kwargs

    @property
    def name(self) -> str:
        """The value's name."""
        return str(self._str_index)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce__(self) -> Any:
        return type(self).get, (self._str_index,)


class _PayloadMixin:
    """Values that compare, hash and print as their payload."""

    __slots__ = ()

    def __eq__(self, other: Any) -> Any:
        if isinstance(other, Enum):
            return self.same_as(other)
        return self.value == other

    def __ne__(self, other: Any) -> Any:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Any) -> Any:
        return self.value < getattr(other, "value", other)

    def __le__(self, other: Any) -> Any:
        return self.value <= getattr(other, "value", other)

    def __gt__(self, other: Any) -> Any:
        return self.value > getattr(other, "value", other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= getattr(other, "value", other)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


@register_object("ffi.IntEnum", init=False)
class IntEnum(_PayloadMixin, Enum):
    """An enum whose values are integers."""

    _payload: ClassVar[Any] = int
    __hash__ = _PayloadMixin.__hash__

    @classmethod
    def _indexes_of(cls, name: str, kwargs: dict[str, Any], count: int) -> tuple[int, str, dict[str, Any]]:
        return kwargs.pop("value", count), name, kwargs

    def __int__(self) -> int:
        return self.value

    def __index__(self) -> int:
        return self.value


@register_object("ffi.StrEnum", init=False)
class StrEnum(_PayloadMixin, Enum):
    """An enum whose values are strings."""

    _payload: ClassVar[Any] = str
    __hash__ = _PayloadMixin.__hash__

    @classmethod
    def _indexes_of(cls, name: str, kwargs: dict[str, Any], count: int) -> tuple[int, str, dict[str, Any]]:
        return count, kwargs.pop("value", name), kwargs

    @property
    def name(self) -> str:
        """The value's name in the class, its text when C++ defines it."""
        for base in type(self).__mro__:
            for name, value in vars(base).items():
                if isinstance(value, StrEnum) and value.same_as(self):
                    return name
        return str(self.value)
