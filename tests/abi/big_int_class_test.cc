// tvm::ffi::BigInt. That it computes what the published one does is in tests/compat.
#include <gtest/gtest.h>
#include <tvm/ffi/big_int.h>
#include <tvm/ffi/optional.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "expect_error.h"

namespace {

using tvm::ffi::Any;
using tvm::ffi::BigInt;
using tvm::ffi::Object;
using tvm::ffi::Optional;

static_assert(sizeof(BigInt) == 16 && sizeof(Optional<BigInt>) == 16);
static_assert(std::is_nothrow_move_constructible_v<BigInt>);
static_assert(!std::is_convertible_v<double, BigInt> && !std::is_convertible_v<BigInt, int64_t>);

std::string Text(const BigInt& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

BigInt Read(const std::string& text) {
  std::istringstream in(text);
  BigInt value;
  EXPECT_TRUE(in >> value) << text;
  return value;
}

std::vector<BigInt> Operands() {
  std::vector<BigInt> values = {0, 1, 3, INT64_MAX, UINT64_MAX};
  for (const int bits : {32, 63, 64, 127, 128, 200}) {
    values.push_back(BigInt(1) << bits);
    values.push_back((BigInt(1) << bits) - 1);
  }
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) {
    values.push_back(-values[i]);
  }
  return values;
}

TEST(BigIntClass, ValuesThatFit64BitsArePlainInts) {
  EXPECT_EQ(Any(BigInt(5)).type_index(), kTVMFFIInt);
  EXPECT_EQ(Any((BigInt(1) << 70) >> 60).type_index(), kTVMFFIInt);
  EXPECT_EQ(Any(BigInt(INT64_MIN)).type_index(), kTVMFFIInt);
  EXPECT_EQ(Any(BigInt(INT64_MIN) - 1).type_index(), kTVMFFIBigInt);
  EXPECT_EQ(Any(BigInt(UINT64_MAX)).type_index(), kTVMFFIBigInt);
}

TEST(BigIntClass, KnownValues) {
  BigInt factorial = 1;
  for (int64_t i = 2; i <= 30; ++i) {
    factorial *= i;
  }
  EXPECT_EQ(Text(factorial), "265252859812191058636308480000000");
  EXPECT_EQ(Text(-factorial >> 100), "-210");
  EXPECT_EQ(Text(factorial / (factorial / 31)), "31");
  EXPECT_EQ(Text((BigInt(1) << 128) - 1), "340282366920938463463374607431768211455");
  EXPECT_EQ(Text(BigInt(1e30)), "1000000000000000019884624838656");
  EXPECT_EQ(Text(BigInt(INT64_MIN) / -1), "9223372036854775808");
  EXPECT_EQ(Text(floordiv(-factorial, 7) * 7 + floormod(-factorial, 7)), Text(-factorial));
}

TEST(BigIntClass, TheIdentitiesOfArithmeticHold) {
  for (const BigInt& a : Operands()) {
    for (const BigInt& b : Operands()) {
      EXPECT_EQ(a + b - b, a);
      EXPECT_EQ((a + b) * (a - b), a * a - b * b);
      EXPECT_EQ((a & b) + (a | b), a + b);
      EXPECT_EQ((a ^ b) ^ b, a);
      EXPECT_EQ(a<b, b - a> 0);
      EXPECT_EQ(a == b, !(a - b));
      if (b == 0) {
        continue;
      }
      EXPECT_EQ(a / b * b + a % b, a);
      EXPECT_EQ(floordiv(a, b) * b + floormod(a, b), a);
      EXPECT_TRUE(a % b == 0 || (a % b < 0) == (a < 0));
      EXPECT_TRUE(floormod(a, b) == 0 || (floormod(a, b) < 0) == (b < 0));
      EXPECT_LT(max(a % b, -(a % b)), max(b, -b));
    }
    EXPECT_EQ(a << 77, a * (BigInt(1) << 77));
    EXPECT_EQ(a >> 77, floordiv(a, BigInt(1) << 77));
    EXPECT_EQ(Read(Text(a)), a);
    EXPECT_EQ(~a, -a - 1);
  }
}

TEST(BigIntClass, QuotientDigitsThatAreFirstEstimatedTooLarge) {
  // The second step of the long division has to put a divisor back.
  const BigInt dividend = (BigInt(0x7fffffff) << 96) + (BigInt(0x80000000U) << 64);
  const BigInt divisor = (BigInt(0x80000000U) << 64) + 1;
  EXPECT_EQ(dividend / divisor * divisor + dividend % divisor, dividend);
  EXPECT_LT(dividend % divisor, divisor);
  EXPECT_GE(dividend % divisor, 0);
  EXPECT_EQ(dividend / divisor, 4294967294);
}

TEST(BigIntClass, ErrorsOfArithmetic) {
  const BigInt big = BigInt(1) << 100;
  EXPECT_ERROR(big / 0, "ZeroDivisionError", "Division by zero");
  EXPECT_ERROR(floormod(BigInt(1), 0), "ZeroDivisionError", "Division by zero");
  EXPECT_ERROR(big << -1, "ValueError", "Negative BigInt shift count");
  EXPECT_ERROR(big >> -big, "ValueError", "Negative BigInt shift count");
  EXPECT_ERROR(big << big, "OverflowError", "BigInt shift count is too large");
  EXPECT_EQ(-big >> big, -1);
  EXPECT_EQ(BigInt() << big, 0);
}

TEST(BigIntClass, UnsignedOperandsKeepTheirValue) {
  EXPECT_NE(BigInt(-1), UINT64_MAX);
  EXPECT_EQ(BigInt(UINT64_MAX), UINT64_MAX);
  EXPECT_LT(BigInt(-1), UINT64_MAX);
  EXPECT_EQ(Text(1 + BigInt(0) + UINT64_MAX), "18446744073709551616");
}

TEST(BigIntClass, FloatingPointOperandsLoseTheirFraction) {
  EXPECT_EQ(BigInt(5) * 1.9, 5);
  EXPECT_EQ(-2.5 - BigInt(5), -7);
  EXPECT_EQ(BigInt(1) << 100, std::ldexp(1.0, 100));
  EXPECT_LT(BigInt(1) << 100, 1e40);
  EXPECT_ERROR(BigInt(1) + std::nan(""), "ValueError", "Cannot convert NaN to BigInt");
  EXPECT_ERROR(BigInt(HUGE_VAL), "OverflowError", "Cannot convert infinity to BigInt");
}

TEST(BigIntClass, ConversionsToNumbersAreExactOrErrors) {
  const BigInt big = BigInt(1) << 100;
  EXPECT_ERROR(static_cast<int64_t>(big), "OverflowError", "BigInt does not fit int64_t");
  EXPECT_ERROR(static_cast<double>(BigInt(1) << 1024), "OverflowError",
               "BigInt does not fit finite double");
  EXPECT_EQ(static_cast<double>(big), std::ldexp(1.0, 100));
  // Half of the last bit goes to even, a little more goes up.
  EXPECT_EQ(static_cast<double>(big + (BigInt(1) << 47)), std::ldexp(1.0, 100));
  EXPECT_GT(static_cast<double>(big + (BigInt(1) << 47) + 1), std::ldexp(1.0, 100));
  EXPECT_EQ(BigInt(UINT64_MAX).as<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(BigInt(UINT64_MAX).as<int64_t>(), std::nullopt);
  EXPECT_EQ(BigInt(-1).as<uint64_t>(), std::nullopt);
  EXPECT_EQ(BigInt(200).as<int8_t>(), std::nullopt);
  EXPECT_EQ(BigInt(200).as<uint8_t>(), 200);
  EXPECT_EQ(BigInt(2).as<bool>(), std::nullopt);
  EXPECT_TRUE(big);
}

TEST(BigIntClass, WhatIsNoNumberIsNotRead) {
  for (const char* text : {"", "-", "abc", "--5"}) {
    std::istringstream in(text);
    BigInt value = 7;
    EXPECT_FALSE(in >> value) << text;
    EXPECT_EQ(value, 7);
  }
  EXPECT_EQ(Read("  -123456789012345678901234567890x") * -1,
            Read("123456789012345678901234567890"));
}

TEST(BigIntClass, MovedFromItIsZero) {
  BigInt from = BigInt(1) << 100;
  BigInt to = std::move(from);
  EXPECT_EQ(from, 0);  // NOLINT(bugprone-use-after-move)
  from = std::move(to);
  EXPECT_EQ(to, 0);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(from, BigInt(1) << 100);
  BigInt& alias = from;
  from = std::move(alias);
  EXPECT_EQ(from, BigInt(1) << 100);
}

TEST(BigIntClass, CopiesShareTheObject) {
  const BigInt value = BigInt(1) << 100;
  const BigInt copy = value;
  EXPECT_TRUE(Any(copy).same_as(Any(value)));
  EXPECT_TRUE(Any(Any(value).cast<BigInt>()).same_as(Any(value)));
  BigInt changed = value;
  ++changed;
  EXPECT_EQ(Text(value), "1267650600228229401496703205376");
}

TEST(BigIntClass, AnyConvertsIntsAndBoolsOnly) {
  EXPECT_EQ(Any(5).cast<BigInt>(), 5);
  EXPECT_EQ(Any(true).cast<BigInt>(), 1);
  EXPECT_FALSE(Any(true).as<BigInt>().has_value());
  EXPECT_FALSE(Any(1.0).try_cast<BigInt>().has_value());
  EXPECT_FALSE(Any(nullptr).try_cast<BigInt>().has_value());
  EXPECT_FALSE(Any(BigInt(1) << 64).try_cast<int64_t>().has_value());
}

TEST(BigIntClass, EqualValuesHashAlike) {
  const std::unordered_set<BigInt> values = {5, BigInt(1) << 100, BigInt(-1) << 100};
  EXPECT_EQ(values.count(BigInt(1) << 100), 1u);
  EXPECT_EQ(values.count(BigInt(1) << 101), 0u);
  EXPECT_EQ((BigInt(1) << 100).hash(), 32u);
  EXPECT_EQ(BigInt(-1).hash(), UINT64_MAX);
}

}  // namespace
