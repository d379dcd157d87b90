#include <string>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

int KeyToIndex(std::string_view key, int32_t* index) {
  const TVMFFIByteArray bytes = Bytes(key);
  return TVMFFITypeKeyToIndex(&bytes, index);
}

// A type below `parent`, as inline C++ in a module registers it.
int32_t Alloc(std::string_view key, int32_t parent, int32_t child_slots = 0, bool overflow = true,
              int32_t static_index = -1) {
  const TVMFFIByteArray bytes = Bytes(key);
  const int32_t depth = parent < 0 ? 0 : TVMFFIGetTypeInfo(parent)->type_depth + 1;
  return TVMFFITypeGetOrAllocIndex(&bytes, static_index, depth, child_slots, overflow ? 1 : 0,
                                   parent);
}

struct Builtin {
  int32_t index;
  const char* key;
};
constexpr Builtin kBuiltins[] = {
    {0, "None"},
    {1, "int"},
    {2, "bool"},
    {3, "float"},
    {4, "void*"},
    {5, "DataType"},
    {6, "Device"},
    {7, "DLTensor*"},
    {8, "const char*"},
    {9, "TVMFFIByteArray*"},
    {10, "ObjectRValueRef"},
    {11, "ffi.SmallStr"},
    {12, "ffi.SmallBytes"},
    {64, "ffi.Object"},
    {65, "ffi.String"},
    {66, "ffi.Bytes"},
    {67, "ffi.Error"},
    {68, "ffi.Function"},
    {69, "ffi.Shape"},
    {70, "ffi.Tensor"},
    {71, "ffi.Array"},
    {72, "ffi.Map"},
    {73, "ffi.Module"},
    {74, "ffi.OpaquePyObject"},
    {75, "ffi.List"},
    {76, "ffi.Dict"},
    {77, "ffi.VisitInterrupt"},
};

TEST(CAbi, C053_UnknownTypeKeyIsAnInternalError) {
  int32_t index = 5;
  ExpectRaised(KeyToIndex("nope.T", &index), "InternalError", "Cannot find type `nope.T`");
  EXPECT_EQ(index, 5);
}

TEST(CAbi, C054_BuiltinKeysAndIndicesRoundTrip) {
  for (const Builtin& builtin : kBuiltins) {
    SCOPED_TRACE(builtin.key);
    int32_t index = -1;
    ASSERT_EQ(KeyToIndex(builtin.key, &index), 0);
    EXPECT_EQ(index, builtin.index);
    const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(index);
    EXPECT_EQ(info->type_index, index);
    EXPECT_EQ(Text(info->type_key), builtin.key);
    EXPECT_EQ(info->type_key_hash, std::hash<std::string_view>{}(builtin.key));
    EXPECT_EQ(info->type_depth, index > 64 ? 1 : 0);
    if (index > 64) {
      EXPECT_EQ(info->type_ancestors[0]->type_index, 64);
    }
  }
}

TEST(CAbi, C055_DynamicTypesStartAt128AndKeepTheirIndex) {
  const int32_t index = Alloc("test.c055", kTVMFFIObject);
  EXPECT_GE(index, 128);
  EXPECT_EQ(Alloc("test.c055", kTVMFFIObject), index);
  // All other arguments are ignored for a known key.
  EXPECT_EQ(Alloc("test.c055", kTVMFFIStr, 7, false, 3), index);
}

TEST(CAbi, C056_ChildSlotsComeFirstThenOverflow) {
  const int32_t parent = Alloc("test.c056", kTVMFFIObject, 3);
  EXPECT_EQ(Alloc("test.c056.a", parent), parent + 1);
  EXPECT_EQ(Alloc("test.c056.b", parent), parent + 2);
  EXPECT_EQ(Alloc("test.c056.c", parent), parent + 3);
  const int32_t fourth = Alloc("test.c056.d", parent);
  EXPECT_GT(fourth, parent + 3);

  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(fourth);
  EXPECT_EQ(info->type_depth, 2);
  EXPECT_EQ(info->type_ancestors[0]->type_index, kTVMFFIObject);
  EXPECT_EQ(info->type_ancestors[1], TVMFFIGetTypeInfo(parent));
}

