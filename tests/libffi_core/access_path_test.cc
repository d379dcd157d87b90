#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/access_path.h>
#include <tvm/ffi/reflection/accessor.h>

#include <string>
#include <vector>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/structural_compare.h"

namespace {

using structural_test::PathText;
using structural_test::ReprText;
using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Function;
using tvm::ffi::Optional;
using tvm::ffi::StructuralEqual;
using tvm::ffi::StructuralHash;
using tvm::ffi::reflection::AccessKind;
using tvm::ffi::reflection::AccessPath;
using tvm::ffi::reflection::AccessPathObj;
using tvm::ffi::reflection::AccessStep;
using tvm::ffi::reflection::AccessStepObj;
using tvm::ffi::reflection::TypeAttrColumn;

// cpp-api.md B91: "access path prints `<root>.a[1]["k"][<missing:"z">]`".
TEST(CppApi, B91_AccessPathText) {
  const AccessPath path =
      AccessPath::Root()->Attr("a")->ArrayItem(1)->MapItem("k")->MapItemMissing("z");
  EXPECT_EQ(PathText(path), R"(<root>.a[1]["k"][<missing:"z">])");
}

TEST(AccessPath, TextOfEveryStep) {
  const AccessPath root = AccessPath::Root();
  EXPECT_EQ(PathText(root), "<root>");
  EXPECT_EQ(PathText(root->AttrMissing("q")), R"(<root>[<missing:"q">])");
  EXPECT_EQ(PathText(root->ArrayItemMissing(3)), "<root>[<missing:3>]");
  EXPECT_EQ(PathText(root->MapItem(4)), "<root>[4]");
  EXPECT_EQ(ReprText(AccessStep::Attr("a")), ".a");
  EXPECT_EQ(ReprText(AccessStep::ArrayItem(2)), "[2]");
  EXPECT_EQ(ReprText(AccessStep::MapItem("k")), R"(["k"])");
  EXPECT_EQ(ReprText(AccessStep::AttrMissing("a")), R"([<missing:"a">])");
  EXPECT_EQ(ReprText(AccessStep::MapItemMissing("k")), R"([<missing:"k">])");
}

// cpp-api.md 3.24: "enum class AccessKind : int32_t {kAttr 0, kArrayItem 1, kMapItem 2,
// kAttrMissing 3, kArrayItemMissing 4, kMapItemMissing 5}".
TEST(AccessStep, KindsAndKeys) {
  EXPECT_EQ(static_cast<int>(AccessStep::Attr("a")->kind), 0);
  EXPECT_EQ(static_cast<int>(AccessStep::ArrayItem(2)->kind), 1);
  EXPECT_EQ(static_cast<int>(AccessStep::MapItem("k")->kind), 2);
  EXPECT_EQ(static_cast<int>(AccessStep::AttrMissing("a")->kind), 3);
  EXPECT_EQ(static_cast<int>(AccessStep::ArrayItemMissing(2)->kind), 4);
  EXPECT_EQ(static_cast<int>(AccessStep::MapItemMissing("k")->kind), 5);
  EXPECT_EQ(AccessStep::ArrayItem(2)->key.cast<int64_t>(), 2);
  EXPECT_EQ(AccessStep(AccessKind::kAttr, "x")->key.cast<std::string>(), "x");
}

TEST(AccessStep, Equality) {
  EXPECT_TRUE(AccessStep::Attr("a")->StepEqual(AccessStep::Attr("a")));
  EXPECT_FALSE(AccessStep::Attr("a")->StepEqual(AccessStep::AttrMissing("a")));
  EXPECT_FALSE(AccessStep::ArrayItem(1)->StepEqual(AccessStep::MapItem(1)));
  EXPECT_FALSE(AccessStep::MapItem(1)->StepEqual(AccessStep::MapItem(1.0)));
  const Array<Any> key{1};
  EXPECT_TRUE(AccessStep::MapItem(key)->StepEqual(AccessStep::MapItem(key)));
  EXPECT_FALSE(AccessStep::MapItem(key)->StepEqual(AccessStep::MapItem(Array<Any>{1})));
}

TEST(AccessPath, ParentStepAndDepth) {
  const AccessPath root = AccessPath::Root();
  EXPECT_EQ(root->depth, 0);
  EXPECT_FALSE(root->parent.has_value());
  EXPECT_FALSE(root->step.has_value());
  EXPECT_FALSE(root->GetParent().has_value());

  const AccessPath path = root->Attr("a")->ArrayItem(1);
  EXPECT_EQ(path->depth, 2);
  EXPECT_TRUE(path->step.value()->StepEqual(AccessStep::ArrayItem(1)));
  const Optional<AccessPath> parent = path->GetParent();
  EXPECT_EQ(PathText(parent.value()), "<root>.a");
  EXPECT_TRUE(path->parent.value().same_as(parent.value()));
  EXPECT_TRUE(parent.value()->GetParent().value().same_as(root));
}

TEST(AccessPath, Steps) {
  const AccessPath path = AccessPath::Root()->Attr("a")->ArrayItem(1);
  const Array<AccessStep> steps = path->ToSteps();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_TRUE(steps[0]->StepEqual(AccessStep::Attr("a")));
  EXPECT_TRUE(steps[1]->StepEqual(AccessStep::ArrayItem(1)));
  EXPECT_EQ(AccessPath::Root()->ToSteps().size(), 0u);

  EXPECT_TRUE(AccessPath::FromSteps(steps)->PathEqual(path));
  const std::vector<AccessStep> copy(steps.begin(), steps.end());
  EXPECT_TRUE(AccessPath::FromSteps(copy.begin(), copy.end())->PathEqual(path));
  EXPECT_EQ(AccessPath::FromSteps(Array<AccessStep>())->depth, 0);
  EXPECT_EQ(PathText(path->Extend(AccessStep::MapItem(7))), "<root>.a[1][7]");
}

TEST(AccessPath, EqualityAndPrefixes) {
  const AccessPath root = AccessPath::Root();
  const AccessPath path = root->Attr("a")->ArrayItem(1);
  const AccessPath other = AccessPath::Root()->Attr("a")->ArrayItem(1);
  EXPECT_TRUE(path->PathEqual(other));
  EXPECT_TRUE(root->PathEqual(AccessPath::Root()));
  EXPECT_FALSE(path->PathEqual(root));
  EXPECT_FALSE(path->PathEqual(root->Attr("a")->ArrayItem(2)));
  EXPECT_FALSE(path->PathEqual(root->Attr("b")->ArrayItem(1)));

  EXPECT_TRUE(root->IsPrefixOf(path));
  EXPECT_TRUE(path->IsPrefixOf(other));
  EXPECT_TRUE(root->Attr("a")->IsPrefixOf(path));
  EXPECT_FALSE(path->IsPrefixOf(root->Attr("a")));
  EXPECT_FALSE(root->Attr("b")->IsPrefixOf(path));
}

TEST(AccessPath, StructuralEqualityAndHash) {
  const AccessPath path = AccessPath::Root()->Attr("a")->ArrayItem(1);
  const AccessPath other = AccessPath::Root()->Attr("a")->ArrayItem(1);
  EXPECT_TRUE(StructuralEqual::Equal(path, other));
  EXPECT_FALSE(StructuralEqual::Equal(path, path->Attr("x")));
  EXPECT_EQ(StructuralHash::Hash(path), 3746930958184406357u);
  EXPECT_EQ(StructuralHash::Hash(other), 3746930958184406357u);
  EXPECT_EQ(StructuralHash::Hash(AccessPath::Root()), 15883335515245100999u);
  EXPECT_EQ(StructuralHash::Hash(AccessStep::Attr("a")), 16495649205967477268u);
}

void ExpectField(const TVMFFIFieldInfo& field, const std::string& name, int64_t offset,
                 int64_t size, int32_t static_type_index, const std::string& schema) {
  EXPECT_EQ(field.name.data, name);
  EXPECT_EQ(field.offset, offset);
  EXPECT_EQ(field.size, size);
  EXPECT_EQ(field.flags, 0);
  EXPECT_EQ(field.field_static_type_index, static_type_index);
  EXPECT_NE(field.getter, nullptr);
  EXPECT_NE(field.setter, nullptr);
  EXPECT_NE(std::string(field.metadata.data).find(schema), std::string::npos)
      << field.metadata.data;
}

// c-abi.md 3.11: "`ffi.reflection.AccessStep` | 48, creator, kind 4 | `kind` @24/4, 0, 1, `int`;
// `key` @32/16, 0, -1, `Any`".
TEST(AccessStep, Reflection) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(AccessStepObj::RuntimeTypeIndex());
  EXPECT_EQ(info->metadata->total_size, 48);
  EXPECT_NE(info->metadata->creator, nullptr);
  EXPECT_EQ(info->metadata->structural_eq_hash_kind, kTVMFFISEqHashKindConstTreeNode);
  ASSERT_EQ(info->num_fields, 2);
  ExpectField(info->fields[0], "kind", 24, 4, kTVMFFIInt, R"(\"int\")");
  ExpectField(info->fields[1], "key", 32, 16, -1, R"(\"Any\")");
  EXPECT_EQ(info->num_methods, 0);
}

