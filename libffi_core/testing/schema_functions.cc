// `testing.schema_*`: functions that are there for their type schemas.
#define TVM_FFI_DLL_EXPORT_INCLUDE_METADATA 1
#include <tvm/ffi/tvm_ffi.h>

#include "libffi_core/testing/int_pair.h"

namespace tvmffi::testing {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::ArrayObj;
using tvm::ffi::Bytes;
using tvm::ffi::Dict;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::MapObj;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::PackedArgs;
using tvm::ffi::String;
using tvm::ffi::Tensor;
using tvm::ffi::TensorView;
using tvm::ffi::TypedFunction;
using tvm::ffi::Variant;
namespace refl = tvm::ffi::reflection;

template <typename T>
T Identity(T value) {
  return value;
}

// The ints among `ints`, added to `map` under `key` when there is one.
Map<String, Array<int64_t>> ArrayMapOptional(const Array<Optional<int64_t>>& ints,
                                             Map<String, Array<int64_t>> map,
                                             const Optional<String>& key) {
  if (!key.has_value()) return map;
  Array<int64_t> present;
  for (const Optional<int64_t>& value : ints) {
    if (value.has_value()) present.push_back(*value);
  }
  map.Set(*key, present);
  return map;
}

int64_t AddWithDocstring(int64_t a, int64_t b) { return a + b; }

void RegisterPlainSchemas() {
  refl::GlobalDef()
      .def("testing.schema_id_int", Identity<int64_t>,
           refl::Metadata{{"bool_attr", true}, {"int_attr", 1}, {"str_attr", "hello"}})
      .def("testing.schema_id_float", Identity<double>)
      .def("testing.schema_id_bool", Identity<bool>)
      .def("testing.schema_id_device", Identity<DLDevice>)
      .def("testing.schema_id_dtype", Identity<DLDataType>)
      .def("testing.schema_id_string", Identity<String>)
      .def("testing.schema_id_bytes", Identity<Bytes>)
      .def("testing.schema_id_func", Identity<Function>)
      .def("testing.schema_id_func_typed", Identity<TypedFunction<void(int64_t, float, Function)>>)
      .def("testing.schema_id_any", Identity<Any>)
      .def("testing.schema_id_object", Identity<ObjectRef>)
      .def("testing.schema_id_dltensor", Identity<DLTensor*>)
      .def("testing.schema_id_tensor", Identity<Tensor>)
      .def("testing.schema_tensor_view_input", [](TensorView) {})
      .def("testing.schema_id_opt_int", Identity<Optional<int64_t>>)
      .def("testing.schema_id_opt_str", Identity<Optional<String>>)
      .def("testing.schema_id_opt_obj", Identity<Optional<ObjectRef>>);
}

void RegisterContainerSchemas() {
  refl::GlobalDef()
      .def("testing.schema_id_arr_int", Identity<Array<int64_t>>)
      .def("testing.schema_id_arr_str", Identity<Array<String>>)
      .def("testing.schema_id_arr_obj", Identity<Array<ObjectRef>>)
      .def("testing.schema_id_arr", Identity<const ArrayObj*>)
      .def("testing.schema_id_list_int", Identity<List<int64_t>>)
      .def("testing.schema_id_list_str", Identity<List<String>>)
      .def("testing.schema_id_list_obj", Identity<List<ObjectRef>>)
      .def("testing.schema_id_map_str_int", Identity<Map<String, int64_t>>)
      .def("testing.schema_id_map_str_str", Identity<Map<String, String>>)
      .def("testing.schema_id_map_str_obj", Identity<Map<String, ObjectRef>>)
      .def("testing.schema_id_map", Identity<const MapObj*>)
      .def("testing.schema_id_dict_str_int", Identity<Dict<String, int64_t>>)
      .def("testing.schema_id_dict_str_str", Identity<Dict<String, String>>)
      .def("testing.schema_id_variant_int_str", Identity<Variant<int64_t, String>>)
      .def_packed("testing.schema_packed", [](PackedArgs, Any*) {})
      .def("testing.schema_arr_map_opt", ArrayMapOptional)
      .def("testing.schema_variant_mix", Identity<Variant<int64_t, String, Array<int64_t>>>)
      .def("testing.schema_no_args", [] { return int64_t{1}; })
      .def("testing.schema_no_return", [](int64_t) {})
      .def("testing.schema_no_args_no_return", [] {});
}

TVM_FFI_STATIC_INIT_BLOCK() {
  RegisterPlainSchemas();
  RegisterContainerSchemas();
}

}  // namespace
}  // namespace tvmffi::testing

TVM_FFI_DLL_EXPORT_TYPED_FUNC(testing_dll_schema_id_int, tvmffi::testing::Identity<int64_t>)
TVM_FFI_DLL_EXPORT_TYPED_FUNC(testing_dll_test_add_with_docstring,
                              tvmffi::testing::AddWithDocstring)
TVM_FFI_DLL_EXPORT_TYPED_FUNC_DOC(testing_dll_test_add_with_docstring,
                                  R"(Add two integers and return the sum.

Parameters
----------
a : int
    First integer
b : int
    Second integer

Returns
-------
result : int
    Sum of a and b)")
