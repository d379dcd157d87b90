// Which conversion an argument's class gets. The first argument of a class runs the ordered tests
// in Classify(); the answer is remembered under the type's address, and the type is kept for ever
// so that the address is never re-used.
#include <tvm_ffi_python_helpers.h>

#include <cstring>
#include <tuple>
#include <unordered_map>

#include "arguments.h"
#include "borrowed_tensor.h"
#include "dtype.h"
#include "error.h"
#include "function.h"
#include "numpy.h"
#include "object.h"
#include "owned_any.h"
#include "state.h"
#include "tensor.h"
#include "text.h"

namespace tvmffi::python {
namespace {

constexpr const char* kEnvStream = "__tvm_ffi_env_stream__";

struct Converter {
  bool (*set)(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void* data) = nullptr;
  const void* data = nullptr;
};

bool SetOwned(ArgScope& scope, HandleRef owned, TVMFFIAny* out) {
  if (!owned) return false;
  SetObject(out, owned.get());
  scope.Own(owned.release());
  return true;
}

// The first tensor outside CPU memory decides the call's device and stream.
bool WantsStreamOf(const ArgScope& scope, DLDevice device) {
  return device.device_type != kDLCPU && scope.context.device_type < 0;
}

void UseStream(ArgScope& scope, DLDevice device, void* stream) {
  scope.context.device_type = device.device_type;
  scope.context.device_id = device.device_id;
  scope.context.stream = stream;
}

bool UseStreamOfApi(ArgScope& scope, DLDevice device, const DLPackExchangeAPI* api) {
  if (!WantsStreamOf(scope, device) || api->current_work_stream == nullptr) return true;
  void* stream = nullptr;
  if (api->current_work_stream(device.device_type, device.device_id, &stream) != 0) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_RuntimeError, "cannot query the current stream of device (%d, %d)",
                   static_cast<int>(device.device_type), device.device_id);
    }
    return false;
  }
  UseStream(scope, device, stream);
  return true;
}

// --- FFI wrappers

bool SetWrapper(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  TVMFFIObjectHandle handle = HandleOf(arg);
  if (handle == nullptr) return RequireHandle(arg);
  SetObject(out, handle);
  return true;
}

bool SetTensor(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  DLTensor* view = reinterpret_cast<TensorWrapper*>(arg)->tensor;
  if (HandleOf(arg) != nullptr || view == nullptr) return SetWrapper(scope, arg, out, nullptr);
  out->type_index = kTVMFFIDLTensorPtr;
  out->zero_padding = 0;
  out->v_ptr = view;
  return true;
}

bool SetContainer(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  if (!SetWrapper(scope, arg, out, nullptr)) return false;
  const DLPackExchangeAPI* api = reinterpret_cast<ContainerWrapper*>(arg)->api;
  if (api == nullptr) return true;
  if (scope.context.api == nullptr) scope.context.api = api;
  if (scope.context.device_type >= 0 || api->current_work_stream == nullptr) return true;
  TVMFFIObjectHandle find = GlobalFunction("ffi.ContainerFindFirstNonCPUDevice");
  if (find == nullptr) return false;
  TVMFFIAny device = MakeNone();
  if (!Check(TVMFFIFunctionCall(find, out, 1, &device))) return false;
  return UseStreamOfApi(scope, device.v_device, api);
}

bool SetRValueRef(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  auto* wrapper = static_cast<PyObject*>(HandleOf(arg));
  if (!RequireHandle(wrapper)) return false;
  out->type_index = kTVMFFIObjectRValueRef;
  out->zero_padding = 0;
  out->v_ptr = &reinterpret_cast<ObjectWrapper*>(wrapper)->handle;
  return true;
}

bool SetOwnedAny(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  *out = reinterpret_cast<OwnedAnyWrapper*>(arg)->value;
  return true;
}

// --- tensors of other frameworks

bool SetExchanged(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void* data) {
  auto* api = static_cast<const DLPackExchangeAPI*>(data);
  scope.context.api = api;
  // The borrowed form keeps the storage as well as torch's managed one: neither survives
  // `tensor.data = other`.
  DLTensor layout;
  if (api->dltensor_from_py_object_no_sync != nullptr) {
    if (api->dltensor_from_py_object_no_sync(arg, &layout) != 0) return false;
    TVMFFIObjectHandle borrowed = BorrowTensor(layout, arg).release();
    if (borrowed != nullptr) {
      SetObject(out, borrowed);
      scope.OwnBorrowed(borrowed);
      return UseStreamOfApi(scope, layout.device, api);
    }
  }
  HandleRef tensor = TensorFromExchangeApi(api, arg, 0, false);
  if (!tensor) return false;
  DLDevice device = TVMFFITensorGetDLTensorPtr(tensor.get())->device;
  return SetOwned(scope, std::move(tensor), out) && UseStreamOfApi(scope, device, api);
}