// c-abi.md 3.11: "`ffi.reflection.AccessPath` | 48, creator, kind 4 | `parent` @24/8, 0, -1,
// `Optional<ffi.Object>`; `step` @32/8, 0, -1, `Optional<AccessStep>`; `depth` @40/4, 0, 1, `int`".
TEST(AccessPath, ReflectionOfFields) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(AccessPathObj::RuntimeTypeIndex());
  EXPECT_EQ(info->metadata->total_size, 48);
  EXPECT_NE(info->metadata->creator, nullptr);
  EXPECT_EQ(info->metadata->structural_eq_hash_kind, kTVMFFISEqHashKindConstTreeNode);
  ASSERT_EQ(info->num_fields, 3);
  ExpectField(info->fields[0], "parent", 24, 8, -1,
              R"({\"type\":\"Optional\",\"args\":[{\"type\":\"ffi.Object\"}]})");
  ExpectField(info->fields[1], "step", 32, 8, -1, R"({\"type\":\"ffi.reflection.AccessStep\"})");
  ExpectField(info->fields[2], "depth", 40, 4, kTVMFFIInt, R"(\"int\")");
}

// c-abi.md 3.11: "static `_root`(); `_extend`(step), `_attr`(str), `_array_item`(int),
// `_map_item`(Any), `_attr_missing`(str), `_array_item_missing`(int), `_map_item_missing`(Any) ->
// AccessPath; `_is_prefix_of`(path), `_path_equal`(path) -> bool; `_to_steps`() ->
// Array<AccessStep>".
TEST(AccessPath, ReflectionOfMethods) {
  auto call = [](const char* name, auto&&... args) {
    return tvm::ffi::reflection::GetMethod("ffi.reflection.AccessPath", name)(args...);
  };
  const auto root = call("_root").cast<AccessPath>();
  EXPECT_EQ(PathText(call("_extend", root, AccessStep::Attr("x")).cast<AccessPath>()), "<root>.x");
  EXPECT_EQ(PathText(call("_attr", root, "a").cast<AccessPath>()), "<root>.a");
  EXPECT_EQ(PathText(call("_array_item", root, 1).cast<AccessPath>()), "<root>[1]");
  EXPECT_EQ(PathText(call("_map_item", root, "k").cast<AccessPath>()), R"(<root>["k"])");
  EXPECT_EQ(PathText(call("_attr_missing", root, "a").cast<AccessPath>()),
            R"(<root>[<missing:"a">])");
  EXPECT_EQ(PathText(call("_array_item_missing", root, 1).cast<AccessPath>()),
            "<root>[<missing:1>]");
  EXPECT_EQ(PathText(call("_map_item_missing", root, 2).cast<AccessPath>()), "<root>[<missing:2>]");
  EXPECT_TRUE(call("_is_prefix_of", root, root->Attr("a")).cast<bool>());
  EXPECT_FALSE(call("_path_equal", root, root->Attr("a")).cast<bool>());
  EXPECT_EQ(call("_to_steps", root->Attr("a")).cast<Array<AccessStep>>().size(), 1u);
  EXPECT_ERROR_CONTAINS(call("_attr", root, 1), "TypeError", "ffi.reflection.AccessPath._attr");

  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(AccessPathObj::RuntimeTypeIndex());
  ASSERT_EQ(info->num_methods, 11);
  for (int i = 0; i < info->num_methods; ++i) {
    const bool is_static = std::string(info->methods[i].name.data) == "_root";
    EXPECT_EQ(info->methods[i].flags, is_static ? kTVMFFIFieldFlagBitMaskIsStaticMethod : 0);
  }
}

// c-abi.md 3.2: the columns that hold entries for the two types, and `__ffi_init__`, which does
// not.
TEST(AccessPath, TypeAttributes) {
  for (const int32_t index :
       {AccessStepObj::RuntimeTypeIndex(), AccessPathObj::RuntimeTypeIndex()}) {
    for (const char* name : {"__ffi_new__", "__ffi_repr__", "__ffi_shallow_copy__"}) {
      EXPECT_EQ(TypeAttrColumn(name)[index].type_index(), kTVMFFIFunction) << name;
    }
    EXPECT_EQ(TypeAttrColumn("__ffi_init__")[index], nullptr);
  }
}

}  // namespace
