#include "tensor.h"

#include "dtype.h"
#include "error.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

// The layout, or NULL with ValueError for a wrapper that holds no tensor.
const DLTensor* LayoutOf(PyObject* self) {
  const DLTensor* tensor = reinterpret_cast<TensorWrapper*>(self)->tensor;
  return tensor != nullptr || RequireHandle(self) ? tensor : nullptr;
}

PyObject* MakeTuple(int32_t size, const int64_t* values) {
  PyRef tuple = PyRef::Steal(PyTuple_New(size));
  if (!tuple) return nullptr;
  for (int32_t i = 0; i < size; ++i) {
    PyObject* value = PyLong_FromLongLong(values[i]);
    if (value == nullptr) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), i, value);
  }
  return tuple.release();
}

std::vector<int64_t> CompactStrides(const DLTensor& tensor) {
  std::vector<int64_t> strides(static_cast<size_t>(tensor.ndim));
  int64_t step = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = step;
    step *= tensor.shape[i];
  }
  return strides;
}

int64_t CountElements(const DLTensor& tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.ndim; ++i) count *= tensor.shape[i];
  return count;
}

bool IsCompact(const DLTensor& tensor) {
  if (tensor.strides == nullptr || CountElements(tensor) == 0) return true;
  int64_t step = 1;
  for (int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != step) return false;
    step *= tensor.shape[i];
  }
  return true;
}

PyObject* GetShape(PyObject* self, void*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : MakeTuple(tensor->ndim, tensor->shape);
}

PyObject* GetStrides(PyObject* self, void*) {
  const DLTensor* tensor = LayoutOf(self);
  if (tensor == nullptr) return nullptr;
  if (tensor->strides != nullptr) return MakeTuple(tensor->ndim, tensor->strides);
  return MakeTuple(tensor->ndim, CompactStrides(*tensor).data());
}

PyObject* GetNdim(PyObject* self, void*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : PyLong_FromLong(tensor->ndim);
}

PyObject* GetDtype(PyObject* self, void*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : DataTypeToPython(tensor->dtype);
}

PyObject* GetDevice(PyObject* self, void*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : DeviceToPython(tensor->device);
}

PyObject* Numel(PyObject* self, PyObject*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : PyLong_FromLongLong(CountElements(*tensor));
}

PyObject* Size(PyObject* self, PyObject* arg) {
  const DLTensor* tensor = LayoutOf(self);
  if (tensor == nullptr) return nullptr;
  Py_ssize_t index = PyNumber_AsSsize_t(arg, PyExc_IndexError);
  if (index == -1 && PyErr_Occurred()) return nullptr;
  Py_ssize_t at = index < 0 ? index + tensor->ndim : index;
  if (at < 0 || at >= tensor->ndim) {
    return PyErr_Format(PyExc_IndexError, "dimension %zd of a tensor with %d dimensions", index,
                        tensor->ndim);
  }
  return PyLong_FromLongLong(tensor->shape[at]);
}

PyObject* DataPtr(PyObject* self, PyObject*) {
  const DLTensor* tensor = LayoutOf(self);
  if (tensor == nullptr) return nullptr;
  return PyLong_FromVoidPtr(static_cast<char*>(tensor->data) + tensor->byte_offset);
}

PyObject* IsContiguous(PyObject* self, PyObject*) {
  const DLTensor* tensor = LayoutOf(self);
  return tensor == nullptr ? nullptr : PyBool_FromLong(IsCompact(*tensor));
}

PyObject* DlpackDevice(PyObject* self, PyObject*) {
  const DLTensor* tensor = LayoutOf(self);
  if (tensor == nullptr) return nullptr;
  return Py_BuildValue("(ii)", static_cast<int>(tensor->device.device_type),
                       tensor->device.device_id);
}

PyGetSetDef kGetSet[] = {
    {"shape", GetShape, nullptr, "Extents.", nullptr},
    {"strides", GetStrides, nullptr, "Steps, in elements.", nullptr},
    {"ndim", GetNdim, nullptr, "Number of dimensions.", nullptr},
    {"dtype", GetDtype, nullptr, "Element type.", nullptr},
    {"device", GetDevice, nullptr, "Where the memory is.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kMethods[] = {
    {"numel", Numel, METH_NOARGS, "Number of elements."},
    {"size", Size, METH_O, "Extent of one dimension; negative counts from the end."},
    {"data_ptr", DataPtr, METH_NOARGS, "Address of the first element."},
    {"is_contiguous", IsContiguous, METH_NOARGS, "Whether the elements lie row-major, compact."},
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(TensorDlpack)),
     METH_FASTCALL | METH_KEYWORDS,
     "__dlpack__($self, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
     "Export as a capsule; no synchronisation is done with the stream."},
    {"_to_dlpack", TensorToCapsule, METH_NOARGS, "Export as capsule 'dltensor'."},
    {"_to_dlpack_versioned", TensorToVersionedCapsule, METH_NOARGS,
     "Export as capsule 'dltensor_versioned'."},
    {"__dlpack_device__", DlpackDevice, METH_NOARGS, "(device_type, device_id)."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("Multi-dimensional array in memory somebody owns.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {Py_tp_getset, kGetSet},
    {Py_tp_methods, kMethods},
    {0, nullptr},
};

PyType_Spec kSpec = {"tvm_ffi.core.CTensor", sizeof(TensorWrapper), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSlots};

}  // namespace

PyObject* WrapTensorView(DLTensor* view) {
  auto* cls = reinterpret_cast<PyTypeObject*>(g_state.result_tensor);
  PyObject* self = cls->tp_alloc(cls, 0);
  if (self != nullptr) reinterpret_cast<TensorWrapper*>(self)->tensor = view;
  return self;
}

bool InitTensorType() {
  g_state.c_tensor = AddType(&kSpec, g_state.c_object);
  return g_state.c_tensor != nullptr;
}

}  // namespace tvmffi::python