bool UseTorchStream(ArgScope& scope, DLDevice device) {
  if (!WantsStreamOf(scope, device) || device.device_type != kDLCUDA) return true;
  PyRef query = PyRef::Steal(ImportAttribute("torch._C", "_cuda_getCurrentRawStream"));
  PyRef stream =
      query ? PyRef::Steal(PyObject_CallFunction(query.get(), "i", device.device_id)) : PyRef();
  if (!stream) return false;
  void* pointer = PyLong_AsVoidPtr(stream.get());
  if (PyErr_Occurred()) return false;
  UseStream(scope, device, pointer);
  return true;
}

bool SetTorchTensor(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef to_dlpack = PyRef::Steal(ImportAttribute("torch.utils.dlpack", "to_dlpack"));
  PyRef detached = PyRef::Steal(PyObject_CallMethod(arg, "detach", nullptr));
  if (!to_dlpack || !detached) return false;
  PyRef capsule = PyRef::Steal(PyObject_CallOneArg(to_dlpack.get(), detached.get()));
  if (!capsule) return false;
  HandleRef tensor = TensorFromCapsule(capsule.get(), 0, false);
  if (!tensor) return false;
  scope.context.api = TorchFallbackApi();
  DLDevice device = TVMFFITensorGetDLTensorPtr(tensor.get())->device;
  return SetOwned(scope, std::move(tensor), out) && UseTorchStream(scope, device);
}

bool SetDlpackProducer(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void* has_stream) {
  HandleRef tensor = TensorFromProducer(arg, 0, false);
  if (!tensor) return false;
  DLDevice device = TVMFFITensorGetDLTensorPtr(tensor.get())->device;
  if (!SetOwned(scope, std::move(tensor), out)) return false;
  if (has_stream == nullptr || !WantsStreamOf(scope, device)) return true;
  PyRef stream = PyRef::Steal(PyObject_CallMethod(arg, kEnvStream, nullptr));
  if (!stream) return false;
  void* pointer = PyLong_AsVoidPtr(stream.get());
  if (PyErr_Occurred()) return false;
  UseStream(scope, device, pointer);
  return true;
}

bool SetNumpyArray(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  TVMFFIObjectHandle tensor = NumpyTensor(arg).release();
  if (tensor == nullptr) return SetDlpackProducer(scope, arg, out, nullptr);
  SetObject(out, tensor);
  scope.OwnBorrowed(tensor);
  return true;
}

// --- scalars

bool SetIntegral(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef integer = PyRef::Steal(PyIndex_Check(arg) ? PyNumber_Index(arg) : PyNumber_Long(arg));
  if (!integer) return false;
  int overflow;
  SetInt(out, PyLong_AsLongLongAndOverflow(integer.get(), &overflow));
  return overflow == 0 ? !PyErr_Occurred() : SetArgumentBigInt(integer.get());
}

bool SetReal(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  SetFloat(out, PyFloat_AsDouble(arg));
  return out->v_float64 != -1.0 || !PyErr_Occurred();
}

bool SetDataTypeWrapper(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  SetDataType(out, reinterpret_cast<DataTypeWrapper*>(arg)->value);
  return true;
}

bool SetDtype(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef raw = PyRef::Steal(PyObject_GetAttr(arg, g_state.str_tvm_ffi_dtype));
  if (!raw) return false;
  if (!PyObject_TypeCheck(raw.get(), g_state.data_type)) {
    PyErr_Format(PyExc_TypeError, "dtype %R holds a '%s'", arg, Py_TYPE(raw.get())->tp_name);
    return false;
  }
  SetDataType(out, reinterpret_cast<DataTypeWrapper*>(raw.get())->value);
  return true;
}

bool SetDeviceWrapper(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  SetDevice(out, reinterpret_cast<DeviceWrapper*>(arg)->value);
  return true;
}

// `data` is a Python function from a framework's dtype to core.DataType.
bool SetForeignDtype(ArgScope&, PyObject* arg, TVMFFIAny* out, const void* data) {
  PyRef raw =
      PyRef::Steal(PyObject_CallOneArg(static_cast<PyObject*>(const_cast<void*>(data)), arg));
  if (!raw) return false;
  SetDataType(out, reinterpret_cast<DataTypeWrapper*>(raw.get())->value);
  return true;
}

