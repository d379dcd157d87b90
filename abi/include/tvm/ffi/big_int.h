/*!
 * \file tvm/ffi/big_int.h
 * \brief BigInt: a signed integer of any size, with the arithmetic of one.
 *
 * \code
 * BigInt factorial = 1;
 * for (int64_t i = 2; i <= 30; ++i) factorial *= i;
 * std::optional<int64_t> small = factorial.as<int64_t>();  // empty: it needs 108 bits
 * \endcode
 *
 * A value that fits 64 bits is a plain int, also in an Any; others are objects of type `ffi.BigInt`
 * that copies share. Values are immutable for others: a BigInt that changes becomes another value.
 */
#ifndef TVM_FFI_BIG_INT_H_
#define TVM_FFI_BIG_INT_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/base_details.h>
#include <tvm/ffi/big_int_words.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/type_traits.h>

#include <cmath>
#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace tvm {
namespace ffi {

/*!
 * \brief A signed integer of any size. Moved from, it is zero.
 *
 * Arithmetic and comparison take a BigInt, an integer, or a floating point number on one side, of
 * which the fraction is dropped (ValueError for NaN, OverflowError for infinity). `/`, `%`,
 * truncdiv and truncmod round toward zero, floordiv and floormod down; by zero they are a
 * ZeroDivisionError. Bitwise operations see two's complement with the sign going on forever. A
 * shift by a negative count is a ValueError.
 */
class BigInt {
 public:
  BigInt() : data_(int64_t{0}) {}
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  BigInt(T value) : data_(int64_t{0}) {  // NOLINT(google-explicit-constructor)
    if (std::is_unsigned_v<T> && sizeof(T) == sizeof(uint64_t) && static_cast<int64_t>(value) < 0) {
      Assign({static_cast<uint64_t>(value), 0});
    } else {
      data_ = static_cast<int64_t>(value);
    }
  }
  /*! \brief The whole part. ValueError for NaN, OverflowError for infinity. */
  explicit BigInt(double value) : data_(int64_t{0}) {
    if (std::isnan(value)) {
      TVM_FFI_THROW(ValueError) << "Cannot convert NaN to BigInt";
    }
    if (std::isinf(value)) {
      TVM_FFI_THROW(OverflowError) << "Cannot convert infinity to BigInt";
    }
    constexpr double kLimit = 9223372036854775808.0;
    if (value >= -kLimit && value < kLimit) {
      data_ = static_cast<int64_t>(value);
    } else {
      // Beyond 2^63 a double is its 53 bits, shifted.
      int exponent = 0;
      const double fraction = std::frexp(value, &exponent);
      const auto mantissa = static_cast<int64_t>(std::ldexp(fraction, 53));
      *this = BigInt(mantissa) << BigInt(exponent - 53);
    }
  }
  BigInt(const BigInt&) = default;
  BigInt& operator=(const BigInt&) = default;
  BigInt(BigInt&& other) noexcept : data_(std::move(other.data_)) { other.data_ = int64_t{0}; }
  BigInt& operator=(BigInt&& other) noexcept {
    BigInt taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~BigInt() = default;

  void swap(BigInt& other) noexcept { std::swap(data_, other.data_); }

  /*! \brief The value, if it is one of the integer type T. */
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  std::optional<T> as() const {
    if (is_small()) {
      const int64_t value = small();
      constexpr bool kIsBool = std::is_same_v<T, bool>;
      const bool sign_fits = std::is_signed_v<T> || value >= 0;
      if (kIsBool ? value >> 1 == 0
                  : sign_fits && static_cast<int64_t>(static_cast<T>(value)) == value) {
        return static_cast<T>(value);
      }
    } else if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(uint64_t)) {
      const details::BigWordsView words = this->words();
      if (words.size == 2 && words.data[1] == 0) {
        return static_cast<T>(words.data[0]);
      }
    }
    return std::nullopt;
  }
  /*! \brief OverflowError when it does not fit. */
  explicit operator int64_t() const {
    if (!is_small()) {
      TVM_FFI_THROW(OverflowError) << "BigInt does not fit int64_t";
    }
    return small();
  }
  /*! \brief The nearest double; OverflowError when that is infinity. */
  explicit operator double() const {
    if (is_small()) {
      return static_cast<double>(small());
    }
    const double result = details::BigToDouble(words());
    if (std::isinf(result)) {
      TVM_FFI_THROW(OverflowError) << "BigInt does not fit finite double";
    }
    return result;
  }
  explicit operator bool() const noexcept { return !is_small() || small() != 0; }
  bool operator!() const noexcept { return is_small() && small() == 0; }