TEST(CAbi, C056_AChildWithSlotsTakesThemFromItsParent) {
  const int32_t parent = Alloc("test.c056n", kTVMFFIObject, 4);
  const int32_t child = Alloc("test.c056n.a", parent, 2);
  EXPECT_EQ(child, parent + 1);
  EXPECT_EQ(Alloc("test.c056n.a.x", child), child + 1);
  EXPECT_EQ(Alloc("test.c056n.b", parent), parent + 4);
}

TEST(CAbi, C057_QueryModeDoesNotRegister) {
  const TVMFFIByteArray key = Bytes("test.c057");
  EXPECT_EQ(TVMFFITypeGetOrAllocIndex(&key, -1, 0, 0, 1, -2), -2);
  EXPECT_EQ(TVMFFITypeGetOrAllocIndex(&key, -1, 0, 0, 1, -2), -2);
  const int32_t index = Alloc("test.c057", kTVMFFIObject);
  EXPECT_EQ(TVMFFITypeGetOrAllocIndex(&key, -1, 0, 0, 1, -2), index);
}

TEST(CAbi, StaticIndicesCanBeClaimed) {
  EXPECT_EQ(Alloc("test.static", kTVMFFIObject, 0, true, 100), 100);
  EXPECT_EQ(Text(TVMFFIGetTypeInfo(100)->type_key), "test.static");
}

// The statement prints what it was and why, and ends the process.
#define EXPECT_FATAL(statement, name, text)              \
  EXPECT_EXIT(statement, ::testing::ExitedWithCode(255), \
              std::string("Exception caught during " name ":.*") + (text))

TEST(CAbiDeathTest, C058_ImpossibleRegistrationsEndTheProcess) {
  EXPECT_FATAL(Alloc("test.c058", kTVMFFIObject, 0, true, 70), "TVMFFITypeGetOrAllocIndex",
               "ffi.Tensor");
  EXPECT_FATAL(Alloc("test.c058", -1), "TVMFFITypeGetOrAllocIndex", "without a parent");
  EXPECT_FATAL(Alloc("test.c058", kTVMFFIStr), "TVMFFITypeGetOrAllocIndex",
               "Reach maximum number of sub-classes for ffi.String");
  EXPECT_FATAL(Alloc("test.c058", kTVMFFIObject, 0, true, 1 << 20), "TVMFFITypeGetOrAllocIndex",
               "indices end");
  const TVMFFIByteArray key = Bytes("test.c058");
  EXPECT_FATAL(TVMFFITypeGetOrAllocIndex(&key, -1, 5, 0, 1, kTVMFFIObject),
               "TVMFFITypeGetOrAllocIndex", "depth is 5");
}

TEST(CAbiDeathTest, C058_ATypeBelowOneThatCannotOverflowCannotEither) {
  const int32_t parent = Alloc("test.c058p", kTVMFFIObject, 2, false);
  const int32_t child = Alloc("test.c058p.a", parent, 0, true);
  EXPECT_FATAL(Alloc("test.c058p.a.x", child), "TVMFFITypeGetOrAllocIndex", "test.c058p.a");
}

// The function is declared pure: a call whose result is not used may be left out.
void KeepResult(const TVMFFITypeInfo* info) { asm volatile("" : : "r"(info)); }

TEST(CAbiDeathTest, C059_UnknownIndicesEndTheProcess) {
  for (int32_t index : {-5, -1, 50, 99999, 2147483647}) {
    EXPECT_FATAL(KeepResult(TVMFFIGetTypeInfo(index)), "TVMFFIGetTypeInfo", std::to_string(index));
  }
}

int GetNothing(void*, TVMFFIAny*) { return 0; }

TVMFFIFieldInfo Field(const char* name) {
  TVMFFIFieldInfo field{};
  field.name = Bytes(name);
  field.doc = Bytes("doc");
  field.metadata = Bytes("{}");
  field.size = 8;
  field.alignment = 8;
  field.offset = 24;
  field.getter = GetNothing;
  field.field_static_type_index = kTVMFFIInt;
  return field;
}

