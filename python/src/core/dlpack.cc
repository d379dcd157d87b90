// Tensors from and to other frameworks: exchange tables, capsules, __dlpack__.
#include "error.h"
#include "numpy.h"
#include "object.h"
#include "state.h"
#include "tensor.h"

namespace tvmffi::python {
namespace {

constexpr const char* kExchangeApiName = "dlpack_exchange_api";

const DLPackExchangeAPI* SupportedVersion(const DLPackExchangeAPIHeader* header) {
  while (header != nullptr && header->version.major != DLPACK_MAJOR_VERSION) {
    header = header->prev_api;
  }
  return reinterpret_cast<const DLPackExchangeAPI*>(header);
}

// The two forms of a managed tensor that travel in capsules.
struct Legacy {
  using Managed = DLManagedTensor;
  static constexpr const char* kName = "dltensor";
  static constexpr const char* kUsedName = "used_dltensor";
  static constexpr auto kImport = TVMFFITensorFromDLPack;
  static constexpr auto kExport = TVMFFITensorToDLPack;
};

struct Versioned {
  using Managed = DLManagedTensorVersioned;
  static constexpr const char* kName = "dltensor_versioned";
  static constexpr const char* kUsedName = "used_dltensor_versioned";
  static constexpr auto kImport = TVMFFITensorFromDLPackVersioned;
  static constexpr auto kExport = TVMFFITensorToDLPackVersioned;
};

template <typename Form>
void DestroyCapsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Form::kName)) return;
  auto* managed = static_cast<typename Form::Managed*>(PyCapsule_GetPointer(capsule, Form::kName));
  if (managed->deleter != nullptr) managed->deleter(managed);
}

// Takes `managed` always.
template <typename Form>
PyObject* MakeCapsule(typename Form::Managed* managed) {
  PyObject* capsule = PyCapsule_New(managed, Form::kName, DestroyCapsule<Form>);
  if (capsule == nullptr && managed->deleter != nullptr) managed->deleter(managed);
  return capsule;
}

template <typename Form>
HandleRef ImportCapsule(PyObject* capsule, int32_t alignment, bool contiguous) {
  auto* managed = static_cast<typename Form::Managed*>(PyCapsule_GetPointer(capsule, Form::kName));
  HandleRef tensor;
  if (managed == nullptr || !Check(Form::kImport(managed, alignment, contiguous, tensor.out()))) {
    return HandleRef();
  }
  PyCapsule_SetName(capsule, Form::kUsedName);
  PyCapsule_SetDestructor(capsule, nullptr);
  return tensor;
}

bool HasSupportedVersion(PyObject* versioned_capsule) {
  auto* managed = static_cast<DLManagedTensorVersioned*>(
      PyCapsule_GetPointer(versioned_capsule, Versioned::kName));
  if (managed->version.major == DLPACK_MAJOR_VERSION) return true;
  PyErr_Format(PyExc_BufferError, "cannot import a DLPack tensor of major version %u, only of %d",
               static_cast<unsigned>(managed->version.major), DLPACK_MAJOR_VERSION);
  return false;
}

template <typename Form>
PyObject* ExportCapsule(PyObject*, PyObject* self) {
  if (!IsWrapper(self, g_state.c_tensor)) {
    return PyErr_Format(PyExc_TypeError, "'%s' is no Tensor", Py_TYPE(self)->tp_name);
  }
  typename Form::Managed* managed = nullptr;
  if (!RequireHandle(self) || !Check(Form::kExport(HandleOf(self), &managed))) return nullptr;
  return MakeCapsule<Form>(managed);
}

int ExportToTorch(DLManagedTensorVersioned* tensor, void** out) {
  PyRef capsule = PyRef::Steal(MakeCapsule<Versioned>(tensor));
  PyRef import = PyRef::Steal(ImportAttribute("torch.utils.dlpack", "from_dlpack"));
  if (!capsule || !import) return -1;
  *out = PyObject_CallOneArg(import.get(), capsule.get());
  return *out == nullptr ? -1 : 0;
}

HandleRef ImportAnything(PyObject* producer, int32_t alignment, bool contiguous) {
  if (PyCapsule_CheckExact(producer)) return TensorFromCapsule(producer, alignment, contiguous);
  if (alignment == 0 && !contiguous && IsNumpyArrayType(Py_TYPE(producer))) {
    HandleRef tensor = NumpyTensor(producer);
    if (tensor) return tensor;
  }
  const DLPackExchangeAPI* api = ExchangeApiOf(Py_TYPE(producer));
  if (api != nullptr) {
    HandleRef tensor = TensorFromExchangeApi(api, producer, alignment, contiguous);
    if (tensor || !PyErr_ExceptionMatches(PyExc_BufferError)) return tensor;
    PyErr_Clear();
  }
  if (PyErr_Occurred()) return HandleRef();
  return TensorFromProducer(producer, alignment, contiguous);
}

