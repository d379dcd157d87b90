#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "dtype.h"
#include "state.h"

namespace tvmffi::python {
namespace {

struct DeviceName {
  const char* name;
  int32_t type;
  bool can_be_parsed;
};

// The first name of a type is the one printed.
constexpr DeviceName kDeviceNames[] = {
    {"cpu", kDLCPU, true},
    {"cuda", kDLCUDA, true},
    {"cuda_host", kDLCUDAHost, false},
    {"cuda_managed", kDLCUDAManaged, false},
    {"opencl", kDLOpenCL, true},
    {"vulkan", kDLVulkan, true},
    {"metal", kDLMetal, true},
    {"mps", kDLMetal, true},
    {"vpi", kDLVPI, true},
    {"rocm", kDLROCM, true},
    {"rocm_host", kDLROCMHost, false},
    {"ext_dev", kDLExtDev, true},
    {"oneapi", kDLOneAPI, false},
    {"webgpu", kDLWebGPU, true},
    {"wgpu", kDLWebGPU, true},
    {"hexagon", kDLHexagon, true},
    {"maia", kDLMAIA, true},
    {"trn", kDLTrn, true},
};

DLDevice& ValueOf(PyObject* self) { return reinterpret_cast<DeviceWrapper*>(self)->value; }

PyObject* DeviceTypeName(DLDevice device) {
  for (const DeviceName& known : kDeviceNames) {
    if (known.type == device.device_type) return PyUnicode_FromString(known.name);
  }
  PyErr_Format(PyExc_KeyError, "device type %d has no name", static_cast<int>(device.device_type));
  return nullptr;
}

bool UnknownDevice(std::string_view text) {
  PyErr_Format(PyExc_ValueError, "Unknown device: %s", std::string(text).c_str());
  return false;
}

// "name[:index]"; what follows the first space is dropped.
bool ParseDevice(std::string_view text, int32_t* type, int32_t* index, bool* has_index) {
  text = text.substr(0, text.find(' '));
  size_t colon = text.find(':');
  std::string_view name = text.substr(0, colon);
  *has_index = colon != std::string_view::npos;
  if (*has_index) {
    std::string digits(text.substr(colon + 1));
    char* end = nullptr;
    long value = std::strtol(digits.c_str(), &end, 10);
    if (digits.empty() || *end != '\0' || value > INT32_MAX || value < INT32_MIN) {
      return UnknownDevice(text);
    }
    *index = static_cast<int32_t>(value);
  }
  for (const DeviceName& known : kDeviceNames) {
    if (known.can_be_parsed && name == known.name) {
      *type = known.type;
      return true;
    }
  }
  return UnknownDevice(text);
}

bool ToInt32(PyObject* number, const char* what, int32_t* out) {
  PyRef integer;
  if (PyIndex_Check(number)) {
    integer = PyRef::Steal(PyNumber_Index(number));
  } else if (!PyFloat_Check(number) && PyObject_HasAttrString(number, "item")) {
    PyRef item = PyRef::Steal(PyObject_CallMethod(number, "item", nullptr));
    if (!item) return false;
    integer = PyRef::Steal(PyNumber_Index(item.get()));
  } else {
    PyErr_Format(PyExc_TypeError, "device %s must be an integer, not '%s'", what,
                 Py_TYPE(number)->tp_name);
    return false;
  }
  if (!integer) return false;
  long value = PyLong_AsLong(integer.get());
  if (value == -1 && PyErr_Occurred()) return false;
  if (value > INT32_MAX || value < INT32_MIN) {
    PyErr_Format(PyExc_ValueError, "device %s %ld is out of range", what, value);
    return false;
  }
  *out = static_cast<int32_t>(value);
  return true;
}

bool ParseDeviceArguments(PyObject* type_arg, PyObject* index_arg, DLDevice* out) {
  int32_t type = 0, index = 0;
  bool has_index = false;
  if (PyUnicode_Check(type_arg)) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(type_arg, &size);
    if (text == nullptr || !ParseDevice(std::string_view(text, static_cast<size_t>(size)), &type,
                                        &index, &has_index)) {
      return false;
    }
  } else if (!ToInt32(type_arg, "type", &type)) {
    return false;
  }
  int32_t given = 0;
  if (index_arg != Py_None && !ToInt32(index_arg, "index", &given)) return false;
  *out = TVMFFIDLDeviceFromIntPair(type, has_index ? index : given);
  return true;
}

PyObject* NewDevice(PyTypeObject* cls, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device_type", "index", nullptr};
  PyObject* type;
  PyObject* index = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Device", const_cast<char**>(names), &type,
                                   &index)) {
    return nullptr;
  }
  DLDevice value;
  if (!ParseDeviceArguments(type, index, &value)) return nullptr;
  PyObject* self = cls->tp_alloc(cls, 0);
  if (self != nullptr) ValueOf(self) = value;
  return self;
}

