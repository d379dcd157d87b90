#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstring>
#include <string>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

namespace refl = reflection;

std::string Text(const TVMFFIByteArray& bytes) { return std::string(bytes.data, bytes.size); }

class PointObj : public Object {
 public:
  int64_t x = 0;
  double scale = 1;
  String label;
  Any extra;
  bool visible = true;
  DLDevice device{kDLCPU, 0};

  int64_t Shifted(int64_t by) const { return x + by; }
  void Move(int64_t by) { x += by; }
  int64_t Pick(int64_t) const { return 1; }
  int64_t Pick(String) { return 2; }

  static constexpr bool _type_mutable = true;
  static constexpr TVMFFISEqHashKind _type_s_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  TVM_FFI_DECLARE_OBJECT_INFO("refl.Point", PointObj, Object);
};
class Point : public ObjectRef {
 public:
  int64_t Doubled(int64_t by) const { return 2 * (get()->x + by); }
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(Point, ObjectRef, PointObj);
};
class Point3Obj : public PointObj {
 public:
  int64_t z = 3;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Point3", Point3Obj, PointObj);
};
// The header is not at the start, and there is no default constructor.
class PolymorphicObj : public Object {
 public:
  explicit PolymorphicObj(int64_t value) : value(value) {}
  virtual ~PolymorphicObj() = default;
  int64_t value;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Polymorphic", PolymorphicObj, Object);
};
class UnsafeOnlyObj : public Object {
 public:
  explicit UnsafeOnlyObj(UnsafeInit) {}
  UnsafeOnlyObj(const UnsafeOnlyObj&) = delete;
  int64_t value = 7;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.UnsafeOnly", UnsafeOnlyObj, Object);
};
class QuietObj : public Object {
 public:
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Quiet", QuietObj, Object);
};

class DuplicateObj : public Object {
 public:
  int64_t x = 0;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("refl.Duplicate", DuplicateObj, Object);
};

const char* const kVariableText = "not documentation";

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<PointObj>("A point.")
      .def_rw("x", &PointObj::x, "The abscissa.")
      .def_rw("scale", &PointObj::scale, refl::default_value(2),
              refl::Metadata{{"k", 1}, {"b", true}, {"s", "x\"y"}})
      .def_rw("label", &PointObj::label, refl::DefaultValue("none"), refl::kw_only(true),
              refl::repr(false), refl::compare(false), refl::hash(false))
      .def_rw("extra", &PointObj::extra, refl::init(false),
              refl::default_factory([] { return Array<Any>{1}; }))
      .def_ro("visible", &PointObj::visible, kVariableText, std::string("ignored too"),
              refl::default_value(true), refl::AttachFieldFlag::SEqHashIgnore(),
              refl::AttachFieldFlag::SEqHashDefRecursive(),
              refl::AttachFieldFlag::SEqHashDefNonRecursive())
      .def_ro("device", &PointObj::device, refl::init(true), refl::kw_only(false),
              refl::default_value(DLDevice{kDLCUDA, 1}))
      .def("shifted", &PointObj::Shifted, "Moved.", refl::Metadata{{"pure", true}})
      .def("move", &PointObj::Move)
      .def("pick_int", refl::overload_cast<int64_t>(&PointObj::Pick, refl::const_))
      .def("pick_text", refl::overload_cast<String>(&PointObj::Pick))
      .def("free", [](const Point& self, int64_t by) { return self->x * by; })
      .def_static("zero", [] { return Point(make_object<PointObj>()); })
      .def_type_attr("refl.answer", 42)
      .def_type_attr("refl.twice", [](int64_t value) { return 2 * value; })
      .def_convert<Point>();
  refl::ObjectDef<Point3Obj>().def_ro("z", &Point3Obj::z).def("shifted3", &PointObj::Shifted);
  refl::ObjectDef<PolymorphicObj>().def_ro("value", &PolymorphicObj::value);
  refl::ObjectDef<UnsafeOnlyObj>().def_ro("value", &UnsafeOnlyObj::value);
  refl::ObjectDef<QuietObj>(refl::init(false));
  refl::GlobalDef()
      .def(
          "refl.add", [](int64_t a, int64_t b) { return a + b; }, "Adds.",
          refl::Metadata{{"k", 1}, {"b", true}, {"s", "x\"y"}})
      .def_packed("refl.count", [](PackedArgs args, Any* result) { *result = args.size(); })
      .def_method("refl.point_shifted", &PointObj::Shifted)
      .def_method("refl.point_doubled", &Point::Doubled);
}

