// `testing.*` types about equality, order, hash and copying, and the enums.
#include <tvm/ffi/enum.h>
#include <tvm/ffi/reflection/enum_def.h>
#include <tvm/ffi/tvm_ffi.h>

#include <utility>

#include "libffi_core/testing/int_pair.h"

namespace tvmffi::testing {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Enum;
using tvm::ffi::EnumObj;
using tvm::ffi::Function;
using tvm::ffi::IntEnum;
using tvm::ffi::IntEnumObj;
using tvm::ffi::Object;
using tvm::ffi::ObjectRef;
using tvm::ffi::StrEnum;
using tvm::ffi::StrEnumObj;
using tvm::ffi::String;
using tvm::ffi::UnsafeInit;
namespace refl = tvm::ffi::reflection;

struct TestCompareObj : public Object {
  int64_t key = 0;
  String name;
  int64_t ignored_field = 0;
  TestCompareObj() = default;
  TestCompareObj(int64_t key_value, String name_value, int64_t ignored)
      : key(key_value), name(std::move(name_value)), ignored_field(ignored) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCompare", TestCompareObj, Object);
};

struct TestHashObj : public Object {
  int64_t key = 0;
  String name;
  int64_t hash_ignored = 0;
  TestHashObj() = default;
  TestHashObj(int64_t key_value, String name_value, int64_t ignored)
      : key(key_value), name(std::move(name_value)), hash_ignored(ignored) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestHash", TestHashObj, Object);
};

// What the types with hooks have in common: `label` counts for none of the hooks.
struct KeyAndLabel : public Object {
  int64_t key = 0;
  String label;
  KeyAndLabel() = default;
  KeyAndLabel(int64_t key_value, String label_value)
      : key(key_value), label(std::move(label_value)) {}
};
struct TestCustomHashObj : public KeyAndLabel {
  using KeyAndLabel::KeyAndLabel;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCustomHash", TestCustomHashObj, Object);
};
struct TestCustomCompareObj : public KeyAndLabel {
  using KeyAndLabel::KeyAndLabel;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCustomCompare", TestCustomCompareObj, Object);
};
struct TestEqWithoutHashObj : public KeyAndLabel {
  using KeyAndLabel::KeyAndLabel;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestEqWithoutHash", TestEqWithoutHashObj, Object);
};

struct TestDeepCopyEdgesObj : public Object {
  Any v_any;
  ObjectRef v_obj;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestDeepCopyEdges", TestDeepCopyEdgesObj, Object);
};

struct TestNonCopyableObj : public Object {
  int64_t value;
  explicit TestNonCopyableObj(int64_t v) : value(v) {}
  TestNonCopyableObj(const TestNonCopyableObj&) = delete;
  TestNonCopyableObj& operator=(const TestNonCopyableObj&) = delete;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestNonCopyable", TestNonCopyableObj, Object);
};

struct TestCxxIntEnumObj : public IntEnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCxxIntEnum", TestCxxIntEnumObj, IntEnumObj);
};
class TestCxxIntEnum : public IntEnum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TestCxxIntEnum, IntEnum, TestCxxIntEnumObj);
};
struct TestCxxStrEnumObj : public StrEnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestCxxStrEnum", TestCxxStrEnumObj, StrEnumObj);
};
class TestCxxStrEnum : public StrEnum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TestCxxStrEnum, StrEnum, TestCxxStrEnumObj);
};
struct TestEnumVariantObj : public EnumObj {
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestEnumVariant", TestEnumVariantObj, EnumObj);
};
class TestEnumVariant : public Enum {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TestEnumVariant, Enum, TestEnumVariantObj);
};

struct TestCxxEnumHolderObj : public Object {
  TestCxxIntEnum priority;
  TestCxxStrEnum opcode;
  explicit TestCxxEnumHolderObj(UnsafeInit tag) : priority(tag), opcode(tag) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO("testing.TestCxxEnumHolder", TestCxxEnumHolderObj, Object);
};

template <typename T>
int64_t HashByKey(const T* self, const Function& hash) {
  return hash(self->key).template cast<int64_t>();
}
template <typename T>
bool EqByKey(const T* lhs, const T* rhs, const Function& eq) {
  return eq(lhs->key, rhs->key).template cast<bool>();
}
template <typename T>
int64_t CompareByKey(const T* lhs, const T* rhs, const Function& compare) {
  return compare(lhs->key, rhs->key).template cast<int64_t>();
}

