// What the built-in types say of themselves right after the library is loaded: c-abi.md 3.2, 3.11.
#include <gtest/gtest.h>
#include <tvm/ffi/any.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/abi/expect_error.h"

namespace tvm {
namespace ffi {
namespace {

struct FieldRow {
  const char* name;
  int64_t offset;
  int64_t size;
  int64_t flags;
  int32_t static_type_index;
  const char* type;
};

struct MethodRow {
  const char* name;
  int64_t flags;
  // Result first; a receiver is the first argument.
  const char* type;
};

struct TypeRow {
  const char* key;
  const char* parent;
  int32_t total_size;
  bool has_creator;
  TVMFFISEqHashKind kind;
  std::vector<FieldRow> fields;
  std::vector<MethodRow> methods;
};

constexpr int64_t kStatic = kTVMFFIFieldFlagBitMaskIsStaticMethod;
constexpr auto kUnsupported = kTVMFFISEqHashKindUnsupported;
constexpr auto kConstTree = kTVMFFISEqHashKindConstTreeNode;
constexpr auto kUnique = kTVMFFISEqHashKindUniqueInstance;

const std::vector<TypeRow>& Table() {
  static const auto* table = new std::vector<TypeRow>{
      {"ffi.Object", nullptr, 24, false, kUnsupported, {}, {}},
      {"ffi.Module",
       "ffi.Object",
       48,
       false,
       kUnsupported,
       {{"imports_", 24, 8, 0, 71, "ffi.Array<Any>"}},
       {}},
      {"ffi.VisitInterrupt",
       "ffi.Object",
       40,
       true,
       kUnsupported,
       {{"value", 24, 16, 2, -1, "Any"}},
       {}},
      {"ffi.EnumState",
       "ffi.Object",
       48,
       true,
       kUnsupported,
       {{"entries", 24, 8, 512, 75, "ffi.List<ffi.Object>"},
        {"indexes", 32, 8, 512, 64, "ffi.Dict<Any,ffi.Object>"},
        {"attrs", 40, 8, 512, 64, "ffi.Dict<ffi.String,ffi.Dict<ffi.Object,Any>>"}},
       {{"__ffi_init__", kStatic, "ffi.Function<ffi.Object>"}}},
      {"ffi.Enum",
       "ffi.Object",
       48,
       true,
       kUnique,
       {{"_int_index", 24, 8, 8, 1, "int"}, {"_str_index", 32, 16, 0, -1, "ffi.String"}},
       {}},
      {"ffi.IntEnum", "ffi.Enum", 48, true, kUnique, {{"value", 24, 8, 520, 1, "int"}}, {}},
      {"ffi.StrEnum",
       "ffi.Enum",
       48,
       true,
       kUnique,
       {{"value", 32, 16, 520, -1, "ffi.String"}},
       {}},
      {"ffi.reflection.AccessStep",
       "ffi.Object",
       48,
       true,
       kConstTree,
       {{"kind", 24, 4, 0, 1, "int"}, {"key", 32, 16, 0, -1, "Any"}},
       {}},
#define PATH "ffi.reflection.AccessPath"
#define STEP "ffi.reflection.AccessStep"
      {PATH,
       "ffi.Object",
       48,
       true,
       kConstTree,
       {{"parent", 24, 8, 0, -1, "Optional<ffi.Object>"},
        {"step", 32, 8, 0, -1, "Optional<" STEP ">"},
        {"depth", 40, 4, 0, 1, "int"}},
       {{"_root", kStatic, "ffi.Function<" PATH ">"},
        {"_extend", 0, "ffi.Function<" PATH "," PATH "," STEP ">"},
        {"_attr", 0, "ffi.Function<" PATH "," PATH ",ffi.String>"},
        {"_array_item", 0, "ffi.Function<" PATH "," PATH ",int>"},
        {"_map_item", 0, "ffi.Function<" PATH "," PATH ",Any>"},
        {"_attr_missing", 0, "ffi.Function<" PATH "," PATH ",ffi.String>"},
        {"_array_item_missing", 0, "ffi.Function<" PATH "," PATH ",int>"},
        {"_map_item_missing", 0, "ffi.Function<" PATH "," PATH ",Any>"},
        {"_is_prefix_of", 0, "ffi.Function<bool," PATH "," PATH ">"},
        {"_path_equal", 0, "ffi.Function<bool," PATH "," PATH ">"},
        {"_to_steps", 0, "ffi.Function<ffi.Array<" STEP ">," PATH ">"}}},
#undef PATH
#undef STEP
      {"ffi.StructuralKey",
       "ffi.Object",
       48,
       true,
       kUnsupported,
       {{"key", 24, 16, 0, -1, "Any"}, {"hash_i64", 40, 8, 0, 1, "int"}},
       {{"__ffi_init__", kStatic, "ffi.Function<ffi.Object,Any>"}}},
      {"ffi.StructuralVisitor", "ffi.Object", 40, false, kUnsupported, {}, {}},
      {"ffi.VisitErrorContext",
       "ffi.Object",
       40,
       true,
       kUnsupported,
       {{"reverse_visit_pattern", 24, 8, 0, 75, "ffi.List<ffi.Object>"},
        {"prev_error_context", 32, 8, 0, -1, "Optional<ffi.Object>"}},
       {}},
  };
  return *table;
}

std::string_view View(const TVMFFIByteArray& bytes) {
  return std::string_view(bytes.data, bytes.size);
}

// The schema of a type written as `Name` or `Name<Arg,Arg>`, read from the front of `type`.
std::string TakeSchema(std::string_view* type) {
  const size_t end = std::min(type->find_first_of("<,>"), type->size());
  std::string schema = "{\"type\":\"" + std::string(type->substr(0, end)) + "\"";
  type->remove_prefix(end);
  if (!type->empty() && type->front() == '<') {
    schema += ",\"args\":[";
    do {
      type->remove_prefix(1);
      schema += TakeSchema(type);
      if (type->front() == ',') schema += ',';
    } while (type->front() == ',');
    type->remove_prefix(1);
    schema += "]";
  }
  return schema + "}";
}

std::string MetadataOf(std::string_view type) {
  return details::FunctionMetadata(TakeSchema(&type));
}

const TVMFFITypeInfo* InfoOf(std::string_view key) {
  return TVMFFIGetTypeInfo(TypeKeyToIndex(key));
}

TEST(CAbi, Section3_11_MetadataAndParents) {
  for (const TypeRow& type : Table()) {
    SCOPED_TRACE(type.key);
    const TVMFFITypeInfo* info = InfoOf(type.key);
    ASSERT_NE(info->metadata, nullptr);
    EXPECT_EQ(info->metadata->total_size, type.total_size);
    EXPECT_EQ(info->metadata->creator != nullptr, type.has_creator);
    EXPECT_EQ(info->metadata->structural_eq_hash_kind, type.kind);
    if (type.parent == nullptr) {
      EXPECT_EQ(info->type_depth, 0);
      continue;
    }
    const TVMFFITypeInfo* parent = InfoOf(type.parent);
    ASSERT_EQ(info->type_depth, parent->type_depth + 1);
    EXPECT_EQ(info->type_ancestors[parent->type_depth], parent);
  }
}

TEST(CAbi, Section3_11_Fields) {
  for (const TypeRow& type : Table()) {
    const TVMFFITypeInfo* info = InfoOf(type.key);
    ASSERT_EQ(info->num_fields, static_cast<int32_t>(type.fields.size())) << type.key;
    for (int32_t i = 0; i < info->num_fields; ++i) {
      const FieldRow& expected = type.fields[static_cast<size_t>(i)];
      const TVMFFIFieldInfo& field = info->fields[i];
      SCOPED_TRACE(std::string(type.key) + "." + expected.name);
      EXPECT_EQ(View(field.name), expected.name);
      EXPECT_EQ(field.offset, expected.offset);
      EXPECT_EQ(field.size, expected.size);
      EXPECT_EQ(field.alignment, expected.size < 8 ? expected.size : 8);
      EXPECT_EQ(field.flags, expected.flags);
      EXPECT_EQ(field.field_static_type_index, expected.static_type_index);
      EXPECT_EQ(View(field.metadata), MetadataOf(expected.type));
      EXPECT_EQ(field.default_value_or_factory.type_index, kTVMFFINone);
      EXPECT_NE(field.getter, nullptr);
      EXPECT_NE(field.setter, nullptr);
    }
  }
}

TEST(CAbi, Section3_11_Methods) {
  const TVMFFIByteArray init{"__ffi_init__", 12};
  const TVMFFITypeAttrColumn* init_column = TVMFFIGetTypeAttrColumn(&init);
  ASSERT_NE(init_column, nullptr);
  for (const TypeRow& type : Table()) {
    const TVMFFITypeInfo* info = InfoOf(type.key);
    ASSERT_EQ(info->num_methods, static_cast<int32_t>(type.methods.size())) << type.key;
    for (int32_t i = 0; i < info->num_methods; ++i) {
      const TVMFFIMethodInfo& method = info->methods[i];
      const auto row = std::find_if(type.methods.begin(), type.methods.end(),
                                    [&](const auto& m) { return View(method.name) == m.name; });
      SCOPED_TRACE(std::string(type.key) + "." + std::string(View(method.name)));
      ASSERT_NE(row, type.methods.end());
      const MethodRow& expected = *row;
      EXPECT_EQ(method.flags, expected.flags);
      EXPECT_EQ(View(method.metadata), MetadataOf(expected.type));
      ASSERT_EQ(method.method.type_index, kTVMFFIFunction);
      if (View(method.name) == "__ffi_init__") {
        ASSERT_LT(info->type_index, init_column->size);
        EXPECT_EQ(init_column->data[info->type_index].v_obj, method.method.v_obj);
      }
    }
  }
}

TEST(CAbi, Section3_11_OtherTypesSayNothing) {
  for (int32_t index = 1; index <= kTVMFFIDict; ++index) {
    if (index == 13) index = kTVMFFIStr;
    if (index == kTVMFFIModule) continue;
    SCOPED_TRACE(index);
    const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(index);
    EXPECT_EQ(info->metadata, nullptr);
    EXPECT_EQ(info->num_fields, 0);
    EXPECT_EQ(info->num_methods, 0);
  }
}

// The keys of the types with an entry of this kind.
std::set<std::string> EntriesOf(const char* name, int32_t entry_type_index) {
  const TVMFFIByteArray bytes{name, std::char_traits<char>::length(name)};
  const TVMFFITypeAttrColumn* column = TVMFFIGetTypeAttrColumn(&bytes);
  std::set<std::string> keys;
  if (column == nullptr) {
    ADD_FAILURE() << "no column " << name;
    return keys;
  }
  EXPECT_EQ(column->begin_index, 0);
  for (int32_t i = 0; i < column->size; ++i) {
    if (column->data[i].type_index == kTVMFFINone) continue;
    const std::string key = TypeIndexToTypeKey(i);
    // Types of other tests in this process.
    if (key.compare(0, 4, "ffi.") != 0) continue;
    EXPECT_EQ(column->data[i].type_index, entry_type_index) << name << " of " << key;
    keys.insert(key);
  }
  return keys;
}

TEST(CAbi, Section3_2_AttributeColumnsOfBuiltInTypes) {
  using Keys = std::set<std::string>;
  const Keys new_types = {"ffi.VisitInterrupt",
                          "ffi.EnumState",
                          "ffi.StructuralKey",
                          "ffi.VisitErrorContext",
                          "ffi.Enum",
                          "ffi.IntEnum",
                          "ffi.StrEnum",
                          "ffi.reflection.AccessStep",
                          "ffi.reflection.AccessPath"};
  EXPECT_EQ(EntriesOf("__ffi_new__", kTVMFFIFunction), new_types);
  Keys copied_types = new_types;
  copied_types.insert({"ffi.StructuralVisitor", "ffi.StructuralMutator"});
  EXPECT_EQ(EntriesOf("__ffi_shallow_copy__", kTVMFFIFunction), copied_types);
  EXPECT_EQ(
      EntriesOf("__ffi_init__", kTVMFFIFunction),
      Keys({"ffi.VisitInterrupt", "ffi.EnumState", "ffi.StructuralKey", "ffi.VisitErrorContext"}));
  EXPECT_EQ(EntriesOf("__ffi_convert__", kTVMFFIFunction),
            Keys({"ffi.Object", "ffi.String", "ffi.Bytes", "ffi.Error", "ffi.Function", "ffi.Shape",
                  "ffi.Tensor", "ffi.Array", "ffi.Map", "ffi.List", "ffi.Dict", "ffi.IntEnum",
                  "ffi.StrEnum"}));
  EXPECT_EQ(EntriesOf("__ffi_repr__", kTVMFFIFunction),
            Keys({"ffi.reflection.AccessStep", "ffi.reflection.AccessPath"}));
  // Functions, where the sheet says OpaquePtr: what a pointer returns is not the same in all
  // releases.
  EXPECT_EQ(EntriesOf("__any_hash__", kTVMFFIFunction), Keys({"ffi.BigInt", "ffi.StructuralKey"}));
  EXPECT_EQ(EntriesOf("__any_equal__", kTVMFFIFunction), Keys({"ffi.BigInt", "ffi.StructuralKey"}));
  EXPECT_EQ(EntriesOf("__data_to_json__", kTVMFFIFunction), Keys({"ffi.BigInt"}));
  EXPECT_EQ(EntriesOf("__data_from_json__", kTVMFFIFunction), Keys({"ffi.BigInt"}));
  Keys described_types = copied_types;
  described_types.insert({"ffi.Module", "ffi.BigInt"});
  EXPECT_EQ(EntriesOf("__ffi_type_final__", kTVMFFIBool), described_types);
  EXPECT_EQ(EntriesOf("__s_visit__", kTVMFFIOpaquePtr),
            Keys({"ffi.Array", "ffi.Map", "ffi.List", "ffi.Dict"}));
  for (const char* name : {"__s_mutate__", "__s_maybe_inplace_mutate__"}) {
    EXPECT_EQ(EntriesOf(name, kTVMFFIOpaquePtr),
              Keys({"ffi.String", "ffi.Bytes", "ffi.BigInt", "ffi.Array", "ffi.Map", "ffi.List",
                    "ffi.Dict"}))
        << name;
  }
  for (const char* name : {"__ffi_hash__", "__ffi_eq__", "__ffi_compare__", "__s_equal__",
                           "__s_hash__", "__ffi_enum__"}) {
    EXPECT_EQ(EntriesOf(name, kTVMFFIFunction), Keys()) << name;
  }
}

class BuiltinConversion : public ::testing::Test {
 protected:
  static Function Of(int32_t type_index) {
    const TVMFFIByteArray convert{"__ffi_convert__", 15};
    return AnyView::CopyFromTVMFFIAny(
               *details::FindTypeAttr(TVMFFIGetTypeAttrColumn(&convert), type_index))
        .cast<Function>();
  }
  static void ExpectRefused(int32_t type_index, const AnyView& value, const std::string& from,
                            const std::string& to) {
    EXPECT_ERROR(Of(type_index)(value), "TypeError",
                 "Cannot cast from `" + from + "` to `" + to + "`");
  }
};

TEST_F(BuiltinConversion, Section3_2_ValuesOfTheTypeStayThemselves) {
  const Array<Any> array{1};
  const Map<Any, Any> map{{1, 2}};
  const Error error("ValueError", "text", "");
  EXPECT_TRUE(Of(kTVMFFIArray)(array).same_as(array));
  EXPECT_TRUE(Of(kTVMFFIMap)(map).same_as(map));
  EXPECT_TRUE(Of(kTVMFFIObject)(map).same_as(map));
  EXPECT_TRUE(Of(kTVMFFIError)(error).same_as(error));
}

TEST_F(BuiltinConversion, Section3_2_NoneIsTakenByNullableTypesOnly) {
  for (const int32_t type_index :
       {int32_t{kTVMFFIObject}, int32_t{kTVMFFIFunction}, int32_t{kTVMFFITensor},
        TypeKeyToIndex("ffi.IntEnum"), TypeKeyToIndex("ffi.StrEnum")}) {
    EXPECT_TRUE(Of(type_index)(nullptr) == nullptr) << type_index;
  }
  ExpectRefused(kTVMFFIStr, nullptr, "None", "str");
  ExpectRefused(kTVMFFIBytes, nullptr, "None", "bytes");
  ExpectRefused(kTVMFFIError, nullptr, "None", "ffi.Error");
  ExpectRefused(kTVMFFIShape, nullptr, "None", "ffi.Shape");
  ExpectRefused(kTVMFFIArray, nullptr, "None", "Array<Any>");
  ExpectRefused(kTVMFFIList, nullptr, "None", "List<Any>");
  ExpectRefused(kTVMFFIMap, nullptr, "None", "Map<Any, Any>");
  ExpectRefused(kTVMFFIDict, nullptr, "None", "Dict<Any, Any>");
}

TEST_F(BuiltinConversion, Section3_2_AnyFormOfStringsAndBytes) {
  EXPECT_EQ(Of(kTVMFFIStr)("raw").type_index(), kTVMFFISmallStr);
  EXPECT_EQ(Of(kTVMFFIStr)("a raw string").type_index(), kTVMFFIStr);
  EXPECT_EQ(Of(kTVMFFIStr)(String("small")).cast<std::string>(), "small");
  TVMFFIByteArray bytes{"by\0tes", 6};
  EXPECT_EQ(Of(kTVMFFIBytes)(&bytes).type_index(), kTVMFFISmallBytes);
  EXPECT_EQ(Of(kTVMFFIBytes)(Bytes("content", 7)).cast<Bytes>().size(), 7u);
  ExpectRefused(kTVMFFIStr, 1, "int", "str");
  ExpectRefused(kTVMFFIBytes, "raw", "const char*", "bytes");
}

TEST_F(BuiltinConversion, Section3_2_BetweenContainers) {
  const Array<Any> array{1, 2};
  const List<Any> list{1, 2};
  EXPECT_EQ(Of(kTVMFFIList)(array).cast<List<Any>>().size(), 2u);
  EXPECT_EQ(Of(kTVMFFIArray)(list).type_index(), kTVMFFIArray);
  EXPECT_EQ(Of(kTVMFFIDict)(Map<Any, Any>{{1, 2}}).type_index(), kTVMFFIDict);
  EXPECT_EQ(Of(kTVMFFIMap)(Dict<Any, Any>{{1, 2}}).type_index(), kTVMFFIMap);
  EXPECT_EQ(Of(kTVMFFIShape)(array).cast<Shape>()[1], 2);
  EXPECT_EQ(Of(kTVMFFIShape)(list).type_index(), kTVMFFIShape);
  ExpectRefused(kTVMFFIShape, Array<Any>{"x"}, "ffi.Array", "ffi.Shape");
  ExpectRefused(kTVMFFIArray, 1, "int", "Array<Any>");
}

TEST_F(BuiltinConversion, Section3_2_Refusals) {
  DLTensor tensor{};
  ExpectRefused(kTVMFFITensor, &tensor, "DLTensor*", "ffi.Tensor");
  ExpectRefused(kTVMFFIFunction, 1, "int", "ffi.Function");
  ExpectRefused(kTVMFFIObject, 1.5, "float", "ffi.Object");
  ExpectRefused(TypeKeyToIndex("ffi.IntEnum"), 1, "int", "ffi.IntEnum");
  ExpectRefused(TypeKeyToIndex("ffi.StrEnum"), "x", "const char*", "ffi.StrEnum");
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