void DeallocDevice(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* CompareDevices(PyObject* self, PyObject* other, int op) {
  if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, g_state.device)) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  DLDevice a = ValueOf(self), b = ValueOf(other);
  bool same = a.device_type == b.device_type && a.device_id == b.device_id;
  return PyBool_FromLong(same == (op == Py_EQ));
}

Py_hash_t HashDevice(PyObject* self) {
  DLDevice value = ValueOf(self);
  PyRef pair =
      PyRef::Steal(Py_BuildValue("(ii)", static_cast<int>(value.device_type), value.device_id));
  return pair ? PyObject_Hash(pair.get()) : -1;
}

PyObject* DeviceStr(PyObject* self) {
  PyRef name = PyRef::Steal(DeviceTypeName(ValueOf(self)));
  return name ? PyUnicode_FromFormat("%U:%d", name.get(), ValueOf(self).device_id) : nullptr;
}

PyObject* DeviceRepr(PyObject* self) {
  PyRef name = PyRef::Steal(DeviceTypeName(ValueOf(self)));
  if (!name) return nullptr;
  return PyUnicode_FromFormat("device(type='%U', index=%d)", name.get(), ValueOf(self).device_id);
}

PyObject* GetType(PyObject* self, void*) { return DeviceTypeName(ValueOf(self)); }
PyObject* GetIndex(PyObject* self, void*) { return PyLong_FromLong(ValueOf(self).device_id); }

PyObject* DlpackDeviceType(PyObject* self, PyObject*) {
  return PyLong_FromLong(ValueOf(self).device_type);
}

PyObject* Reduce(PyObject* self, PyObject*) {
  DLDevice value = ValueOf(self);
  return Py_BuildValue("(O(ii))", Py_TYPE(self), static_cast<int>(value.device_type),
                       value.device_id);
}

PyGetSetDef kGetSet[] = {
    {"type", GetType, nullptr, "Name of the kind of device.", nullptr},
    {"index", GetIndex, nullptr, "Ordinal among devices of this kind.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kMethods[] = {
    {"dlpack_device_type", DlpackDeviceType, METH_NOARGS, "The DLDeviceType value."},
    {"__reduce__", Reduce, METH_NOARGS, "Pickles by its numbers."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("Device(device_type, index=None)")},
    {Py_tp_new, reinterpret_cast<void*>(NewDevice)},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocDevice)},
    {Py_tp_richcompare, reinterpret_cast<void*>(CompareDevices)},
    {Py_tp_hash, reinterpret_cast<void*>(HashDevice)},
    {Py_tp_str, reinterpret_cast<void*>(DeviceStr)},
    {Py_tp_repr, reinterpret_cast<void*>(DeviceRepr)},
    {Py_tp_getset, kGetSet},
    {Py_tp_methods, kMethods},
    {0, nullptr},
};

PyType_Spec kSpec = {"tvm_ffi.core.Device", sizeof(DeviceWrapper), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSlots};

}  // namespace

PyObject* DeviceToPython(DLDevice value) {
  auto* cls = reinterpret_cast<PyTypeObject*>(g_state.result_device);
  if (cls == g_state.device) {
    PyObject* self = cls->tp_alloc(cls, 0);
    if (self != nullptr) ValueOf(self) = value;
    return self;
  }
  return PyObject_CallFunction(g_state.result_device, "ii", static_cast<int>(value.device_type),
                               value.device_id);
}

bool DeviceFromTuple(PyObject* tuple, DLDevice* out) {
  int type, id;
  if (!PyTuple_Check(tuple)) {
    PyErr_Format(PyExc_TypeError, "expected a (device_type, device_id) tuple, got '%s'",
                 Py_TYPE(tuple)->tp_name);
    return false;
  }
  if (!PyArg_ParseTuple(tuple, "ii", &type, &id)) return false;
  *out = TVMFFIDLDeviceFromIntPair(type, id);
  return true;
}

bool InitDeviceType() {
  State& s = g_state;
  s.device = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&kSpec));
  if (s.device == nullptr || PyModule_AddType(s.module, s.device) != 0) return false;
  s.result_device = reinterpret_cast<PyObject*>(s.device);
  return true;
}

}  // namespace tvmffi::python
