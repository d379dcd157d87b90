#include "text.h"

#include "error.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

// Instances behave as `str`; the member makes an FFI round trip free of copies.
void DeallocString(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(reinterpret_cast<StringWrapper*>(self)->cached_object);
  PyUnicode_Type.tp_dealloc(self);
  Py_DECREF(type);
}

PyMemberDef kStringMembers[] = {
    {"_tvm_ffi_cached_object", T_OBJECT, offsetof(StringWrapper, cached_object), 0,
     "The FFI string this text came from, or None."},
    {nullptr, 0, 0, 0, nullptr},
};

PyObject* ReduceString(PyObject* self, PyObject*) {
  PyRef plain = PyRef::Steal(PyUnicode_FromObject(self));
  return plain ? Py_BuildValue("(O(O))", &PyUnicode_Type, plain.get()) : nullptr;
}

PyMethodDef kStringMethods[] = {
    {"__reduce__", ReduceString, METH_NOARGS, "Pickles as plain str."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kStringSlots[] = {
    {Py_tp_doc, const_cast<char*>("str that remembers the FFI string it came from.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocString)},
    {Py_tp_members, kStringMembers},
    {Py_tp_methods, kStringMethods},
    {0, nullptr},
};

PyType_Spec kStringSpec = {"tvm_ffi.core.String", sizeof(StringWrapper), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kStringSlots};

// cls(builtin), with the object remembered; `owned` and `builtin` are taken.
PyObject* MakeNative(PyTypeObject* cls, PyRef builtin, HandleRef owned) {
  if (!builtin) return nullptr;
  PyRef cached = PyRef::Steal(WrapObjectAs(g_state.object, owned.release()));
  if (!cached) return nullptr;
  PyRef native = PyRef::Steal(PyObject_CallOneArg(reinterpret_cast<PyObject*>(cls), builtin.get()));
  if (!native) return nullptr;
  if (cls == g_state.string) {
    reinterpret_cast<StringWrapper*>(native.get())->cached_object = cached.release();
  } else if (PyObject_SetAttr(native.get(), g_state.str_cached_object, cached.get()) != 0) {
    return nullptr;
  }
  return native.release();
}

}  // namespace

PyObject* StringToPython(TVMFFIObjectHandle owned) {
  HandleRef holder = HandleRef::Steal(owned);
  TVMFFIByteArray* text = TVMFFIBytesGetByteArrayPtr(owned);
  PyRef plain =
      PyRef::Steal(PyUnicode_DecodeUTF8(text->data, static_cast<Py_ssize_t>(text->size), nullptr));
  return MakeNative(g_state.string, std::move(plain), std::move(holder));
}

PyObject* BytesToPython(TVMFFIObjectHandle owned) {
  HandleRef holder = HandleRef::Steal(owned);
  TVMFFIByteArray* bytes = TVMFFIBytesGetByteArrayPtr(owned);
  PyRef plain =
      PyRef::Steal(PyBytes_FromStringAndSize(bytes->data, static_cast<Py_ssize_t>(bytes->size)));
  return MakeNative(g_state.bytes, std::move(plain), std::move(holder));
}

PyObject* ShapeToPython(TVMFFIObjectHandle owned) {
  HandleRef holder = HandleRef::Steal(owned);
  TVMFFIShapeCell* cell = TVMFFIShapeGetCellPtr(owned);
  PyRef plain = PyRef::Steal(PyTuple_New(static_cast<Py_ssize_t>(cell->size)));
  if (!plain) return nullptr;
  for (size_t i = 0; i < cell->size; ++i) {
    PyObject* extent = PyLong_FromLongLong(cell->data[i]);
    if (extent == nullptr) return nullptr;
    PyTuple_SET_ITEM(plain.get(), static_cast<Py_ssize_t>(i), extent);
  }
  return MakeNative(g_state.shape, std::move(plain), std::move(holder));
}

TVMFFIObjectHandle CachedHandle(PyObject* native) {
  PyRef cached = PyRef::Steal(PyObject_GetAttr(native, g_state.str_cached_object));
  if (!cached) {
    PyErr_Clear();
    return nullptr;
  }
  return IsWrapper(cached.get(), g_state.c_object) ? HandleOf(cached.get()) : nullptr;
}

bool InitStringType() {
  g_state.string = AddType(&kStringSpec, &PyUnicode_Type);
  return g_state.string != nullptr;
}

}  // namespace tvmffi::python
