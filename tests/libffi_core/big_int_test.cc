// Integers beyond 64 bits. The numbers were printed by the published library 0.1.15.post2.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/dataclass.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/extra/serialization.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/reflection/accessor.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Error;
using tvm::ffi::String;
using Words = std::vector<uint64_t>;

constexpr uint64_t kMinus = ~uint64_t{0};
constexpr uint64_t kTop = uint64_t{1} << 63;

TVMFFIByteArray BytesOf(const Words& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t)};
}

Any Make(const Words& words) {
  const TVMFFIByteArray bytes = BytesOf(words);
  TVMFFIAny out = None();
  EXPECT_EQ(TVMFFIBigIntFromByteArray(&bytes, &out), 0);
  return tvm::ffi::details::AnyUnsafe::MoveTVMFFIAnyToAny(&out);
}

TVMFFIByteArray Content(const Any& value) {
  return TVMFFIBigIntGetContentByteArray(tvm::ffi::details::AnyUnsafe::TVMFFIAnyPtrFromAny(value));
}

Words ContentWords(const Any& value) {
  const TVMFFIByteArray bytes = Content(value);
  Words words(bytes.size / sizeof(uint64_t));
  std::memcpy(words.data(), bytes.data, bytes.size);
  return words;
}

std::string Repr(const Words& words) { return tvm::ffi::ReprPrint(Make(words)); }

Any FromJson(const std::string& data) {
  return tvm::ffi::FromJSONGraph(tvm::ffi::json::Parse(
      String(R"({"root_index":0,"nodes":[{"type":"ffi.BigInt","data":)" + data + "}]}")));
}

std::string MessageOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind() + ": " + error.message();
  }
  return "no error";
}

TEST(BigInt, ValuesThatFit64BitsArePlainInts) {
  for (const auto& [words, value] :
       std::vector<std::pair<Words, int64_t>>{{{}, 0},
                                              {{5}, 5},
                                              {{kMinus}, -1},
                                              {{kTop}, INT64_MIN},
                                              {{5, 0, 0, 0}, 5},
                                              {{kMinus, kMinus}, -1},
                                              {{kTop, kMinus}, INT64_MIN}}) {
    const Any made = Make(words);
    ASSERT_EQ(made.type_index(), kTVMFFIInt);
    EXPECT_EQ(made.cast<int64_t>(), value);
    EXPECT_EQ(ContentWords(made), Words{static_cast<uint64_t>(value)});
  }
}

TEST(BigInt, OthersAreObjectsWithNoMoreWordsThanNeeded) {
  for (const auto& [words, kept] :
       std::vector<std::pair<Words, Words>>{{{kTop, 0}, {kTop, 0}},
                                            {{0, 1, 0, 0}, {0, 1}},
                                            {{5, kMinus}, {5, kMinus}},
                                            {{1, kMinus, kMinus, kMinus}, {1, kMinus}},
                                            {{0, kTop, 0}, {0, kTop, 0}},
                                            {{0, kTop, kMinus}, {0, kTop}}}) {
    const Any made = Make(words);
    ASSERT_EQ(made.type_index(), kTVMFFIBigInt);
    EXPECT_EQ(ContentWords(made), kept);
  }
}

TEST(BigInt, TheObjectHoldsItsWordCountAndTheWordsBehindIt) {
  const Any made = Make({7, 9, 11});

  const auto* object = reinterpret_cast<const uint64_t*>(made.as<tvm::ffi::Object>());
  EXPECT_EQ(object[3], 3u);
  EXPECT_EQ(Words(object + 4, object + 7), (Words{7, 9, 11}));
  EXPECT_EQ(Content(made).data, reinterpret_cast<const char*>(object + 4));
}

TEST(BigInt, TheContentOfAnIntPointsIntoTheValue) {
  const TVMFFIAny value = Int(-3);
  EXPECT_EQ(TVMFFIBigIntGetContentByteArray(&value).data, value.v_bytes);
}

TEST(BigInt, OtherValuesHaveNoContent) {
  const TVMFFIAny text = RawStr("text");
  for (const TVMFFIAny* value : std::vector<const TVMFFIAny*>{&text, nullptr}) {
    EXPECT_EQ(TVMFFIBigIntGetContentByteArray(value).data, nullptr);
    EXPECT_EQ(TVMFFIBigIntGetContentByteArray(value).size, 0u);
  }
}

