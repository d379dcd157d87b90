// The type table as Python sees it: keys, ancestors, fields as getters and setters, methods.

#include "any.h"
#include "arguments.h"
#include "error.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

// Reads (or, made by MakeFieldSetter, writes) one field of the objects of a type; a callable for
// property().
struct FieldAccess {
  PyObject_HEAD vectorcallfunc vectorcall;
  int32_t type_index;
  int32_t type_depth;
  int64_t offset;
  TVMFFIFieldGetter getter;
  void* setter;
  bool setter_is_function;
};

PyTypeObject* g_field_access = nullptr;

bool IsInstanceOf(int32_t type_index, const FieldAccess& field) {
  if (type_index == field.type_index) return true;
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(type_index);
  return info->type_depth > field.type_depth &&
         info->type_ancestors[field.type_depth]->type_index == field.type_index;
}

// The field's address in `object`, NULL with a Python exception when it is no object of the type.
void* FieldAddress(const FieldAccess& field, PyObject* object) {
  if (!IsWrapper(object, g_state.c_object)) {
    PyErr_Format(PyExc_TypeError, "'%s' is no FFI object", Py_TYPE(object)->tp_name);
    return nullptr;
  }
  if (!RequireHandle(object)) return nullptr;
  TVMFFIObjectHandle handle = HandleOf(object);
  if (!IsInstanceOf(TVMFFIObjectGetTypeIndex(handle), field)) {
    PyErr_Format(PyExc_TypeError, "'%s' is no object of type index %d", Py_TYPE(object)->tp_name,
                 field.type_index);
    return nullptr;
  }
  return static_cast<char*>(handle) + field.offset;
}

PyObject* ReadField(PyObject* self, PyObject* const* args, size_t nargsf, PyObject*) {
  if (PyVectorcall_NARGS(nargsf) != 1) {
    PyErr_SetString(PyExc_TypeError, "a field getter takes the object");
    return nullptr;
  }
  const auto& field = *reinterpret_cast<FieldAccess*>(self);
  void* address = FieldAddress(field, args[0]);
  TVMFFIAny value = MakeNone();
  if (address == nullptr || !Check(field.getter(address, &value))) return nullptr;
  return AnyToPython(value, nullptr);
}

// A class defined in Python checks its values; an int that no value holds fails as one of a wrong
// type.
void RangeErrorAsTypeError(PyObject* value) {
  if (!PyErr_ExceptionMatches(PyExc_OverflowError) || !PyLong_Check(value)) return;
  PyErr_Clear();
  PyErr_Format(PyExc_TypeError,
               "integer %R out of int64 range [-9223372036854775808, 9223372036854775807]", value);
}

bool StoreField(const FieldAccess& field, void* address, PyObject* value) {
  ArgScope scope;
  TVMFFIAny args[2];
  if (!SetArgument(scope, value, &args[1])) {
    if (field.setter_is_function) RangeErrorAsTypeError(value);
    return false;
  }
  if (!field.setter_is_function) {
    return Check(reinterpret_cast<TVMFFIFieldSetter>(field.setter)(address, &args[1]));
  }
  SetOpaquePtr(&args[0], address);
  TVMFFIAny result = MakeNone();
  if (!Check(TVMFFIFunctionCall(field.setter, args, 2, &result))) return false;
  ReleaseAny(result);
  return true;
}

PyObject* WriteField(PyObject* self, PyObject* const* args, size_t nargsf, PyObject*) {
  if (PyVectorcall_NARGS(nargsf) != 2) {
    PyErr_SetString(PyExc_TypeError, "a field setter takes the object and the value");
    return nullptr;
  }
  const auto& field = *reinterpret_cast<FieldAccess*>(self);
  void* address = FieldAddress(field, args[0]);
  if (address == nullptr || !StoreField(field, address, args[1])) return nullptr;
  Py_RETURN_NONE;
}

