// `testing.*` types about fields, inheritance and constructors.
#include <tvm/ffi/tvm_ffi.h>

#include <utility>

namespace tvmffi::testing {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Arc;
using tvm::ffi::Array;
using tvm::ffi::Map;
using tvm::ffi::Object;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::String;
using tvm::ffi::UnsafeInit;
namespace refl = tvm::ffi::reflection;

struct TestObjectBaseObj : public Object {
  int64_t v_i64 = 10;
  double v_f64 = 10.0;
  String v_str = "hello";
  int64_t AddI64(int64_t other) const { return v_i64 + other; }
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestObjectBase", TestObjectBaseObj, Object);
};

struct TestObjectDerivedObj : public TestObjectBaseObj {
  Map<Any, Any> v_map;
  Array<Any> v_array;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestObjectDerived", TestObjectDerivedObj,
                                    TestObjectBaseObj);
};

struct TestObjectPtrHolderObj : public Object {
  Arc<TestObjectBaseObj> value;
  ObjectPtr<TestObjectBaseObj> optional_value;
  explicit TestObjectPtrHolderObj(UnsafeInit tag) : value(tag) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestObjectPtrHolder", TestObjectPtrHolderObj, Object);
};

struct TestCxxClassBaseObj : public Object {
  int64_t v_i64 = 0;
  int32_t v_i32 = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxClassBase", TestCxxClassBaseObj, Object);
};
struct TestCxxClassDerivedObj : public TestCxxClassBaseObj {
  double v_f64 = 0;
  float v_f32 = 0;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxClassDerived", TestCxxClassDerivedObj,
                              TestCxxClassBaseObj);
};
struct TestCxxClassDerivedDerivedObj : public TestCxxClassDerivedObj {
  String v_str;
  bool v_bool = false;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxClassDerivedDerived", TestCxxClassDerivedDerivedObj,
                              TestCxxClassDerivedObj);
};
// What a binding must not take for its fields: bytes between them, and a vtable before them.
struct TestCxxClassHiddenFieldObj : public Object {
  int64_t v_i64 = 0;
  int64_t hidden = 0;
  int32_t v_i32 = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCxxClassHiddenField", TestCxxClassHiddenFieldObj,
                                    Object);
};
struct TestCxxClassPolymorphicObj : public Object {
  int64_t v_i64 = 0;
  virtual ~TestCxxClassPolymorphicObj() = default;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCxxClassPolymorphic", TestCxxClassPolymorphicObj,
                                    Object);
};

struct TestCxxInitSubsetObj : public Object {
  int64_t required_field = 0;
  int64_t optional_field = 0;
  String note;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxInitSubset", TestCxxInitSubsetObj, Object);
};

struct TestCxxKwOnlyObj : public Object {
  int64_t x = 0;
  int64_t y = 0;
  int64_t z = 0;
  int64_t w = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxKwOnly", TestCxxKwOnlyObj, Object);
};

struct TestCxxAutoInitObj : public Object {
  int64_t a = 0;
  int64_t b = 0;
  int64_t c = 0;
  int64_t d = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxAutoInit", TestCxxAutoInitObj, Object);
};
struct TestCxxAutoInitSimpleObj : public Object {
  int64_t x = 0;
  int64_t y = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxAutoInitSimple", TestCxxAutoInitSimpleObj, Object);
};
struct TestCxxAutoInitAllInitOffObj : public Object {
  int64_t x = 0;
  int64_t y = 0;
  int64_t z = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxAutoInitAllInitOff", TestCxxAutoInitAllInitOffObj,
                              Object);
};
struct TestCxxAutoInitKwOnlyDefaultsObj : public Object {
  int64_t p_required = 0;
  int64_t p_default = 0;
  int64_t k_required = 0;
  int64_t k_default = 0;
  int64_t hidden = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxAutoInitKwOnlyDefaults",
                              TestCxxAutoInitKwOnlyDefaultsObj, Object);
};
struct TestCxxAutoInitParentObj : public Object {
  int64_t parent_required = 0;
  int64_t parent_default = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxAutoInitParent", TestCxxAutoInitParentObj, Object);
};
struct TestCxxAutoInitChildObj : public TestCxxAutoInitParentObj {
  int64_t child_required = 0;
  int64_t child_kw_only = 0;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCxxAutoInitChild", TestCxxAutoInitChildObj,
                                    TestCxxAutoInitParentObj);
};
struct TestCxxNoAutoInitObj : public Object {
  int64_t x = 0;
  int64_t y = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxNoAutoInit", TestCxxNoAutoInitObj, Object);
};

