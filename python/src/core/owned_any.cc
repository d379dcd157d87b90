#include "owned_any.h"

#include "arguments.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

TVMFFIAny& ValueOf(PyObject* self) { return reinterpret_cast<OwnedAnyWrapper*>(self)->value; }

PyObject* NewOwnedAny(PyTypeObject* cls, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"value", nullptr};
  PyObject* value = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:CAny", const_cast<char**>(names), &value)) {
    return nullptr;
  }
  PyRef self = PyRef::Steal(cls->tp_alloc(cls, 0));
  if (!self) return nullptr;
  ValueOf(self.get()) = MakeNone();
  return PythonToAny(value, &ValueOf(self.get())) ? self.release() : nullptr;
}

void DeallocOwnedAny(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  ReleaseAny(ValueOf(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* OwnedAnyRepr(PyObject* self) {
  const TVMFFIAny& value = ValueOf(self);
  switch (value.type_index) {
    case kTVMFFINone:
      return PyUnicode_FromString("CAny(None)");
    case kTVMFFIInt:
      return PyUnicode_FromFormat("CAny(int=%lld)", static_cast<long long>(value.v_int64));
    case kTVMFFIBool:
      return PyUnicode_FromFormat("CAny(bool=%s)", value.v_int64 != 0 ? "True" : "False");
    case kTVMFFIFloat: {
      PyRef number = PyRef::Steal(PyFloat_FromDouble(value.v_float64));
      return number ? PyUnicode_FromFormat("CAny(float=%R)", number.get()) : nullptr;
    }
    default:
      return PyUnicode_FromFormat("CAny(%stype_index=%d)", IsObject(value) ? "object, " : "",
                                  value.type_index);
  }
}

PyObject* GetTypeIndex(PyObject* self, void*) { return PyLong_FromLong(ValueOf(self).type_index); }

PyGetSetDef kGetSet[] = {
    {"type_index", GetTypeIndex, nullptr, "Type index of the value.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("CAny(value=None): a value as the ABI holds it.")},
    {Py_tp_new, reinterpret_cast<void*>(NewOwnedAny)},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocOwnedAny)},
    {Py_tp_repr, reinterpret_cast<void*>(OwnedAnyRepr)},
    {Py_tp_getset, kGetSet},
    {0, nullptr},
};

PyType_Spec kSpec = {"tvm_ffi.core.CAny", sizeof(OwnedAnyWrapper), 0, Py_TPFLAGS_DEFAULT, kSlots};

// core._to_py_class_value(CAny): its value; short text and bytes as String and Bytes too.
PyObject* ToPyClassValue(PyObject*, PyObject* arg) {
  if (!PyObject_TypeCheck(arg, g_state.owned_any)) {
    return PyErr_Format(PyExc_TypeError, "expected a CAny, got '%s'", Py_TYPE(arg)->tp_name);
  }
  const TVMFFIAny& value = ValueOf(arg);
  PyRef converted = PyRef::Steal(AnyViewToPython(value, nullptr));
  if (!converted) return nullptr;
  PyTypeObject* cls = nullptr;
  if (value.type_index == kTVMFFISmallStr) cls = g_state.string;
  if (value.type_index == kTVMFFISmallBytes) cls = g_state.bytes;
  if (cls == nullptr) return converted.release();
  return PyObject_CallOneArg(reinterpret_cast<PyObject*>(cls), converted.get());
}

PyMethodDef kModuleMethods[] = {
    {"_to_py_class_value", ToPyClassValue, METH_O, "The value of a CAny."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool InitOwnedAnyType() {
  State& s = g_state;
  s.owned_any = AddType(&kSpec, &PyBaseObject_Type);
  return s.owned_any != nullptr && PyModule_AddFunctions(s.module, kModuleMethods) == 0;
}

}  // namespace tvmffi::python