TEST(BigInt, PartsOfWordsAndNullsAreRefused) {
  const char bytes[15] = {};
  const TVMFFIByteArray odd{bytes, sizeof(bytes)};
  const TVMFFIByteArray missing{nullptr, 8};
  TVMFFIAny out = None();
  EXPECT_EQ(TVMFFIBigIntFromByteArray(&odd, &out), -1);
  EXPECT_EQ(TakeRaised().message, "BigInt content must contain whole 64-bit words");
  EXPECT_EQ(TVMFFIBigIntFromByteArray(&missing, &out), -1);
  EXPECT_EQ(TVMFFIBigIntFromByteArray(nullptr, &out), -1);
  EXPECT_EQ(TVMFFIBigIntFromByteArray(&odd, nullptr), -1);
  TakeRaised();
}

TEST(BigInt, TheTypeIsRegistered) {
  int32_t index = 0;
  const TVMFFIByteArray key = Bytes("ffi.BigInt");
  ASSERT_EQ(TVMFFITypeKeyToIndex(&key, &index), 0);
  EXPECT_EQ(index, kTVMFFIBigInt);
  EXPECT_EQ(Make({0, 1}).GetTypeKey(), "ffi.BigInt");
}

TEST(BigInt, WhatNewerBindingsLookUpWhenTheyLoadIsRegistered) {
  int32_t index = 0;
  const TVMFFIByteArray unchanged = Bytes("ffi.Unchanged");
  ASSERT_EQ(TVMFFITypeKeyToIndex(&unchanged, &index), 0);
  EXPECT_EQ(index, kTVMFFIUnchanged);
  const TVMFFIByteArray mutator = Bytes("ffi.StructuralMutator");
  ASSERT_EQ(TVMFFITypeKeyToIndex(&mutator, &index), 0);
  EXPECT_EQ(TVMFFIGetTypeInfo(index)->type_ancestors[0]->type_index, kTVMFFIObject);
}

TEST(BigInt, PrintsInDecimal) {
  EXPECT_EQ(Repr({5, 64}), "1180591620717411303429");
  EXPECT_EQ(Repr({kTop, 0}), "9223372036854775808");
  EXPECT_EQ(Repr({0, kMinus}), "-18446744073709551616");
  EXPECT_EQ(Repr({0, 0, 1}), "340282366920938463463374607431768211456");
  EXPECT_EQ(Repr({5, 7, 9, 11, 13}),
            "1505297160085110540575470924202196290497766025610900109261374000667376945725445");
  EXPECT_EQ(Repr({1, 0, kTop}), "-3138550867693340381917894711603833208051177722232017256447");
}

TEST(BigInt, EqualValuesAreOneMapKey) {
  tvm::ffi::Map<Any, int64_t> map{{Make({5, 64}), 1}, {Make({0, 1}), 2}};

  EXPECT_EQ(map.at(Make({5, 64})), 1);
  EXPECT_EQ(map.at(Make({0, 1})), 2);
  EXPECT_EQ(map.count(Make({0, kMinus})), 0u);
  EXPECT_EQ(tvm::ffi::AnyHash()(Make({0, 1})), 2654440707u);
}

TEST(BigInt, TheMapHooksRefuseOtherValues) {
  for (const char* name : {"__any_hash__", "__any_equal__", "__data_to_json__"}) {
    const auto hook =
        tvm::ffi::reflection::TypeAttrColumn(name)[kTVMFFIBigInt].cast<tvm::ffi::Function>();
    const bool takes_two = std::string_view(name) == "__any_equal__";
    const std::string message = MessageOf([&] { takes_two ? hook(1, 2) : hook(1); });
    EXPECT_NE(message.find("expected a `ffi.BigInt`, got `int`"), std::string::npos) << message;
  }
}

