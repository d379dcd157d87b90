"""Which exception class an error kind becomes."""

from __future__ import annotations

from typing import Any, Callable

from . import core

__all__ = ["register_error"]


def register_error(
    name_or_cls: str | type | None = None, cls: type | None = None
) -> type | Callable[[type], type]:
    """Map an error kind to an exception class, both ways.

    Use it as ``@register_error``, ``@register_error("Kind")`` or ``register_error("Kind", Class)``; the kind is the
    class's name unless given.
    """
    if isinstance(name_or_cls, type):
        return _register(name_or_cls.__name__, name_or_cls)
    if cls is not None:
        return _register(name_or_cls if name_or_cls is not None else cls.__name__, cls)

    def decorate(decorated: type) -> type:
        return _register(name_or_cls if name_or_cls is not None else decorated.__name__, decorated)

    return decorate


def _register(name: str, cls: Any) -> type:
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        raise TypeError(f"cannot register {cls!r} for error kind {name!r}: it is no exception class")
    core.ERROR_NAME_TO_TYPE[name] = cls
    core.ERROR_TYPE_TO_NAME[cls] = name
    return cls