Point MakePoint(int64_t x) {
  ObjectPtr<PointObj> obj = make_object<PointObj>();
  obj->x = x;
  return Point(std::move(obj));
}

String GlobalMetadata(const char* name) {
  return Function::GetGlobalRequired("ffi.GetGlobalFuncMetadata")(name).cast<String>();
}

TEST(CppApi, B83_FieldsAreReadAndSetByName) {
  const Point point = MakePoint(4);
  const refl::FieldGetter get("refl.Point", "x");
  const refl::FieldSetter set("refl.Point", "x");
  EXPECT_EQ(get(point).cast<int64_t>(), 4);
  set(point, 9);
  EXPECT_EQ(point->x, 9);
  EXPECT_ERROR(set(point, "text"), "TypeError", "Cannot convert from type `const char*` to `int`");
  EXPECT_EQ(point->x, 9);
  EXPECT_ERROR(refl::FieldSetter("refl.Point", "nope"), "RuntimeError",
               "Cannot find field  `nope` in refl.Point");
  // No prefix match, and inherited fields belong to the ancestor.
  EXPECT_ERROR(refl::GetFieldInfo("refl.Point", "scal"), "RuntimeError",
               "Cannot find field  `scal` in refl.Point");
  EXPECT_ERROR(refl::FieldGetter("refl.Point3", "x"), "RuntimeError",
               "Cannot find field  `x` in refl.Point3");
  EXPECT_ERROR(refl::GetMethod("refl.Point", "nope"), "RuntimeError",
               "Cannot find method nope in refl.Point");
  EXPECT_ERROR_CONTAINS(refl::GetFieldInfo("no.such", "x"), "InternalError",
                        "Cannot find type `no.such`");
  EXPECT_ERROR(refl::TypeAttrColumn("no.such.column"), "RuntimeError",
               "Cannot find type attribute no.such.column");
}

TEST(CppApi, B83_ReadOnlyFieldsAreSetThroughReflection) {
  const Point point = MakePoint(1);
  refl::FieldSetter("refl.Point", "visible")(point, false);
  EXPECT_FALSE(point->visible);
}

TEST(CppApi, B88_ASecondRegistrationIsRefused) {
  EXPECT_ERROR_CONTAINS(refl::ObjectDef<PointObj>(), "RuntimeError",
                        "Overriding refl.Point, possible causes:");
  EXPECT_ERROR_CONTAINS(
      refl::ObjectDef<DuplicateObj>().def_ro("x", &DuplicateObj::x).def_ro("x", &DuplicateObj::x),
      "InternalError", "Duplicate field name \"x\" in type \"refl.Duplicate\"");
}

TEST(CppApi, B90_MetadataFollowsTheSchemaInOrder) {
  EXPECT_EQ(GlobalMetadata("refl.add"),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"int\"},)"
            R"({\"type\":\"int\"},{\"type\":\"int\"}]}","k":1,"b":true,"s":"x\"y"})");
  EXPECT_EQ(GlobalMetadata("refl.count"), R"({"type_schema":"{\"type\":\"ffi.Function\"}"})");
  EXPECT_EQ(Text(refl::GetFieldInfo("refl.Point", "scale")->metadata),
            R"({"type_schema":"{\"type\":\"float\"}","k":1,"b":true,"s":"x\"y"})");
  EXPECT_EQ(Text(refl::GetMethodInfo("refl.Point", "shifted")->metadata),
            R"({"type_schema":"{\"type\":\"ffi.Function\",\"args\":[{\"type\":\"int\"},)"
            R"({\"type\":\"refl.Point\"},{\"type\":\"int\"}]}","pure":true})");
  EXPECT_ERROR(refl::GlobalDef().def(
                   "refl.bad", [] {}, refl::Metadata{{"k", 1.5}}),
               "TypeError",
               "Metadata can be only int, bool or string, but on key `k`, the type is float");
  EXPECT_FALSE(Function::GetGlobal("refl.bad").has_value());
}

