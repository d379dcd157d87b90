// Object types that the tests of JSON graphs write and read.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_SERIALIZATION_TYPES_H_
#define TVMFFI_TESTS_LIBFFI_CORE_SERIALIZATION_TYPES_H_

#include <tvm/ffi/enum.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/extra/serialization.h>
#include <tvm/ffi/reflection/enum_def.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>
#include <utility>

namespace tvmffi_test {

using namespace tvm::ffi;  // NOLINT(build/namespaces)

// The graph of a value as text.
inline std::string Graph(const Any& value) { return json::Stringify(ToJSONGraph(value)); }
inline Any FromText(const std::string& text) { return FromJSONGraph(json::Parse(text)); }
inline Any RoundTrip(const Any& value) { return FromText(Graph(value)); }

class PairObj : public Object {
 public:
  int64_t x = 0;
  String s;

  PairObj() = default;
  PairObj(int64_t x, String s) : x(x), s(std::move(s)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("test.serialization.Pair", PairObj, Object);
};

class Pair : public ObjectRef {
 public:
  Pair(int64_t x, String s) { data_ = make_object<PairObj>(x, std::move(s)); }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Pair, ObjectRef, PairObj);
};

// One field of every kind, and the fields of its parent.
class EverythingObj : public PairObj {
 public:
  Any any;
  bool flag = true;
  double number = 1.5;
  DLDataType dtype{kDLFloat, 32, 1};
  DLDevice device{kDLCPU, 0};
  Array<Any> array;
  List<Any> list;
  Map<String, Any> map;
  Dict<String, Any> dict;
  Shape shape;
  Bytes bytes;
  Optional<String> text;
  Optional<int64_t> maybe;
  Pair pair;
  int64_t with_default = 7;
  TVM_FFI_DECLARE_OBJECT_INFO("test.serialization.Everything", EverythingObj, PairObj);
};

class Everything : public ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Everything, ObjectRef, EverythingObj);
};

// Its data is what its own functions say.
class CustomObj : public Object {
 public:
  int64_t secret = 0;
  TVM_FFI_DECLARE_OBJECT_INFO("test.serialization.Custom", CustomObj, Object);
};

class Custom : public ObjectRef {
 public:
  explicit Custom(int64_t secret) {
    auto ptr = make_object<CustomObj>();
    ptr->secret = secret;
    data_ = std::move(ptr);
  }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Custom, ObjectRef, CustomObj);
};

class WithoutCreatorObj : public Object {
 public:
  explicit WithoutCreatorObj(int64_t x) : x(x) {}
  int64_t x;
  TVM_FFI_DECLARE_OBJECT_INFO("test.serialization.WithoutCreator", WithoutCreatorObj, Object);
};

class NodeObj : public Object {
 public:
  Any next;
  TVM_FFI_DECLARE_OBJECT_INFO("test.serialization.Node", NodeObj, Object);
};

class ColorObj : public EnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.serialization.Color", ColorObj, EnumObj);
};

class StatusObj : public IntEnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.serialization.Status", StatusObj, IntEnumObj);
};

class ModeObj : public StrEnumObj {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("test.serialization.Mode", ModeObj, StrEnumObj);
};

}  // namespace tvmffi_test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_SERIALIZATION_TYPES_H_
