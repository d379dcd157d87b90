#include "error.h"

#include <string>
#include <string_view>

#include "any.h"
#include "backtrace.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

constexpr std::string_view kEnvErrorAlreadySet = "EnvErrorAlreadySet";

std::string_view View(TVMFFIByteArray text) { return std::string_view(text.data, text.size); }

TVMFFIByteArray ByteArray(std::string_view text) {
  return TVMFFIByteArray{text.data(), text.size()};
}

// Errors of modules built before 0.1.8 end before cause_chain; their memory holds the kind's
// address there.
bool HasContextFields(const TVMFFIErrorCell& cell) {
  return cell.cause_chain != const_cast<char*>(cell.kind.data);
}

PyObject* ClassOfKind(std::string_view kind) {
  PyRef name = PyRef::Steal(
      PyUnicode_DecodeUTF8(kind.data(), static_cast<Py_ssize_t>(kind.size()), "replace"));
  PyObject* cls = name ? PyDict_GetItemWithError(g_state.error_name_to_type, name.get()) : nullptr;
  if (cls == nullptr) PyErr_Clear();
  return cls != nullptr ? cls : PyExc_RuntimeError;
}

// The instance without a traceback.
PyRef MakeException(TVMFFIObjectHandle error) {
  TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error);
  PyRef message = PyRef::Steal(DecodeText(cell->message));
  if (!message) return PyRef();
  PyRef exception = PyRef::Steal(PyObject_CallOneArg(ClassOfKind(View(cell->kind)), message.get()));
  if (!exception) return PyRef();
  IncRef(error);
  PyRef wrapper = PyRef::Steal(WrapObject(error, nullptr));
  if (!wrapper) return PyRef();
  // A class may refuse attributes; the exception is still the right one.
  if (PyObject_SetAttr(exception.get(), g_state.str_tvm_ffi_error, wrapper.get()) != 0) {
    PyErr_Clear();
  }
  return exception;
}

void RaiseError(TVMFFIObjectHandle error) {
  PyRef exception = MakeException(error);
  if (!exception) return;
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())), exception.get());
  AddFramesToPendingException(View(TVMFFIErrorGetCellPtr(error)->backtrace));
}

std::string Utf8Of(PyObject* text) {
  PyRef encoded = PyRef::Steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!encoded) return std::string();
  return std::string(PyBytes_AS_STRING(encoded.get()),
                     static_cast<size_t>(PyBytes_GET_SIZE(encoded.get())));
}

std::string MessageOf(PyObject* exception) {
  PyRef text = PyRef::Steal(PyObject_Str(exception));
  std::string message;
  if (text) message = Utf8Of(text.get());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    message = "<exception whose str() failed>";
  }
  return message;
}

std::string KindOf(PyObject* exception) {
  PyObject* name = PyDict_GetItemWithError(g_state.error_type_to_name,
                                           reinterpret_cast<PyObject*>(Py_TYPE(exception)));
  if (name == nullptr || !PyUnicode_Check(name)) {
    PyErr_Clear();
    return "RuntimeError";
  }
  return Utf8Of(name);
}

HandleRef ExistingError(PyObject* exception) {
  PyRef attached = PyRef::Steal(PyObject_GetAttr(exception, g_state.str_tvm_ffi_error));
  if (!attached) {
    PyErr_Clear();
    return HandleRef();
  }
  if (!IsWrapper(attached.get(), g_state.c_error) || HandleOf(attached.get()) == nullptr) {
    return HandleRef();
  }
  IncRef(HandleOf(attached.get()));
  return HandleRef::Steal(HandleOf(attached.get()));
}

HandleRef MakeError(std::string_view kind, std::string_view message, std::string_view backtrace) {
  TVMFFIByteArray kind_text = ByteArray(kind);
  TVMFFIByteArray message_text = ByteArray(message);
  TVMFFIByteArray backtrace_text = ByteArray(backtrace);
  HandleRef error;
  if (TVMFFIErrorCreate(&kind_text, &message_text, &backtrace_text, error.out()) != 0) {
    PyErr_NoMemory();
    return HandleRef();
  }
  return error;
}

HandleRef ErrorWithBacktrace(PyObject* exception, std::string_view outer) {
  PyRef traceback = PyRef::Steal(PyException_GetTraceback(exception));
  std::string backtrace = TracebackText(traceback.get());
  backtrace += outer;
  HandleRef error = ExistingError(exception);
  if (!error) return MakeError(KindOf(exception), MessageOf(exception), backtrace);
  TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error.get());
  if (cell->update_backtrace != nullptr) {
    TVMFFIByteArray text = ByteArray(backtrace);
    cell->update_backtrace(error.get(), &text, kTVMFFIBacktraceUpdateModeReplace);
  }
  return error;
}

// core.Error

int InitError(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"kind", "message", "backtrace", nullptr};
  const char *kind, *message, *backtrace;
  Py_ssize_t kind_size, message_size, backtrace_size;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#s#s#:Error", const_cast<char**>(names), &kind,
                                   &kind_size, &message, &message_size, &backtrace,
                                   &backtrace_size)) {
    return -1;
  }
  HandleRef error = MakeError(std::string_view(kind, static_cast<size_t>(kind_size)),
                              std::string_view(message, static_cast<size_t>(message_size)),
                              std::string_view(backtrace, static_cast<size_t>(backtrace_size)));
  if (!error) return -1;
  HandleRef old = HandleRef::Steal(HandleOf(self));
  AdoptHandle(self, error.release());
  return 0;
}

TVMFFIErrorCell* CellOf(PyObject* self) {
  return RequireHandle(self) ? TVMFFIErrorGetCellPtr(HandleOf(self)) : nullptr;
}