TEST(Reflection, TypeMetadata) {
  const TVMFFITypeMetadata* point = TVMFFIGetTypeInfo(PointObj::RuntimeTypeIndex())->metadata;
  ASSERT_NE(point, nullptr);
  EXPECT_EQ(Text(point->doc), "A point.");
  EXPECT_EQ(point->total_size, static_cast<int32_t>(sizeof(PointObj)));
  EXPECT_EQ(point->structural_eq_hash_kind, kTVMFFISEqHashKindTreeNode);
  EXPECT_NE(point->creator, nullptr);
  EXPECT_EQ(TVMFFIGetTypeInfo(PolymorphicObj::RuntimeTypeIndex())->metadata->creator, nullptr);
}

struct ExpectedField {
  const char* name;
  int64_t flags;
  int32_t static_type_index;
  int64_t size;
  int32_t default_type_index;
  const char* doc;
};

TEST(Reflection, FieldTraitsBecomeFlags) {
  const ExpectedField expected[] = {
      {"x", 1, kTVMFFIInt, 8, kTVMFFINone, "The abscissa."},
      {"scale", 1 | 2, kTVMFFIFloat, 8, kTVMFFIInt, ""},
      {"label", 1 | 2 | 1024 | 64 | 128 | 256, kTVMFFIAny, 16, kTVMFFISmallStr, ""},
      {"extra", 1 | 2 | 32 | 512, kTVMFFIAny, 16, kTVMFFIFunction, ""},
      {"visible", 2 | 8 | 16 | 4096, kTVMFFIBool, 1, kTVMFFIBool, ""},
      {"device", 2, kTVMFFIDevice, 8, kTVMFFIDevice, ""},
  };
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(PointObj::RuntimeTypeIndex());
  ASSERT_EQ(info->num_fields, 6);
  for (int i = 0; i < 6; ++i) {
    const TVMFFIFieldInfo& field = info->fields[i];
    SCOPED_TRACE(expected[i].name);
    EXPECT_EQ(Text(field.name), expected[i].name);
    EXPECT_EQ(field.flags, expected[i].flags);
    EXPECT_EQ(field.field_static_type_index, expected[i].static_type_index);
    EXPECT_EQ(field.size, expected[i].size);
    EXPECT_EQ(field.default_value_or_factory.type_index, expected[i].default_type_index);
    EXPECT_EQ(Text(field.doc), expected[i].doc);
    EXPECT_NE(field.getter, nullptr);
    EXPECT_NE(field.setter, nullptr);
  }
}

TEST(Reflection, OffsetsCountFromTheHeader) {
  EXPECT_EQ(refl::GetFieldInfo("refl.Point", "x")->offset, 24);
  EXPECT_EQ(refl::GetFieldByteOffsetToObject(&PolymorphicObj::value), 24);
  const ObjectPtr<PolymorphicObj> obj = make_object<PolymorphicObj>(5);
  EXPECT_EQ(refl::FieldGetter("refl.Polymorphic", "value")(obj.get()).cast<int64_t>(), 5);
}

TEST(Reflection, Methods) {
  const Point point = MakePoint(4);
  EXPECT_EQ(refl::GetMethod("refl.Point", "shifted")(point, 1).cast<int64_t>(), 5);
  refl::GetMethod("refl.Point", "move")(point, 6);
  EXPECT_EQ(point->x, 10);
  EXPECT_EQ(refl::GetMethod("refl.Point", "pick_int")(point, 0).cast<int64_t>(), 1);
  EXPECT_EQ(refl::GetMethod("refl.Point", "pick_text")(point, "a").cast<int64_t>(), 2);
  EXPECT_EQ(refl::GetMethod("refl.Point", "free")(point, 3).cast<int64_t>(), 30);
  EXPECT_EQ(refl::GetMethod("refl.Point", "zero")().cast<Point>()->x, 0);
  EXPECT_EQ(refl::GetMethodInfo("refl.Point", "shifted")->flags, 0);
  EXPECT_EQ(Text(refl::GetMethodInfo("refl.Point", "shifted")->doc), "Moved.");
  EXPECT_EQ(refl::GetMethodInfo("refl.Point", "zero")->flags,
            kTVMFFIFieldFlagBitMaskIsStaticMethod);
  EXPECT_ERROR_CONTAINS(refl::GetMethod("refl.Point", "shifted")(point), "TypeError",
                        "`refl.Point.shifted(0: refl.Point, 1: int) -> int`. Expected 2 but got 1");
  // A method of a base takes any object of the base.
  EXPECT_EQ(refl::GetMethod("refl.Point3", "shifted3")(point, 1).cast<int64_t>(), 11);
}

