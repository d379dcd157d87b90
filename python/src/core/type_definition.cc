// Types that Python code defines: their place in the type table, fields, methods and attributes.
#include <cstring>
#include <memory>

#include "any.h"
#include "arguments.h"
#include "error.h"
#include "object.h"
#include "state.h"

namespace tvmffi::python {
namespace {

// How a value becomes what a field stores. Lives as long as the process, as the type does.
struct FieldConverter {
  // Values of this type index are stored as they are; kTVMFFIAny for none.
  int32_t plain_type_index;
  // From a Python value to the Python value that is stored; NULL when there is nothing to convert.
  PyObject* convert;
};

bool ConvertInPython(const FieldConverter& converter, const TVMFFIAny& in, TVMFFIAny* out) {
  PyRef value = PyRef::Steal(AnyViewToPython(in, nullptr));
  if (!value) return false;
  PyRef converted = PyRef::Steal(PyObject_CallOneArg(converter.convert, value.get()));
  return converted && PythonToAny(converted.get(), out);
}

// The form that ffi.MakeFieldSetter takes; called on any thread.
int ConvertFieldValue(void* self, const TVMFFIAny* in, TVMFFIAny* out) {
  const auto& converter = *static_cast<const FieldConverter*>(self);
  if (converter.convert == nullptr || converter.plain_type_index == in->type_index) {
    return TVMFFIAnyViewToOwnedAny(in, out);
  }
  PyGILState_STATE state = PyGILState_Ensure();
  bool done = ConvertInPython(converter, *in, out);
  if (!done) RaiseIntoFfi();
  PyGILState_Release(state);
  return done ? 0 : -1;
}

// A text argument as a view that lives as long as `text`.
bool ViewOfText(PyObject* text, TVMFFIByteArray* out) {
  Py_ssize_t size;
  out->data = PyUnicode_AsUTF8AndSize(text, &size);
  out->size = static_cast<size_t>(size);
  return out->data != nullptr;
}

// core._alloc_type(key, parent_index): the index of a new type, or of the one of this key and
// parent.
PyObject* AllocType(PyObject*, PyObject* args) {
  PyObject* key;
  int parent_index;
  if (!PyArg_ParseTuple(args, "Ui:_alloc_type", &key, &parent_index)) return nullptr;
  TVMFFIByteArray text;
  if (!ViewOfText(key, &text)) return nullptr;
  int32_t depth = TVMFFIGetTypeInfo(parent_index)->type_depth + 1;
  return PyLong_FromLong(TVMFFITypeGetOrAllocIndex(&text, -1, depth, 0, 1, parent_index));
}

bool CallForHandle(const char* name, TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  TVMFFIObjectHandle function = GlobalFunction(name);
  return function != nullptr && Check(TVMFFIFunctionCall(function, args, num_args, result));
}

// Getter and setter for the storage of `info`; `setter` owns the Function.
bool FillAccess(TVMFFIFieldInfo* info, int plain_type_index, PyObject* convert, HandleRef* setter) {
  auto converter = std::make_unique<FieldConverter>();
  converter->plain_type_index = plain_type_index;
  converter->convert = convert == Py_None ? nullptr : Py_NewRef(convert);
  TVMFFIAny args[3];
  SetInt(&args[0], info->field_static_type_index);
  SetInt(&args[1], reinterpret_cast<int64_t>(converter.release()));
  SetInt(&args[2], reinterpret_cast<int64_t>(ConvertFieldValue));
  TVMFFIAny getter = MakeNone(), made = MakeNone();
  if (!CallForHandle("ffi.MakeFieldGetter", args, 1, &getter) ||
      !CallForHandle("ffi.MakeFieldSetter", args, 3, &made)) {
    return false;
  }
  *setter = HandleRef::Steal(made.v_obj);
  info->getter = reinterpret_cast<TVMFFIFieldGetter>(getter.v_int64);
  info->setter = made.v_obj;
  info->flags |= kTVMFFIFieldFlagBitSetterIsFunctionObj;
  return true;
}

// core._register_field(type_index, name, doc, metadata, flags, size, alignment, offset,
// storage_type_index, plain_type_index, convert, default)
PyObject* RegisterField(PyObject*, PyObject* args) {
  int type_index, plain_type_index;
  long long flags, size, alignment, offset;
  PyObject *name, *doc, *metadata, *convert, *default_value;
  TVMFFIFieldInfo info{};
  if (!PyArg_ParseTuple(args, "iUUULLLLiiOO:_register_field", &type_index, &name, &doc, &metadata,
                        &flags, &size, &alignment, &offset, &info.field_static_type_index,
                        &plain_type_index, &convert, &default_value)) {
    return nullptr;
  }
  if (!ViewOfText(name, &info.name) || !ViewOfText(doc, &info.doc) ||
      !ViewOfText(metadata, &info.metadata)) {
    return nullptr;
  }
  info.flags = flags;
  info.size = size;
  info.alignment = alignment;
  info.offset = offset;
  ArgScope scope;
  HandleRef setter;
  if (!SetArgument(scope, default_value, &info.default_value_or_factory) ||
      !FillAccess(&info, plain_type_index, convert, &setter) ||
      !Check(TVMFFITypeRegisterField(type_index, &info))) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

// core._register_method(type_index, name, doc, metadata, flags, function)
PyObject* RegisterMethod(PyObject*, PyObject* args) {
  int type_index;
  long long flags;
  PyObject *name, *doc, *metadata, *function;
  if (!PyArg_ParseTuple(args, "iUUULO:_register_method", &type_index, &name, &doc, &metadata,
                        &flags, &function)) {
    return nullptr;
  }
  TVMFFIMethodInfo info{};
  if (!ViewOfText(name, &info.name) || !ViewOfText(doc, &info.doc) ||
      !ViewOfText(metadata, &info.metadata)) {
    return nullptr;
  }
  info.flags = flags;
  ArgScope scope;
  if (!SetArgument(scope, function, &info.method) ||
      !Check(TVMFFITypeRegisterMethod(type_index, &info))) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

// core._register_metadata(type_index, doc, total_size, structural_kind)
PyObject* RegisterMetadata(PyObject*, PyObject* args) {
  int type_index, total_size, kind;
  PyObject* doc;
  if (!PyArg_ParseTuple(args, "iUii:_register_metadata", &type_index, &doc, &total_size, &kind)) {
    return nullptr;
  }
  TVMFFITypeMetadata metadata{};
  if (!ViewOfText(doc, &metadata.doc)) return nullptr;
  metadata.total_size = total_size;
  metadata.structural_eq_hash_kind = static_cast<TVMFFISEqHashKind>(kind);
  if (!Check(TVMFFITypeRegisterMetadata(type_index, &metadata))) return nullptr;
  Py_RETURN_NONE;
}

// core._register_attr(type_index, name, value)
PyObject* RegisterAttr(PyObject*, PyObject* args) {
  int type_index;
  PyObject *name, *value;
  if (!PyArg_ParseTuple(args, "iUO:_register_attr", &type_index, &name, &value)) return nullptr;
  TVMFFIByteArray text;
  ArgScope scope;
  TVMFFIAny view;
  if (!ViewOfText(name, &text) || !SetArgument(scope, value, &view) ||
      !Check(TVMFFITypeRegisterAttr(type_index, &text, &view))) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef kMethods[] = {
    {"_alloc_type", AllocType, METH_VARARGS, "Index of a type defined in Python."},
    {"_register_field", RegisterField, METH_VARARGS, "Add a field to a type defined in Python."},
    {"_register_method", RegisterMethod, METH_VARARGS, "Add a reflected method to a type."},
    {"_register_metadata", RegisterMetadata, METH_VARARGS, "Set a type's size, kind, doc."},
    {"_register_attr", RegisterAttr, METH_VARARGS, "Set a type's entry in an attribute column."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool InitTypeDefinition() { return PyModule_AddFunctions(g_state.module, kMethods) == 0; }

}  // namespace tvmffi::python
