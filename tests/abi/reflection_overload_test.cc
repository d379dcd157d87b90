#include <gtest/gtest.h>
#include <tvm/ffi/reflection/overload.h>
#include <tvm/ffi/tvm_ffi.h>

#include <string>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

namespace refl = reflection;

class OverObj : public Object {
 public:
  int64_t x = 0;
  OverObj() = default;
  explicit OverObj(int64_t x) : x(x) {}
  OverObj(int64_t x, const String& text) : x(x + static_cast<int64_t>(text.size())) {}
  int64_t Add(int64_t y) const { return x + y; }
  String Add(String text) const { return text + "!"; }
  int64_t Only(int64_t y) const { return y; }
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Over", OverObj, Object);
};
class Over : public ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Over, ObjectRef, OverObj);
};

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::OverloadObjectDef<OverObj>("Overloads.")
      .def_ro("x", &OverObj::x)
      .def(refl::init<int64_t>())
      .def(refl::init<int64_t, String>())
      .def("add", refl::overload_cast<int64_t>(&OverObj::Add, refl::const_), "Adds.")
      .def("add", refl::overload_cast<String>(&OverObj::Add, refl::const_),
           refl::Metadata{{"k", 1}})
      .def("only", &OverObj::Only)
      .def_static("make", [](int64_t a) { return a; })
      .def_static("make", [](int64_t a, int64_t b) { return a + b; })
      .def_static("fail", [](int64_t) { TVM_FFI_THROW(ValueError) << "from inside"; })
      .def_static("fail", [](const String&) {})
      .def_type_attr("refl.over", 1);
}

Over MakeOver(int64_t x) { return Over(make_object<OverObj>(x)); }

TEST(CppApi, B87_OverloadsDispatchByConversion) {
  const Function add = refl::GetMethod("refl.Over", "add");
  const Over over = MakeOver(1);
  EXPECT_EQ(add(over, 2).cast<int64_t>(), 3);
  EXPECT_EQ(add(over, "hey").cast<String>(), "hey!");
  EXPECT_ERROR(add(over, 1.5), "TypeError",
               "No matching overload found when calling: `refl.Over.add` with 2 arguments:\n"
               "Overload #0: Mismatched type on argument #1 when calling: `refl.Over.add "
               "(0: refl.Over, 1: int) -> int`. Expected `int` but got `float`\n"
               "Overload #1: Mismatched type on argument #1 when calling: `refl.Over.add "
               "(0: refl.Over, 1: str) -> str`. Expected `str` but got `float`");
}

TEST(CppApi, B87_StaticOverloadsDispatchByArity) {
  const Function make = refl::GetMethod("refl.Over", "make");
  EXPECT_EQ(make(1).cast<int64_t>(), 1);
  EXPECT_EQ(make(1, 2).cast<int64_t>(), 3);
  EXPECT_ERROR(make(), "TypeError",
               "No matching overload found when calling: `refl.Over.make` with 0 arguments:\n"
               "Overload #0: Mismatched number of arguments when calling: `refl.Over.make "
               "(0: int) -> int`. Expected 1 arguments\n"
               "Overload #1: Mismatched number of arguments when calling: `refl.Over.make "
               "(0: int, 1: int) -> int`. Expected 2 arguments");
}

TEST(CppApi, B87_ASingleCandidateHasThePlainError) {
  EXPECT_ERROR(refl::GetMethod("refl.Over", "only")(), "TypeError",
               "Mismatched number of arguments when calling: `refl.Over.only(0: refl.Over, 1: int) "
               "-> int`. Expected 2 but got 0 arguments");
}

TEST(CppApi, B87_ConstructorsOverload) {
  const Function init =
      refl::TypeAttrColumn(refl::type_attr::kInit)[OverObj::RuntimeTypeIndex()].cast<Function>();
  EXPECT_EQ(init(5).cast<Over>()->x, 5);
  EXPECT_EQ(init(5, "abc").cast<Over>()->x, 8);
  EXPECT_ERROR_CONTAINS(init("x"), "TypeError",
                        "Overload #0: Mismatched type on argument #0 when calling: "
                        "`refl.Over.__ffi_init__ (0: int) -> ffi.Object`");
}

TEST(Reflection, EveryOverloadHasAMethodEntry) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(OverObj::RuntimeTypeIndex());
  const auto name = [&](int i) {
    return std::string(info->methods[i].name.data, info->methods[i].name.size);
  };
  const auto metadata = [&](int i) {
    return std::string(info->methods[i].metadata.data, info->methods[i].metadata.size);
  };
  ASSERT_EQ(info->num_methods, 9);
  EXPECT_EQ(name(0), "__ffi_init__");
  EXPECT_EQ(name(1), "__ffi_init__");
  EXPECT_EQ(info->methods[0].method.v_obj, info->methods[1].method.v_obj);
  EXPECT_EQ(name(3), "add");
  EXPECT_EQ(metadata(3),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"ffi.String\"},)"
            R"({\"type\":\"refl.Over\"},{\"type\":\"ffi.String\"}]}","k":1})");
}

TEST(Reflection, AnErrorOfTheChosenOverloadIsNotAMismatch) {
  EXPECT_ERROR(refl::GetMethod("refl.Over", "fail")(1), "ValueError", "from inside");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
