"""Global functions, and the classes that stand for FFI types."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Literal, Sequence, overload

from . import core
from ._init import make_construct, make_refusal
from ._type_info import INIT_METHOD, TypeInfo

_SKIP_UNKNOWN_OBJECTS = False

_Callable = Callable[..., Any]



def _type_info_of(type_index: int) -> TypeInfo:
    info = TypeInfo(type_index)
    if info.type_ancestors:
        parent = core._class_of(info.type_ancestors[-1]) or _make_class(info.type_ancestors[-1])
        known = parent.__dict__.get("__tvm_ffi_type_info__")
        info.parent_type_info = known if known is not None else TypeInfo(info.type_ancestors[-1])
    return info


def _add_constructor(cls: type, info: TypeInfo, init: bool) -> None:
    constructor = info.constructor()
    if constructor is None:
        construct = make_refusal(cls, info)
    else:
        construct = make_construct(info, constructor)
    setattr(cls, INIT_METHOD, construct)
    if init and "__init__" not in cls.__dict__:
        setattr(cls, "__init__", construct)


def _add_members(cls: type, info: TypeInfo, init: bool) -> None:
    for field in info.fields:
        if field.name not in cls.__dict__:
            setattr(cls, field.name, field.as_property(cls))
    for method in info.methods:
        if method.name not in cls.__dict__ and method.name != INIT_METHOD:
            setattr(cls, method.name, method.as_callable(cls))
    _add_constructor(cls, info, init)
    info.type_cls = cls
    setattr(cls, "__tvm_ffi_type_info__", info)


def _bind_class(cls: type, info: TypeInfo, init: bool) -> None:
    old = core._class_of(info.type_index)
    generated = old is not None and old.__dict__.get("__tvm_ffi_generated__", False)
    if old is not None and not generated and cls.__basicsize__ > old.__basicsize__:
        raise ValueError(f"cannot register {cls!r} for {info.type_key}: its instances are larger than {old!r}'s")
    _add_members(cls, info, init)
    core._register_class(info.type_index, cls)


def register_object(
    type_key: str | type | None = None, *, init: bool = True
) -> type | Callable[[type], type]:
    """Make a class stand for an FFI type: fields become properties, methods become methods.

    Parameters
    ----------
    type_key
        The type's key, the class's name unless given. ValueError when the library does not know it.
    init
        Give the class the type's constructor, or one that refuses when the type has none.
    """

    def decorate(cls: type) -> type:
        key = type_key if isinstance(type_key, str) else cls.__name__
        index = core._type_key_to_index(key)
        if index is None:
            if _SKIP_UNKNOWN_OBJECTS:
                return cls
            raise ValueError(f"cannot register {cls!r}: the library knows no type `{key}`")
        _bind_class(cls, _type_info_of(index), init)
        return cls

    return decorate(type_key) if isinstance(type_key, type) else decorate


def _make_class(type_index: int) -> type:
    """Make and register a class for a type nobody registered; the nearest registered ancestor is a base."""
    info = _type_info_of(type_index)
    base: type = core.Object
    if info.type_ancestors:
        parent = info.type_ancestors[-1]
        base = core._class_of(parent) or _make_class(parent)
    module, _, name = info.type_key.rpartition(".")
    body = {
        "__module__": module or "tvm_ffi.core",
        "__tvm_ffi_generated__": True,
        "__doc__": info.doc or f"Generated fallback class for the FFI type `{info.type_key}`.",
    }
    cls = type(base)(name, (base,), body)
    _add_members(cls, info, init=True)
    core._register_class(type_index, cls)
    return cls


core._install(make_class=_make_class)


@overload
def register_global_func(func_name: str, f: None = None, override: bool = False) -> Callable[[_Callable], core.Function]: ...
@overload
def register_global_func(func_name: str, f: _Callable, override: bool = False) -> core.Function: ...
@overload
def register_global_func(func_name: _Callable) -> core.Function: ...
def register_global_func(
    func_name: str | Callable[..., Any], f: Callable[..., Any] | None = None, override: bool = False
) -> Any:
    """Publish a callable under a global name and return its Function; RuntimeError when the name is taken.

    Use it as ``register_global_func("name", f)``, ``@register_global_func("name")`` or ``@register_global_func``.
    """
    if callable(func_name):
        return core._register_global_func(func_name.__name__, func_name, override)
    if f is not None:
        return core._register_global_func(func_name, f, override)

    def decorate(decorated: Callable[..., Any]) -> core.Function:
        return core._register_global_func(func_name, decorated, override)

    return decorate


@overload
def get_global_func(name: str, allow_missing: Literal[False] = False) -> core.Function: ...
@overload
def get_global_func(name: str, allow_missing: bool) -> core.Function | None: ...
def get_global_func(name: str, allow_missing: bool = False) -> core.Function | None:
    """Return the global function; when there is none, None if ``allow_missing``, else ValueError."""
    function = core._get_global_func(name)
    if function is None and not allow_missing:
        raise ValueError(f"Cannot find global function {name}")
    return function


def _require(name: str) -> core.Function:
    return get_global_func(name)


def list_global_func_names() -> list[str]:
    """Return the names of all global functions at this moment."""
    functor = _require("ffi.FunctionListGlobalNamesFunctor")()
    return [str(functor(i)) for i in range(functor(-1))]


def remove_global_func(name: str) -> None:
    """Forget a global name; functions already looked up stay valid."""
    _require("ffi.FunctionRemoveGlobal")(name)


def get_global_func_metadata(name: str) -> dict[str, Any]:
    """Return a global function's metadata, such as its ``type_schema``."""
    text = _require("ffi.GetGlobalFuncMetadata")(name)
    return json.loads(text) if text else {}


