"""``py_class``: a type that Python defines and every language can use."""

from __future__ import annotations

import functools
import json
import sys
import typing
from typing import Any, Callable, ClassVar, NamedTuple, TypeVar, overload

from .. import core
from .._init import finish, make_construct, make_refusal, signature_of, type_error_of_range
from .._type_info import STATIC_METHOD, TypeField, TypeInfo
from .._type_schema import TypeSchema
from .._typing import dataclass_transform
from ..registry import _type_info_of
from ._members import add_comparison, add_copying, add_match_args, check_flags
from .field import Field, field, init_property, is_keyword_boundary

T = TypeVar("T")

_STRUCTURAL_KINDS = {None: 0, "tree": 1, "var": 2, "dag": 3, "const-tree": 4, "singleton": 5}

_HOOKS = (
    "__ffi_repr__",
    "__ffi_hash__",
    "__ffi_eq__",
    "__ffi_compare__",
    "__ffi_convert__",
    "__ffi_convert_type_schema__",
    "__any_hash__",
    "__any_equal__",
    "__s_equal__",
    "__s_hash__",
    "__s_visit__",
    "__data_to_json__",
    "__data_from_json__",
)

# Storage of a field by its type: type index of getter and setter, bytes, alignment. Everything else is an object
# pointer.
_ANY_STORAGE = (-1, 16, 8)
_STORAGE = {
    "int": (1, 8, 8),
    "bool": (2, 1, 1),
    "float": (3, 8, 8),
    "ctypes.c_void_p": (4, 8, 8),
    "dtype": (5, 4, 2),
    "Device": (6, 8, 4),
    **dict.fromkeys(("Any", "None", "str", "bytes", "Optional", "Union"), _ANY_STORAGE),
}
_NO_PLAIN_TYPE = -1


class Options(NamedTuple):
    """The keywords of py_class."""

    type_key: str | None = None
    frozen: bool = False
    init: bool = True
    repr: bool = True
    eq: bool = False
    order: bool = False
    unsafe_hash: bool = False
    match_args: bool = True
    kw_only: bool = False
    structural_eq: str | None = "tree"
    slots: bool = True


class Definition:
    """A class on its way into the type table."""

    def __init__(self, cls: type, options: Options, key: str, index: int, names: dict[str, Any]) -> None:
        self.cls = cls
        self.options = options
        self.key = key
        self.index = index
        self.names = names
        self.body = set(cls.__dict__)
        self.user_init = cls.__dict__.get("__init__")


# Classes whose annotations name what is not defined yet, by key.
_pending: dict[str, Definition] = {}
# Classes by the scope they were defined in, for annotations of later and earlier ones.
_scopes: dict[tuple[str, str], dict[str, Any]] = {}
# Keys whose class could not be defined: they may be used again.
_failed: set[str] = set()