// --- text and containers

bool SetText(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetArgumentText(scope, arg, out);
}

bool SetBytesOf(ArgScope& scope, const char* data, Py_ssize_t size, TVMFFIAny* out) {
  TVMFFIByteArray bytes{data, static_cast<size_t>(size)};
  if (!Check(TVMFFIBytesFromByteArray(&bytes, out))) return false;
  if (IsObject(*out)) scope.Own(out->v_obj);
  return true;
}

bool SetBytes(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetBytesOf(scope, PyBytes_AS_STRING(arg), PyBytes_GET_SIZE(arg), out);
}

bool SetByteArray(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetBytesOf(scope, PyByteArray_AS_STRING(arg), PyByteArray_GET_SIZE(arg), out);
}

bool SetShape(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  HandleRef shape = MakeShape(arg);
  if (!shape) return false;
  IncRef(shape.get());
  PyRef cached = PyRef::Steal(WrapObjectAs(g_state.object, shape.get()));
  if (!cached || PyObject_SetAttr(arg, g_state.str_cached_object, cached.get()) != 0) return false;
  return SetOwned(scope, std::move(shape), out);
}

// String, Bytes, Shape: the object they came from, else what `data` makes of the builtin.
bool SetNative(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void* data) {
  TVMFFIObjectHandle cached = CachedHandle(arg);
  if (cached == nullptr) {
    return static_cast<const Converter*>(data)->set(scope, arg, out, nullptr);
  }
  SetObject(out, cached);
  return true;
}

bool SetTuple(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  PyObject* const* items = &PyTuple_GET_ITEM(arg, 0);
  return SetOwned(scope, MakeArray(items, PyTuple_GET_SIZE(arg), &scope.context), out);
}

// Works on a copy: converting an element may run Python code that changes the list.
bool SetList(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef copy = PyRef::Steal(PyList_AsTuple(arg));
  return copy && SetTuple(scope, copy.get(), out, nullptr);
}

bool SetDict(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetOwned(scope, MakeMap(arg, &scope.context), out);
}

// --- pointers

bool SetPointerOf(PyObject* number, TVMFFIAny* out) {
  if (number == nullptr) return false;
  void* pointer = number == Py_None ? nullptr : PyLong_AsVoidPtr(number);
  SetOpaquePtr(out, pointer);
  return pointer != nullptr || !PyErr_Occurred();
}

bool SetVoidPtr(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef value = PyRef::Steal(PyObject_GetAttr(arg, g_state.str_value));
  return SetPointerOf(value.get(), out);
}

bool SetIntPointer(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef value = PyRef::Steal(PyNumber_Long(arg));
  return SetPointerOf(value.get(), out);
}

bool SetOpaquePtrProtocol(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef value = PyRef::Steal(PyObject_CallMethod(arg, "__tvm_ffi_opaque_ptr__", nullptr));
  return SetPointerOf(value.get(), out);
}

bool SetCudaStream(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef pair = PyRef::Steal(PyObject_CallMethod(arg, "__cuda_stream__", nullptr));
  PyRef handle = pair ? PyRef::Steal(PySequence_GetItem(pair.get(), 1)) : PyRef();
  return SetPointerOf(handle.get(), out);
}

// --- protocols and the rest

bool SetCallable(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetOwned(scope, FunctionFromCallable(arg, nullptr), out);
}

bool SetDlpackDataType(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef tuple = PyRef::Steal(PyObject_CallMethod(arg, "__dlpack_data_type__", nullptr));
  DLDataType value;
  if (!tuple || !DataTypeFromTuple(tuple.get(), &value)) return false;
  SetDataType(out, value);
  return true;
}

bool SetDlpackDevice(ArgScope&, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef tuple = PyRef::Steal(PyObject_CallMethod(arg, "__dlpack_device__", nullptr));
  DLDevice value;
  if (!tuple || !DeviceFromTuple(tuple.get(), &value)) return false;
  SetDevice(out, value);
  return true;
}

bool SetIntProtocol(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef value = PyRef::Steal(PyObject_CallMethod(arg, "__tvm_ffi_int__", nullptr));
  return value && SetIntegral(scope, value.get(), out, nullptr);
}

bool SetFloatProtocol(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  PyRef value = PyRef::Steal(PyObject_CallMethod(arg, "__tvm_ffi_float__", nullptr));
  return value && SetReal(scope, value.get(), out, nullptr);
}