def get_registered_type_keys() -> Sequence[str]:
    """Return the keys of all types the library knows."""
    return _require("ffi.GetRegisteredTypeKeys")()


def init_ffi_api(namespace: str, target_module_name: str | None = None) -> None:
    """Set every global function ``<namespace>.<name>`` as attribute ``name`` of a module.

    A leading ``tvm.`` of the namespace is dropped from the prefix. KeyError when the module is not imported.
    """
    module = sys.modules[target_module_name if target_module_name is not None else namespace]
    prefix = namespace[4:] if namespace.startswith("tvm.") else namespace
    for full_name in list_global_func_names():
        if not full_name.startswith(prefix):
            continue
        name = full_name[len(prefix) + 1 :]
        if not name or "." in name:
            continue
        function = get_global_func(full_name)
        function.__name__ = name
        setattr(module, name, function)


core._register_class(core._type_key_to_index("ffi.Object"), core.Object)
core.Object.__tvm_ffi_type_info__ = TypeInfo(core._type_key_to_index("ffi.Object"))
for _key, _cls in (("ffi.Function", core.Function), ("ffi.Tensor", core.Tensor), ("ffi.Error", core.Error)):
    core._register_class(core._type_key_to_index(_key), _cls)


def _sentinel(name: str, owner: str) -> core.Object:
    """The one object that ``ffi.<owner>`` returns, with a name of its own."""
    sentinel = _Sentinel()
    sentinel.__move_handle_from__(_require(f"ffi.{owner}")())
    _SENTINEL_NAMES[sentinel.__chandle__()] = name
    return sentinel


_SENTINEL_NAMES: dict[int, str] = {}


class _Sentinel(core.Object):
    """A marker; compare with ``same_as``."""

    def __repr__(self) -> str:
        return _SENTINEL_NAMES.get(self.__chandle__(), "<unknown>")

    def __reduce__(self) -> Any:
        return _sentinel_named, (repr(self),)

    def __copy__(self) -> _Sentinel:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Sentinel:
        return self


def _sentinel_named(name: str) -> core.Object:
    return core.MISSING if name == "<MISSING>" else core.KWARGS


core.MISSING = _sentinel("<MISSING>", "GetInvalidObject")
core.KWARGS = _sentinel("<KWARGS>", "GetKwargsObject")
