#include "state.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include "error.h"

namespace tvmffi::python {

State g_state;

namespace {

bool EnvironmentFlag(const char* name, bool default_value) {
  const char* text = std::getenv(name);
  return text == nullptr ? default_value : std::strcmp(text, "0") != 0;
}

PyObject* Intern(const char* text) { return PyUnicode_InternFromString(text); }

}  // namespace

PyObject* ImportAttribute(const char* module, const char* name) {
  PyRef imported = PyRef::Steal(PyImport_ImportModule(module));
  return imported ? PyObject_GetAttrString(imported.get(), name) : nullptr;
}

PyObject* LoadedAttribute(const char* module, const char* name) {
  PyObject* loaded = PyDict_GetItemString(PyImport_GetModuleDict(), module);
  if (loaded == nullptr) return nullptr;
  PyObject* attribute = PyObject_GetAttrString(loaded, name);
  if (attribute == nullptr) PyErr_Clear();
  return attribute;
}

TVMFFIObjectHandle GlobalFunction(const char* name) {
  static std::unordered_map<std::string, TVMFFIObjectHandle>& known =
      *new std::unordered_map<std::string, TVMFFIObjectHandle>();
  auto found = known.find(name);
  if (found != known.end()) return found->second;
  TVMFFIByteArray text{name, std::strlen(name)};
  TVMFFIObjectHandle function = nullptr;
  if (!Check(TVMFFIFunctionGetGlobal(&text, &function))) return nullptr;
  if (function == nullptr) {
    PyErr_Format(PyExc_RuntimeError, "libtvm_ffi has no global function '%s'", name);
    return nullptr;
  }
  return known.emplace(name, function).first->second;
}

bool InitState(PyObject* module) {
  State& s = g_state;
  s.module = module;
  s.error_name_to_type = PyDict_New();
  s.error_type_to_name = PyDict_New();
  s.c_void_p = ImportAttribute("ctypes", "c_void_p");
  s.integral = ImportAttribute("numbers", "Integral");
  s.real = ImportAttribute("numbers", "Real");
  s.str_cached_object = Intern("_tvm_ffi_cached_object");
  s.str_tvm_ffi_dtype = Intern("_tvm_ffi_dtype");
  s.str_tvm_ffi_error = Intern("__tvm_ffi_error__");
  s.str_dlpack = Intern("__dlpack__");
  s.str_exchange_api = Intern("__dlpack_c_exchange_api__");
  s.str_value = Intern("value");
  s.release_gil = EnvironmentFlag("TVM_FFI_RELEASE_GIL_BY_DEFAULT", true);
  s.skip_exchange_api = EnvironmentFlag("TVM_FFI_SKIP_DLPACK_C_EXCHANGE_API", false);
  return !PyErr_Occurred();
}

}  // namespace tvmffi::python