// Known by its key only: bindings describe it.
struct TestFrozenCxxObj : public Object {
  int64_t x = 0;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestFrozenCxx", TestFrozenCxxObj, Object);
};

// No binding registers a class for these two.
struct TestUnregisteredBaseObj : public Object {
  int64_t v1;
  explicit TestUnregisteredBaseObj(int64_t v1_value) : v1(v1_value) {}
  int64_t GetV1PlusOne() const { return v1 + 1; }
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestUnregisteredBaseObject", TestUnregisteredBaseObj,
                              Object);
};
struct TestUnregisteredObj : public TestUnregisteredBaseObj {
  int64_t v2;
  TestUnregisteredObj(int64_t v1_value, int64_t v2_value)
      : TestUnregisteredBaseObj(v1_value), v2(v2_value) {}
  int64_t GetV2PlusTwo() const { return v2 + 2; }
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestUnregisteredObject", TestUnregisteredObj,
                              TestUnregisteredBaseObj);
};

void RegisterObjects() {
  refl::ObjectDef<TestObjectBaseObj>()
      .def_rw("v_i64", &TestObjectBaseObj::v_i64, refl::default_value(10), "i64 field")
      .def_ro("v_f64", &TestObjectBaseObj::v_f64, refl::default_value(10.0))
      .def_rw("v_str", &TestObjectBaseObj::v_str, refl::default_value("hello"))
      .def("add_i64", &TestObjectBaseObj::AddI64, "add_i64 method");
  refl::ObjectDef<TestObjectDerivedObj>()
      .def_rw("v_map", &TestObjectDerivedObj::v_map)
      .def_rw("v_array", &TestObjectDerivedObj::v_array);
  refl::ObjectDef<TestObjectPtrHolderObj>()
      .def_rw("value", &TestObjectPtrHolderObj::value)
      .def_rw("optional_value", &TestObjectPtrHolderObj::optional_value,
              refl::default_value(nullptr));
  refl::ObjectDef<TestUnregisteredBaseObj>()
      .def(refl::init<int64_t>(), "Constructor of TestUnregisteredBaseObject")
      .def_ro("v1", &TestUnregisteredBaseObj::v1)
      .def("get_v1_plus_one", &TestUnregisteredBaseObj::GetV1PlusOne,
           "Get (v1 + 1) from TestUnregisteredBaseObject");
  refl::ObjectDef<TestUnregisteredObj>()
      .def(refl::init<int64_t, int64_t>(), "Constructor of TestUnregisteredObject")
      .def_ro("v2", &TestUnregisteredObj::v2)
      .def("get_v2_plus_two", &TestUnregisteredObj::GetV2PlusTwo,
           "Get (v2 + 2) from TestUnregisteredObject");
  refl::GlobalDef().def("testing.make_unregistered_object", [] {
    return ObjectRef(tvm::ffi::make_object<TestUnregisteredObj>(41, 42));
  });
}

