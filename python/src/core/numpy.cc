#include "numpy.h"

#include <unordered_map>

#include "borrowed_tensor.h"
#include "state.h"

namespace tvmffi::python {
namespace {

// The public head of every ndarray, unchanged from NumPy 1 to 2. CheckLayout() compares it with a
// sample all the same.
struct ArrayFields {
  PyObject_HEAD char* data;
  int num_dims;
  Py_ssize_t* dimensions;
  Py_ssize_t* strides;
  PyObject* base;
  PyObject* descr;
  int flags;
};

constexpr int kWriteable = 0x0400;
constexpr size_t kMaxKnownDtypes = 64;

struct ElementType {
  DLDataType dtype;
  // 0: not for this path.
  int64_t size = 0;
};

PyRef Attribute(PyObject* object, const char* name) {
  return PyRef::Steal(PyObject_GetAttrString(object, name));
}

// Never raises.
ElementType QueryElementType(PyObject* descr) {
  PyRef kind = Attribute(descr, "kind");
  PyRef size = Attribute(descr, "itemsize");
  PyRef native = Attribute(descr, "isnative");
  const char* letter = kind ? PyUnicode_AsUTF8(kind.get()) : nullptr;
  long bytes = size ? PyLong_AsLong(size.get()) : -1;
  ElementType unknown;
  if (letter == nullptr || bytes <= 0 || native.get() != Py_True) {
    PyErr_Clear();
    return unknown;
  }
  auto make = [bytes](uint8_t code) {
    return ElementType{DLDataType{code, static_cast<uint8_t>(bytes * 8), 1}, bytes};
  };
  switch (letter[0]) {
    case 'i':
      return bytes <= 8 ? make(kDLInt) : unknown;
    case 'u':
      return bytes <= 8 ? make(kDLUInt) : unknown;
    case 'f':
      return bytes <= 8 ? make(kDLFloat) : unknown;
    case 'c':
      return bytes <= 16 ? make(kDLComplex) : unknown;
    default:
      return unknown;
  }
}

// By dtype object; NumPy's own dtypes are singletons.
ElementType ElementTypeOf(PyObject* descr) {
  static auto& known = *new std::unordered_map<PyObject*, ElementType>();
  static PyObject* last = nullptr;
  static ElementType last_type;
  if (descr == last) return last_type;
  auto found = known.find(descr);
  if (found == known.end()) {
    ElementType type = QueryElementType(descr);
    if (known.size() >= kMaxKnownDtypes) return type;
    Py_INCREF(descr);
    found = known.emplace(descr, type).first;
  }
  last = descr;
  last_type = found->second;
  return last_type;
}

// Shape, and strides in elements. False when a stride is no whole number of elements.
bool CopyExtents(const ArrayFields& array, int64_t size, int64_t* out) {
  for (int i = 0; i < array.num_dims; ++i) {
    out[i] = array.dimensions[i];
    int64_t step = array.strides[i] / size;
    if (step * size != array.strides[i]) return false;
    out[array.num_dims + i] = step;
  }
  return true;
}

bool TupleEquals(PyObject* tuple, const Py_ssize_t* values, int size) {
  if (tuple == nullptr || !PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != size) return false;
  for (int i = 0; i < size; ++i) {
    if (PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple, i)) != values[i]) return false;
  }
  return true;
}

// Compares the fields with what the array's attributes say.
bool CheckLayout(PyObject* sample) {
  const auto& fields = *reinterpret_cast<ArrayFields*>(sample);
  PyRef shape = Attribute(sample, "shape");
  PyRef strides = Attribute(sample, "strides");
  PyRef descr = Attribute(sample, "dtype");
  PyRef flags = Attribute(sample, "flags");
  PyRef bits = flags ? Attribute(flags.get(), "num") : PyRef();
  PyRef interface = Attribute(sample, "__array_interface__");
  PyObject* data = interface ? PyDict_GetItemString(interface.get(), "data") : nullptr;
  return data != nullptr && PyTuple_Check(data) && bits && fields.num_dims == 2 &&
         PyLong_AsVoidPtr(PyTuple_GET_ITEM(data, 0)) == fields.data &&
         descr.get() == fields.descr && PyLong_AsLong(bits.get()) == fields.flags &&
         TupleEquals(shape.get(), fields.dimensions, 2) &&
         TupleEquals(strides.get(), fields.strides, 2);
}

// numpy.ndarray if its layout is as declared above, else NULL. Never raises.
PyTypeObject* CheckedArrayType() {
  PyRef type = PyRef::Steal(LoadedAttribute("numpy", "ndarray"));
  PyRef zeros = PyRef::Steal(LoadedAttribute("numpy", "zeros"));
  if (!type || !zeros || !PyType_Check(type.get())) return nullptr;
  PyRef sample = PyRef::Steal(PyObject_CallFunction(zeros.get(), "((ii)s)", 3, 5, "int16"));
  bool usable = sample && Py_TYPE(sample.get()) == reinterpret_cast<PyTypeObject*>(type.get()) &&
                CheckLayout(sample.get());
  PyErr_Clear();
  return usable ? reinterpret_cast<PyTypeObject*>(type.release()) : nullptr;
}

}  // namespace

bool IsNumpyArrayType(PyTypeObject* type) {
  static PyTypeObject* checked = nullptr;
  static PyTypeObject* refused = nullptr;
  if (type == checked) return true;
  if (checked != nullptr || type == refused) return false;
  PyRef ndarray = PyRef::Steal(LoadedAttribute("numpy", "ndarray"));
  if (ndarray.get() != reinterpret_cast<PyObject*>(type)) return false;
  checked = CheckedArrayType();
  if (checked == nullptr) refused = type;
  return type == checked;
}

HandleRef NumpyTensor(PyObject* array) {
  const auto& fields = *reinterpret_cast<ArrayFields*>(array);
  if ((fields.flags & kWriteable) == 0 || fields.num_dims > kMaxBorrowedDims) return HandleRef();
  ElementType element = ElementTypeOf(fields.descr);
  if (element.size == 0) return HandleRef();
  BorrowedTensor* block = AllocateBorrowedTensor();
  if (block == nullptr) return HandleRef();
  if (!CopyExtents(fields, element.size, block->extents)) {
    FreeBorrowedTensor(block);
    return HandleRef();
  }
  block->tensor.data = fields.data;
  block->tensor.device = DLDevice{kDLCPU, 0};
  block->tensor.ndim = fields.num_dims;
  block->tensor.dtype = element.dtype;
  block->tensor.byte_offset = 0;
  return FinishBorrowedTensor(block, array);
}

}  // namespace tvmffi::python
