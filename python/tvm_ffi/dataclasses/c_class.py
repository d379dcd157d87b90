"""``c_class``: a Python class for a type that C++ defines."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from .. import core
from .._init import finish, make_construct, make_refusal, signature_of, type_error_of_range
from .._type_info import TypeInfo
from .._typing import dataclass_transform
from ..registry import _bind_class, _type_info_of
from ._members import add_comparison, add_copying, add_match_args, check_flags
from .field import field

T = TypeVar("T", bound=type)


def _make_init(cls: type, info: TypeInfo) -> Any:
    constructor = info.constructor()
    if constructor is None:
        return make_refusal(cls, info)
    construct = make_construct(info, constructor)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if self.__chandle__() != 0 or type(self).__tvm_ffi_type_info__ is not info:
            raise TypeError(f"{cls.__name__}.__init__() cannot initialise a {type(self).__name__} that is made already")
        try:
            construct(self, *args, **kwargs)
        except OverflowError as error:
            raise type_error_of_range(error) from None
        post_init = getattr(type(self), "__post_init__", None)
        if post_init is not None:
            post_init(self)

    return finish(__init__, cls, signature_of(info, info.explicit_constructor() is not None))


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def c_class(
    type_key: str,
    *,
    frozen: bool = False,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - the name dataclasses use
    eq: bool = False,
    order: bool = False,
    unsafe_hash: bool = False,
    match_args: bool = True,
) -> Callable[[T], T]:
    """Make a class stand for a type that C++ defines: its fields become properties, its constructor ``__init__``.

    Parameters
    ----------
    type_key
        The type's key; ValueError when the library does not know it.
    frozen
        Refuse assignment of all of its fields; ``Class.name.set(obj, value)`` still writes.
    init, repr, match_args
        Give the class ``__init__``, ``__repr__``, ``__match_args__``.
    eq, order, unsafe_hash
        Compare, order, hash by content. ValueError for an order without equality.
    """
    check_flags(eq, order)

    def decorate(cls: T) -> T:
        index = core._type_key_to_index(type_key)
        if index is None:
            raise ValueError(f"cannot register {cls!r}: the library knows no type `{type_key}`")
        body = set(cls.__dict__)
        info = _type_info_of(index)
        if frozen:
            for field in info.fields:
                field.flags &= ~1
        _bind_class(cls, info, init=False)
        if init and "__init__" not in body:
            setattr(cls, "__init__", _make_init(cls, info))
        add_comparison(cls, body, eq=eq, order=order, unsafe_hash=unsafe_hash)
        add_copying(cls, body)
        if match_args:
            add_match_args(cls, info, body)
        setattr(cls, "__ffi_is_dataclass__", True)
        return cls

    return decorate
