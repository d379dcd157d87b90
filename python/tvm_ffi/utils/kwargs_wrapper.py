"""Python functions with names and defaults around functions that take positions only."""

from __future__ import annotations

import functools
import inspect
import keyword
from typing import Any, Callable, Iterable, Sequence

__all__ = ["make_kwargs_wrapper", "make_kwargs_wrapper_from_signature"]

# Names the generated code uses itself.
_RESERVED = "__i_"
_NO_DEFAULT = object()


class _Unset:
    """Stands in a signature for a default that is an object."""

    def __repr__(self) -> str:
        return "<default>"


_UNSET = _Unset()


def _check_names(names: Sequence[str], what: str) -> None:
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be str, got {type(name).__name__}")
        if not name.isidentifier():
            raise ValueError(f"{what} {name!r} is not a valid identifier")
        if keyword.iskeyword(name):
            raise ValueError(f"{what} {name!r} is a Python keyword")
        if name.startswith(_RESERVED):
            raise ValueError(f"{what} {name!r} begins with {_RESERVED}, which is reserved")
    if len(set(names)) != len(names):
        raise ValueError(f"{what} has duplicates: {list(names)}")


class _Source:
    """The generated function: its parameters, its call, and the objects they refer to."""

    def __init__(self, target_func: Callable[..., Any]) -> None:
        self.names: dict[str, Any] = {"__i_target": target_func, "__i_unset": _UNSET}
        self.parameters: list[str] = []
        self.arguments: list[str] = []

    def add(self, name: str, default: Any, convert: str | None) -> None:
        value = name
        if default is _NO_DEFAULT:
            self.parameters.append(name)
        elif default is None or isinstance(default, bool):
            self.parameters.append(f"{name}={default}")
        else:
            self.names[f"__i_default_{name}"] = default
            self.parameters.append(f"{name}=__i_unset")
            value = f"(__i_default_{name} if {name} is __i_unset else {name})"
        self.arguments.append(f"{convert}({value})" if convert else value)

    def compile(self) -> Callable[..., Any]:
        text = f"def __i_wrapper({', '.join(self.parameters)}):\n    return __i_target({', '.join(self.arguments)})\n"
        exec(text, self.names)  # noqa: S102 - made of checked identifiers only
        return self.names["__i_wrapper"]


def make_kwargs_wrapper(
    target_func: Callable[..., Any],
    arg_names: Sequence[str],
    arg_defaults: tuple[Any, ...] = (),
    kwonly_names: Sequence[str] | None = None,
    kwonly_defaults: dict[str, Any] | None = None,
    prototype: Callable[..., Any] | None = None,
    map_dataclass_to_tuple: Iterable[str] | None = None,
) -> Callable[..., Any]:
    """Return a function with named parameters that calls ``target_func`` with positions.

    Parameters
    ----------
    arg_names, arg_defaults
        The parameters, and the defaults of the last of them. A default is passed on as the object it is.
    kwonly_names, kwonly_defaults
        Parameters taken by keyword only; they follow the others in the call.
    prototype
        A function whose name, documentation and annotations to copy.
    map_dataclass_to_tuple
        Parameters whose values :func:`unpack_dataclass_to_tuple` is applied to.

    ValueError for names that are duplicates, keywords, reserved or no identifiers; TypeError for defaults that are no
    tuple or names that are no str.
    """
    kwonly = list(kwonly_names or ())
    keyword_defaults = kwonly_defaults or {}
    if not isinstance(arg_defaults, tuple):
        raise TypeError(f"arg_defaults must be a tuple, got {type(arg_defaults).__name__}")
    if len(arg_defaults) > len(arg_names):
        raise ValueError(f"arg_defaults has {len(arg_defaults)} values for {len(arg_names)} parameters")
    _check_names(arg_names, "arg_names")
    _check_names(kwonly, "kwonly_names")
    if set(arg_names) & set(kwonly):
        raise ValueError(f"arg_names and kwonly_names overlap: {sorted(set(arg_names) & set(kwonly))}")
    if set(keyword_defaults) - set(kwonly):
        raise ValueError(f"kwonly_defaults has unknown names: {sorted(set(keyword_defaults) - set(kwonly))}")
    unpacked = set(map_dataclass_to_tuple or ())
    if unpacked - set(arg_names) - set(kwonly):
        raise ValueError(f"map_dataclass_to_tuple has unknown names: {sorted(unpacked - set(arg_names) - set(kwonly))}")

    source = _Source(target_func)
    if unpacked:
        from .unpack_dataclass import unpack_dataclass_to_tuple

        source.names["__i_unpack"] = unpack_dataclass_to_tuple
    required = len(arg_names) - len(arg_defaults)
    for i, name in enumerate(arg_names):
        default = arg_defaults[i - required] if i >= required else _NO_DEFAULT
        source.add(name, default, "__i_unpack" if name in unpacked else None)
    if kwonly:
        source.parameters.append("*")
    for name in kwonly:
        source.add(name, keyword_defaults.get(name, _NO_DEFAULT), "__i_unpack" if name in unpacked else None)

    wrapper = source.compile()
    if prototype is not None:
        functools.update_wrapper(wrapper, prototype, updated=())
        del wrapper.__wrapped__  # type: ignore[attr-defined]
    return wrapper


def make_kwargs_wrapper_from_signature(
    target_func: Callable[..., Any],
    signature: inspect.Signature,
    prototype: Callable[..., Any] | None = None,
    exclude_arg_names: Iterable[str] | None = None,
    map_dataclass_to_tuple: Iterable[str] | None = None,
) -> Callable[..., Any]:
    """Return :func:`make_kwargs_wrapper` for a signature; ValueError for ``*args`` and ``**kwargs``.

    Positional-only parameters become ordinary ones; those in ``exclude_arg_names`` are left out.
    """
    excluded = set(exclude_arg_names or ())
    parameters = [p for p in signature.parameters.values() if p.name not in excluded]
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ValueError(f"the signature takes any number of arguments: {parameter}")
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    by_keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return make_kwargs_wrapper(
        target_func,
        [p.name for p in positional],
        tuple(p.default for p in positional if p.default is not p.empty),
        [p.name for p in by_keyword],
        {p.name: p.default for p in by_keyword if p.default is not p.empty},
        prototype,
        map_dataclass_to_tuple,
    )