TEST(Reflection, GlobalFunctions) {
  const Point point = MakePoint(4);
  EXPECT_EQ(Function::GetGlobalRequired("refl.add")(1, 2).cast<int64_t>(), 3);
  EXPECT_EQ(Function::GetGlobalRequired("refl.count")(1, 2, 3).cast<int64_t>(), 3);
  EXPECT_EQ(Function::GetGlobalRequired("refl.point_shifted")(point, 1).cast<int64_t>(), 5);
  EXPECT_EQ(Function::GetGlobalRequired("refl.point_doubled")(point, 1).cast<int64_t>(), 10);
  EXPECT_ERROR_CONTAINS(Function::GetGlobalRequired("refl.add")(1), "TypeError",
                        "`refl.add(0: int, 1: int) -> int`. Expected 2 but got 1 arguments");
  EXPECT_ERROR_CONTAINS(refl::GlobalDef().def("refl.add", [] {}), "RuntimeError",
                        "Global Function `refl.add` is already registered, possible causes:");
}

TEST(Reflection, TypeAttributes) {
  const int32_t point = PointObj::RuntimeTypeIndex();
  EXPECT_EQ(refl::TypeAttrColumn("refl.answer")[point].cast<int64_t>(), 42);
  const Function twice = refl::TypeAttrColumn("refl.twice")[point].cast<Function>();
  EXPECT_EQ(twice(4).cast<int64_t>(), 8);
  EXPECT_ERROR_CONTAINS(twice("x"), "TypeError", "`refl.Point.refl.twice(0: int) -> int`");
  // Not inherited.
  EXPECT_TRUE(refl::TypeAttrColumn("refl.answer")[Point3Obj::RuntimeTypeIndex()] == nullptr);
  EXPECT_TRUE(refl::TypeAttrColumn("refl.answer")[-5] == nullptr);

  refl::TypeAttrDef<QuietObj>().attr("refl.answer", "text").def("refl.twice", [](int64_t value) {
    return 3 * value;
  });
  EXPECT_EQ(refl::TypeAttrColumn("refl.answer")[QuietObj::RuntimeTypeIndex()].cast<String>(),
            "text");
  EXPECT_ERROR_CONTAINS(refl::TypeAttrDef<QuietObj>().attr("refl.answer", 1), "RuntimeError",
                        "TypeAttr `refl.answer` is already registered for type index " +
                            std::to_string(QuietObj::RuntimeTypeIndex()) + ".");

  refl::EnsureTypeAttrColumn("refl.empty");
  EXPECT_TRUE(refl::TypeAttrColumn("refl.empty")[point] == nullptr);
}

TEST(Reflection, ConvertAttribute) {
  const Function convert =
      refl::TypeAttrColumn(refl::type_attr::kConvert)[PointObj::RuntimeTypeIndex()]
          .cast<Function>();
  const Point point = MakePoint(1);
  EXPECT_TRUE(convert(point).cast<Point>().same_as(point));
  EXPECT_TRUE(convert(nullptr) == nullptr);
  EXPECT_ERROR(convert(1), "TypeError", "Cannot cast from `int` to `refl.Point`");
}

bool HasAttr(const char* column, int32_t type_index) {
  return refl::TypeAttrColumn(column)[type_index] != nullptr;
}