// Keyword arguments of a METH_FASTCALL | METH_KEYWORDS function: calls set(name, value) for each.
template <typename Set>
bool ForEachKeyword(PyObject* const* args, Py_ssize_t nargs, PyObject* names, Set set) {
  Py_ssize_t count = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    if (set(name, args[nargs + i])) continue;
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "unexpected keyword argument %R", name);
    return false;
  }
  return true;
}

bool Named(PyObject* name, const char* text) {
  return PyUnicode_CompareWithASCIIString(name, text) == 0;
}

constexpr const char* kFromDlpackDoc =
    R"(from_dlpack(ext_tensor, *, require_alignment=0, require_contiguous=False)
--

Return a Tensor over another framework's memory, without a copy.

Parameters
----------
ext_tensor
    An object with ``__dlpack__``, or a DLPack capsule, which is used up.
require_alignment
    Bytes the data must be aligned to; 0 for any. RuntimeError when it is not.
require_contiguous
    Refuse strided data with RuntimeError.
)";

PyObject* FromDlpack(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* names) {
  long alignment = 0;
  int contiguous = 0;
  if (nargs != 1) {
    PyErr_SetString(PyExc_TypeError, "from_dlpack() takes one positional argument");
    return nullptr;
  }
  bool parsed = ForEachKeyword(args, nargs, names, [&](PyObject* name, PyObject* value) {
    if (Named(name, "require_alignment")) {
      alignment = PyLong_AsLong(value);
      return !PyErr_Occurred();
    }
    return Named(name, "require_contiguous") && (contiguous = PyObject_IsTrue(value)) != -1;
  });
  if (parsed && alignment >= 0 && alignment <= INT32_MAX) {
    HandleRef tensor = ImportAnything(args[0], static_cast<int32_t>(alignment), contiguous != 0);
    return tensor ? TensorToPython(tensor.release(), nullptr) : nullptr;
  }
  if (!PyErr_Occurred()) {
    PyErr_Format(PyExc_ValueError, "require_alignment is %ld, not a number of bytes", alignment);
  }
  return nullptr;
}

PyMethodDef kModuleMethods[] = {
    {"from_dlpack", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(FromDlpack)),
     METH_FASTCALL | METH_KEYWORDS, kFromDlpackDoc},
    {nullptr, nullptr, 0, nullptr},
};

// What __dlpack__ was asked for.
struct ExportRequest {
  bool versioned = false;
  PyObject* device = nullptr;
  bool copy = false;

  bool Set(PyObject* name, PyObject* value) {
    if (Named(name, "stream")) return true;
    if (value == Py_None) {
      return Named(name, "max_version") || Named(name, "dl_device") || Named(name, "copy");
    }
    if (Named(name, "max_version")) {
      PyRef major = PyRef::Steal(PySequence_GetItem(value, 0));
      long number = major ? PyLong_AsLong(major.get()) : -1;
      versioned = number >= DLPACK_MAJOR_VERSION;
      return !PyErr_Occurred();
    }
    if (Named(name, "dl_device")) {
      device = value;
      return true;
    }
    if (!Named(name, "copy")) return false;
    int truth = PyObject_IsTrue(value);
    copy = truth == 1;
    return truth >= 0;
  }
};

bool IsDevice(PyObject* requested, DLDevice device) {
  PyRef type = PyRef::Steal(PySequence_GetItem(requested, 0));
  PyRef id = PyRef::Steal(type ? PySequence_GetItem(requested, 1) : nullptr);
  if (!id) return false;
  return PyLong_AsLong(type.get()) == device.device_type &&
         PyLong_AsLong(id.get()) == device.device_id;
}

}  // namespace

PyObject* TensorToCapsule(PyObject* self, PyObject*) {
  return ExportCapsule<Legacy>(nullptr, self);
}

PyObject* TensorToVersionedCapsule(PyObject* self, PyObject*) {
  return ExportCapsule<Versioned>(nullptr, self);
}

PyObject* TensorDlpack(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* names) {
  if (nargs != 0) {
    PyErr_SetString(PyExc_TypeError, "__dlpack__() takes keyword arguments only");
    return nullptr;
  }
  ExportRequest request;
  bool parsed = ForEachKeyword(args, nargs, names, [&](PyObject* name, PyObject* value) {
    return request.Set(name, value);
  });
  if (!parsed || !RequireHandle(self)) return nullptr;
  DLDevice device = TVMFFITensorGetDLTensorPtr(HandleOf(self))->device;
  if (request.device != nullptr && !IsDevice(request.device, device)) {
    if (PyErr_Occurred()) return nullptr;
    return PyErr_Format(PyExc_BufferError, "cannot export to device %R: the data is on (%d, %d)",
                        request.device, static_cast<int>(device.device_type), device.device_id);
  }
  if (request.copy) {
    PyErr_SetString(PyExc_BufferError, "cannot export a copy, only the tensor's own memory");
    return nullptr;
  }
  return request.versioned ? TensorToVersionedCapsule(self, nullptr)
                           : TensorToCapsule(self, nullptr);
}