void RegisterHookTypes() {
  refl::ObjectDef<TestCustomHashObj>()
      .def_ro("key", &TestCustomHashObj::key)
      .def_ro("label", &TestCustomHashObj::label)
      .def(refl::init<int64_t, String>())
      .def_type_attr(refl::type_attr::kHash, HashByKey<TestCustomHashObj>);
  refl::ObjectDef<TestCustomCompareObj>()
      .def_ro("key", &TestCustomCompareObj::key)
      .def_ro("label", &TestCustomCompareObj::label)
      .def(refl::init<int64_t, String>())
      .def_type_attr(refl::type_attr::kEq, EqByKey<TestCustomCompareObj>)
      .def_type_attr(refl::type_attr::kCompare, CompareByKey<TestCustomCompareObj>)
      .def_type_attr(refl::type_attr::kHash, HashByKey<TestCustomCompareObj>);
  refl::ObjectDef<TestEqWithoutHashObj>()
      .def_ro("key", &TestEqWithoutHashObj::key)
      .def_ro("label", &TestEqWithoutHashObj::label)
      .def(refl::init<int64_t, String>())
      .def_type_attr(refl::type_attr::kEq, EqByKey<TestEqWithoutHashObj>);
}

void RegisterFlagTypes() {
  refl::ObjectDef<TestCompareObj>()
      .def(refl::init<int64_t, String, int64_t>())
      .def_ro("key", &TestCompareObj::key)
      .def_ro("name", &TestCompareObj::name)
      .def_ro("ignored_field", &TestCompareObj::ignored_field, refl::compare(false));
  refl::ObjectDef<TestHashObj>()
      .def(refl::init<int64_t, String, int64_t>())
      .def_ro("key", &TestHashObj::key)
      .def_ro("name", &TestHashObj::name)
      .def_ro("hash_ignored", &TestHashObj::hash_ignored, refl::hash(false));
  refl::ObjectDef<TestDeepCopyEdgesObj>()
      .def_rw("v_any", &TestDeepCopyEdgesObj::v_any)
      .def_rw("v_obj", &TestDeepCopyEdgesObj::v_obj);
  refl::ObjectDef<TestNonCopyableObj>()
      .def(refl::init<int64_t>())
      .def_ro("value", &TestNonCopyableObj::value);
  refl::ObjectDef<TestIntPairObj>()
      .def_ro("a", &TestIntPairObj::a, "Field `a`")
      .def_ro("b", &TestIntPairObj::b, "Field `b`")
      .def(refl::init<int64_t, int64_t>())
      .def("sum", &TestIntPairObj::Sum, "Method to compute sum of a and b")
      .def_convert<TestIntPair>();
}

void RegisterEnums() {
  refl::ObjectDef<TestCxxIntEnumObj>(refl::init(false)).def_convert<TestCxxIntEnum>();
  refl::ObjectDef<TestCxxStrEnumObj>(refl::init(false)).def_convert<TestCxxStrEnum>();
  refl::ObjectDef<TestEnumVariantObj>(refl::init(false)).def_convert<TestEnumVariant>();
  refl::ObjectDef<TestCxxEnumHolderObj>()
      .def_rw("priority", &TestCxxEnumHolderObj::priority)
      .def_rw("opcode", &TestCxxEnumHolderObj::opcode);
  refl::EnumDef<TestCxxIntEnumObj>("low", 10);
  refl::EnumDef<TestCxxIntEnumObj>("high", 20);
  refl::EnumDef<TestCxxStrEnumObj>("+");
  refl::EnumDef<TestCxxStrEnumObj>("*");
  refl::EnumDef<TestEnumVariantObj>("Alpha").set_attr("code", 10);
  refl::EnumDef<TestEnumVariantObj>("Beta").set_attr("code", 20);
  refl::GlobalDef().def("testing.enum_variant_get", [](const String& name) {
    return EnumObj::_GetByStrIndex<TestEnumVariantObj>(name);
  });
}

TVM_FFI_STATIC_INIT_BLOCK() {
  RegisterHookTypes();
  RegisterFlagTypes();
  RegisterEnums();
}

}  // namespace
}  // namespace tvmffi::testing
