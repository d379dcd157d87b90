#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/structural_key.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>

#include <string>
#include <unordered_map>

#include "tests/abi/expect_error.h"
#include "tests/libffi_core/structural_types.h"

namespace {

using namespace structural_test;
using tvm::ffi::AnyEqual;
using tvm::ffi::AnyHash;
using tvm::ffi::Dict;
using tvm::ffi::Map;
using tvm::ffi::StructuralHash;
using tvm::ffi::StructuralKey;
using tvm::ffi::StructuralKeyObj;

// cpp-api.md B109: "StructuralKey(Array{1,2}) as Map key -> found by an equal but distinct array."
TEST(CppApi, B109_StructuralKeyInMap) {
  Map<StructuralKey, int> map;
  map.Set(StructuralKey(Array<Any>{1, 2}), 3);

  EXPECT_EQ(map[StructuralKey(Array<Any>{1, 2})], 3);
  EXPECT_EQ(map.count(StructuralKey(Array<Any>{1, 3})), 0u);
  map.Set(StructuralKey(Array<Any>{1, 2}), 4);
  EXPECT_EQ(map.size(), 1u);
}

TEST(StructuralKey, FindsAmongManyInDict) {
  Dict<Any, int> dict;
  for (int i = 0; i < 100; ++i) dict.Set(StructuralKey(Array<Any>{i, "x"}), i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(dict[StructuralKey(Array<Any>{i, "x"})], i);
  EXPECT_EQ(dict.count(StructuralKey(Array<Any>{100, "x"})), 0u);
  EXPECT_EQ(dict.count(Array<Any>{1, "x"}), 0u);
}

TEST(StructuralKey, CachesTheHashAndComparesByStructure) {
  const StructuralKey key(Array<Any>{1, 2});
  EXPECT_EQ(key->hash_i64, static_cast<int64_t>(StructuralHash::Hash(Array<Any>{1, 2})));
  EXPECT_EQ(key->hash_i64, 2823322240268045181);
  EXPECT_EQ(std::hash<StructuralKey>()(key), static_cast<size_t>(key->hash_i64));

  EXPECT_TRUE(key == StructuralKey(Array<Any>{1, 2}));
  EXPECT_TRUE(key != StructuralKey(Array<Any>{1, 3}));
  const StructuralKey same = key;
  EXPECT_TRUE(key == same);
  const ObjectRef x = Make<VarObj>("x");
  EXPECT_TRUE(StructuralKey(x) == StructuralKey(x));
  EXPECT_FALSE(StructuralKey(x) == StructuralKey(Make<VarObj>("x")));
}

TEST(StructuralKey, InStandardContainers) {
  std::unordered_map<StructuralKey, int> map;
  map.emplace(StructuralKey("a"), 1);
  EXPECT_EQ(map.at(StructuralKey("a")), 1);
  EXPECT_EQ(map.count(StructuralKey("b")), 0u);
}

TEST(StructuralKey, AnyHashAndAnyEqualUseIt) {
  const StructuralKey key(Array<Any>{1, 2});
  EXPECT_EQ(AnyHash()(key),
            tvm::ffi::details::StableHashCombine(
                static_cast<uint64_t>(StructuralKeyObj::RuntimeTypeIndex()), key->hash_i64));
  EXPECT_TRUE(AnyEqual()(key, StructuralKey(Array<Any>{1, 2})));
  EXPECT_FALSE(AnyEqual()(key, StructuralKey(Array<Any>{2, 1})));
}

TEST(StructuralKey, OfWhatHasNoStructureIsAnError) {
  EXPECT_ERROR_CONTAINS(StructuralKey(Make<UnsupportedObj>(1, 2)), "TypeError", "StructuralHash");
  // The key itself has none either.
  EXPECT_ERROR_CONTAINS(StructuralHash::Hash(StructuralKey(1)), "TypeError", "ffi.StructuralKey");
}

TEST(StructuralKey, GlobalFunctions) {
  const Function make = Function::GetGlobalRequired("ffi.StructuralKey");
  const Function equal = Function::GetGlobalRequired("ffi.StructuralKeyEqual");
  const auto key = make(Array<Any>{1, 2}).cast<StructuralKey>();
  EXPECT_EQ(key->hash_i64, 2823322240268045181);
  EXPECT_TRUE(equal(key, make(Array<Any>{1, 2})).cast<bool>());
  EXPECT_FALSE(equal(key, make(Array<Any>{1, 3})).cast<bool>());
  EXPECT_TRUE(equal(1, 1).cast<bool>());
  EXPECT_ERROR(equal(key, 1), "TypeError", "Cannot convert from type `int` to `ffi.StructuralKey`");
}

// c-abi.md 3.11: "`ffi.StructuralKey` | 48, creator | `key` @24/16, 0, -1, `Any`; `hash_i64` @40/8,
// 0, 1, `int` | static `__ffi_init__`(Any) -> Object".
TEST(StructuralKey, Reflection) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(StructuralKeyObj::RuntimeTypeIndex());
  EXPECT_EQ(info->metadata->total_size, 48);
  EXPECT_NE(info->metadata->creator, nullptr);
  EXPECT_EQ(info->metadata->structural_eq_hash_kind, kTVMFFISEqHashKindUnsupported);
  ASSERT_EQ(info->num_fields, 2);
  EXPECT_STREQ(info->fields[0].name.data, "key");
  EXPECT_EQ(info->fields[0].offset, 24);
  EXPECT_EQ(info->fields[0].flags, 0);
  EXPECT_EQ(info->fields[0].field_static_type_index, -1);
  EXPECT_STREQ(info->fields[1].name.data, "hash_i64");
  EXPECT_EQ(info->fields[1].offset, 40);
  EXPECT_EQ(info->fields[1].field_static_type_index, kTVMFFIInt);
  ASSERT_EQ(info->num_methods, 1);
  EXPECT_STREQ(info->methods[0].name.data, "__ffi_init__");
  EXPECT_EQ(info->methods[0].flags, kTVMFFIFieldFlagBitMaskIsStaticMethod);
  const Function init = tvm::ffi::reflection::GetMethod("ffi.StructuralKey", "__ffi_init__");
  EXPECT_EQ(init(1).cast<StructuralKey>()->hash_i64, 2654435835);
}

// c-abi.md 3.2: "`__any_hash__`, `__any_equal__` (one OpaquePtr entry, for ffi.StructuralKey)".
// Functions here: code built for newer releases takes a pointer for one that returns a TVMFFIAny,
// and would crash.
TEST(StructuralKey, TypeAttributes) {
  const int32_t index = StructuralKeyObj::RuntimeTypeIndex();
  const auto hash = tvm::ffi::reflection::TypeAttrColumn("__any_hash__")[index].cast<Function>();
  EXPECT_EQ(hash(StructuralKey(1)).cast<int64_t>(), StructuralKey(1)->hash_i64);
  EXPECT_ERROR_CONTAINS(hash(1), "TypeError", "takes one such key");
  EXPECT_ERROR_CONTAINS(hash(), "TypeError", "takes one such key");
  for (const char* name :
       {"__any_hash__", "__any_equal__", "__ffi_init__", "__ffi_new__", "__ffi_shallow_copy__"}) {
    EXPECT_EQ(tvm::ffi::reflection::TypeAttrColumn(name)[index].type_index(), kTVMFFIFunction);
  }
}

}  // namespace