TEST(Reflection, TheDestructorAddsWhatTheClassAllows) {
  const int32_t point = PointObj::RuntimeTypeIndex();
  EXPECT_TRUE(HasAttr("__ffi_new__", point));
  EXPECT_TRUE(HasAttr("__ffi_init__", point));
  EXPECT_TRUE(HasAttr("__ffi_shallow_copy__", point));
  const int32_t polymorphic = PolymorphicObj::RuntimeTypeIndex();
  EXPECT_FALSE(HasAttr("__ffi_new__", polymorphic));
  EXPECT_FALSE(HasAttr("__ffi_init__", polymorphic));
  EXPECT_TRUE(HasAttr("__ffi_shallow_copy__", polymorphic));
  const int32_t unsafe_only = UnsafeOnlyObj::RuntimeTypeIndex();
  EXPECT_TRUE(HasAttr("__ffi_new__", unsafe_only));
  EXPECT_TRUE(HasAttr("__ffi_init__", unsafe_only));
  EXPECT_FALSE(HasAttr("__ffi_shallow_copy__", unsafe_only));
  const int32_t quiet = QuietObj::RuntimeTypeIndex();
  EXPECT_TRUE(HasAttr("__ffi_new__", quiet));
  EXPECT_FALSE(HasAttr("__ffi_init__", quiet));
  // The automatic constructor is no method.
  EXPECT_ERROR(refl::GetMethod("refl.Point", "__ffi_init__"), "RuntimeError",
               "Cannot find method __ffi_init__ in refl.Point");
}

TEST(Reflection, ShallowCopiesShareWhatFieldsReferTo) {
  const Function copy =
      refl::TypeAttrColumn("__ffi_shallow_copy__")[PointObj::RuntimeTypeIndex()].cast<Function>();
  const Point point = MakePoint(4);
  const Array<int64_t> shared{1, 2};
  refl::FieldSetter("refl.Point", "extra")(point, shared);
  EXPECT_EQ(shared.use_count(), 2);

  Point copied = copy(point).cast<Point>();
  EXPECT_FALSE(copied.same_as(point));
  EXPECT_EQ(copied->x, 4);
  EXPECT_EQ(copied.use_count(), 1);
  EXPECT_EQ(shared.use_count(), 3);
  copied = Point();
  EXPECT_EQ(shared.use_count(), 2);
}

TEST(Reflection, EveryBuiltinColumnExistsAtLoad) {
  for (const char* name :
       {refl::type_attr::kNew, refl::type_attr::kInit, refl::type_attr::kConvert,
        refl::type_attr::kShallowCopy, refl::type_attr::kRepr, refl::type_attr::kHash,
        refl::type_attr::kEq, refl::type_attr::kCompare, refl::type_attr::kAnyHash,
        refl::type_attr::kAnyEqual, refl::type_attr::kSHash, refl::type_attr::kSEqual,
        refl::type_attr::kStructuralVisit, refl::type_attr::kDataToJson,
        refl::type_attr::kDataFromJson, refl::type_attr::kEnumState}) {
    EXPECT_NO_THROW(refl::TypeAttrColumn{name}) << name;
  }
  const TVMFFIByteArray absent = refl::AsByteArray(refl::type_attr::kConvertTypeSchema);
  EXPECT_EQ(TVMFFIGetTypeAttrColumn(&absent), nullptr);
}

TEST(Reflection, FieldsAreVisitedAncestorsFirst) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(Point3Obj::RuntimeTypeIndex());
  std::string names;
  refl::ForEachFieldInfo(info,
                         [&](const TVMFFIFieldInfo* field) { names += Text(field->name) + " "; });
  EXPECT_EQ(names, "x scale label extra visible device z ");

  names.clear();
  const auto stop_at_label = [&](const TVMFFIFieldInfo* field) {
    names += Text(field->name) + " ";
    return Text(field->name) == "label";
  };
  EXPECT_TRUE(refl::ForEachFieldInfoWithEarlyStop(info, stop_at_label));
  EXPECT_EQ(names, "x scale label ");
  EXPECT_FALSE(refl::ForEachFieldInfoWithEarlyStop(TVMFFIGetTypeInfo(kTVMFFIObject),
                                                   [](const TVMFFIFieldInfo*) { return true; }));
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
