#include <gtest/gtest.h>
#include <tvm/ffi/tvm_ffi.h>

#include "expect_error.h"

namespace tvm {
namespace ffi {
namespace {

TEST(CppApi, B1_IntReadsAsFloatOrBoolOnlyByConversion) {
  const Any a = 1;

  EXPECT_FALSE(a.as<double>().has_value());
  EXPECT_EQ(a.cast<double>(), 1.0);
  EXPECT_FALSE(a.as<bool>().has_value());
  EXPECT_TRUE(a.cast<bool>());
}

TEST(CppApi, B2_BoolReadsAsIntOnlyByConversion) {
  const Any b = true;

  EXPECT_FALSE(b.as<int>().has_value());
  EXPECT_EQ(b.cast<int>(), 1);
}

TEST(CppApi, B3_B4_CastNamesBothTypes) {
  EXPECT_ERROR(Any(3.7).cast<int>(), "TypeError", "Cannot convert from type `float` to `int`");
  EXPECT_ERROR(Any(1).cast<String>(), "TypeError", "Cannot convert from type `int` to `str`");
  EXPECT_ERROR(Any("hello world long").cast<int>(), "TypeError",
               "Cannot convert from type `ffi.String` to `int`");
}

TEST(CppApi, B5_AsOrThrowNamesBothTypes) {
  EXPECT_ERROR(Any(1).as_or_throw<double>(), "TypeError",
               "Cannot treat type `int` as type `float`");
}

TEST(CppApi, B6_UnsignedAboveInt64Overflows) {
  EXPECT_ERROR_CONTAINS(Any(uint64_t(-1)), "OverflowError",
                        "Integer value 18446744073709551615 is too large to fit in int64_t.");
  EXPECT_EQ(Any(~0ull).cast<int64_t>(), -1);
}

TEST(CppApi, B7_StringsTakeTheirForms) {
  EXPECT_EQ(Any("1234567").type_index(), 11);
  EXPECT_EQ(Any("12345678").type_index(), 65);
  EXPECT_EQ(AnyView("x").type_index(), 8);
  EXPECT_EQ(AnyView(String("x")).type_index(), 11);
  EXPECT_EQ(Any(std::string("x")).type_index(), 65);
}

TEST(CppApi, B8_RawStringsAreOwnedAndCharsAreInts) {
  EXPECT_EQ(Any(AnyView("raw")).type_index(), 11);
  EXPECT_EQ(Any('a').cast<int>(), 97);
}

TEST(CppApi, B9_NullCStringIsRefused) {
  EXPECT_ERROR(AnyView(static_cast<const char*>(nullptr)), "InternalError", "Check not null: src ");
}

TEST(CppApi, B10_StrictBoolTakesOnlyBool) {
  EXPECT_ERROR_CONTAINS(Any(1).cast<StrictBool>(), "TypeError", "`int` to `bool`");
  EXPECT_TRUE(Any(true).cast<StrictBool>());
}

TEST(CppApi, B11_MovingOutLeavesNone) {
  Any a = Array<int>{1};
  Any b = std::move(a);
  EXPECT_TRUE(a == nullptr);

  Array<int> array = std::move(b).cast<Array<int>>();

  EXPECT_TRUE(b == nullptr);
  EXPECT_EQ(array.use_count(), 1);
}

TEST(CppApi, B12_BorrowedTensorsAreNotStored) {
  DLTensor tensor{};
  EXPECT_ERROR(
      Any(&tensor), "RuntimeError",
      "DLTensor* cannot be held in Any as it does not retain ownership, use Tensor instead");
  EXPECT_EQ(Any(AnyView(&tensor)).type_index(), 7);
}

TEST(CppApi, B13_NullReferencesAreNone) {
  EXPECT_EQ(Any(Tensor()).type_index(), 0);
  EXPECT_TRUE(Any(nullptr).cast<Function>() == nullptr);
}

TEST(CppApi, B14_EnumsTravelAsInt) {
  enum class E : int8_t { kA = 1, kB = 5 };

  const Any a = E::kB;

  EXPECT_EQ(a.type_index(), 1);
  EXPECT_EQ(a.cast<E>(), E::kB);
}

TEST(Any, UnusedBytesAreZero) {
  const Any values[] = {Any(true), Any("abc"), Any(DLDataType{kDLFloat, 32, 1}), Any(nullptr),
                        Any(Bytes("ab", 2))};
  const uint64_t first[] = {2, 0x30000000bULL, 5, 0, 0x20000000cULL};
  const uint64_t second[] = {1, 0x636261, 0x12002, 0, 0x6261};
  for (size_t i = 0; i < 5; ++i) {
    uint64_t words[2];
    std::memcpy(words, &values[i], sizeof(words));
    EXPECT_EQ(words[0], first[i]) << i;
    EXPECT_EQ(words[1], second[i]) << i;
  }
}

TEST(Any, SameAsComparesPlainValuesAndIdentity) {
  const Array<int> array{1};
  EXPECT_TRUE(Any(1).same_as(Any(1)));
  EXPECT_FALSE(Any(1).same_as(Any(true)));
  EXPECT_TRUE(Any(array).same_as(array));
  EXPECT_FALSE(Any(Array<int>{1}).same_as(array));
}

TEST(Any, AnRValueRefIsTakenOnce) {
  RValueRef<Array<int>> ref(Array<int>{1});
  const AnyView view(ref);

  const Any owned(view);

  EXPECT_EQ(owned.type_index(), kTVMFFIArray);
  EXPECT_EQ(owned.cast<Array<int>>().use_count(), 2);
  EXPECT_ERROR_CONTAINS(Any(view), "InternalError", "RValueRef already moved");
}

struct Celsius {
  double degrees;
};

}  // namespace

template <>
struct TypeTraits<Celsius> : public FallbackOnlyTraitsBase<Celsius, StrictBool, int64_t, String> {
  static std::string TypeStr() { return "Celsius"; }
  static Celsius ConvertFallbackValue(StrictBool value) { return {value ? 100.0 : 0.0}; }
  static Celsius ConvertFallbackValue(int64_t value) { return {static_cast<double>(value)}; }
  static Celsius ConvertFallbackValue(const String& text) {
    return {static_cast<double>(text.size())};
  }
};

namespace {

TEST(Any, FallbackTypesAreTriedInOrder) {
  EXPECT_EQ(Any(7).cast<Celsius>().degrees, 7.0);
  EXPECT_EQ(Any(true).cast<Celsius>().degrees, 100.0);
  EXPECT_EQ(AnyView("four").cast<Celsius>().degrees, 4.0);
  EXPECT_ERROR(Any(1.5).cast<Celsius>(), "TypeError",
               "Cannot convert from type `float` to `Celsius`");
}

TEST(CppApi, B59_Optional) {
  Optional<int> o;
  EXPECT_TRUE(o == std::nullopt && o == nullptr && o != 3);
  EXPECT_EQ(o.value_or(5), 5);
  EXPECT_ERROR(o.value(), "RuntimeError", "Back optional access");
  o = 3;
  EXPECT_TRUE(o == 3 && o != std::nullopt && o.has_value() && *o == 3);
  o = std::nullopt;
  EXPECT_FALSE(o.has_value());

  Optional<String> text = String("x");
  EXPECT_TRUE(text == "x" && text == String("x") && text != "y");

  Optional<Function> null_ref = Function(nullptr);
  EXPECT_FALSE(null_ref.has_value());
  const Array<int> array{1};
  Optional<Array<int>> ref = array;
  EXPECT_EQ(ref.use_count(), 2);
  EXPECT_TRUE(ref.value().same_as(array));
  EXPECT_TRUE(static_cast<const ObjectRef&>(ref).same_as(array));
  EXPECT_EQ(Any(Optional<Optional<int>>()).type_index(), 0);
}

TEST(Expected, HoldsAValueOrAnError) {
  Expected<int> ok = 1;
  EXPECT_TRUE(ok.is_ok());
  EXPECT_EQ(ok.value(), 1);
  EXPECT_ERROR(ok.error(), "RuntimeError", "Bad expected access: contains value, not error");

  Expected<int> err = Unexpected(Error("ValueError", "bad", ""));
  EXPECT_TRUE(err.is_err());
  EXPECT_EQ(err.value_or(7), 7);
  EXPECT_ERROR(err.value(), "ValueError", "bad");
  EXPECT_EQ(Expected<void>().type_index(), 0);
}

}  // namespace
}  // namespace ffi
}  // namespace tvm
