"""Containers: sequences and mappings whose content lives on the FFI side."""

from __future__ import annotations

import math
import operator
from collections.abc import (
    ItemsView as _ItemsViewBase,
    Iterable,
    Iterator,
    KeysView as _KeysViewBase,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
    ValuesView as _ValuesViewBase,
)
from typing import Any, Callable, TypeVar

from . import core
from .registry import get_global_func, register_object

__all__ = ["Array", "Dict", "List", "Map"]

T = TypeVar("T")

_GET_KEY, _GET_VALUE, _ADVANCE = 0, 1, 2
_NO_DEFAULT = object()


def _internal(name: str) -> core.Function:
    # Containers carry no lock: with the GIL held, threads of this interpreter change them one at a time.
    function = get_global_func("ffi." + name)
    function.release_gil = False
    return function


_array, _list, _map, _dict = (_internal(name) for name in ("Array", "List", "Map", "Dict"))
_MISSING = get_global_func("ffi.GetInvalidObject")()


def normalize_index(length: int, index: Any) -> int:
    """Return ``index`` counted from the start; IndexError when it is out of range."""
    at = operator.index(index)
    if not -length <= at < length:
        raise IndexError(f"index {at} is out of range for {length} elements")
    return at + length if at < 0 else at


def getitem_helper(obj: Any, elem_getter: Callable[[Any, int], T], length: int, idx: Any) -> T | list[T]:
    """Return one element, or for a slice a list of them."""
    if isinstance(idx, slice):
        return [elem_getter(obj, i) for i in range(*idx.indices(length))]
    return elem_getter(obj, normalize_index(length, idx))


# --- equality, hash, text: by content, strict about types, NaN equal to itself


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def _same(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if isinstance(a, core.CContainerBase) and isinstance(b, core.CContainerBase):
        return _same_container(a, b, seen)
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, str) and isinstance(b, str):
        return str.__eq__(a, b)
    if isinstance(a, bytes) and isinstance(b, bytes):
        return bytes.__eq__(a, b)
    if isinstance(a, core.CObject) and isinstance(b, core.CObject):
        return a.same_as(b) or bool(a == b)
    return type(a) is type(b) and bool(a == b)