const DLPackExchangeAPI* ExchangeApiOf(PyTypeObject* type) {
  if (g_state.skip_exchange_api) return nullptr;
  // A miss must be cheap: from_dlpack() asks every time.
  if (_PyType_Lookup(type, g_state.str_exchange_api) == nullptr) return nullptr;
  PyRef table =
      PyRef::Steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), g_state.str_exchange_api));
  if (!table) return nullptr;
  if (table.get() == Py_None) return nullptr;
  void* pointer = PyCapsule_CheckExact(table.get())
                      ? PyCapsule_GetPointer(table.get(), kExchangeApiName)
                      : PyLong_AsVoidPtr(table.get());
  return SupportedVersion(static_cast<DLPackExchangeAPIHeader*>(pointer));
}

HandleRef TensorFromExchangeApi(const DLPackExchangeAPI* api, PyObject* object, int32_t alignment,
                                bool contiguous) {
  DLManagedTensorVersioned* managed = nullptr;
  if (api->managed_tensor_from_py_object_no_sync(object, &managed) != 0) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_BufferError, "cannot export '%s' through DLPack",
                   Py_TYPE(object)->tp_name);
    }
    return HandleRef();
  }
  HandleRef tensor;
  if (TVMFFITensorFromDLPackVersioned(managed, alignment, contiguous, tensor.out()) == 0) {
    return tensor;
  }
  RaiseFromCode(-1);
  if (managed->deleter != nullptr) managed->deleter(managed);
  return HandleRef();
}

HandleRef TensorFromCapsule(PyObject* capsule, int32_t alignment, bool contiguous) {
  if (PyCapsule_IsValid(capsule, Versioned::kName)) {
    if (!HasSupportedVersion(capsule)) return HandleRef();
    return ImportCapsule<Versioned>(capsule, alignment, contiguous);
  }
  if (PyCapsule_IsValid(capsule, Legacy::kName)) {
    return ImportCapsule<Legacy>(capsule, alignment, contiguous);
  }
  const char* name = PyCapsule_CheckExact(capsule) ? PyCapsule_GetName(capsule) : nullptr;
  PyErr_Clear();
  PyErr_Format(PyExc_TypeError, "expected a capsule '%s' or '%s', got '%s'", Legacy::kName,
               Versioned::kName, name != nullptr ? name : Py_TYPE(capsule)->tp_name);
  return HandleRef();
}

HandleRef TensorFromProducer(PyObject* object, int32_t alignment, bool contiguous) {
  PyRef capsule = PyRef::Steal(PyObject_CallMethodNoArgs(object, g_state.str_dlpack));
  if (capsule) return TensorFromCapsule(capsule.get(), alignment, contiguous);
  if (PyErr_ExceptionMatches(PyExc_AttributeError) &&
      !PyObject_HasAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), g_state.str_dlpack)) {
    PyErr_Format(PyExc_TypeError, "'%s' is no tensor: it has no __dlpack__",
                 Py_TYPE(object)->tp_name);
  }
  return HandleRef();
}

PyObject* TensorToPython(TVMFFIObjectHandle owned, const DLPackExchangeAPI* api) {
  if (api != nullptr && api->managed_tensor_to_py_object_no_sync != nullptr) {
    DLManagedTensorVersioned* managed = nullptr;
    void* exported = nullptr;
    if (Check(TVMFFITensorToDLPackVersioned(owned, &managed)) &&
        api->managed_tensor_to_py_object_no_sync(managed, &exported) == 0) {
      TVMFFIObjectDecRef(owned);
      return static_cast<PyObject*>(exported);
    }
    PyErr_Clear();
  }
  return WrapObjectAs(reinterpret_cast<PyTypeObject*>(g_state.result_tensor), owned);
}

const DLPackExchangeAPI* TorchFallbackApi() {
  static const DLPackExchangeAPI api = [] {
    DLPackExchangeAPI table{};
    table.header.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    table.managed_tensor_to_py_object_no_sync = ExportToTorch;
    return table;
  }();
  return &api;
}

bool InitDlpack() { return PyModule_AddFunctions(g_state.module, kModuleMethods) == 0; }

}  // namespace tvmffi::python
