"""What a class body says about a field."""

from __future__ import annotations

import sys
from typing import Any, Callable, TypeVar

from ..core import MISSING
from .._type_info import (
    COMPARE_OFF,
    DEFAULT_FROM_FACTORY,
    HAS_DEFAULT,
    HASH_OFF,
    INIT_OFF,
    REPR_OFF,
    STRUCTURAL_FLAGS,
    WRITABLE,
)
from .._type_info import KW_ONLY as KW_ONLY_FLAG

__all__ = ["KW_ONLY", "Field", "field", "init_property", "method"]

F = TypeVar("F")


class _KeywordOnly:
    def __repr__(self) -> str:
        return "KW_ONLY"


# As an annotation in a class body: fields behind it are taken by keyword only. The standard library's does the same.
KW_ONLY = _KeywordOnly()


def is_keyword_boundary(annotation: Any) -> bool:
    """Whether an annotation is KW_ONLY, ours or that of the standard library."""
    return annotation is KW_ONLY or annotation is getattr(sys.modules.get("dataclasses"), "KW_ONLY", KW_ONLY)


class Field:
    """A field of a class: its name, its type, and what :func:`field` was given."""

    __slots__ = (
        "compare",
        "converter",
        "default",
        "default_factory",
        "doc",
        "frozen",
        "hash",
        "init",
        "kw_only",
        "name",
        "repr",
        "structural_eq",
        "type",
    )

    def __init__(
        self,
        *,
        default: Any = MISSING,
        default_factory: Any = MISSING,
        frozen: bool = False,
        init: bool = True,
        repr: bool = True,  # noqa: A002 - the name dataclasses use
        hash: bool | None = None,  # noqa: A002
        compare: bool = True,
        kw_only: bool | None = None,
        structural_eq: str | None = None,
        doc: str | None = None,
        converter: Callable[[Any], Any] | None = None,
        name: str = "",
        type: Any = None,  # noqa: A002
    ) -> None:
        if default is not MISSING and default_factory is not MISSING:
            raise ValueError("cannot specify both default and default_factory")
        if default_factory is not MISSING and not callable(default_factory):
            raise TypeError(f"default_factory must be a callable, got {default_factory.__class__.__name__}")
        if structural_eq is not None and structural_eq not in STRUCTURAL_FLAGS:
            raise ValueError(f"structural_eq must be one of {[None, *STRUCTURAL_FLAGS]}, got {structural_eq!r}")
        if converter is not None and not callable(converter):
            raise TypeError(f"converter must be a callable, got {converter.__class__.__name__}")
        self.default = default
        self.default_factory = default_factory
        self.frozen = frozen
        self.init = init
        self.repr = repr
        self.hash = hash
        self.compare = compare
        self.kw_only = kw_only
        self.structural_eq = structural_eq
        self.doc = doc
        self.converter = converter
        self.name = name
        self.type = type

    @property
    def has_default(self) -> bool:
        """Whether it has a default or a factory."""
        return self.default is not MISSING or self.default_factory is not MISSING

    def flags(self) -> int:
        """Return the bits of TVMFFIFieldFlagBitMask it stands for."""
        hashed = self.compare if self.hash is None else self.hash
        bits = [
            (not self.frozen, WRITABLE),
            (self.has_default, HAS_DEFAULT),
            (self.default_factory is not MISSING, DEFAULT_FROM_FACTORY),
            (not self.repr, REPR_OFF),
            (not self.compare, COMPARE_OFF),
            (not hashed, HASH_OFF),
            (not self.init, INIT_OFF),
            (bool(self.kw_only), KW_ONLY_FLAG),
        ]
        structural = STRUCTURAL_FLAGS[self.structural_eq] if self.structural_eq is not None else 0
        return sum(bit for wanted, bit in bits if wanted) | structural

    def __repr__(self) -> str:
        return f"Field(name={self.name!r}, type={self.type!r}, default={self.default!r}, init={self.init})"


def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    frozen: bool = False,
    init: bool = True,
    repr: bool = True,  # noqa: A002
    hash: bool | None = None,  # noqa: A002
    compare: bool = True,
    kw_only: bool | None = None,
    structural_eq: str | None = None,
    doc: str | None = None,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    """Describe a field in a class body.

    Parameters
    ----------
    default, default_factory
        The value, or a callable that makes it; ValueError for both, TypeError for a factory that is no callable.
    frozen
        Refuse assignment.
    init, repr, compare
        Take part in the constructor, in the text, in comparison.
    hash
        Take part in the hash; None for as in comparison.
    kw_only
        Taken by keyword only; None for as the class says.
    structural_eq
        None, ``"ignore"``, ``"def"``, ``"def-recursive"`` or ``"def-non-recursive"``.
    converter
        Applied to every value before it is checked.
    """
    return Field(
        default=default,
        default_factory=default_factory,
        frozen=frozen,
        init=init,
        repr=repr,
        hash=hash,
        compare=compare,
        kw_only=kw_only,
        structural_eq=structural_eq,
        doc=doc,
        converter=converter,
    )


class init_property:  # noqa: N801 - used as a decorator
    """A method that becomes a stored field, computed once, when the object is initialised."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__


def method(func: F) -> F:
    """Let every language call a method of a py_class, instance or static. TypeError for a classmethod."""
    if isinstance(func, classmethod):
        raise TypeError("@method takes instance and static methods, not a classmethod")
    target = func.__func__ if isinstance(func, staticmethod) else func
    if not callable(target):
        raise TypeError(f"@method takes a function, got {type(func).__name__}")
    target.__tvm_ffi_method__ = True  # type: ignore[attr-defined]
    return func
