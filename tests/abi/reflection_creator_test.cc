#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

namespace refl = reflection;

class PairObj : public Object {
 public:
  int64_t x = -1;
  String s;
  PairObj() = default;
  PairObj(int64_t x, String s) : x(x), s(std::move(s)) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Pair", PairObj, Object);
};
class AutoObj : public Object {
 public:
  int64_t x = -1;
  String y;
  int64_t k = -1;
  int64_t hidden = 9;
  Any list;
  TVM_FFI_DECLARE_OBJECT_INFO("refl.Auto", AutoObj, Object);
};
// Required fields of a subclass come before the optional ones it inherits.
class AutoChildObj : public AutoObj {
 public:
  int64_t z = -1;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.AutoChild", AutoChildObj, AutoObj);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<PairObj>()
      .def_ro("x", &PairObj::x)
      .def_ro("s", &PairObj::s, refl::default_value("q"))
      .def(refl::init<int64_t, String>(), "Makes a pair.");
  refl::ObjectDef<AutoObj>()
      .def_ro("x", &AutoObj::x)
      .def_ro("y", &AutoObj::y, refl::default_value("fallback"))
      .def_ro("k", &AutoObj::k, refl::kw_only(true), refl::default_value(5))
      .def_ro("hidden", &AutoObj::hidden, refl::init(false))
      .def_ro("list", &AutoObj::list, refl::init(false),
              refl::DefaultFactory([] { return List<Any>{}; }));
  refl::ObjectDef<AutoChildObj>().def_ro("z", &AutoChildObj::z);
}

Function Init(int32_t type_index) {
  return refl::TypeAttrColumn(refl::type_attr::kInit)[type_index].cast<Function>();
}
Any Keywords() { return Function::GetGlobalRequired("ffi.GetKwargsObject")(); }

TEST(CppApi, B84_ObjectsAreMadeFromTheirFields) {
  const refl::ObjectCreator create("refl.Pair");
  const Any made = create(Map<String, Any>{{"x", 5}});
  EXPECT_EQ(made.as<PairObj>()->x, 5);
  EXPECT_EQ(made.as<PairObj>()->s, "q");
  EXPECT_EQ(made.cast<ObjectRef>().use_count(), 2);
  EXPECT_ERROR(create(Map<String, Any>{}), "TypeError",
               "Required field `x` not set in type `refl.Pair`");
  EXPECT_ERROR(create(Map<String, Any>{{"x", 5}, {"zz", 1}}), "TypeError",
               "Type `refl.Pair` does not have field `zz`");
  EXPECT_ERROR(create(Map<String, Any>{{"x", "a long enough text"}}), "TypeError",
               "Cannot convert from type `ffi.String` to `int`");
}

TEST(CppApi, B84_TypesThatCannotBeMade) {
  EXPECT_ERROR_CONTAINS(refl::ObjectCreator("no.such"), "InternalError",
                        "Cannot find type `no.such`");
  EXPECT_ERROR(refl::ObjectCreator("ffi.Tensor"), "RuntimeError",
               "Type `ffi.Tensor` does not support default constructor, as a result cannot be "
               "created via reflection");
  EXPECT_FALSE(HasCreator(TVMFFIGetTypeInfo(kTVMFFITensor)));
  EXPECT_TRUE(HasCreator(TVMFFIGetTypeInfo(PairObj::RuntimeTypeIndex())));
  EXPECT_ERROR(CreateEmptyObject(TVMFFIGetTypeInfo(kTVMFFITensor)), "RuntimeError",
               "Type `ffi.Tensor` does not support reflection creation (no native creator or "
               "__ffi_new__ type attr)");
}

TEST(CppApi, B85_ExplicitConstructors) {
  const Function init = refl::GetMethod("refl.Pair", "__ffi_init__");
  EXPECT_EQ(refl::GetMethodInfo("refl.Pair", "__ffi_init__")->flags,
            kTVMFFIFieldFlagBitMaskIsStaticMethod);
  EXPECT_TRUE(Init(PairObj::RuntimeTypeIndex()).same_as(init));
  EXPECT_EQ(init(3, "text").as<PairObj>()->x, 3);
  EXPECT_ERROR(init(1), "TypeError",
               "Mismatched number of arguments when calling: "
               "`refl.Pair.__ffi_init__(0: int, 1: str) -> ffi.Object`. "
               "Expected 2 but got 1 arguments");
}