@overload
@dataclass_transform(eq_default=False, field_specifiers=(field,))
def py_class(cls_or_type_key: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(eq_default=False, field_specifiers=(field,))
def py_class(
    cls_or_type_key: str | None = None,
    /,
    *,
    type_key: str | None = None,
    frozen: bool = False,
    init: bool = True,
    repr: bool = True,  # noqa: A002
    eq: bool = False,
    order: bool = False,
    unsafe_hash: bool = False,
    match_args: bool = True,
    kw_only: bool = False,
    structural_eq: str | None = "tree",
    slots: bool = True,
) -> Callable[[type[T]], type[T]]: ...
def py_class(
    cls_or_type_key: Any = None,
    /,
    *,
    type_key: str | None = None,
    frozen: bool = False,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - the name dataclasses use
    eq: bool = False,
    order: bool = False,
    unsafe_hash: bool = False,
    match_args: bool = True,
    kw_only: bool = False,
    structural_eq: str | None = "tree",
    slots: bool = True,
) -> Any:
    """Define an FFI type from a class body, as ``dataclasses.dataclass`` defines a class.

    Use it as ``@py_class``, ``@py_class("key")`` or with keywords. The class must derive from Object or another
    registered class. Annotations name the fields' types; values are checked and converted when they are set. An
    annotation may name a class that is defined later.

    Parameters
    ----------
    type_key
        The type's name in every language; ``<module>.<qualname>`` unless given. ValueError when it is taken.
    frozen
        Refuse assignment; ``Class.name.set(obj, value)`` still writes.
    init, repr, match_args
        Give the class ``__init__``, ``__repr__``, ``__match_args__``.
    eq, order, unsafe_hash
        Compare, order, hash by content. ValueError for an order without equality.
    kw_only
        Fields are taken by keyword only.
    structural_eq
        How structural equality sees it: None, ``"tree"``, ``"var"``, ``"dag"``, ``"const-tree"``, ``"singleton"``.
    slots
        Without, instances have a ``__dict__``.
    """
    if isinstance(cls_or_type_key, str):
        type_key = cls_or_type_key
    check_flags(eq, order)
    if structural_eq not in _STRUCTURAL_KINDS:
        raise ValueError(f"structural_eq must be one of {list(_STRUCTURAL_KINDS)}, got {structural_eq!r}")
    options = Options(
        type_key, frozen, init, repr, eq, order, unsafe_hash, match_args, kw_only, structural_eq, slots
    )
    names = sys._getframe(1).f_locals

    def decorate(cls: type) -> type:
        return define(cls, options, dict(names))

    return decorate(cls_or_type_key) if isinstance(cls_or_type_key, type) else decorate


def define(cls: type, options: Options, names: dict[str, Any]) -> type:
    """Define the type of a class; later, when an annotation names what does not exist yet."""
    parent = _parent_of(cls)
    if not options.slots:
        cls = _with_dict(cls)
    key = options.type_key or f"{cls.__module__}.{cls.__qualname__}"
    if core._type_key_to_index(key) is not None and key not in _failed:
        raise ValueError(f"Type key {key!r} is already registered")
    index = _allocate(key, parent)
    definition = Definition(cls, options, key, index, names)
    core._register_class(index, cls)
    _scopes.setdefault(_scope_of(cls), {})[cls.__name__] = cls
    try:
        setattr(cls, "__tvm_ffi_type_info__", _type_info_of(index))
        _complete_or_postpone(definition)
    except BaseException:
        _failed.add(key)
        _scopes[_scope_of(cls)].pop(cls.__name__, None)
        raise
    _complete_pending()
    return cls


def _allocate(key: str, parent: TypeInfo) -> int:
    known = core._type_key_to_index(key)
    if known is not None and core._type_info(known)[1][-1] != parent.type_index:
        raise ValueError(f"Type key {key!r} was claimed by a class that failed, with another parent")
    _failed.discard(key)
    return core._alloc_type(key, parent.type_index)


def _parent_of(cls: type) -> TypeInfo:
    for base in cls.__mro__[1:]:
        info = base.__dict__.get("__tvm_ffi_type_info__")
        if info is not None:
            return info
    raise TypeError(f"{cls.__name__} must inherit from a registered FFI Object type (e.g. tvm_ffi.Object)")


def _with_dict(cls: type) -> type:
    body = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    made = type(cls)(cls.__name__, cls.__bases__, {**body, "__slots__": ("__dict__",)})
    made.__qualname__ = cls.__qualname__
    for value in body.values():
        function = getattr(value, "__func__", value)
        for cell in getattr(function, "__closure__", None) or ():
            if cell.cell_contents is cls:  # what super() without arguments reads
                cell.cell_contents = made
    return made


# --- the two phases


def _complete_or_postpone(definition: Definition) -> None:
    try:
        _complete(definition)
    except NameError as error:
        _pending[definition.key] = definition
        setattr(definition.cls, "__init__", _unfinished_init(definition, error))


def _complete_pending() -> None:
    progress = True
    while progress:
        progress = False
        for key, definition in list(_pending.items()):
            try:
                _complete(definition)
            except NameError:
                continue
            except BaseException:
                _failed.add(key)
                del _pending[key]
                raise
            del _pending[key]
            progress = True


def _unfinished_init(definition: Definition, error: NameError) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        _complete_pending()
        if definition.key in _pending:
            raise TypeError(f"`{definition.key}` cannot be made yet: {error}") from None
        type(self).__init__(self, *args, **kwargs)

    return __init__


def _complete(definition: Definition) -> None:
    cls, options = definition.cls, definition.options
    parent = _parent_of(cls)
    if parent.type_key in _pending:
        raise NameError(f"the fields of its parent {parent.type_key} are not known yet")
    fields = _collect_fields(definition)
    _refuse_inherited(definition, parent, fields)
    schemas = [TypeSchema.from_annotation(field.type) for field in fields]
    methods = _collect_methods(definition)
    layout, total_size = _lay_out(parent, schemas)
    records = [_record(field, schema, place) for field, schema, place in zip(fields, schemas, layout)]

    # Nothing below can fail for a fault of the class.
    for record in records:
        core._register_field(definition.index, *record)
    for record in methods:
        core._register_method(definition.index, *record)
    core._register_metadata(definition.index, cls.__doc__ or "", total_size, _STRUCTURAL_KINDS[options.structural_eq])
    core._get_global_func("ffi._PyClassRegisterTypeAttrColumns")(definition.index, total_size)
    for hook in _HOOKS:
        if hook in definition.body:
            value = cls.__dict__[hook]
            core._register_attr(definition.index, hook, getattr(value, "__func__", value))
    _finish_class(definition, fields)


def _refuse_inherited(definition: Definition, parent: TypeInfo, fields: list[Field]) -> None:
    inherited = {field.name for field in parent.all_fields()}
    for field in fields:
        if field.name in inherited:
            raise ValueError(f"cannot define {definition.key}: it inherits a field {field.name!r} already")


# --- annotations


def _scope_of(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__.rpartition(".")[0]


def _resolve(definition: Definition, annotation: Any) -> Any:
    module = sys.modules.get(definition.cls.__module__)
    global_names = vars(module) if module is not None else {}
    local_names = {**definition.names, **_scopes[_scope_of(definition.cls)]}
    if isinstance(annotation, str):
        annotation = eval(annotation, global_names, local_names)  # noqa: S307 - the class body's own text
    if is_keyword_boundary(annotation) or isinstance(annotation, TypeSchema):
        return annotation
    holder = type("_Annotations", (), {"__annotations__": {"field": annotation}})
    return typing.get_type_hints(holder, global_names, local_names)["field"]


def _collect_fields(definition: Definition) -> list[Field]:
    body = definition.cls.__dict__
    annotations = body.get("__annotations__", {})
    for name, value in body.items():
        if isinstance(value, Field) and name not in annotations:
            raise TypeError(f"{name!r} is a field but has no type annotation")
    by_keyword = definition.options.kw_only
    fields = []
    for name, annotation in annotations.items():
        resolved = _resolve(definition, annotation)
        if is_keyword_boundary(resolved):
            by_keyword = True
        elif resolved is not ClassVar and typing.get_origin(resolved) is not ClassVar:
            fields.append(_make_field(definition, name, resolved, by_keyword))
    return fields + _init_properties(definition)


def _make_field(definition: Definition, name: str, annotation: Any, by_keyword: bool) -> Field:
    value = definition.cls.__dict__.get(name, core.MISSING)
    made = value if isinstance(value, Field) else Field(default=value)
    made.name, made.type = name, annotation
    if made.kw_only is None:
        made.kw_only = by_keyword
    made.frozen = made.frozen or definition.options.frozen
    return made


def _init_properties(definition: Definition) -> list[Field]:
    fields = []
    for name, value in definition.cls.__dict__.items():
        if isinstance(value, init_property):
            annotation = value.compute.__annotations__.get("return", Any)
            made = Field(init=False, name=name, type=_resolve(definition, annotation), doc=value.__doc__)
            made.frozen = definition.options.frozen
            fields.append(made)
    return fields


# --- storage


def _storage_of(schema: TypeSchema) -> tuple[int, int, int]:
    if schema.origin == "tuple":
        return 71, 8, 8
    return _STORAGE.get(schema.origin, (schema.origin_type_index, 8, 8))


def _end_of(parent: TypeInfo) -> int:
    ends = [field.offset + field.size for field in parent.all_fields()]
    return max([24, parent.total_size, *ends])


def _lay_out(parent: TypeInfo, schemas: list[TypeSchema]) -> tuple[list[tuple[int, int, int, int]], int]:
    """Return (offset, storage type index, bytes, alignment) of each field, and the size of the object."""
    end = _end_of(parent)
    places = []
    for schema in schemas:
        index, size, align = _storage_of(schema)
        offset = (end + align - 1) // align * align
        places.append((offset, index, size, align))
        end = offset + size
    return places, (end + 7) // 8 * 8


def _record(field: Field, schema: TypeSchema, place: tuple[int, int, int, int]) -> tuple[Any, ...]:
    offset, index, size, align = place
    convert: Any = None if schema.origin == "Any" else schema.convert_field
    plain = index if 0 < index < 64 else _NO_PLAIN_TYPE
    if field.converter is not None:
        convert, plain = _converted_by(field.converter, schema), _NO_PLAIN_TYPE
    default = None
    if field.default_factory is not core.MISSING:
        default = core._convert_func(field.default_factory, None)
    elif field.default is not core.MISSING:
        # Converted when it is used, as any value: a list becomes a new List each time.
        default = field.default
    metadata = json.dumps({"type_schema": json.dumps(schema.to_json())})
    return field.name, field.doc or "", metadata, field.flags(), size, align, offset, index, plain, convert, default


def _converted_by(converter: Callable[[Any], Any], schema: TypeSchema) -> Callable[[Any], Any]:
    return lambda value: schema.convert_field(converter(value))


# --- methods


def _collect_methods(definition: Definition) -> list[tuple[Any, ...]]:
    records = []
    for name, value in definition.cls.__dict__.items():
        if isinstance(value, classmethod) and getattr(value.__func__, "__tvm_ffi_method__", False):
            raise TypeError(f"@method {name} is a classmethod; only instance and static methods can be reflected")
        function = value.__func__ if isinstance(value, staticmethod) else value
        if getattr(function, "__tvm_ffi_method__", False):
            is_static = isinstance(value, staticmethod)
            metadata = json.dumps({"type_schema": json.dumps(_schema_of(definition, function, is_static).to_json())})
            flags = STATIC_METHOD if is_static else 0
            records.append((name, function.__doc__ or "", metadata, flags, core._convert_func(function, None)))
    return records


def _schema_of(definition: Definition, function: Any, is_static: bool) -> TypeSchema:
    # Imported here: importing the package must not pay for it.
    import inspect

    parts = [_annotated(definition, function.__annotations__.get("return", Any))]
    for i, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return TypeSchema("Callable")
        if i == 0 and not is_static:
            parts.append(TypeSchema.from_type_index(definition.index))
        else:
            annotation = parameter.annotation
            parts.append(_annotated(definition, Any if annotation is parameter.empty else annotation))
    return TypeSchema("Callable", tuple(parts))


def _annotated(definition: Definition, annotation: Any) -> TypeSchema:
    return TypeSchema.from_annotation(_resolve(definition, annotation))


# --- the class


def _finish_class(definition: Definition, fields: list[Field]) -> None:
    cls, options = definition.cls, definition.options
    info = _type_info_of(definition.index)
    info.type_cls = cls
    computed = {name: value for name, value in cls.__dict__.items() if isinstance(value, init_property)}
    for reflected, field in zip(info.fields, fields):
        reflected.dataclass_field = field
        setattr(cls, field.name, reflected.as_property(cls))
    setattr(cls, "__tvm_ffi_type_info__", info)
    setattr(cls, "__tvm_ffi_init_properties__", {**getattr(cls, "__tvm_ffi_init_properties__", {}), **computed})
    _add_init(definition, info)
    add_comparison(cls, definition.body, eq=options.eq, order=options.order, unsafe_hash=options.unsafe_hash)
    add_copying(cls, definition.body)
    if options.match_args:
        add_match_args(cls, info, definition.body)
    setattr(cls, "__ffi_is_dataclass__", True)


def _add_init(definition: Definition, info: TypeInfo) -> None:
    cls = definition.cls
    construct = make_construct(info, info.constructor())
    setattr(cls, "__ffi_init__", construct)
    if definition.user_init is not None:
        setattr(cls, "__init__", _with_storage(info, definition.user_init))
    elif not definition.options.init:
        setattr(cls, "__init__", finish(make_refusal(cls, info), cls, None))
    else:
        setattr(cls, "__init__", finish(_generated_init(construct), cls, signature_of(info, explicit=False)))


def _generated_init(construct: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if self.__chandle__() != 0:
            return
        try:
            construct(self, *args, **kwargs)
        except OverflowError as error:
            raise type_error_of_range(error) from None
        _after_init(self)

    return __init__


def _after_init(self: Any) -> None:
    cls = type(self)
    for name, computed in cls.__tvm_ffi_init_properties__.items():
        getattr(cls, name).set(self, computed.compute(self))
    post_init = getattr(cls, "__post_init__", None)
    if post_init is not None:
        post_init(self)


def _with_storage(info: TypeInfo, user_init: Callable[..., None]) -> Callable[..., None]:
    """Return an ``__init__`` that makes the object, its defaults set, before the user's own runs."""
    new = core._type_attr(info.type_index, "__ffi_new__")
    defaults = [field for field in info.all_fields() if field.c_has_default]

    @functools.wraps(user_init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        outermost = self.__chandle__() == 0
        if outermost:
            self.__init_handle_by_constructor__(new)
            for field in defaults:
                field.setter(self, _default_of(field))
        user_init(self, *args, **kwargs)
        if outermost:
            for name, computed in type(self).__tvm_ffi_init_properties__.items():
                getattr(type(self), name).set(self, computed.compute(self))

    return __init__


def _default_of(field: TypeField) -> Any:
    factory = field.c_default_factory
    return field.c_default if factory is core.MISSING else factory()
