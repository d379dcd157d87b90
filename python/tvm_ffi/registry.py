"""Global functions, and the classes that stand for FFI types."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, NamedTuple, Sequence

from . import core

_SKIP_UNKNOWN_OBJECTS = False

_WRITABLE = 1 << 0
_STATIC_METHOD = 1 << 2
_INIT_METHOD = "__ffi_init__"


class TypeField(NamedTuple):
    """A reflected field."""

    name: str
    doc: str
    metadata: str
    flags: int
    getter: Callable[[Any], Any]
    setter: Callable[[Any, Any], None] | None

    @property
    def frozen(self) -> bool:
        """Whether Python may not assign it."""
        return not self.flags & _WRITABLE


class TypeMethod(NamedTuple):
    """A reflected method."""

    name: str
    doc: str
    metadata: str
    flags: int
    func: core.Function

    @property
    def is_static(self) -> bool:
        """Whether it is called without self."""
        return bool(self.flags & _STATIC_METHOD)


class TypeInfo(NamedTuple):
    """What the library knows of a type."""

    type_index: int
    type_key: str
    ancestors: list[int]
    fields: list[TypeField]
    methods: list[TypeMethod]
    doc: str


def _type_info(type_index: int) -> TypeInfo:
    key, ancestors, fields, methods, doc = core._type_info(type_index)
    return TypeInfo(
        type_index, key, ancestors, [TypeField(*f) for f in fields], [TypeMethod(*m) for m in methods], doc
    )


def _make_property(field: TypeField, owner: type) -> property:
    setter = None if field.frozen else field.setter
    return property(field.getter, setter, doc=field.doc or f"{owner.__name__}.{field.name}")


def _make_method(method: TypeMethod, owner: type) -> Any:
    func = method.func

    def call(self: Any, *args: Any) -> Any:
        return func(self, *args)

    def call_static(*args: Any) -> Any:
        return func(*args)

    result = call_static if method.is_static else call
    result.__name__ = method.name
    result.__qualname__ = f"{owner.__qualname__}.{method.name}"
    result.__module__ = owner.__module__
    result.__doc__ = method.doc or None
    return staticmethod(result) if method.is_static else result


def _make_constructor(cls: type, info: TypeInfo) -> Callable[..., None]:
    constructor = next((m.func for m in info.methods if m.name == _INIT_METHOD and m.is_static), None)
    if constructor is None:
        attribute = core._type_attr(info.type_index, _INIT_METHOD)
        constructor = attribute if isinstance(attribute, core.Function) else None

    if constructor is None:

        def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
            raise TypeError(f"`{cls.__name__}` ({info.type_key}) has no constructor: it is made by FFI calls only")

        return refuse

    def construct(self: Any, *args: Any) -> None:
        self.__init_handle_by_constructor__(constructor, *args)

    return construct


def _add_members(cls: type, info: TypeInfo, init: bool) -> None:
    for field in info.fields:
        if field.name not in cls.__dict__:
            setattr(cls, field.name, _make_property(field, cls))
    for method in info.methods:
        if method.name not in cls.__dict__ and method.name != _INIT_METHOD:
            setattr(cls, method.name, _make_method(method, cls))
    constructor = _make_constructor(cls, info)
    setattr(cls, _INIT_METHOD, constructor)
    if init and "__init__" not in cls.__dict__:
        setattr(cls, "__init__", constructor)
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
        _bind_class(cls, _type_info(index), init)
        return cls

    return decorate(type_key) if isinstance(type_key, type) else decorate


def _make_class(type_index: int) -> type:
    """Make and register a class for a type nobody registered; the nearest registered ancestor is a base."""
    info = _type_info(type_index)
    base: type = core.Object
    if info.ancestors:
        parent = info.ancestors[-1]
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
core.TypeInfo, core.TypeField, core.TypeMethod = TypeInfo, TypeField, TypeMethod


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
for _key, _cls in (("ffi.Function", core.Function), ("ffi.Tensor", core.Tensor), ("ffi.Error", core.Error)):
    core._register_class(core._type_key_to_index(_key), _cls)