  /*! \brief The same for equal values, and from run to run. */
  uint64_t hash() const {
    if (is_small()) {
      return static_cast<uint64_t>(small());
    }
    const details::BigWordsView words = this->words();
    return details::StableHashBytes(words.data, words.size * sizeof(uint64_t));
  }

  BigInt operator+() const { return *this; }
  BigInt operator-() const { return BigInt() - *this; }
  BigInt operator~() const { return *this ^ BigInt(-1); }
  BigInt& operator++() { return *this += 1; }
  BigInt& operator--() { return *this -= 1; }
  BigInt operator++(int) {
    BigInt old = *this;
    ++*this;
    return old;
  }
  BigInt operator--(int) {
    BigInt old = *this;
    --*this;
    return old;
  }

  friend BigInt operator+(const BigInt& lhs, const BigInt& rhs) {
    int64_t sum = 0;
    if (TVM_FFI_PREDICT_TRUE(BothSmall(lhs, rhs) &&
                             !__builtin_add_overflow(lhs.small(), rhs.small(), &sum))) {
      return BigInt(sum);
    }
    return FromWords(details::BigSum(lhs.words(), rhs.words()));
  }
  friend BigInt operator-(const BigInt& lhs, const BigInt& rhs) {
    int64_t difference = 0;
    if (TVM_FFI_PREDICT_TRUE(BothSmall(lhs, rhs) &&
                             !__builtin_sub_overflow(lhs.small(), rhs.small(), &difference))) {
      return BigInt(difference);
    }
    const details::BigWords negated = details::BigNegated(rhs.words());
    return FromWords(details::BigSum(lhs.words(), {negated.data(), negated.size()}));
  }
  friend BigInt operator*(const BigInt& lhs, const BigInt& rhs) {
    int64_t product = 0;
    if (TVM_FFI_PREDICT_TRUE(BothSmall(lhs, rhs) &&
                             !__builtin_mul_overflow(lhs.small(), rhs.small(), &product))) {
      return BigInt(product);
    }
    return FromWords(details::BigProduct(lhs.words(), rhs.words()));
  }
  friend BigInt truncdiv(const BigInt& lhs, const BigInt& rhs) { return Divide(lhs, rhs).first; }
  friend BigInt truncmod(const BigInt& lhs, const BigInt& rhs) { return Divide(lhs, rhs).second; }
  friend BigInt floordiv(const BigInt& lhs, const BigInt& rhs) {
    auto [quotient, remainder] = Divide(lhs, rhs);
    return IsAbove(remainder, rhs) ? quotient - BigInt(1) : std::move(quotient);
  }
  friend BigInt floormod(const BigInt& lhs, const BigInt& rhs) {
    BigInt remainder = Divide(lhs, rhs).second;
    return IsAbove(remainder, rhs) ? remainder + rhs : std::move(remainder);
  }
  friend BigInt operator/(const BigInt& lhs, const BigInt& rhs) { return truncdiv(lhs, rhs); }
  friend BigInt operator%(const BigInt& lhs, const BigInt& rhs) { return truncmod(lhs, rhs); }

  friend BigInt operator&(const BigInt& lhs, const BigInt& rhs) {
    return Bitwise(lhs, rhs, [](auto a, auto b) { return a & b; });
  }
  friend BigInt operator|(const BigInt& lhs, const BigInt& rhs) {
    return Bitwise(lhs, rhs, [](auto a, auto b) { return a | b; });
  }
  friend BigInt operator^(const BigInt& lhs, const BigInt& rhs) {
    return Bitwise(lhs, rhs, [](auto a, auto b) { return a ^ b; });
  }
  friend BigInt operator<<(const BigInt& value, const BigInt& count) {
    CheckShift(count);
    if (!value) {
      return BigInt();
    }
    if (!count.is_small()) {
      TVM_FFI_THROW(OverflowError) << "BigInt shift count is too large";
    }
    return FromWords(details::BigShiftedLeft(value.words(), static_cast<uint64_t>(count.small())));
  }
  friend BigInt operator>>(const BigInt& value, const BigInt& count) {
    CheckShift(count);
    if (!count.is_small()) {
      return BigInt(value.words().sign() != 0 ? -1 : 0);
    }
    return FromWords(details::BigShiftedRight(value.words(), static_cast<uint64_t>(count.small())));
  }

