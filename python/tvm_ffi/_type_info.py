"""What the library knows of types: their fields and methods, as classes describe themselves."""

from __future__ import annotations

import json
from typing import Any, Callable

from . import core

# Bits of TVMFFIFieldFlagBitMask.
WRITABLE = 1 << 0
HAS_DEFAULT = 1 << 1
STATIC_METHOD = 1 << 2
SEQ_IGNORE = 1 << 3
SEQ_DEF_RECURSIVE = 1 << 4
DEFAULT_FROM_FACTORY = 1 << 5
REPR_OFF = 1 << 6
COMPARE_OFF = 1 << 7
HASH_OFF = 1 << 8
INIT_OFF = 1 << 9
KW_ONLY = 1 << 10
SEQ_DEF_NON_RECURSIVE = 1 << 12

INIT_METHOD = "__ffi_init__"

STRUCTURAL_FLAGS = {
    "ignore": SEQ_IGNORE,
    "def": SEQ_DEF_RECURSIVE,
    "def-recursive": SEQ_DEF_RECURSIVE,
    "def-non-recursive": SEQ_DEF_NON_RECURSIVE,
}


def _metadata(text: str) -> dict[str, Any]:
    return json.loads(text) if text else {}


class TypeField:
    """A reflected field."""

    __slots__ = (
        "_metadata_text",
        "_ty",
        "alignment",
        "dataclass_field",
        "default_value",
        "doc",
        "field_static_type_index",
        "flags",
        "getter",
        "name",
        "offset",
        "setter",
        "size",
    )

    def __init__(
        self,
        name: str,
        doc: str,
        metadata: str,
        flags: int,
        getter: Callable[[Any], Any],
        setter: Callable[[Any, Any], None] | None,
        default_value: Any,
        size: int,
        alignment: int,
        offset: int,
        field_static_type_index: int,
    ) -> None:
        self.name = name
        self.doc = doc or None
        self._metadata_text = metadata
        self._ty: Any = None
        self.flags = flags
        self.getter = getter
        self.setter = setter
        self.default_value = default_value
        self.size = size
        self.alignment = alignment
        self.offset = offset
        self.field_static_type_index = field_static_type_index
        self.dataclass_field: Any = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata the type registered, such as ``type_schema``."""
        return _metadata(self._metadata_text)

    @property
    def ty(self) -> Any:
        """The TypeSchema of the values, None when the type registered none."""
        if self._ty is None:
            schema = self.metadata.get("type_schema")
            self._ty = core.TypeSchema.from_json_str(schema) if schema else None
        return self._ty

    @property
    def frozen(self) -> bool:
        """Whether Python may not assign it."""
        return not self.flags & WRITABLE

    @property
    def c_init(self) -> bool:
        """Whether the generated constructor takes it."""
        return not self.flags & INIT_OFF

    @property
    def c_kw_only(self) -> bool:
        """Whether the generated constructor takes it by keyword only."""
        return bool(self.flags & KW_ONLY)

    @property
    def c_has_default(self) -> bool:
        """Whether it has a default or a factory of defaults."""
        return bool(self.flags & HAS_DEFAULT)

    @property
    def c_default(self) -> Any:
        """The default, MISSING when there is none."""
        return self.default_value if self.c_has_default and not self._from_factory else core.MISSING

    @property
    def c_default_factory(self) -> Any:
        """The factory of defaults, MISSING when there is none."""
        return self.default_value if self._from_factory else core.MISSING

    @property
    def _from_factory(self) -> bool:
        return bool(self.flags & DEFAULT_FROM_FACTORY)

    @property
    def c_repr(self) -> bool:
        """Whether it is printed."""
        return not self.flags & REPR_OFF

    @property
    def c_compare(self) -> bool:
        """Whether it takes part in comparison."""
        return not self.flags & COMPARE_OFF

    @property
    def c_hash(self) -> bool:
        """Whether it takes part in the hash."""
        return not self.flags & HASH_OFF

    @property
    def c_structural_eq(self) -> str | None:
        """Its part in structural equality."""
        return next((name for name, bit in STRUCTURAL_FLAGS.items() if self.flags & bit), None)

    def as_property(self, owner: type) -> FFIProperty:
        """Return the property that reads and, unless frozen, writes it."""
        doc = self.doc or f"{owner.__name__}.{self.name}"
        return FFIProperty(self.getter, None if self.frozen else self.setter, doc=doc, ffi_setter=self.setter)

    def __repr__(self) -> str:
        return f"TypeField(name={self.name!r}, ty={self.ty}, offset={self.offset}, size={self.size})"


class FFIProperty(property):
    """Property of a reflected field. ``set`` writes it even when the class is frozen."""

    def __init__(self, *args: Any, ffi_setter: Callable[[Any, Any], None] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.__doc__ = kwargs.get("doc")
        self._ffi_setter = ffi_setter

    def set(self, obj: Any, value: Any) -> None:
        """Write the field of ``obj``; AttributeError when the type has no way to."""
        if self._ffi_setter is None:
            raise AttributeError("this field has no setter")
        self._ffi_setter(obj, value)


class TypeMethod:
    """A reflected method."""

    __slots__ = ("_metadata_text", "doc", "flags", "func", "name")

    def __init__(self, name: str, doc: str, metadata: str, flags: int, func: Any) -> None:
        self.name = name
        self.doc = doc or None
        self._metadata_text = metadata
        self.flags = flags
        self.func = func

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata the type registered, such as ``type_schema``."""
        return _metadata(self._metadata_text)

    @property
    def is_static(self) -> bool:
        """Whether it is called without self."""
        return bool(self.flags & STATIC_METHOD)

    def as_callable(self, owner: type) -> Any:
        """Return what stands for it in a class body."""
        func = self.func

        def call(self: Any, *args: Any) -> Any:
            return func(self, *args)

        def call_static(*args: Any) -> Any:
            return func(*args)

        result = call_static if self.is_static else call
        result.__name__ = self.name
        result.__qualname__ = f"{owner.__qualname__}.{self.name}"
        result.__module__ = owner.__module__
        result.__doc__ = self.doc
        return staticmethod(result) if self.is_static else result

    def __repr__(self) -> str:
        return f"TypeMethod(name={self.name!r}, is_static={self.is_static})"