void DeallocFieldAccess(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef kFieldAccessMembers[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FieldAccess, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kFieldAccessSlots[] = {
    {Py_tp_doc, const_cast<char*>("Getter or setter of a reflected field.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocFieldAccess)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, kFieldAccessMembers},
    {0, nullptr},
};

PyType_Spec kFieldAccessSpec = {
    "tvm_ffi.core._FieldAccess", sizeof(FieldAccess), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    kFieldAccessSlots};

PyObject* MakeFieldAccess(const TVMFFITypeInfo& type, const TVMFFIFieldInfo& field,
                          vectorcallfunc call) {
  PyObject* self = g_field_access->tp_alloc(g_field_access, 0);
  if (self == nullptr) return nullptr;
  auto* access = reinterpret_cast<FieldAccess*>(self);
  access->vectorcall = call;
  access->type_index = type.type_index;
  access->type_depth = type.type_depth;
  access->offset = field.offset;
  access->getter = field.getter;
  access->setter = field.setter;
  access->setter_is_function = (field.flags & kTVMFFIFieldFlagBitSetterIsFunctionObj) != 0;
  return self;
}

PyObject* FieldToPython(const TVMFFITypeInfo& type, const TVMFFIFieldInfo& field) {
  PyRef getter = PyRef::Steal(MakeFieldAccess(type, field, ReadField));
  PyRef setter = PyRef::Borrow(Py_None);
  if (field.setter != nullptr) setter = PyRef::Steal(MakeFieldAccess(type, field, WriteField));
  PyRef name = PyRef::Steal(DecodeText(field.name));
  PyRef doc = PyRef::Steal(DecodeText(field.doc));
  PyRef metadata = PyRef::Steal(DecodeText(field.metadata));
  if (!getter || !setter || !name || !doc || !metadata) return nullptr;
  PyRef default_value = PyRef::Steal(AnyViewToPython(field.default_value_or_factory, nullptr));
  if (!default_value) return nullptr;
  return Py_BuildValue("(OOOLOOOLLLi)", name.get(), doc.get(), metadata.get(),
                       static_cast<long long>(field.flags), getter.get(), setter.get(),
                       default_value.get(), static_cast<long long>(field.size),
                       static_cast<long long>(field.alignment),
                       static_cast<long long>(field.offset), field.field_static_type_index);
}

PyObject* MethodToPython(const TVMFFIMethodInfo& method) {
  PyRef name = PyRef::Steal(DecodeText(method.name));
  PyRef doc = PyRef::Steal(DecodeText(method.doc));
  PyRef metadata = PyRef::Steal(DecodeText(method.metadata));
  PyRef function = PyRef::Steal(AnyViewToPython(method.method, nullptr));
  if (!name || !doc || !metadata || !function) return nullptr;
  return Py_BuildValue("(OOOLO)", name.get(), doc.get(), metadata.get(),
                       static_cast<long long>(method.flags), function.get());
}

template <typename Make>
PyRef MakeList(int32_t size, Make make) {
  PyRef list = PyRef::Steal(PyList_New(size));
  for (int32_t i = 0; list && i < size; ++i) {
    PyObject* item = make(i);
    if (item == nullptr) return PyRef();
    PyList_SET_ITEM(list.get(), i, item);
  }
  return list;
}

// core._type_info(type_index) -> (key, ancestors, fields, methods, doc, total_size,
// structural_kind); size -1 when the type registered none; the index is that of a
// registered type.
PyObject* GetTypeInfo(PyObject*, PyObject* arg) {
  long index = PyLong_AsLong(arg);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(static_cast<int32_t>(index));
  PyRef key = PyRef::Steal(DecodeText(info->type_key));
  PyRef ancestors = MakeList(info->type_depth, [&](int32_t i) {
    return PyLong_FromLong(info->type_ancestors[i]->type_index);
  });
  PyRef fields =
      MakeList(info->num_fields, [&](int32_t i) { return FieldToPython(*info, info->fields[i]); });
  PyRef methods =
      MakeList(info->num_methods, [&](int32_t i) { return MethodToPython(info->methods[i]); });
  TVMFFIByteArray no_text{"", 0};
  PyRef doc = PyRef::Steal(DecodeText(info->metadata != nullptr ? info->metadata->doc : no_text));
  if (!key || !ancestors || !fields || !methods || !doc) return nullptr;
  int total_size = info->metadata != nullptr ? info->metadata->total_size : -1;
  int kind = info->metadata != nullptr ? info->metadata->structural_eq_hash_kind : 0;
  return Py_BuildValue("(OOOOOii)", key.get(), ancestors.get(), fields.get(), methods.get(),
                       doc.get(), total_size, kind);
}

// core._type_key_to_index(key) -> int, or None for an unknown key.
PyObject* TypeKeyToIndex(PyObject*, PyObject* arg) {
  Py_ssize_t size;
  const char* key = PyUnicode_AsUTF8AndSize(arg, &size);
  if (key == nullptr) return nullptr;
  TVMFFIByteArray text{key, static_cast<size_t>(size)};
  int32_t index = 0;
  if (TVMFFITypeKeyToIndex(&text, &index) == 0) return PyLong_FromLong(index);
  HandleRef ignored;
  TVMFFIErrorMoveFromRaised(ignored.out());
  Py_RETURN_NONE;
}

// core._type_index_of(object) -> int
PyObject* TypeIndexOf(PyObject*, PyObject* arg) {
  if (!IsWrapper(arg, g_state.c_object)) {
    return PyErr_Format(PyExc_TypeError, "'%s' is no FFI object", Py_TYPE(arg)->tp_name);
  }
  if (!RequireHandle(arg)) return nullptr;
  return PyLong_FromLong(TVMFFIObjectGetTypeIndex(HandleOf(arg)));
}

// The entry of the object's type in an attribute column, or None.
PyObject* TypeAttr(PyObject*, PyObject* args) {
  int type_index;
  const char* name;
  Py_ssize_t size;
  if (!PyArg_ParseTuple(args, "is#:_type_attr", &type_index, &name, &size)) return nullptr;
  TVMFFIByteArray text{name, static_cast<size_t>(size)};
  const TVMFFITypeAttrColumn* column = TVMFFIGetTypeAttrColumn(&text);
  if (column == nullptr || type_index < column->begin_index ||
      type_index - column->begin_index >= column->size) {
    Py_RETURN_NONE;
  }
  return AnyViewToPython(column->data[type_index - column->begin_index], nullptr);
}

PyMethodDef kModuleMethods[] = {
    {"_type_info", GetTypeInfo, METH_O, "Reflection record of a registered type index."},
    {"_type_key_to_index", TypeKeyToIndex, METH_O, "Index of a type key, or None."},
    {"_type_index_of", TypeIndexOf, METH_O, "Type index of an object."},
    {"_type_attr", TypeAttr, METH_VARARGS, "Attribute of a type, or None."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool InitReflection() {
  g_field_access = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&kFieldAccessSpec));
  return g_field_access != nullptr && PyModule_AddFunctions(g_state.module, kModuleMethods) == 0;
}

}  // namespace tvmffi::python
