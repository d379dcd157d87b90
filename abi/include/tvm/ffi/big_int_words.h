/*!
 * \file tvm/ffi/big_int_words.h
 * \brief The arithmetic behind BigInt, on words. Internal; include big_int.h.
 */
#ifndef TVM_FFI_BIG_INT_WORDS_H_
#define TVM_FFI_BIG_INT_WORDS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief Two's complement, the lowest word first; never empty, the last word has the sign. */
using BigWords = std::vector<uint64_t>;
/*! \brief An absolute value in base 2^32, the lowest digit first, no leading zeros. */
using BigDigits = std::vector<uint32_t>;

/*! \brief Borrowed words, read as if the sign went on forever. */
struct BigWordsView {
  const uint64_t* data;
  size_t size;

  uint64_t sign() const { return data[size - 1] >> 63 != 0 ? ~uint64_t{0} : 0; }
  uint64_t operator[](size_t i) const { return i < size ? data[i] : sign(); }
};

inline BigWords BigNegated(const BigWordsView& value) {
  BigWords result(value.size + 1);
  uint64_t carry = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = ~value[i] + carry;
    carry = result[i] < carry ? 1 : 0;
  }
  return result;
}

inline void BigTrim(BigDigits* digits) {
  while (!digits->empty() && digits->back() == 0) {
    digits->pop_back();
  }
}

inline BigDigits BigAbsolute(const BigWordsView& value) {
  const BigWords words =
      value.sign() != 0 ? BigNegated(value) : BigWords(value.data, value.data + value.size);
  BigDigits digits;
  digits.reserve(words.size() * 2);
  for (const uint64_t word : words) {
    digits.push_back(static_cast<uint32_t>(word));
    digits.push_back(static_cast<uint32_t>(word >> 32));
  }
  BigTrim(&digits);
  return digits;
}

inline BigWords BigFromAbsolute(const BigDigits& digits, bool negative) {
  BigWords words(digits.size() / 2 + 1);
  for (size_t i = 0; i < digits.size(); ++i) {
    words[i / 2] |= uint64_t{digits[i]} << (32 * (i % 2));
  }
  return negative ? BigNegated({words.data(), words.size()}) : words;
}

inline BigWords BigSum(const BigWordsView& lhs, const BigWordsView& rhs) {
  BigWords result(std::max(lhs.size, rhs.size) + 1);
  uint64_t carry = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    const uint64_t sum = lhs[i] + rhs[i];
    result[i] = sum + carry;
    carry = (sum < rhs[i] || result[i] < sum) ? 1 : 0;
  }
  return result;
}

inline BigWords BigProduct(const BigWordsView& lhs, const BigWordsView& rhs) {
  const BigDigits a = BigAbsolute(lhs);
  const BigDigits b = BigAbsolute(rhs);
  BigDigits result(a.size() + b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t carry = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      carry += uint64_t{a[i]} * b[j] + result[i + j];
      result[i + j] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    result[i + b.size()] = static_cast<uint32_t>(carry);
  }
  return BigFromAbsolute(result, lhs.sign() != rhs.sign());
}

/*! \brief Leaves the quotient and returns the remainder. */
inline uint32_t BigDivideSmall(BigDigits* digits, uint32_t divisor) {
  uint64_t remainder = 0;
  for (size_t i = digits->size(); i-- > 0;) {
    remainder = remainder << 32 | (*digits)[i];
    (*digits)[i] = static_cast<uint32_t>(remainder / divisor);
    remainder %= divisor;
  }
  BigTrim(digits);
  return static_cast<uint32_t>(remainder);
}

inline BigDigits BigShiftedUp(const BigDigits& digits, int bits) {
  BigDigits result(digits.size() + 1);
  for (size_t i = 0; i < digits.size(); ++i) {
    const uint64_t shifted = uint64_t{digits[i]} << bits;
    result[i] |= static_cast<uint32_t>(shifted);
    result[i + 1] = static_cast<uint32_t>(shifted >> 32);
  }
  return result;
}

/*! \brief Takes `factor * divisor` off the digits of `rest` from `low` on. Returns whether that was
 * too much, in which case one divisor has been put back. */
inline bool BigSubtractMultiple(BigDigits* rest, size_t low, const BigDigits& divisor,
                                uint64_t factor) {
  uint64_t carry = 0;
  int64_t borrow = 0;
  for (size_t i = 0; i <= divisor.size(); ++i) {
    carry += i < divisor.size() ? factor * divisor[i] : 0;
    borrow += int64_t{(*rest)[low + i]} - static_cast<int64_t>(carry & 0xffffffff);
    (*rest)[low + i] = static_cast<uint32_t>(borrow);
    borrow >>= 32;
    carry >>= 32;
  }
  if (borrow == 0) {
    return false;
  }
  carry = 0;
  for (size_t i = 0; i < divisor.size(); ++i) {
    carry += uint64_t{(*rest)[low + i]} + divisor[i];
    (*rest)[low + i] = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  (*rest)[low + divisor.size()] += static_cast<uint32_t>(carry);
  return true;
}

/*! \brief Leaves the remainder in `digits` and returns the quotient. Knuth's algorithm D. */
inline BigDigits BigDivide(BigDigits* digits, BigDigits divisor) {
  if (digits->size() < divisor.size()) {
    return {};
  }
  if (divisor.size() == 1) {
    BigDigits quotient = *digits;
    *digits = {BigDivideSmall(&quotient, divisor[0])};
    BigTrim(digits);
    return quotient;
  }
  // The highest bit of the divisor set makes the estimates below at most two too large.
  int bits = 0;
  while ((divisor.back() << bits & 0x80000000U) == 0) {
    ++bits;
  }
  divisor = BigShiftedUp(divisor, bits);
  BigTrim(&divisor);
  BigDigits rest = BigShiftedUp(*digits, bits);
  const size_t n = divisor.size();
  BigDigits quotient(rest.size() - n);
  for (size_t i = quotient.size(); i-- > 0;) {
    const uint64_t top = uint64_t{rest[i + n]} << 32 | rest[i + n - 1];
    uint64_t estimate = top / divisor[n - 1];
    uint64_t remainder = top % divisor[n - 1];
    while (
        remainder >> 32 == 0 &&
        (estimate >> 32 != 0 || estimate * divisor[n - 2] > (remainder << 32 | rest[i + n - 2]))) {
      --estimate;
      remainder += divisor[n - 1];
    }
    quotient[i] = static_cast<uint32_t>(estimate);
    if (BigSubtractMultiple(&rest, i, divisor, estimate)) {
      --quotient[i];
    }
  }
  digits->assign(rest.size(), 0);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t pair = uint64_t{rest[i]} | uint64_t{i + 1 < n ? rest[i + 1] : 0} << 32;
    (*digits)[i] = static_cast<uint32_t>(pair >> bits);
  }
  BigTrim(digits);
  return quotient;
}

