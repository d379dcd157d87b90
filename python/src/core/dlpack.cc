// Tensors from and to other frameworks: exchange tables, capsules, __dlpack__.
#include "error.h"
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
  const DLPackExchangeAPI* api = ExchangeApiOf(Py_TYPE(producer));
  if (api != nullptr) {
    HandleRef tensor = TensorFromExchangeApi(api, producer, alignment, contiguous);
    if (tensor || !PyErr_ExceptionMatches(PyExc_BufferError)) return tensor;
    PyErr_Clear();
  }
  if (PyErr_Occurred()) return HandleRef();
  return TensorFromProducer(producer, alignment, contiguous);
}

// core._from_dlpack(producer, require_alignment, require_contiguous)
PyObject* FromDlpack(PyObject*, PyObject* args) {
  PyObject* producer;
  int alignment, contiguous;
  if (!PyArg_ParseTuple(args, "Oip:_from_dlpack", &producer, &alignment, &contiguous)) {
    return nullptr;
  }
  if (alignment < 0) {
    return PyErr_Format(PyExc_ValueError, "require_alignment is %d, less than 0", alignment);
  }
  HandleRef tensor = ImportAnything(producer, alignment, contiguous != 0);
  return tensor ? TensorToPython(tensor.release(), nullptr) : nullptr;
}

PyMethodDef kModuleMethods[] = {
    {"_from_dlpack", FromDlpack, METH_VARARGS, "Import a tensor without copying."},
    {"_to_dlpack", ExportCapsule<Legacy>, METH_O, "A Tensor as capsule 'dltensor'."},
    {"_to_dlpack_versioned", ExportCapsule<Versioned>, METH_O,
     "A Tensor as capsule 'dltensor_versioned'."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

const DLPackExchangeAPI* ExchangeApiOf(PyTypeObject* type) {
  if (g_state.skip_exchange_api) return nullptr;
  PyRef table = PyRef::Steal(
      PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__dlpack_c_exchange_api__"));
  if (!table) {
    PyErr_Clear();
    return nullptr;
  }
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