class TypeInfo:
    """What the library knows of a type. Fields and methods are its own, not inherited ones."""

    __slots__ = (
        "doc",
        "fields",
        "methods",
        "parent_type_info",
        "structural_kind",
        "total_size",
        "type_ancestors",
        "type_cls",
        "type_index",
        "type_key",
    )

    def __init__(self, type_index: int) -> None:
        key, ancestors, fields, methods, doc, total_size, kind = core._type_info(type_index)
        self.type_index: int = type_index
        self.type_key: str = key
        self.type_ancestors: list[int] = ancestors
        self.fields = [TypeField(*field) for field in fields]
        self.methods = [TypeMethod(*method) for method in methods]
        self.doc: str = doc
        self.total_size: int = total_size
        self.structural_kind: int = kind
        self.type_cls: type | None = None
        self.parent_type_info: TypeInfo | None = None

    def all_fields(self) -> list[TypeField]:
        """Return the fields of the type and of its ancestors, the root's first."""
        inherited = self.parent_type_info.all_fields() if self.parent_type_info is not None else []
        return inherited + self.fields

    def constructor(self) -> Any:
        """Return the type's own constructor, None when it has none."""
        explicit = self.explicit_constructor()
        if explicit is not None:
            return explicit.func
        attribute = core._type_attr(self.type_index, INIT_METHOD)
        return attribute if isinstance(attribute, core.Function) else None

    def explicit_constructor(self) -> TypeMethod | None:
        """Return the constructor that the type wrote down itself; it takes positional arguments only."""
        return next((m for m in self.methods if m.name == INIT_METHOD and m.is_static), None)

    def __repr__(self) -> str:
        return f"TypeInfo(type_key={self.type_key!r}, type_index={self.type_index}, fields={self.fields})"


core.TypeInfo, core.TypeField, core.TypeMethod, core.FFIProperty = TypeInfo, TypeField, TypeMethod, FFIProperty