  friend bool operator==(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) == 0; }
  friend bool operator!=(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) != 0; }
  friend bool operator<(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) < 0; }
  friend bool operator<=(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) <= 0; }
  friend bool operator>(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) > 0; }
  friend bool operator>=(const BigInt& lhs, const BigInt& rhs) { return Compare(lhs, rhs) >= 0; }
  friend BigInt min(const BigInt& lhs, const BigInt& rhs) { return rhs < lhs ? rhs : lhs; }
  friend BigInt max(const BigInt& lhs, const BigInt& rhs) { return lhs < rhs ? rhs : lhs; }

  BigInt& operator+=(const BigInt& other) { return *this = *this + other; }
  BigInt& operator-=(const BigInt& other) { return *this = *this - other; }
  BigInt& operator*=(const BigInt& other) { return *this = *this * other; }
  BigInt& operator/=(const BigInt& other) { return *this = *this / other; }
  BigInt& operator%=(const BigInt& other) { return *this = *this % other; }
  BigInt& operator&=(const BigInt& other) { return *this = *this & other; }
  BigInt& operator|=(const BigInt& other) { return *this = *this | other; }
  BigInt& operator^=(const BigInt& other) { return *this = *this ^ other; }
  BigInt& operator<<=(const BigInt& count) { return *this = *this << count; }
  BigInt& operator>>=(const BigInt& count) { return *this = *this >> count; }

  /*! \brief Writes it in decimal; of the stream's format only width, fill and left count. */
  friend std::ostream& operator<<(std::ostream& os, const BigInt& value) {
    return os << details::BigToDecimal(value.words());
  }
  /*! \brief Reads a sign and decimal digits; sets failbit and changes nothing when there are none.
   */
  friend std::istream& operator>>(std::istream& is, BigInt& value) {
    const std::istream::sentry sentry(is);
    if (!sentry) {
      return is;
    }
    constexpr auto kEnd = std::istream::traits_type::eof();
    auto next = is.peek();
    const bool negative = next == '-';
    if (negative || next == '+') {
      is.get();
      next = is.peek();
    }
    std::string digits;
    for (; next != kEnd && next >= '0' && next <= '9'; next = is.peek()) {
      digits.push_back(static_cast<char>(is.get()));
    }
    if (digits.empty()) {
      is.setstate(std::ios_base::failbit);
    } else {
      value = FromWords(details::BigFromDecimal(digits, negative));
    }
    return is;
  }

 private:
  // A kTVMFFIInt, or a kTVMFFIBigInt that needs more than one word.
  Any data_;
  friend struct TypeTraits<BigInt>;

  struct FromAny {};
  BigInt(FromAny, Any data) : data_(std::move(data)) {}

  const TVMFFIAny& raw() const noexcept { return *details::AnyUnsafe::TVMFFIAnyPtrFromAny(data_); }
  bool is_small() const noexcept { return raw().type_index == kTVMFFIInt; }
  int64_t small() const noexcept { return raw().v_int64; }
  details::BigWordsView words() const {
    const TVMFFIByteArray bytes = TVMFFIBigIntGetContentByteArray(&raw());
    return {reinterpret_cast<const uint64_t*>(bytes.data), bytes.size / sizeof(uint64_t)};
  }

  void Assign(const details::BigWords& words) {
    const TVMFFIByteArray bytes{reinterpret_cast<const char*>(words.data()),
                                words.size() * sizeof(uint64_t)};
    TVMFFIAny result;
    TVM_FFI_CHECK_SAFE_CALL(TVMFFIBigIntFromByteArray(&bytes, &result));
    data_ = details::AnyUnsafe::MoveTVMFFIAnyToAny(&result);
  }
  static BigInt FromWords(const details::BigWords& words) {
    BigInt result;
    result.Assign(words);
    return result;
  }

  static bool BothSmall(const BigInt& lhs, const BigInt& rhs) noexcept {
    return lhs.is_small() && rhs.is_small();
  }
  static int Compare(const BigInt& lhs, const BigInt& rhs) {
    if (TVM_FFI_PREDICT_TRUE(BothSmall(lhs, rhs))) {
      return lhs.small() < rhs.small() ? -1 : lhs.small() > rhs.small() ? 1 : 0;
    }
    return details::BigCompare(lhs.words(), rhs.words());
  }
  template <typename Combine>
  static BigInt Bitwise(const BigInt& lhs, const BigInt& rhs, Combine&& combine) {
    return BothSmall(lhs, rhs) ? BigInt(combine(lhs.small(), rhs.small()))
                               : FromWords(details::BigBitwise(lhs.words(), rhs.words(), combine));
  }
  static void CheckShift(const BigInt& count) {
    if (count < BigInt()) {
      TVM_FFI_THROW(ValueError) << "Negative BigInt shift count";
    }
  }

  // Quotient, rounded toward zero, and remainder.
  static std::pair<BigInt, BigInt> Divide(const BigInt& lhs, const BigInt& rhs) {
    if (!rhs) {
      TVM_FFI_THROW(ZeroDivisionError) << "Division by zero";
    }
    // By -1 the quotient of small numbers may not be small.
    if (BothSmall(lhs, rhs) && rhs.small() != -1) {
      return {BigInt(lhs.small() / rhs.small()), BigInt(lhs.small() % rhs.small())};
    }
    const bool lhs_negative = lhs.words().sign() != 0;
    const bool rhs_negative = rhs.words().sign() != 0;
    details::BigDigits rest = details::BigAbsolute(lhs.words());
    const details::BigDigits quotient =
        details::BigDivide(&rest, details::BigAbsolute(rhs.words()));
    return {FromWords(details::BigFromAbsolute(quotient, lhs_negative != rhs_negative)),
            FromWords(details::BigFromAbsolute(rest, lhs_negative))};
  }
  // Whether a quotient with this remainder was rounded up.
  static bool IsAbove(const BigInt& remainder, const BigInt& divisor) {
    return remainder && (remainder < BigInt()) != (divisor < BigInt());
  }
};