inline BigWords BigShiftedLeft(const BigWordsView& value, uint64_t count) {
  const size_t whole = static_cast<size_t>(count / 64);
  const int bits = static_cast<int>(count % 64);
  BigWords result(value.size + whole + 1);
  for (size_t i = 0; i <= value.size; ++i) {
    const uint64_t below = i == 0 || bits == 0 ? 0 : value[i - 1] >> (64 - bits);
    result[i + whole] = value[i] << bits | below;
  }
  return result;
}

inline BigWords BigShiftedRight(const BigWordsView& value, uint64_t count) {
  const size_t whole = static_cast<size_t>(std::min<uint64_t>(count / 64, value.size));
  const int bits = static_cast<int>(count % 64);
  BigWords result(value.size - whole + 1);
  for (size_t i = 0; i < result.size(); ++i) {
    const uint64_t above = bits == 0 ? 0 : value[i + whole + 1] << (64 - bits);
    result[i] = value[i + whole] >> bits | above;
  }
  return result;
}

template <typename Combine>
inline BigWords BigBitwise(const BigWordsView& lhs, const BigWordsView& rhs, Combine&& combine) {
  BigWords result(std::max(lhs.size, rhs.size));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = combine(lhs[i], rhs[i]);
  }
  return result;
}

/*! \brief Negative, zero or positive. */
inline int BigCompare(const BigWordsView& lhs, const BigWordsView& rhs) {
  if (lhs.sign() != rhs.sign()) {
    return lhs.sign() != 0 ? -1 : 1;
  }
  for (size_t i = std::max(lhs.size, rhs.size); i-- > 0;) {
    if (lhs[i] != rhs[i]) {
      return lhs[i] < rhs[i] ? -1 : 1;
    }
  }
  return 0;
}

/*! \brief The nearest double, ties to even; infinity when there is none. */
inline double BigToDouble(const BigWordsView& value) {
  const BigDigits digits = BigAbsolute(value);
  double result = 0;
  if (digits.size() <= 2) {
    result = static_cast<double>(BigFromAbsolute(digits, false)[0]);
  } else {
    // 64 bits from the highest set one on; what is below them counts as a bit that is not zero.
    int bits = 0;
    while ((digits.back() << bits & 0x80000000U) == 0) {
      ++bits;
    }
    const size_t n = digits.size();
    uint64_t top = (uint64_t{digits[n - 1]} << 32 | digits[n - 2]) << bits;
    top |= bits == 0 ? 0 : digits[n - 3] >> (32 - bits);
    bool sticky = static_cast<uint32_t>(digits[n - 3] << bits) != 0;
    for (size_t i = 0; i + 3 < n; ++i) {
      sticky = sticky || digits[i] != 0;
    }
    const size_t exponent = 32 * (n - 2) - static_cast<size_t>(bits);
    result = exponent > 1024 ? std::numeric_limits<double>::infinity()
                             : std::ldexp(static_cast<double>(top | (sticky ? 1U : 0U)),
                                          static_cast<int>(exponent));
  }
  return value.sign() != 0 ? -result : result;
}

inline std::string BigToDecimal(const BigWordsView& value) {
  constexpr uint32_t kChunk = 1000000000;
  constexpr int kChunkDigits = 9;
  BigDigits digits = BigAbsolute(value);
  std::string reversed;
  while (!digits.empty()) {
    uint32_t chunk = BigDivideSmall(&digits, kChunk);
    for (int i = 0; i < kChunkDigits && (chunk != 0 || !digits.empty()); ++i, chunk /= 10) {
      reversed.push_back(static_cast<char>('0' + chunk % 10));
    }
  }
  if (reversed.empty()) {
    reversed.push_back('0');
  }
  if (value.sign() != 0) {
    reversed.push_back('-');
  }
  return {reversed.rbegin(), reversed.rend()};
}

/*! \brief The words of an absolute value written in decimal digits. */
inline BigWords BigFromDecimal(std::string_view text, bool negative) {
  BigDigits digits;
  for (size_t begin = 0; begin < text.size(); begin += 9) {
    uint64_t factor = 1;
    uint64_t carry = 0;
    for (const char digit : text.substr(begin, 9)) {
      factor *= 10;
      carry = carry * 10 + static_cast<uint64_t>(digit - '0');
    }
    for (uint32_t& digit : digits) {
      carry += digit * factor;
      digit = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) {
      digits.push_back(static_cast<uint32_t>(carry));
    }
  }
  return BigFromAbsolute(digits, negative);
}
}  // namespace details
}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_BIG_INT_WORDS_H_