TEST(BigInt, HashesAsThePublishedLibraryDoes) {
  EXPECT_EQ(tvm::ffi::RecursiveHash(Make({5, 64})), 4799);
  EXPECT_EQ(tvm::ffi::RecursiveHash(Make({0, kMinus - 63})), 2147483587);
  EXPECT_EQ(tvm::ffi::RecursiveHash(tvm::ffi::Array<Any>{Make({5, 64})}), -2659981581661444555);
  EXPECT_EQ(tvm::ffi::StructuralHash::Hash(Make({5, 64})), 2654445637u);
  EXPECT_EQ(
      static_cast<int64_t>(tvm::ffi::StructuralHash::Hash(tvm::ffi::Array<Any>{Make({5, 64})})),
      -2659981581661551993);
}

TEST(BigInt, OrdersByValueAmongItselfAndInts) {
  const std::vector<Any> ascending = {
      Make({0, 0, kMinus}), Make({0, kMinus - 63}), Make({0, kMinus}), INT64_MIN,
      int64_t{5},           Make({kTop, 0}),        Make({5, 64}),     Make({6, 64}),
      Make({0, 65}),        Make({0, 0, 1})};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(tvm::ffi::RecursiveLt(ascending[i], ascending[j]), i < j) << i << " " << j;
      EXPECT_EQ(tvm::ffi::RecursiveEq(ascending[i], ascending[j]), i == j) << i << " " << j;
    }
  }
  const std::string message = MessageOf([] { tvm::ffi::RecursiveLt(Make({0, 1}), 1.5); });
  EXPECT_NE(message.find("Cannot compare values of different types: ffi.BigInt vs float"),
            std::string::npos)
      << message;
}

TEST(BigInt, IsStructurallyEqualByValue) {
  EXPECT_TRUE(tvm::ffi::StructuralEqual::Equal(Make({5, 64}), Make({5, 64})));
  EXPECT_FALSE(tvm::ffi::StructuralEqual::Equal(Make({5, 64}), Make({6, 64})));
  EXPECT_TRUE(tvm::ffi::StructuralEqual::GetFirstMismatch(Make({0, 1}), Make({0, 2})).has_value());
}

TEST(BigInt, ADeepCopyIsTheSameObject) {
  const Any value = Make({0, 1});
  EXPECT_TRUE(tvm::ffi::DeepCopy(value).same_as(value));
}

TEST(BigInt, AJsonGraphHoldsItInDecimal) {
  const Any graph = tvm::ffi::ToJSONGraph(Make({5, 64}));

  EXPECT_EQ(tvm::ffi::ReprPrint(graph),
            R"({"root_index": 0, "nodes": ({"type": "ffi.BigInt", "data": )"
            R"("1180591620717411303429"},)})");
  EXPECT_EQ(ContentWords(tvm::ffi::FromJSONGraph(graph)), (Words{5, 64}));
}

TEST(BigInt, AJsonGraphMaySpellItWithSignAndZeros) {
  EXPECT_EQ(FromJson(R"("-5")").cast<int64_t>(), -5);
  EXPECT_EQ(FromJson(R"("-0")").cast<int64_t>(), 0);
  EXPECT_EQ(FromJson(R"("-9223372036854775808")").cast<int64_t>(), INT64_MIN);
  EXPECT_EQ(ContentWords(FromJson(R"("-9223372036854775809")")), (Words{kTop - 1, kMinus}));
  EXPECT_EQ(ContentWords(FromJson(R"("+00018446744073709551616")")), (Words{0, 1}));
}

TEST(BigInt, AJsonGraphWithSomethingElseIsRefused) {
  for (const char* data : {R"("")", R"("-")", R"("1e30")", R"(" 9")", R"("0x9")", R"("--9")"}) {
    EXPECT_EQ(MessageOf([&] { FromJson(data); }),
              "ValueError: Invalid decimal string for ffi.BigInt");
  }
  EXPECT_EQ(MessageOf([] { FromJson("5"); }), "TypeError: Cannot convert from type `int` to `str`");
}

TEST(BigInt, PlainJsonRefusesIt) {
  EXPECT_EQ(MessageOf([] {
              tvm::ffi::json::Stringify(Make({0, 1}));
            }),
            "ValueError: Unsupported type: `ffi.BigInt`");
}

TEST(BigInt, IsNoInt) { EXPECT_FALSE(Make({0, 1}).try_cast<int64_t>().has_value()); }

}  // namespace
}  // namespace tvmffi::test