#define TVM_FFI_BIG_INT_WITH_FLOAT(Result, Name, Expr)                            \
  template <typename T, typename = std::enable_if_t<std::is_floating_point_v<T>>> \
  inline Result Name(const BigInt& lhs, T other) {                                \
    const BigInt rhs(other);                                                      \
    return Expr;                                                                  \
  }                                                                               \
  template <typename T, typename = std::enable_if_t<std::is_floating_point_v<T>>> \
  inline Result Name(T other, const BigInt& rhs) {                                \
    const BigInt lhs(other);                                                      \
    return Expr;                                                                  \
  }
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator+, lhs + rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator-, lhs - rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator*, lhs* rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator/, lhs / rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator%, lhs % rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator&, lhs& rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator|, lhs | rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator^, lhs ^ rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator<<, lhs << rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, operator>>, lhs >> rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, truncdiv, truncdiv(lhs, rhs))
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, truncmod, truncmod(lhs, rhs))
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, floordiv, floordiv(lhs, rhs))
TVM_FFI_BIG_INT_WITH_FLOAT(BigInt, floormod, floormod(lhs, rhs))
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator==, lhs == rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator!=, lhs != rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator<, lhs < rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator<=, lhs <= rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator>, lhs > rhs)
TVM_FFI_BIG_INT_WITH_FLOAT(bool, operator>=, lhs >= rhs)
#undef TVM_FFI_BIG_INT_WITH_FLOAT

static_assert(sizeof(BigInt) == sizeof(TVMFFIAny), "part of the ABI");

/*! \brief From ints and `ffi.BigInt`; by conversion also from bools. */
template <>
struct TypeTraits<BigInt> : public TypeTraitsBase {
  static void CopyToAnyView(const BigInt& src, TVMFFIAny* result) { *result = src.raw(); }
  static void MoveToAny(BigInt src, TVMFFIAny* result) {
    *result = details::AnyUnsafe::MoveAnyToTVMFFIAny(std::move(src.data_));
    src.data_ = int64_t{0};
  }
  static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kTVMFFIInt || src->type_index == kTVMFFIBigInt;
  }
  static BigInt CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return BigInt(BigInt::FromAny{}, Any(AnyView::CopyFromTVMFFIAny(*src)));
  }
  static BigInt MoveFromAnyAfterCheck(TVMFFIAny* src) {
    return BigInt(BigInt::FromAny{}, details::AnyUnsafe::MoveTVMFFIAnyToAny(src));
  }
  static std::optional<BigInt> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return src->type_index == kTVMFFIBool ? std::optional<BigInt>(src->v_int64) : std::nullopt;
  }
  static std::string TypeStr() { return "BigInt"; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIBigInt); }
};

}  // namespace ffi
}  // namespace tvm

/*! \brief BigInt::hash. */
template <>
struct std::hash<tvm::ffi::BigInt> {
  size_t operator()(const tvm::ffi::BigInt& value) const {
    return static_cast<size_t>(value.hash());
  }
};
#endif  // TVM_FFI_BIG_INT_H_
