"""The Python half of the core classes, installed into :mod:`tvm_ffi.core`."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

from . import core


class _ObjectMeta(ABCMeta):
    """A class body without ``__slots__`` gets empty ones: instances carry nothing but their object."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:
        namespace.setdefault("__slots__", ())
        return super().__new__(mcls, name, bases, namespace, **kwargs)


class Object(core.CObject, metaclass=_ObjectMeta):
    """Base of every class whose instances own an FFI object."""

    __module__ = "tvm_ffi.core"

    def __repr__(self) -> str:
        name = type(self).__name__
        if self.__chandle__() == 0:
            return f"{name}(chandle=None)"
        printer = core._get_global_func("ffi.ReprPrint")
        if printer is not None:
            try:
                return str(printer(self))
            except Exception:  # an object that cannot print itself still has an address
                pass
        return f"{name}({self.__chandle__():#x})"

    def __reduce__(self) -> Any:
        return _new_object, (type(self),), self.__getstate__()

    def __getstate__(self) -> dict[str, Any]:
        """Return the object as JSON graph; TypeError when it holds what has no such form."""
        text = None if self.__chandle__() == 0 else str(_library_function("ToJSONGraphString")(self, None))
        return {"handle": text}

    def __setstate__(self, state: dict[str, Any]) -> None:
        text = state["handle"]
        if text is not None:
            self.__move_handle_from__(_library_function("FromJSONGraphString")(text))

    def __copy__(self) -> Any:
        """Return a shallow copy; TypeError when the type cannot be copied."""
        if self.__chandle__() == 0:
            return type(self)()
        copier = core._type_attr(core._type_index_of(self), "__ffi_shallow_copy__")
        if copier is not None:
            return copier(self)
        if not isinstance(self, core.CContainerBase):
            raise TypeError(
                f"Type `{type(self).__name__}` does not support copy. "
                "The underlying C++ type is not copy-constructible."
            )
        copied = _new_object(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return a copy of everything it refers to."""
        return _library_function("DeepCopy")(self)


def _new_object(cls: type) -> Any:
    return cls.__new__(cls)


def _library_function(name: str) -> Any:
    return core._get_global_func("ffi." + name)


class Function(core.CFunction, Object):
    """A function of the convention. Attributes may be set on it."""

    __module__ = "tvm_ffi.core"
    __slots__ = ("__dict__",)

    __hash__ = core.CObject.__hash__


class Tensor(core.CTensor, Object):
    """An array in memory that somebody owns; made by :func:`from_dlpack` or by FFI calls."""

    __module__ = "tvm_ffi.core"

    def __init__(self) -> None:
        raise TypeError("a Tensor is made by from_dlpack() or by an FFI call")

    def __repr__(self) -> str:
        if self.__chandle__() == 0 and self._is_empty():
            return "Tensor(chandle=None)"
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]@{self.device}"

    def _is_empty(self) -> bool:
        try:
            self.ndim
        except ValueError:
            return True
        return False

    def __reduce__(self) -> Any:
        raise TypeError("a Tensor cannot be pickled: it refers to memory")


class Error(core.CError, Object):
    """An error of the convention; ``py_error()`` gives the exception."""

    __module__ = "tvm_ffi.core"

    def __repr__(self) -> str:
        if self.__chandle__() == 0:
            return "Error(chandle=None)"
        return f"Error(kind={self.kind!r}, message={self.message!r})"


class OpaquePyObject(Object):
    """A Python object on its way through the convention.

    A result is the Python object itself; this class is for a handle that was adopted with ``__move_handle_from__`` or
    ``__init_handle_by_constructor__``.
    """

    __module__ = "tvm_ffi.core"

    def pyobject(self) -> Any:
        """Return the Python object; ValueError when there is none."""
        return core._convert(self)


class ObjectConvertible:
    """Base of classes whose instances become another value when passed to an FFI function."""

    __module__ = "tvm_ffi.core"

    def asobject(self) -> object:
        """Return the value to pass. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define asobject()")


class PyNativeObject:
    """A Python builtin that may remember the FFI object it came from."""

    __module__ = "tvm_ffi.core"
    __slots__ = ()


class Bytes(bytes, PyNativeObject):
    """bytes that remember the FFI object they came from."""

    __module__ = "tvm_ffi.core"
    _tvm_ffi_cached_object: Object | None = None

    def __reduce__(self) -> Any:
        return bytes, (bytes(self),)


class Shape(tuple, PyNativeObject):
    """Extents of a tensor: a tuple of integers."""

    __module__ = "tvm_ffi.core"
    _tvm_ffi_cached_object: Object | None = None

    def __new__(cls, content: tuple[int, ...]) -> Shape:
        try:
            value = super().__new__(cls, (int_or_refuse(x) for x in content))
        except TypeError as error:
            raise ValueError(f"Shape expects integers: {error}") from None
        return value

    def __reduce__(self) -> Any:
        return Shape, (tuple(self),)


def int_or_refuse(value: Any) -> int:
    """Return an integer (also NumPy's) as int. TypeError for anything else."""
    return value.__index__() if hasattr(value, "__index__") else _refuse(value)


def _refuse(value: Any) -> int:
    raise TypeError(f"{value!r} is not an integer")


core._install(
    Object=Object,
    Function=Function,
    Tensor=Tensor,
    _CLASS_TENSOR=Tensor,
    Error=Error,
    ObjectConvertible=ObjectConvertible,
    Bytes=Bytes,
    Shape=Shape,
)
core.OpaquePyObject = OpaquePyObject
core.PyNativeObject = PyNativeObject


def _set_class_tensor(cls: type) -> None:
    """Make results that are tensors instances of ``cls``, a subclass of Tensor."""
    if not issubclass(cls, core.CTensor):
        raise TypeError(f"{cls!r} is no subclass of Tensor")
    core._install(_CLASS_TENSOR=cls)


core._set_class_tensor = _set_class_tensor
