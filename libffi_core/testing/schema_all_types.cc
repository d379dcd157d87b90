// testing.SchemaAllTypes: a field and a method of every kind of schema.
#include <tvm/ffi/tvm_ffi.h>

#include <utility>

namespace tvmffi::testing {

using tvm::ffi::Array;
using tvm::ffi::Bytes;
using tvm::ffi::Map;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::String;
using tvm::ffi::Variant;
namespace refl = tvm::ffi::reflection;

using IntsByName = Map<String, Array<int64_t>>;

struct SchemaAllTypesObj : public Object {
  bool v_bool = true;
  int64_t v_int;
  double v_float;
  DLDevice v_device{kDLCPU, 0};
  DLDataType v_dtype{kDLFloat, 32, 1};
  String v_string;
  Bytes v_bytes;
  Optional<int64_t> v_opt_int;
  Optional<String> v_opt_str;
  Array<int64_t> v_arr_int;
  Array<String> v_arr_str;
  Map<String, int64_t> v_map_str_int;
  IntsByName v_map_str_arr_int;
  Variant<String, Array<int64_t>, Map<String, int64_t>> v_variant = String("v");
  Optional<Array<Variant<int64_t, String>>> v_opt_arr_variant;

  SchemaAllTypesObj(int64_t int_value, double float_value, String string_value)
      : v_int(int_value), v_float(float_value), v_string(std::move(string_value)) {}

  int64_t AddInt(int64_t other) const { return v_int + other; }
  Array<int64_t> AppendInt(Array<int64_t> values, int64_t value) const {
    values.push_back(value);
    return values;
  }
  Optional<String> MaybeConcat(Optional<String> a, Optional<String> b) const {
    if (!a.has_value()) return b;
    if (!b.has_value()) return a;
    return a.value() + b.value();
  }
  // Arrays under a name that both have are joined.
  IntsByName MergeMap(IntsByName lhs, const IntsByName& rhs) const {
    for (const auto& [name, values] : rhs) {
      const std::optional<Array<int64_t>> own = lhs.Get(name);
      lhs.Set(name, own.has_value() ? tvm::ffi::Concat(*own, values) : values);
    }
    return lhs;
  }

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.SchemaAllTypes", SchemaAllTypesObj, Object);
};

class SchemaAllTypes : public ObjectRef {
 public:
  explicit SchemaAllTypes(ObjectPtr<SchemaAllTypesObj> object)
      : ObjectRef(ObjectPtr<Object>(std::move(object))) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(SchemaAllTypes, ObjectRef, SchemaAllTypesObj);
};

namespace {

SchemaAllTypes MakeWith(int64_t int_value, double float_value, String string_value) {
  return SchemaAllTypes(
      tvm::ffi::make_object<SchemaAllTypesObj>(int_value, float_value, std::move(string_value)));
}

TVM_FFI_STATIC_INIT_BLOCK() {
  using T = SchemaAllTypesObj;
  const refl::Metadata metadata{{"bool_attr", true}, {"int_attr", 1}, {"str_attr", "hello"}};
  refl::ObjectDef<T>(refl::init(false))
      .def_rw("v_bool", &T::v_bool, "bool field", metadata)
      .def_rw("v_int", &T::v_int, refl::default_value(0), "int field")
      .def_rw("v_float", &T::v_float, refl::default_value(0.0), "float field")
      .def_rw("v_device", &T::v_device, "device field")
      .def_rw("v_dtype", &T::v_dtype, "dtype field")
      .def_rw("v_string", &T::v_string, refl::default_value("s"), "string field")
      .def_rw("v_bytes", &T::v_bytes, "bytes field")
      .def_rw("v_opt_int", &T::v_opt_int, "optional int")
      .def_rw("v_opt_str", &T::v_opt_str, "optional str")
      .def_rw("v_arr_int", &T::v_arr_int, "array<int>")
      .def_rw("v_arr_str", &T::v_arr_str, "array<str>")
      .def_rw("v_map_str_int", &T::v_map_str_int, "map<str,int>")
      .def_rw("v_map_str_arr_int", &T::v_map_str_arr_int, "map<str,array<int>>")
      .def_rw("v_variant", &T::v_variant, "variant<str,array<int>,map<str,int>>")
      .def_rw("v_opt_arr_variant", &T::v_opt_arr_variant, "optional<array<variant<int,str>>>")
      .def("add_int", &T::AddInt, "add int method", metadata)
      .def("append_int", &T::AppendInt, "append int to array")
      .def("maybe_concat", &T::MaybeConcat, "optional concat")
      .def("merge_map", &T::MergeMap, "merge maps")
      .def_static("make_with", MakeWith, "Constructor with subset of fields");
}

}  // namespace
}  // namespace tvmffi::testing