void RegisterCxxClasses() {
  refl::ObjectDef<TestCxxClassBaseObj>()
      .def_rw("v_i64", &TestCxxClassBaseObj::v_i64, refl::repr(false))
      .def_rw("v_i32", &TestCxxClassBaseObj::v_i32, refl::repr(false));
  refl::ObjectDef<TestCxxClassDerivedObj>()
      .def_rw("v_f64", &TestCxxClassDerivedObj::v_f64)
      .def_rw("v_f32", &TestCxxClassDerivedObj::v_f32, refl::default_value(8.0));
  refl::ObjectDef<TestCxxClassDerivedDerivedObj>()
      .def_rw("v_str", &TestCxxClassDerivedDerivedObj::v_str, refl::default_value("default"))
      .def_rw("v_bool", &TestCxxClassDerivedDerivedObj::v_bool);
  refl::ObjectDef<TestCxxClassHiddenFieldObj>()
      .def_rw("v_i64", &TestCxxClassHiddenFieldObj::v_i64)
      .def_rw("v_i32", &TestCxxClassHiddenFieldObj::v_i32);
  refl::ObjectDef<TestCxxClassPolymorphicObj>().def_rw("v_i64", &TestCxxClassPolymorphicObj::v_i64);
  refl::ObjectDef<TestCxxInitSubsetObj>()
      .def_rw("required_field", &TestCxxInitSubsetObj::required_field)
      .def_rw("optional_field", &TestCxxInitSubsetObj::optional_field, refl::default_value(-1),
              refl::init(false))
      .def_rw("note", &TestCxxInitSubsetObj::note, refl::default_value("default"),
              refl::init(false));
  refl::ObjectDef<TestCxxKwOnlyObj>()
      .def_rw("x", &TestCxxKwOnlyObj::x, refl::kw_only(true))
      .def_rw("y", &TestCxxKwOnlyObj::y, refl::kw_only(true))
      .def_rw("z", &TestCxxKwOnlyObj::z, refl::kw_only(true))
      .def_rw("w", &TestCxxKwOnlyObj::w, refl::default_value(100), refl::kw_only(true));
}

void RegisterConstructors() {
  refl::ObjectDef<TestCxxAutoInitObj>()
      .def_rw("a", &TestCxxAutoInitObj::a)
      .def_rw("b", &TestCxxAutoInitObj::b, refl::default_value(42), refl::init(false))
      .def_rw("c", &TestCxxAutoInitObj::c, refl::kw_only(true))
      .def_rw("d", &TestCxxAutoInitObj::d, refl::default_value(99));
  refl::ObjectDef<TestCxxAutoInitSimpleObj>()
      .def_rw("x", &TestCxxAutoInitSimpleObj::x)
      .def_rw("y", &TestCxxAutoInitSimpleObj::y);
  using AllOff = TestCxxAutoInitAllInitOffObj;
  refl::ObjectDef<AllOff>()
      .def_rw("x", &AllOff::x, refl::default_value(7), refl::init(false))
      .def_rw("y", &AllOff::y, refl::default_value(9), refl::init(false))
      .def_rw("z", &AllOff::z, refl::init(false));
  using KwOnlyDefaults = TestCxxAutoInitKwOnlyDefaultsObj;
  refl::ObjectDef<KwOnlyDefaults>()
      .def_rw("p_required", &KwOnlyDefaults::p_required)
      .def_rw("p_default", &KwOnlyDefaults::p_default, refl::default_value(11))
      .def_rw("k_required", &KwOnlyDefaults::k_required, refl::kw_only(true))
      .def_rw("k_default", &KwOnlyDefaults::k_default, refl::default_value(22), refl::kw_only(true))
      .def_rw("hidden", &KwOnlyDefaults::hidden, refl::default_value(33), refl::init(false));
  refl::ObjectDef<TestCxxAutoInitParentObj>()
      .def_rw("parent_required", &TestCxxAutoInitParentObj::parent_required)
      .def_rw("parent_default", &TestCxxAutoInitParentObj::parent_default, refl::default_value(5));
  refl::ObjectDef<TestCxxAutoInitChildObj>()
      .def_rw("child_required", &TestCxxAutoInitChildObj::child_required)
      .def_rw("child_kw_only", &TestCxxAutoInitChildObj::child_kw_only, refl::kw_only(true));
  refl::ObjectDef<TestCxxNoAutoInitObj>(refl::init(false))
      .def_rw("x", &TestCxxNoAutoInitObj::x)
      .def_rw("y", &TestCxxNoAutoInitObj::y);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  RegisterObjects();
  RegisterCxxClasses();
  RegisterConstructors();
  TestFrozenCxxObj::RuntimeTypeIndex();
}

}  // namespace
}  // namespace tvmffi::testing