PyObject* GetKind(PyObject* self, void*) {
  TVMFFIErrorCell* cell = CellOf(self);
  return cell == nullptr ? nullptr : DecodeText(cell->kind);
}

PyObject* GetMessage(PyObject* self, void*) {
  TVMFFIErrorCell* cell = CellOf(self);
  return cell == nullptr ? nullptr : DecodeText(cell->message);
}

PyObject* GetBacktrace(PyObject* self, void*) {
  TVMFFIErrorCell* cell = CellOf(self);
  return cell == nullptr ? nullptr : DecodeText(cell->backtrace);
}

PyObject* GetExtraContext(PyObject* self, void*) {
  TVMFFIErrorCell* cell = CellOf(self);
  if (cell == nullptr) return nullptr;
  if (!HasContextFields(*cell) || cell->extra_context == nullptr) Py_RETURN_NONE;
  TVMFFIAny view;
  SetObject(&view, cell->extra_context);
  return AnyViewToPython(view, nullptr);
}

PyObject* UpdateBacktrace(PyObject* self, PyObject* text) {
  TVMFFIErrorCell* cell = CellOf(self);
  if (cell == nullptr) return nullptr;
  Py_ssize_t size;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  if (data == nullptr) return nullptr;
  if (cell->update_backtrace == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "this error's backtrace cannot be changed");
    return nullptr;
  }
  TVMFFIByteArray bytes{data, static_cast<size_t>(size)};
  cell->update_backtrace(HandleOf(self), &bytes, kTVMFFIBacktraceUpdateModeReplace);
  Py_RETURN_NONE;
}

PyObject* PyError(PyObject* self, PyObject*) {
  return RequireHandle(self) ? ExceptionFromError(HandleOf(self)) : nullptr;
}

PyGetSetDef kErrorGetSet[] = {
    {"kind", GetKind, nullptr, "Such as 'ValueError'.", nullptr},
    {"message", GetMessage, nullptr, "What went wrong.", nullptr},
    {"backtrace", GetBacktrace, nullptr, "One line per frame, innermost first.", nullptr},
    {"extra_context", GetExtraContext, nullptr, "The object attached to the error, or None.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kErrorMethods[] = {
    {"update_backtrace", UpdateBacktrace, METH_O, "Replaces the backtrace."},
    {"py_error", PyError, METH_NOARGS, "The exception this error becomes in Python."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kErrorSlots[] = {
    {Py_tp_doc, const_cast<char*>("FFI error object; not itself an exception.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(DeallocWrapper)},
    {Py_tp_init, reinterpret_cast<void*>(InitError)},
    {Py_tp_getset, kErrorGetSet},
    {Py_tp_methods, kErrorMethods},
    {0, nullptr},
};

PyType_Spec kErrorSpec = {"tvm_ffi.core.CError", sizeof(ObjectWrapper), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kErrorSlots};

bool FillErrorTables() {
  PyObject* known[] = {PyExc_RuntimeError,   PyExc_ValueError, PyExc_TypeError,
                       PyExc_AttributeError, PyExc_KeyError,   PyExc_IndexError,
                       PyExc_AssertionError, PyExc_MemoryError};
  for (PyObject* cls : known) {
    PyRef name = PyRef::Steal(PyObject_GetAttrString(cls, "__name__"));
    if (!name || PyDict_SetItem(g_state.error_name_to_type, name.get(), cls) != 0 ||
        PyDict_SetItem(g_state.error_type_to_name, cls, name.get()) != 0) {
      return false;
    }
  }
  return PyModule_AddObjectRef(g_state.module, "ERROR_NAME_TO_TYPE", g_state.error_name_to_type) ==
             0 &&
         PyModule_AddObjectRef(g_state.module, "ERROR_TYPE_TO_NAME", g_state.error_type_to_name) ==
             0;
}

}  // namespace

PyObject* DecodeText(TVMFFIByteArray text) {
  return PyUnicode_DecodeUTF8(text.data, static_cast<Py_ssize_t>(text.size), "replace");
}

void RaiseFromCode(int code) {
  HandleRef error;
  TVMFFIErrorMoveFromRaised(error.out());
  bool python_error = PyErr_Occurred() != nullptr;
  if (error && View(TVMFFIErrorGetCellPtr(error.get())->kind) != kEnvErrorAlreadySet) {
    if (python_error) PyErr_Clear();
    return RaiseError(error.get());
  }
  if (python_error) return;
  if (error) return RaiseError(error.get());
  PyErr_Format(PyExc_RuntimeError, "the function returned code %d and raised no error", code);
}

void RaiseIntoFfi() {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyRef type_ref = PyRef::Steal(type), value_ref = PyRef::Steal(value),
        traceback_ref = PyRef::Steal(traceback);
  if (value == nullptr) {
    TVMFFIErrorSetRaisedFromCStr("InternalError", "a callback failed and set no exception");
    return;
  }
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  HandleRef error = ErrorWithBacktrace(value, CallerBacktrace());
  if (!error) {
    PyErr_Clear();
    TVMFFIErrorSetRaisedFromCStr("MemoryError", "no memory for the error of a callback");
    return;
  }
  TVMFFIErrorSetRaised(error.get());
}

HandleRef ErrorFromException(PyObject* exception) {
  return ErrorWithBacktrace(exception, std::string_view());
}

PyObject* ExceptionFromError(TVMFFIObjectHandle error) {
  RaiseError(error);
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  Py_XDECREF(type);
  PyRef traceback_ref = PyRef::Steal(traceback);
  if (value != nullptr && traceback != nullptr) PyException_SetTraceback(value, traceback);
  return value;
}

bool InitErrorType() {
  g_state.c_error = AddType(&kErrorSpec, g_state.c_object);
  return g_state.c_error != nullptr && FillErrorTables();
}

}  // namespace tvmffi::python
