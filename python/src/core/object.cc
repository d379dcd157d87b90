#include "object.h"

#include <vector>

#include "arguments.h"
#include "error.h"
#include "function.h"
#include "state.h"

namespace tvmffi::python {
namespace {

enum class WrapperKind : uint8_t { kNone, kPlain, kFunction, kTensor, kContainer };

struct ClassEntry {
  PyTypeObject* cls = nullptr;
  WrapperKind kind = WrapperKind::kNone;
};

// By type index.
std::vector<ClassEntry>& Classes() {
  static auto& classes = *new std::vector<ClassEntry>();
  return classes;
}

WrapperKind KindOf(PyTypeObject* cls) {
  if (PyType_IsSubtype(cls, g_state.c_function)) return WrapperKind::kFunction;
  if (PyType_IsSubtype(cls, g_state.c_tensor)) return WrapperKind::kTensor;
  if (PyType_IsSubtype(cls, g_state.c_container)) return WrapperKind::kContainer;
  return WrapperKind::kPlain;
}

PyObject* NewWrapper(PyTypeObject* cls, WrapperKind kind) {
  PyObject* self = cls->tp_alloc(cls, 0);
  if (self != nullptr && kind == WrapperKind::kFunction) {
    auto* function = reinterpret_cast<FunctionWrapper*>(self);
    function->vectorcall = TVMFFIFunctionCallFromPython;
    function->release_gil = g_state.release_gil;
  }
  return self;
}

PyObject* NewObject(PyTypeObject* cls, PyObject*, PyObject*) {
  return NewWrapper(cls, KindOf(cls));
}

int InitObject(PyObject*, PyObject*, PyObject*) { return 0; }

ClassEntry* FindClass(int32_t type_index) {
  std::vector<ClassEntry>& classes = Classes();
  auto index = static_cast<size_t>(type_index);
  if (index < classes.size() && classes[index].kind != WrapperKind::kNone) return &classes[index];
  PyRef made = PyRef::Steal(PyObject_CallFunction(g_state.make_class, "i", type_index));
  if (!made) return nullptr;
  if (index < classes.size() && classes[index].kind != WrapperKind::kNone) return &classes[index];
  PyErr_Format(PyExc_SystemError, "no class was made for type index %d", type_index);
  return nullptr;
}

void ForgetHandle(PyObject* wrapper) {
  reinterpret_cast<ObjectWrapper*>(wrapper)->handle = nullptr;
  if (IsWrapper(wrapper, g_state.c_tensor)) {
    reinterpret_cast<TensorWrapper*>(wrapper)->tensor = nullptr;
  }
}

PyObject* GetHandle(PyObject* self, PyObject*) { return PyLong_FromVoidPtr(HandleOf(self)); }

PyObject* GetId(PyObject* self, void*) { return GetHandle(self, nullptr); }

PyObject* GetCtypesHandle(PyObject* self, PyObject*) {
  PyRef address = PyRef::Steal(PyLong_FromVoidPtr(HandleOf(self)));
  return address ? PyObject_CallOneArg(g_state.c_void_p, address.get()) : nullptr;
}

PyObject* SameAs(PyObject* self, PyObject* other) {
  return PyBool_FromLong(IsWrapper(other, g_state.c_object) && HandleOf(self) == HandleOf(other));
}

PyObject* MoveHandleFrom(PyObject* self, PyObject* other) {
  if (!IsWrapper(other, g_state.c_object)) {
    return PyErr_Format(PyExc_TypeError, "cannot take a handle from '%s'", Py_TYPE(other)->tp_name);
  }
  HandleRef handle = HandleRef::Steal(HandleOf(other));
  ForgetHandle(other);
  HandleRef old = HandleRef::Steal(HandleOf(self));
  ForgetHandle(self);
  if (handle) AdoptHandle(self, handle.release());
  Py_RETURN_NONE;
}

// (constructor, *args): the constructor's result becomes this wrapper's object.
PyObject* InitByConstructor(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs < 1 || !IsWrapper(args[0], g_state.c_function)) {
    PyErr_SetString(PyExc_TypeError, "__init_handle_by_constructor__ needs a Function first");
    return nullptr;
  }
  if (!RequireHandle(args[0])) return nullptr;
  auto num_args = static_cast<size_t>(nargs - 1);
  ArgArray values(num_args);
  if (values.data() == nullptr) return PyErr_NoMemory();
  ArgScope scope;
  for (size_t i = 0; i < num_args; ++i) {
    if (!SetArgument(scope, args[i + 1], values.data() + i)) return nullptr;
  }
  TVMFFIAny result = MakeNone();
  if (!Check(TVMFFIFunctionCall(HandleOf(args[0]), values.data(), static_cast<int32_t>(num_args),
                                &result))) {
    return nullptr;
  }
  if (!IsObject(result)) {
    return PyErr_Format(PyExc_TypeError, "constructor of '%s' returned no object",
                        Py_TYPE(self)->tp_name);
  }
  HandleRef old = HandleRef::Steal(HandleOf(self));
  AdoptHandle(self, result.v_obj);
  if (IsWrapper(self, g_state.c_container)) {
    reinterpret_cast<ContainerWrapper*>(self)->api = scope.context.api;
  }
  Py_RETURN_NONE;
}

PyObject* MoveOut(PyObject* self, PyObject*) {
  if (!RequireHandle(self)) return nullptr;
  PyObject* moved = g_state.rvalue_ref->tp_alloc(g_state.rvalue_ref, 0);
  if (moved == nullptr) return nullptr;
  // The wrapper, not its handle: the callee takes the handle out of the wrapper itself.
  Py_INCREF(self);
  reinterpret_cast<ObjectWrapper*>(moved)->handle = self;
  return moved;
}

void DeallocRValueRef(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(static_cast<PyObject*>(reinterpret_cast<ObjectWrapper*>(self)->handle));
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* CompareObjects(PyObject* self, PyObject* other, int op) {
  if ((op != Py_EQ && op != Py_NE) || !IsWrapper(other, g_state.c_object)) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  bool same = HandleOf(self) == HandleOf(other);
  return PyBool_FromLong(same == (op == Py_EQ));
}

Py_hash_t HashObject(PyObject* self) {
  auto value = static_cast<Py_hash_t>(reinterpret_cast<intptr_t>(HandleOf(self)));
  return value == -1 ? -2 : value;
}

PyMethodDef kObjectMethods[] = {
    {"__chandle__", GetHandle, METH_NOARGS, "Address of the FFI object; 0 when there is none."},
    {"__ctypes_handle__", GetCtypesHandle, METH_NOARGS, "The address as ctypes.c_void_p."},
    {"same_as", SameAs, METH_O, "Whether both wrap the same FFI object."},
    {"is_", SameAs, METH_O, "Whether both wrap the same FFI object."},
    {"_move", MoveOut, METH_NOARGS, "An argument that gives the object away."},
    {"__move_handle_from__", MoveHandleFrom, METH_O, "Takes the other wrapper's object."},
    {"__init_handle_by_constructor__",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(InitByConstructor)), METH_FASTCALL,
     "Calls a constructor function and keeps the object it returns."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kObjectGetSet[] = {
    {"id_", GetId, nullptr, "Address of the FFI object; 0 when there is none.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kObjectSlots[] = {
    {Py_tp_doc, const_cast<char*>("Owner of one reference to an FFI object.")},
    {Py_tp_new, reinterpret_cast<void*>(NewObject)},
    {Py_tp_init, reinterpret_cast<void*>(InitObject)},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {Py_tp_richcompare, reinterpret_cast<void*>(CompareObjects)},
    {Py_tp_hash, reinterpret_cast<void*>(HashObject)},
    {Py_tp_methods, kObjectMethods},
    {Py_tp_getset, kObjectGetSet},
    {0, nullptr},
};

PyType_Spec kObjectSpec = {"tvm_ffi.core.CObject", sizeof(ObjectWrapper), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kObjectSlots};

PyType_Slot kRValueSlots[] = {
    {Py_tp_doc, const_cast<char*>("Argument that gives its object away; made by Object._move().")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocRValueRef)},
    {0, nullptr},
};

PyType_Spec kRValueSpec = {"tvm_ffi.core.ObjectRValueRef", sizeof(ObjectWrapper), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, kRValueSlots};

// core._register_class(type_index, cls)
PyObject* RegisterClass(PyObject*, PyObject* args) {
  int type_index;
  PyTypeObject* cls;
  if (!PyArg_ParseTuple(args, "iO!:_register_class", &type_index, &PyType_Type, &cls)) {
    return nullptr;
  }
  if (type_index < 0 || !PyType_IsSubtype(cls, g_state.c_object)) {
    return PyErr_Format(PyExc_TypeError, "cannot register '%s' for type index %d", cls->tp_name,
                        type_index);
  }
  std::vector<ClassEntry>& classes = Classes();
  auto index = static_cast<size_t>(type_index);
  if (index >= classes.size()) classes.resize(index + 1);
  Py_INCREF(cls);
  PyRef old = PyRef::Steal(reinterpret_cast<PyObject*>(classes[index].cls));
  classes[index] = ClassEntry{cls, KindOf(cls)};
  Py_RETURN_NONE;
}

// core._class_of(type_index): the class or None.
PyObject* ClassOf(PyObject*, PyObject* arg) {
  long index = PyLong_AsLong(arg);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  std::vector<ClassEntry>& classes = Classes();
  PyObject* cls = Py_None;
  if (index >= 0 && static_cast<size_t>(index) < classes.size() &&
      classes[static_cast<size_t>(index)].cls != nullptr) {
    cls = reinterpret_cast<PyObject*>(classes[static_cast<size_t>(index)].cls);
  }
  Py_INCREF(cls);
  return cls;
}

PyMethodDef kModuleMethods[] = {
    {"_register_class", RegisterClass, METH_VARARGS, "Set the class of a type index."},
    {"_class_of", ClassOf, METH_O, "The class registered for a type index, or None."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyTypeObject* AddType(PyType_Spec* spec, PyTypeObject* base) {
  PyRef bases = PyRef::Steal(PyTuple_Pack(1, base));
  if (!bases) return nullptr;
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(spec, bases.get()));
  if (type == nullptr || PyModule_AddType(g_state.module, type) != 0) return nullptr;
  return type;
}

void AdoptHandle(PyObject* wrapper, TVMFFIObjectHandle owned) {
  reinterpret_cast<ObjectWrapper*>(wrapper)->handle = owned;
  if (TVMFFIObjectGetTypeIndex(owned) == kTVMFFITensor && IsWrapper(wrapper, g_state.c_tensor)) {
    reinterpret_cast<TensorWrapper*>(wrapper)->tensor = TVMFFITensorGetDLTensorPtr(owned);
  }
}

PyObject* WrapObject(TVMFFIObjectHandle owned, const DLPackExchangeAPI* api) {
  int32_t type_index = TVMFFIObjectGetTypeIndex(owned);
  ClassEntry* entry = FindClass(type_index);
  PyObject* self = entry == nullptr ? nullptr : NewWrapper(entry->cls, entry->kind);
  if (self == nullptr) {
    TVMFFIObjectDecRef(owned);
    return nullptr;
  }
  reinterpret_cast<ObjectWrapper*>(self)->handle = owned;
  if (entry->kind == WrapperKind::kContainer) {
    reinterpret_cast<ContainerWrapper*>(self)->api = api;
  } else if (entry->kind == WrapperKind::kTensor) {
    reinterpret_cast<TensorWrapper*>(self)->tensor = TVMFFITensorGetDLTensorPtr(owned);
  }
  return self;
}

PyObject* WrapObjectAs(PyTypeObject* cls, TVMFFIObjectHandle owned) {
  PyObject* self = NewWrapper(cls, KindOf(cls));
  if (self == nullptr) {
    TVMFFIObjectDecRef(owned);
    return nullptr;
  }
  AdoptHandle(self, owned);
  return self;
}

void DeallocWrapper(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  TVMFFIObjectHandle handle = HandleOf(self);
  if (handle != nullptr) TVMFFIObjectDecRef(handle);
  type->tp_free(self);
  Py_DECREF(type);
}

bool RequireHandle(PyObject* wrapper) {
  if (HandleOf(wrapper) != nullptr) return true;
  PyErr_Format(PyExc_ValueError, "this '%s' holds no object: it is empty or was moved",
               Py_TYPE(wrapper)->tp_name);
  return false;
}

bool InitObjectTypes() {
  State& s = g_state;
  s.c_object = AddType(&kObjectSpec, &PyBaseObject_Type);
  if (s.c_object == nullptr) return false;
  s.rvalue_ref = AddType(&kRValueSpec, &PyBaseObject_Type);
  return s.rvalue_ref != nullptr && PyModule_AddFunctions(s.module, kModuleMethods) == 0;
}

}  // namespace tvmffi::python