def _same_container(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if type(a) is not type(b) or len(a) != len(b):
        return False
    pair = (a.__chandle__(), b.__chandle__())
    if pair[0] == pair[1] or pair in seen:
        return True
    seen.add(pair)
    if isinstance(a, Sequence):
        return all(_same(x, y, seen) for x, y in zip(a, b))
    return all(_same(value, b._find(key), seen) for key, value in a.items())


def _content_hash(value: Any, open_handles: set[int]) -> int:
    if not isinstance(value, core.CContainerBase):
        return hash((type(value).__name__ if not _is_text(value) else "", value))
    handle = value.__chandle__()
    if handle in open_handles:
        return 0
    open_handles.add(handle)
    kind = type(value).__name__
    if isinstance(value, Sequence):
        result = hash((kind, tuple(_content_hash(x, open_handles) for x in value)))
    else:
        items = ((_content_hash(k, open_handles), _content_hash(v, open_handles)) for k, v in value.items())
        result = hash((kind, frozenset(items)))
    open_handles.discard(handle)
    return result


def _text(value: Any, open_handles: set[int]) -> str:
    if isinstance(value, core.CContainerBase):
        return value._text(open_handles)
    if isinstance(value, str):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _container_repr(container: Any) -> str:
    if container.__chandle__() == 0:
        return f"{type(container).__name__}(chandle=None)"
    printer = core._get_global_func("ffi.ReprPrint")
    return str(printer(container)) if printer is not None else container._text(set())


# --- sequences


class _SequenceMixin:
    """What Array and List share beyond core.CSequenceBase."""

    __slots__ = ()

    def __contains__(self, value: Any) -> bool:
        return any(_same(item, _as_element(value), set()) for item in self)

    def __eq__(self, other: Any) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            if not isinstance(other, Sequence) or _is_text(other):
                return NotImplemented if not _is_text(other) else False
            other = type(self)(other)
        return _same_container(self, other, set())

    def __ne__(self, other: Any) -> bool:
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    def __hash__(self) -> int:
        return _content_hash(self, set())

    def __repr__(self) -> str:
        return _container_repr(self)


def _as_element(value: Any) -> Any:
    # Lists, tuples and dicts are compared as what they become inside a container.
    if type(value) in (list, tuple, dict):
        return core._convert(value)
    return value


@register_object("ffi.Array", init=False)
class Array(_SequenceMixin, core.CSequenceBase, core.Object, Sequence):
    """An immutable sequence. Slices are Python lists."""

    def __init__(self, input_list: Iterable[Any]) -> None:
        self.__init_handle_by_constructor__(_array, *input_list)

    __hash__ = _SequenceMixin.__hash__

    def __add__(self, other: Iterable[Any]) -> Array:
        return type(self)([*self, *other])

    def __radd__(self, other: Iterable[Any]) -> Array:
        return type(self)([*other, *self])

    def _text(self, open_handles: set[int]) -> str:
        items = [_text(item, open_handles) for item in self]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


@register_object("ffi.List", init=False)
class List(_SequenceMixin, core.CSequenceBase, core.Object, MutableSequence):
    """A mutable sequence, shared by everybody who holds it."""

    def __init__(self, input_list: Iterable[Any] = ()) -> None:
        self.__init_handle_by_constructor__(_list, *input_list)

    __hash__ = _SequenceMixin.__hash__

    def __setitem__(self, idx: Any, value: Any) -> None:
        length = len(self)
        if not isinstance(idx, slice):
            _list_set(self, normalize_index(length, idx), value)
            return
        start, stop, step = idx.indices(length)
        if step == 1:
            _list_replace(self, start, max(start, stop), List(value))
            return
        values = list(value)
        places = range(start, stop, step)
        if len(values) != len(places):
            raise ValueError(f"cannot assign {len(values)} values to an extended slice of {len(places)}")
        for place, item in zip(places, values):
            _list_set(self, place, item)

    def __delitem__(self, idx: Any) -> None:
        length = len(self)
        if not isinstance(idx, slice):
            _list_erase(self, normalize_index(length, idx))
            return
        start, stop, step = idx.indices(length)
        if step == 1:
            _list_erase_range(self, start, max(start, stop))
            return
        for place in sorted(range(start, stop, step), reverse=True):
            _list_erase(self, place)

    def insert(self, index: Any, value: Any) -> None:
        """Insert before ``index``, which is clamped to the list."""
        length = len(self)
        at = operator.index(index)
        _list_insert(self, max(0, at + length) if at < 0 else min(at, length), value)

    def append(self, value: Any) -> None:
        """Add at the end."""
        _list_append(self, value)

    def extend(self, values: Iterable[Any]) -> None:
        """Add all at the end."""
        for value in list(values):
            _list_append(self, value)

    def pop(self, index: Any = -1) -> Any:
        """Remove and return an element; IndexError when there is none."""
        return _list_pop(self, normalize_index(len(self), index))

    def remove(self, value: Any) -> None:
        """Remove the first element equal to ``value``; ValueError when there is none."""
        wanted = _as_element(value)
        for i in range(len(self)):
            if _same(self[i], wanted, set()):
                _list_erase(self, i)
                return
        raise ValueError(f"{value!r} is not in the list")

    def reverse(self) -> None:
        """Reverse in place."""
        _list_reverse(self)

    def clear(self) -> None:
        """Remove everything."""
        _list_clear(self)

    def __add__(self, other: Iterable[Any]) -> List:
        return type(self)([*self, *other])

    def __radd__(self, other: Iterable[Any]) -> List:
        return type(self)([*other, *self])

    def __iadd__(self, other: Iterable[Any]) -> List:
        self.extend(other)
        return self

    def _text(self, open_handles: set[int]) -> str:
        handle = self.__chandle__()
        if handle in open_handles:
            return "[...]"
        open_handles.add(handle)
        result = "[" + ", ".join(_text(item, open_handles) for item in self) + "]"
        open_handles.discard(handle)
        return result


_list_append, _list_clear, _list_erase, _list_erase_range, _list_insert, _list_pop = (
    _internal("List" + name) for name in ("Append", "Clear", "Erase", "EraseRange", "Insert", "Pop")
)
_list_replace, _list_reverse, _list_set = (_internal("List" + name) for name in ("ReplaceSlice", "Reverse", "SetItem"))


# --- mappings


class KeysView(_KeysViewBase):
    """Live view of a mapping's keys."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self))}])"


class ValuesView(_ValuesViewBase):
    """Live view of a mapping's values."""

    def __iter__(self) -> Iterator[Any]:
        return self._mapping._walk(_GET_VALUE)

    def __contains__(self, value: Any) -> bool:
        return any(_same(item, _as_element(value), set()) for item in self)


class ItemsView(_ItemsViewBase):
    """Live view of a mapping's (key, value) pairs."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return self._mapping._walk_items()

    def __contains__(self, item: Any) -> bool:
        key, value = item
        found = self._mapping._find(key)
        return not _is_missing(found) and _same(found, _as_element(value), set())


def _is_missing(value: Any) -> bool:
    return isinstance(value, core.CObject) and value.same_as(_MISSING)


class _MappingMixin:
    """What Map and Dict share. Iteration follows insertion and stops at the size it began with."""

    __slots__ = ()

    _size: core.Function
    _get: core.Function
    _functor: core.Function

    def __len__(self) -> int:
        return type(self)._size(self)

    def _find(self, key: Any) -> Any:
        return type(self)._get(self, key)

    def __getitem__(self, key: Any) -> Any:
        found = self._find(key)
        if _is_missing(found):
            raise KeyError(key)
        return found

    def __contains__(self, key: Any) -> bool:
        return not _is_missing(self._find(key))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value, or ``default`` when there is none."""
        found = self._find(key)
        return default if _is_missing(found) else found

    def _walk(self, what: int) -> Iterator[Any]:
        step = type(self)._functor(self)
        for i in range(len(self)):
            if i != 0 and not core._call_for(self, step, _ADVANCE):
                return
            yield core._call_for(self, step, what)

    def _walk_items(self) -> Iterator[tuple[Any, Any]]:
        step = type(self)._functor(self)
        for i in range(len(self)):
            if i != 0 and not core._call_for(self, step, _ADVANCE):
                return
            yield core._call_for(self, step, _GET_KEY), core._call_for(self, step, _GET_VALUE)

    def __iter__(self) -> Iterator[Any]:
        return self._walk(_GET_KEY)

    def keys(self) -> KeysView:
        """Return a live view of the keys."""
        return KeysView(self)

    def values(self) -> ValuesView:
        """Return a live view of the values."""
        return ValuesView(self)

    def items(self) -> ItemsView:
        """Return a live view of the (key, value) pairs."""
        return ItemsView(self)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, type(self)) and _same_container(self, other, set())

    def __ne__(self, other: Any) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return _content_hash(self, set())

    def __repr__(self) -> str:
        return _container_repr(self)

    def _text(self, open_handles: set[int]) -> str:
        handle = self.__chandle__()
        if handle in open_handles:
            return "{...}"
        open_handles.add(handle)
        items = ", ".join(f"{_text(k, open_handles)}: {_text(v, open_handles)}" for k, v in self.items())
        open_handles.discard(handle)
        return "{" + items + "}"