// Converts what the method named `data` returns, and keeps it for the call.
bool SetReturnOf(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void* data) {
  if (Py_EnterRecursiveCall(" while converting an argument") != 0) return false;
  PyRef value = PyRef::Steal(PyObject_CallMethod(arg, static_cast<const char*>(data), nullptr));
  bool done = value && SetArgument(scope, value.get(), out);
  if (value) scope.Keep(std::move(value));
  Py_LeaveRecursiveCall();
  return done;
}

bool SetException(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  return SetOwned(scope, ErrorFromException(arg), out);
}

bool SetOpaqueObject(ArgScope& scope, PyObject* arg, TVMFFIAny* out, const void*) {
  TVMFFIObjectHandle opaque = nullptr;
  if (!Check(TVMFFIPyObjectToOpaque(arg, &opaque))) return false;
  return SetOwned(scope, HandleRef::Steal(opaque), out);
}

// --- classification

bool ClassHas(PyTypeObject* type, const char* name) {
  return PyObject_HasAttrString(reinterpret_cast<PyObject*>(type), name) != 0;
}

bool IsKindOf(PyTypeObject* type, PyTypeObject* base) {
  return base != nullptr && PyType_IsSubtype(type, base);
}

// Whether `arg` is an instance of a class of a module that somebody already imported.
bool IsLoadedInstance(PyObject* arg, const char* module, const char* name) {
  PyRef cls = PyRef::Steal(LoadedAttribute(module, name));
  return cls && PyType_Check(cls.get()) &&
         PyType_IsSubtype(Py_TYPE(arg), reinterpret_cast<PyTypeObject*>(cls.get()));
}

constexpr Converter kTextConverter{SetText, nullptr};
constexpr Converter kBytesConverter{SetBytes, nullptr};
constexpr Converter kShapeConverter{SetShape, nullptr};

bool ClassifyWrapper(PyTypeObject* type, Converter* out) {
  const State& s = g_state;
  if (IsKindOf(type, s.c_tensor)) {
    *out = {SetTensor, nullptr};
  } else if (IsKindOf(type, s.c_container)) {
    *out = {SetContainer, nullptr};
  } else if (IsKindOf(type, s.c_object)) {
    *out = {SetWrapper, nullptr};
  } else if (IsKindOf(type, s.rvalue_ref)) {
    *out = {SetRValueRef, nullptr};
  } else if (IsKindOf(type, s.owned_any)) {
    *out = {SetOwnedAny, nullptr};
  } else if (ClassHas(type, "__tvm_ffi_object__")) {
    *out = {SetReturnOf, "__tvm_ffi_object__"};
  } else {
    return false;
  }
  return true;
}

bool ClassifyTensorOrStream(PyTypeObject* type, PyObject* arg, Converter* out) {
  const DLPackExchangeAPI* api = ExchangeApiOf(type);
  if (api != nullptr) {
    *out = {SetExchanged, api};
  } else if (PyErr_Occurred()) {
    return false;
  } else if (ClassHas(type, "__cuda_stream__")) {
    *out = {SetCudaStream, nullptr};
  } else if (IsLoadedInstance(arg, "cuda.bindings.driver", "CUstream")) {
    *out = {SetIntPointer, nullptr};
  } else if (IsLoadedInstance(arg, "torch", "Tensor")) {
    *out = {SetTorchTensor, nullptr};
  } else if (IsNumpyArrayType(type)) {
    *out = {SetNumpyArray, nullptr};
  } else if (ClassHas(type, "__dlpack__")) {
    *out = {SetDlpackProducer, ClassHas(type, kEnvStream) ? kEnvStream : nullptr};
  } else {
    return false;
  }
  return true;
}