TEST(CAbi, C060_FieldsAreCopiedAndDuplicatesRefused) {
  const int32_t type = Alloc("q.C1", kTVMFFIObject);
  std::string name = "x";
  TVMFFIFieldInfo field = Field(name.c_str());
  EXPECT_EQ(TVMFFITypeRegisterField(type, &field), 0);
  ExpectRaised(TVMFFITypeRegisterField(type, &field), "InternalError",
               "Duplicate field name \"x\" in type \"q.C1\"");
  name[0] = 'y';

  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(type);
  ASSERT_EQ(info->num_fields, 1);
  EXPECT_EQ(Text(info->fields[0].name), "x");
  EXPECT_EQ(Text(info->fields[0].doc), "doc");
  EXPECT_EQ(info->fields[0].default_value_or_factory.type_index, kTVMFFINone);
  ExpectRaised(TVMFFITypeRegisterField(99999, &field), "InternalError", "99999");
  ExpectRaised(TVMFFITypeRegisterField(-3, &field), "InternalError", "-3");
}

TEST(CAbi, C060_ManyFieldsKeepTheirContent) {
  const int32_t type = Alloc("test.many_fields", kTVMFFIObject);
  for (int i = 0; i < 100; ++i) {
    const std::string name = "field" + std::to_string(i);
    const TVMFFIFieldInfo field = Field(name.c_str());
    ASSERT_EQ(TVMFFITypeRegisterField(type, &field), 0);
  }
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(type);
  ASSERT_EQ(info->num_fields, 100);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Text(info->fields[i].name), "field" + std::to_string(i));
  }
}

TEST(CAbi, C060_DefaultsAndSetterFunctionsAreRetained) {
  const int32_t type = Alloc("test.defaults", kTVMFFIObject);
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(
                nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }, nullptr,
                function.out()),
            0);
  TVMFFIFieldInfo field = Field("x");
  field.flags = kTVMFFIFieldFlagBitMaskHasDefault | kTVMFFIFieldFlagBitSetterIsFunctionObj;
  field.default_value_or_factory = RawStr("a default text");
  field.setter = function.get();

  ASSERT_EQ(TVMFFITypeRegisterField(type, &field), 0);

  EXPECT_EQ(StrongCount(function.get()), 2u);
  const TVMFFIAny& kept = TVMFFIGetTypeInfo(type)->fields[0].default_value_or_factory;
  EXPECT_EQ(kept.type_index, kTVMFFIStr);
}

TEST(CAbi, MethodsAreCopiedAndRetained) {
  const int32_t type = Alloc("test.methods", kTVMFFIObject);
  Ref function;
  ASSERT_EQ(TVMFFIFunctionCreate(
                nullptr, [](void*, const TVMFFIAny*, int32_t, TVMFFIAny*) { return 0; }, nullptr,
                function.out()),
            0);
  TVMFFIMethodInfo method{};
  method.name = Bytes("run");
  method.method = View(function.get());

  ASSERT_EQ(TVMFFITypeRegisterMethod(type, &method), 0);

  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(type);
  ASSERT_EQ(info->num_methods, 1);
  EXPECT_EQ(Text(info->methods[0].name), "run");
  EXPECT_EQ(info->methods[0].method.v_obj, function.get());
  EXPECT_EQ(StrongCount(function.get()), 2u);
  ExpectRaised(TVMFFITypeRegisterMethod(50, &method), "InternalError", "50");
}

