"""The ``__init__`` of classes that stand for FFI types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from . import core
from ._type_info import TypeField, TypeInfo

if TYPE_CHECKING:
    import inspect


def init_fields(info: TypeInfo) -> list[TypeField]:
    """Return the fields a generated constructor takes, in its order: required, optional, keyword-only."""
    taken = [field for field in info.all_fields() if field.c_init]
    positional = [field for field in taken if not field.c_kw_only]
    by_keyword = [field for field in taken if field.c_kw_only]
    return sorted(positional, key=_has_default) + sorted(by_keyword, key=_has_default)


def _has_default(field: TypeField) -> bool:
    return field.c_has_default


def signature_of(info: TypeInfo, explicit: bool) -> inspect.Signature:
    """Return the signature of a constructor, ``self`` included."""
    # Imported here: importing the package must not pay for it.
    import inspect

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    if explicit and not _explicit_takes_fields(info):
        parameters.append(inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL))
        return inspect.Signature(parameters)
    for field in init_fields(info):
        kind = inspect.Parameter.KEYWORD_ONLY if field.c_kw_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = core.MISSING if field.c_has_default else inspect.Parameter.empty
        parameters.append(inspect.Parameter(field.name, kind, default=default))
    return inspect.Signature(parameters)


def _explicit_takes_fields(info: TypeInfo) -> bool:
    method = info.explicit_constructor()
    text = method.metadata.get("type_schema") if method is not None else None
    schema = core.TypeSchema.from_json_str(text) if text else None
    return schema is not None and not schema.is_bare and len(schema.args) - 1 == len(init_fields(info))


def _flatten(keywords: dict[str, Any]) -> list[Any]:
    return [part for item in keywords.items() for part in item]


def make_construct(info: TypeInfo, constructor: Any) -> Callable[..., None]:
    """Return ``__ffi_init__``: it calls the type's constructor and adopts the object."""
    if info.explicit_constructor() is None:

        def __ffi_init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            if kwargs:
                args = (*args, core.KWARGS, *_flatten(kwargs))
            self.__init_handle_by_constructor__(constructor, *args)

        return __ffi_init__

    names = [field.name for field in init_fields(info)] if _explicit_takes_fields(info) else []

    def construct_explicit(self: Any, *args: Any, **kwargs: Any) -> None:
        for name in names[len(args) :]:
            if name not in kwargs:
                break
            args = (*args, kwargs.pop(name))
        if kwargs:
            unknown = next(iter(kwargs))
            raise TypeError(f"{info.type_key}.__ffi_init__() got an unexpected keyword argument {unknown!r}")
        self.__init_handle_by_constructor__(constructor, *args)

    return construct_explicit


def make_refusal(cls: type, info: TypeInfo) -> Callable[..., None]:
    """Return an ``__init__`` for a type without constructor."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise TypeError(
            f"`{cls.__name__}` ({info.type_key}) has no constructor: it cannot be constructed directly, "
            "only by FFI calls"
        )

    return refuse


def finish(function: Any, cls: type, signature: inspect.Signature | None) -> Any:
    """Name ``function`` as the ``__init__`` of ``cls``."""
    function.__name__ = "__init__"
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    function.__module__ = cls.__module__
    if signature is not None:
        function.__signature__ = signature
    return function


def type_error_of_range(error: OverflowError) -> TypeError:
    """Return the error of a value that no int64 field holds."""
    return TypeError(f"an int argument is out of int64 range [{-(2**63)}, {2**63 - 1}]: {error}")
