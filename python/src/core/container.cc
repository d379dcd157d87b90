#include "container.h"

#include "any.h"
#include "arguments.h"
#include "error.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

const DLPackExchangeAPI* ApiOf(PyObject* container) {
  return reinterpret_cast<ContainerWrapper*>(container)->api;
}

// core._call_for(container, function, argument): a call whose tensors come back as the container's
// do.
PyObject* CallFor(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 3 || !IsWrapper(args[0], g_state.c_container) ||
      !IsWrapper(args[1], g_state.c_function)) {
    PyErr_SetString(PyExc_TypeError, "_call_for takes a container, a Function and an argument");
    return nullptr;
  }
  ArgScope scope;
  TVMFFIAny argument;
  TVMFFIAny result = MakeNone();
  if (!RequireHandle(args[1]) || !SetArgument(scope, args[2], &argument) ||
      !Check(TVMFFIFunctionCall(HandleOf(args[1]), &argument, 1, &result))) {
    return nullptr;
  }
  return AnyToPython(result, reinterpret_cast<ContainerWrapper*>(args[0])->api);
}

// The elements of an Array or List, NULL with a Python exception for an empty wrapper or another
// object.
const TVMFFISeqCell* CellsOf(PyObject* self) {
  if (!RequireHandle(self)) return nullptr;
  int32_t type_index = TVMFFIObjectGetTypeIndex(HandleOf(self));
  if (type_index != kTVMFFIArray && type_index != kTVMFFIList) {
    PyErr_Format(PyExc_TypeError, "'%s' holds no sequence", Py_TYPE(self)->tp_name);
    return nullptr;
  }
  return reinterpret_cast<const TVMFFISeqCell*>(static_cast<char*>(HandleOf(self)) +
                                                sizeof(TVMFFIObject));
}

Py_ssize_t Length(PyObject* self) {
  const TVMFFISeqCell* cells = CellsOf(self);
  return cells == nullptr ? -1 : static_cast<Py_ssize_t>(cells->size);
}

PyObject* Item(PyObject* self, Py_ssize_t index) {
  const TVMFFISeqCell* cells = CellsOf(self);
  if (cells == nullptr) return nullptr;
  Py_ssize_t at = index < 0 ? index + static_cast<Py_ssize_t>(cells->size) : index;
  if (at < 0 || at >= cells->size) {
    return PyErr_Format(PyExc_IndexError, "index %zd is out of range for %zd elements", index,
                        static_cast<Py_ssize_t>(cells->size));
  }
  return AnyViewToPython(static_cast<const TVMFFIAny*>(cells->data)[at], ApiOf(self));
}

PyObject* Slice(PyObject* self, PyObject* slice) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(slice, &start, &stop, &step) != 0) return nullptr;
  Py_ssize_t length = Length(self);
  if (length < 0) return nullptr;
  Py_ssize_t count = PySlice_AdjustIndices(length, &start, &stop, step);
  PyRef list = PyRef::Steal(PyList_New(count));
  for (Py_ssize_t i = 0; list && i < count; ++i) {
    PyObject* item = Item(self, start + i * step);
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, item);
  }
  return list.release();
}

PyObject* Subscript(PyObject* self, PyObject* key) {
  if (PySlice_Check(key)) return Slice(self, key);
  Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
  return index == -1 && PyErr_Occurred() ? nullptr : Item(self, index);
}

// Visits the elements there were at the start.
struct SequenceIterator {
  PyObject_HEAD PyObject* sequence;
  Py_ssize_t index;
  Py_ssize_t length;
};

PyTypeObject* g_iterator = nullptr;

PyObject* Iterate(PyObject* self) {
  Py_ssize_t length = Length(self);
  if (length < 0) return nullptr;
  PyObject* made = g_iterator->tp_alloc(g_iterator, 0);
  if (made == nullptr) return nullptr;
  auto* iterator = reinterpret_cast<SequenceIterator*>(made);
  iterator->sequence = Py_NewRef(self);
  iterator->length = length;
  return made;
}

PyObject* Next(PyObject* self) {
  auto* iterator = reinterpret_cast<SequenceIterator*>(self);
  if (iterator->index >= iterator->length) return nullptr;
  return Item(iterator->sequence, iterator->index++);
}

PyObject* LengthHint(PyObject* self, PyObject*) {
  auto* iterator = reinterpret_cast<SequenceIterator*>(self);
  return PyLong_FromSsize_t(iterator->length - iterator->index);
}

void DeallocIterator(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<SequenceIterator*>(self)->sequence);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef kIteratorMethods[] = {
    {"__length_hint__", LengthHint, METH_NOARGS, "Elements left."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kIteratorSlots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocIterator)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(Next)},
    {Py_tp_methods, kIteratorMethods},
    {0, nullptr},
};

PyType_Spec kIteratorSpec = {"tvm_ffi.core.SequenceIterator", sizeof(SequenceIterator), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             kIteratorSlots};

PyType_Slot kContainerSlots[] = {
    {Py_tp_doc, const_cast<char*>("Container whose tensors come back as the framework's own.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {0, nullptr},
};

PyType_Spec kContainerSpec = {"tvm_ffi.core.CContainerBase", sizeof(ContainerWrapper), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kContainerSlots};

PyType_Slot kSequenceSlots[] = {
    {Py_tp_doc, const_cast<char*>("Reading of Array and List. Slices are Python lists.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {Py_tp_iter, reinterpret_cast<void*>(Iterate)},
    {Py_mp_length, reinterpret_cast<void*>(Length)},
    {Py_mp_subscript, reinterpret_cast<void*>(Subscript)},
    {0, nullptr},
};

PyType_Spec kSequenceSpec = {"tvm_ffi.core.CSequenceBase", sizeof(ContainerWrapper), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kSequenceSlots};

PyMethodDef kModuleMethods[] = {
    {"_call_for", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(CallFor)), METH_FASTCALL,
     "Call a function on behalf of a container."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool InitContainerTypes() {
  State& s = g_state;
  s.c_container = AddType(&kContainerSpec, s.c_object);
  if (s.c_container == nullptr || AddType(&kSequenceSpec, s.c_container) == nullptr) return false;
  g_iterator = AddType(&kIteratorSpec, &PyBaseObject_Type);
  return g_iterator != nullptr && PyModule_AddFunctions(s.module, kModuleMethods) == 0;
}

}  // namespace tvmffi::python