TEST(CAbi, C061_MetadataIsRegisteredOnce) {
  const int32_t type = Alloc("test.c061", kTVMFFIObject);
  EXPECT_EQ(TVMFFIGetTypeInfo(type)->metadata, nullptr);
  TVMFFITypeMetadata metadata{};
  metadata.doc = Bytes("about");
  metadata.total_size = 40;
  metadata.structural_eq_hash_kind = kTVMFFISEqHashKindTreeNode;
  ASSERT_EQ(TVMFFITypeRegisterMetadata(type, &metadata), 0);

  const TVMFFITypeMetadata* kept = TVMFFIGetTypeInfo(type)->metadata;
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(Text(kept->doc), "about");
  EXPECT_EQ(kept->total_size, 40);
  const int code = TVMFFITypeRegisterMetadata(type, &metadata);
  EXPECT_EQ(code, -1);
  const Raised raised = TakeRaised();
  EXPECT_EQ(raised.kind, "RuntimeError");
  EXPECT_EQ(raised.message.rfind("Overriding test.c061, possible causes:", 0), 0u);
}

const TVMFFITypeAttrColumn* Column(std::string_view name) {
  const TVMFFIByteArray bytes = Bytes(name);
  return TVMFFIGetTypeAttrColumn(&bytes);
}

int RegisterAttr(int32_t type, std::string_view name, TVMFFIAny value) {
  const TVMFFIByteArray bytes = Bytes(name);
  return TVMFFITypeRegisterAttr(type, &bytes, &value);
}

TEST(CAbi, C062_AttributeColumns) {
  EXPECT_EQ(Column("test.c062"), nullptr);
  const int32_t type = Alloc("test.c062", kTVMFFIObject);
  ASSERT_EQ(RegisterAttr(type, "test.c062", Int(7)), 0);

  const TVMFFITypeAttrColumn* column = Column("test.c062");
  ASSERT_NE(column, nullptr);
  EXPECT_EQ(column->begin_index, 0);
  EXPECT_EQ(column->size, type + 1);
  EXPECT_EQ(column->data[type].v_int64, 7);
  EXPECT_EQ(column->data[type - 1].type_index, kTVMFFINone);
  ExpectRaised(RegisterAttr(type, "test.c062", Int(8)), "RuntimeError",
               "TypeAttr `test.c062` is already registered for type index");

  ASSERT_EQ(RegisterAttr(kTVMFFIStr, "test.c062", Int(9)), 0);
  EXPECT_EQ(Column("test.c062"), column);
  EXPECT_EQ(column->size, type + 1);
  EXPECT_EQ(column->data[kTVMFFIStr].v_int64, 9);
  ExpectRaised(RegisterAttr(-3, "test.c062", Int(8)), "InternalError", "-3");
}

TEST(CAbi, C062_NoneOnlyCreatesTheColumn) {
  ASSERT_EQ(RegisterAttr(kTVMFFINone, "test.c062e", None()), 0);
  const TVMFFITypeAttrColumn* column = Column("test.c062e");
  ASSERT_NE(column, nullptr);
  EXPECT_EQ(column->size, 0);
  EXPECT_EQ(column->data, nullptr);
}

TEST(CAbi, C062_TheColumnsAddressIsStable) {
  ASSERT_EQ(RegisterAttr(kTVMFFIStr, "test.stable", Int(1)), 0);
  const TVMFFITypeAttrColumn* column = Column("test.stable");
  for (int i = 0; i < 50; ++i) {
    const int32_t type = Alloc("test.stable" + std::to_string(i), kTVMFFIObject, 100);
    ASSERT_EQ(RegisterAttr(type, "test.stable", Int(i)), 0);
    EXPECT_EQ(column->data[type].v_int64, i);
  }
  EXPECT_EQ(Column("test.stable"), column);
  EXPECT_EQ(column->data[kTVMFFIStr].v_int64, 1);
}

TEST(CAbi, C063_TheBuiltinColumnsExistFromTheStart) {
  for (const char* name :
       {"__any_hash__", "__any_equal__", "__ffi_new__", "__ffi_init__", "__ffi_convert__",
        "__ffi_repr__", "__ffi_shallow_copy__", "__ffi_hash__", "__ffi_eq__", "__ffi_compare__",
        "__s_equal__", "__s_hash__", "__s_visit__", "__data_to_json__", "__data_from_json__",
        "__ffi_enum__"}) {
    EXPECT_NE(Column(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace tvmffi::test