bool ClassifyBuiltin(PyTypeObject* type, PyObject* arg, Converter* out) {
  const State& s = g_state;
  if (PyObject_IsInstance(arg, s.integral) == 1) {
    *out = {SetIntegral, nullptr};
  } else if (PyObject_IsInstance(arg, s.real) == 1) {
    *out = {SetReal, nullptr};
  } else if (IsKindOf(type, s.data_type)) {
    *out = {SetDataTypeWrapper, nullptr};
  } else if (IsKindOf(type, s.dtype)) {
    *out = {SetDtype, nullptr};
  } else if (IsKindOf(type, s.device)) {
    *out = {SetDeviceWrapper, nullptr};
  } else if (IsKindOf(type, s.string)) {
    *out = {SetNative, &kTextConverter};
  } else if (IsKindOf(type, s.bytes)) {
    *out = {SetNative, &kBytesConverter};
  } else if (IsKindOf(type, s.shape)) {
    *out = {SetNative, &kShapeConverter};
  } else if (IsKindOf(type, &PyUnicode_Type)) {
    *out = {SetText, nullptr};
  } else if (IsKindOf(type, &PyBytes_Type)) {
    *out = {SetBytes, nullptr};
  } else if (IsKindOf(type, &PyByteArray_Type)) {
    *out = {SetByteArray, nullptr};
  } else if (IsKindOf(type, &PyTuple_Type)) {
    *out = {SetTuple, nullptr};
  } else if (IsKindOf(type, &PyList_Type)) {
    *out = {SetList, nullptr};
  } else if (IsKindOf(type, &PyDict_Type)) {
    *out = {SetDict, nullptr};
  } else if (PyObject_IsInstance(arg, s.c_void_p) == 1) {
    *out = {SetVoidPtr, nullptr};
  } else {
    return false;
  }
  return true;
}

bool ClassifyProtocol(PyTypeObject* type, PyObject* arg, Converter* out) {
  const State& s = g_state;
  if (ClassHas(type, "__tvm_ffi_opaque_ptr__")) {
    *out = {SetOpaquePtrProtocol, nullptr};
  } else if (PyCallable_Check(arg)) {
    *out = {SetCallable, nullptr};
  } else if (IsLoadedInstance(arg, "torch", "dtype")) {
    *out = {SetForeignDtype, s.torch_dtype_to_data_type};
  } else if (IsLoadedInstance(arg, "numpy", "dtype")) {
    *out = {SetForeignDtype, s.numpy_dtype_to_data_type};
  } else if (ClassHas(type, "__dlpack_data_type__")) {
    *out = {SetDlpackDataType, nullptr};
  } else if (ClassHas(type, "__dlpack_device__")) {
    *out = {SetDlpackDevice, nullptr};
  } else if (ClassHas(type, "__tvm_ffi_int__")) {
    *out = {SetIntProtocol, nullptr};
  } else if (ClassHas(type, "__tvm_ffi_float__")) {
    *out = {SetFloatProtocol, nullptr};
  } else if (ClassHas(type, "__tvm_ffi_value__")) {
    *out = {SetReturnOf, "__tvm_ffi_value__"};
  } else if (PyExceptionInstance_Check(arg)) {
    *out = {SetException, nullptr};
  } else if (IsKindOf(type, s.object_convertible)) {
    *out = {SetReturnOf, "asobject"};
  } else {
    *out = {SetOpaqueObject, nullptr};
  }
  return true;
}

// False with a Python exception.
bool Classify(PyObject* arg, Converter* out) {
  PyTypeObject* type = Py_TYPE(arg);
  if (ClassifyWrapper(type, out) || ClassifyTensorOrStream(type, arg, out)) return true;
  if (PyErr_Occurred()) return false;
  if (ClassifyBuiltin(type, arg, out)) return true;
  return !PyErr_Occurred() && ClassifyProtocol(type, arg, out);
}

// --- cache

struct CacheLine {
  PyTypeObject* type = nullptr;
  Converter converter;
};

constexpr size_t kCacheLines = 256;
CacheLine g_cache[kCacheLines];

CacheLine& LineOf(PyTypeObject* type) {
  auto address = reinterpret_cast<uintptr_t>(type);
  return g_cache[((address >> 4) ^ (address >> 12)) % kCacheLines];
}

const Converter* FindConverter(PyObject* arg) {
  static auto& converters = *new std::unordered_map<PyTypeObject*, Converter>();
  PyTypeObject* type = Py_TYPE(arg);
  auto found = converters.find(type);
  if (found == converters.end()) {
    Converter converter;
    if (!Classify(arg, &converter)) return nullptr;
    bool added;
    std::tie(found, added) = converters.emplace(type, converter);
    if (added) Py_INCREF(type);
  }
  CacheLine& line = LineOf(type);
  line.type = type;
  line.converter = found->second;
  return &line.converter;
}

}  // namespace

bool SetArgumentByType(ArgScope& scope, PyObject* arg, TVMFFIAny* out) {
  CacheLine& line = LineOf(Py_TYPE(arg));
  if (line.type == Py_TYPE(arg)) return line.converter.set(scope, arg, out, line.converter.data);
  const Converter* converter = FindConverter(arg);
  return converter != nullptr && converter->set(scope, arg, out, converter->data);
}

}  // namespace tvmffi::python