def _flatten(mapping: Any) -> list[Any]:
    return [part for item in mapping.items() for part in item]


@register_object("ffi.Map", init=False)
class Map(_MappingMixin, core.CContainerBase, core.Object, Mapping):
    """An immutable mapping. Keys that are objects are told apart by identity."""

    _size, _get, _functor = (_internal(n) for n in ("MapSize", "MapGetItemOrMissing", "MapForwardIterFunctor"))

    def __init__(self, input_dict: Mapping[Any, Any]) -> None:
        self.__init_handle_by_constructor__(_map, *_flatten(input_dict))

    __hash__ = _MappingMixin.__hash__


@register_object("ffi.Dict", init=False)
class Dict(_MappingMixin, core.CContainerBase, core.Object, MutableMapping):
    """A mutable mapping, shared by everybody who holds it."""

    _size, _get, _functor = (_internal(n) for n in ("DictSize", "DictGetItemOrMissing", "DictForwardIterFunctor"))

    def __init__(self, input_dict: Mapping[Any, Any] | None = None) -> None:
        self.__init_handle_by_constructor__(_dict, *(_flatten(input_dict) if input_dict is not None else ()))

    __hash__ = _MappingMixin.__hash__

    def __setitem__(self, key: Any, value: Any) -> None:
        _dict_set(self, key, value)

    def __delitem__(self, key: Any) -> None:
        if key not in self:
            raise KeyError(key)
        _dict_erase(self, key)

    def pop(self, key: Any, default: Any = _NO_DEFAULT) -> Any:
        """Remove the key and return its value; ``default``, or KeyError, when there is none."""
        found = self._find(key)
        if not _is_missing(found):
            _dict_erase(self, key)
            return found
        if default is _NO_DEFAULT:
            raise KeyError(key)
        return default

    def update(self, other: Mapping[Any, Any]) -> None:
        """Set every item of ``other``."""
        for key, value in list(other.items()):
            _dict_set(self, key, value)

    def clear(self) -> None:
        """Remove everything."""
        _dict_clear(self)


_dict_set, _dict_erase, _dict_clear = (_internal("Dict" + name) for name in ("SetItem", "Erase", "Clear"))