TEST(CppApi, B86_AutomaticConstructor) {
  const Function init = Init(AutoObj::RuntimeTypeIndex());
  const Any kw = Keywords();
  const Any positional = init(1, "text");
  EXPECT_EQ(positional.as<AutoObj>()->x, 1);
  EXPECT_EQ(positional.as<AutoObj>()->y, "text");
  EXPECT_EQ(positional.as<AutoObj>()->k, 5);
  EXPECT_EQ(positional.as<AutoObj>()->hidden, 9);
  EXPECT_EQ(positional.as<AutoObj>()->list.type_index(), kTVMFFIList);
  const Any by_keyword = init(kw, "k", 7, "x", 2);
  EXPECT_EQ(by_keyword.as<AutoObj>()->x, 2);
  EXPECT_EQ(by_keyword.as<AutoObj>()->y, "fallback");
  EXPECT_EQ(by_keyword.as<AutoObj>()->k, 7);
  EXPECT_EQ(init(1, "text", kw).as<AutoObj>()->x, 1);
  // Each object gets what the factory makes for it.
  EXPECT_FALSE(positional.as<AutoObj>()->list.same_as(by_keyword.as<AutoObj>()->list));
}

TEST(CppApi, B86_AutomaticConstructorRefusals) {
  const Function init = Init(AutoObj::RuntimeTypeIndex());
  const Any kw = Keywords();
  EXPECT_ERROR(init(), "TypeError", "refl.Auto.__ffi_init__() missing required argument: 'x'");
  EXPECT_ERROR(init(1, "a", 3), "TypeError",
               "refl.Auto.__ffi_init__() takes at most 2 positional argument(s), but 3 were given");
  EXPECT_ERROR(init(1, kw, "zz", 1), "TypeError",
               "refl.Auto.__ffi_init__() got an unexpected keyword argument 'zz'");
  EXPECT_ERROR(init(1, kw, "hidden", 1), "TypeError",
               "refl.Auto.__ffi_init__() got an unexpected keyword argument 'hidden'");
  EXPECT_ERROR(init(1, kw, "x", 1), "TypeError",
               "refl.Auto.__ffi_init__() got multiple values for argument 'x'");
  EXPECT_ERROR(init(kw, "x", 1, "x", 2), "TypeError",
               "refl.Auto.__ffi_init__() got multiple values for argument 'x'");
  EXPECT_ERROR(init(1, kw, "y"), "TypeError",
               "refl.Auto.__ffi_init__() KWARGS requires an even number of key-value arguments");
  EXPECT_ERROR(init(kw, 1, 2), "TypeError", "Cannot convert from type `int` to `str`");
  EXPECT_ERROR(init("q"), "TypeError",
               "refl.Auto.__ffi_init__() field 'x':\n"
               "  Cannot convert from type `const char*` to `int`");
}

TEST(CppApi, B86_RequiredFieldsComeBeforeInheritedOptionalOnes) {
  const Any made = Init(AutoChildObj::RuntimeTypeIndex())(1, 2, "text");
  EXPECT_EQ(made.as<AutoChildObj>()->x, 1);
  EXPECT_EQ(made.as<AutoChildObj>()->z, 2);
  EXPECT_EQ(made.as<AutoChildObj>()->y, "text");
}

TEST(Reflection, DefaultsCanBeRestored) {
  Any made = Init(AutoObj::RuntimeTypeIndex())(1, "text");
  const TVMFFIFieldInfo* field = refl::GetFieldInfo("refl.Auto", "y");
  void* address =
      reinterpret_cast<char*>(details::ObjectUnsafe::GetHeader(made.as<AutoObj>())) + field->offset;
  refl::SetFieldToDefault(field, address);
  EXPECT_EQ(made.as<AutoObj>()->y, "fallback");
}

TEST(Reflection, AFieldWithoutSetterIsAnError) {
  TVMFFIFieldInfo field{};
  field.name = refl::AsByteArray("bare");
  int64_t storage = 0;
  const TVMFFIAny value = AnyView(1).CopyToTVMFFIAny();
  EXPECT_EQ(refl::CallFieldSetter(&field, &storage, &value), -1);
  const Error error = details::MoveFromSafeCallRaised();
  EXPECT_EQ(error.kind(), "TypeError");
  EXPECT_EQ(error.message(), "field `bare` cannot be set: it has no setter");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
