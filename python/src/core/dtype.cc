#include "dtype.h"

#include "any.h"
#include "error.h"
#include "state.h"

namespace tvmffi::python {
namespace {

DLDataType& ValueOf(PyObject* self) { return reinterpret_cast<DataTypeWrapper*>(self)->value; }

bool Same(DLDataType a, DLDataType b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

PyObject* NewDataType(PyTypeObject* cls, PyObject* args, PyObject*) {
  const char* text;
  Py_ssize_t size;
  if (!PyArg_ParseTuple(args, "s#:DataType", &text, &size)) return nullptr;
  TVMFFIByteArray bytes{text, static_cast<size_t>(size)};
  DLDataType value;
  if (!Check(TVMFFIDataTypeFromString(&bytes, &value))) return nullptr;
  PyObject* self = cls->tp_alloc(cls, 0);
  if (self != nullptr) ValueOf(self) = value;
  return self;
}

void DeallocValue(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* CompareDataTypes(PyObject* self, PyObject* other, int op) {
  if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, g_state.data_type)) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  return PyBool_FromLong(Same(ValueOf(self), ValueOf(other)) == (op == Py_EQ));
}

Py_hash_t HashDataType(PyObject* self) {
  DLDataType value = ValueOf(self);
  return (static_cast<Py_hash_t>(value.lanes) << 16) | (value.bits << 8) | value.code;
}

PyObject* DataTypeStr(PyObject* self) { return DataTypeText(ValueOf(self)); }

PyObject* DataTypeRepr(PyObject* self) {
  PyRef text = PyRef::Steal(DataTypeText(ValueOf(self)));
  return text ? PyUnicode_FromFormat("DataType('%U')", text.get()) : nullptr;
}

PyObject* GetTypeCode(PyObject* self, void*) { return PyLong_FromLong(ValueOf(self).code); }
PyObject* GetBits(PyObject* self, void*) { return PyLong_FromLong(ValueOf(self).bits); }
PyObject* GetLanes(PyObject* self, void*) { return PyLong_FromLong(ValueOf(self).lanes); }

PyObject* GetItemSize(PyObject* self, void*) {
  DLDataType value = ValueOf(self);
  if (static_cast<int16_t>(value.lanes) < 0) {
    PyErr_SetString(PyExc_ValueError, "a scalable vector type has no fixed item size");
    return nullptr;
  }
  return PyLong_FromLong((static_cast<long>(value.bits) * value.lanes + 7) / 8);
}

PyObject* Reduce(PyObject* self, PyObject*) {
  PyRef text = PyRef::Steal(DataTypeText(ValueOf(self)));
  return text ? Py_BuildValue("(O(O))", Py_TYPE(self), text.get()) : nullptr;
}

PyGetSetDef kGetSet[] = {
    {"type_code", GetTypeCode, nullptr, "DLDataTypeCode.", nullptr},
    {"bits", GetBits, nullptr, "Bits of one lane.", nullptr},
    {"lanes", GetLanes, nullptr, "Number of lanes.", nullptr},
    {"itemsize", GetItemSize, nullptr, "Bytes of one element.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kMethods[] = {
    {"__reduce__", Reduce, METH_NOARGS, "Pickles by its text."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("Element type: code, bits, lanes.")},
    {Py_tp_new, reinterpret_cast<void*>(NewDataType)},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocValue)},
    {Py_tp_richcompare, reinterpret_cast<void*>(CompareDataTypes)},
    {Py_tp_hash, reinterpret_cast<void*>(HashDataType)},
    {Py_tp_str, reinterpret_cast<void*>(DataTypeStr)},
    {Py_tp_repr, reinterpret_cast<void*>(DataTypeRepr)},
    {Py_tp_getset, kGetSet},
    {Py_tp_methods, kMethods},
    {0, nullptr},
};

PyType_Spec kSpec = {"tvm_ffi.core.DataType", sizeof(DataTypeWrapper), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSlots};

// core._make_data_type(code, bits, lanes); negative lanes mean a scalable vector.
PyObject* MakeFromParts(PyObject*, PyObject* args) {
  DLDataType value;
  return DataTypeFromTuple(args, &value) ? MakeDataType(value) : nullptr;
}

PyMethodDef kModuleMethods[] = {
    {"_make_data_type", MakeFromParts, METH_VARARGS, "DataType of (code, bits, lanes)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* MakeDataType(DLDataType value) {
  PyObject* self = g_state.data_type->tp_alloc(g_state.data_type, 0);
  if (self != nullptr) ValueOf(self) = value;
  return self;
}

PyObject* DataTypeToPython(DLDataType value) {
  PyRef raw = PyRef::Steal(MakeDataType(value));
  return raw ? PyObject_CallOneArg(g_state.result_dtype, raw.get()) : nullptr;
}

PyObject* DataTypeText(DLDataType value) {
  TVMFFIAny text;
  if (!Check(TVMFFIDataTypeToString(&value, &text))) return nullptr;
  PyObject* result = DecodeText(TextOf(text));
  ReleaseAny(text);
  return result;
}

bool DataTypeFromTuple(PyObject* tuple, DLDataType* out) {
  int code, bits, lanes;
  if (!PyTuple_Check(tuple)) {
    PyErr_Format(PyExc_TypeError, "expected a (code, bits, lanes) tuple, got '%s'",
                 Py_TYPE(tuple)->tp_name);
    return false;
  }
  if (!PyArg_ParseTuple(tuple, "iii", &code, &bits, &lanes)) return false;
  if (code < 0 || code > 255 || bits < 0 || bits > 255 || lanes < -32768 || lanes > 65535) {
    PyErr_Format(PyExc_ValueError, "(%d, %d, %d) is no dtype", code, bits, lanes);
    return false;
  }
  *out = DLDataType{static_cast<uint8_t>(code), static_cast<uint8_t>(bits),
                    static_cast<uint16_t>(lanes)};
  return true;
}

bool InitDataTypeType() {
  State& s = g_state;
  s.data_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&kSpec));
  return s.data_type != nullptr && PyModule_AddType(s.module, s.data_type) == 0 &&
         PyModule_AddFunctions(s.module, kModuleMethods) == 0;
}

}  // namespace tvmffi::python
