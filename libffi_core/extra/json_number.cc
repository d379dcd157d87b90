// Numbers to and from JSON text. Short ones, nearly all there are, take exact integer arithmetic;
// the rest is left to the standard library.
#include <charconv>
#include <cmath>
#include <system_error>

#include "libffi_core/extra/json_text.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
__extension__ using uint128_t = unsigned __int128;

constexpr double kPowersOf10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxExactPowerOf10 = 22;
constexpr uint64_t kTwoTo53 = uint64_t{1} << 53;
constexpr int kMaxSafeDigits = 18;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsNumberCharacter(char c) {
  return IsDigit(c) || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+';
}

// A number whose every character in [begin, end) must belong to it.
bool ReadAnyNumber(const char* begin, const char* end, Any* result) {
  if (begin != end && *begin == '+') {
    ++begin;
    if (begin != end && *begin == '-') return false;
  }
  int64_t integer = 0;
  const auto as_integer = std::from_chars(begin, end, integer);
  if (as_integer.ec == std::errc() && as_integer.ptr == end) {
    *result = integer;
    return true;
  }
  double number = 0;
  const auto as_float = std::from_chars(begin, end, number, std::chars_format::general);
  if (as_float.ec != std::errc() || as_float.ptr != end || !std::isfinite(number)) return false;
  *result = number;
  return true;
}

// Digits, a point, digits; then an exponent or nothing. True when the double is exact this way.
struct Decimal {
  uint64_t mantissa = 0;
  int digits = 0;
  int exponent = 0;

  const char* ReadDigits(const char* p, const char* end) {
    const char* const first = p;
    for (; p != end && IsDigit(*p); ++p) mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
    // More digits than fit are counted all the same, which makes the value of `mantissa` unused.
    digits += static_cast<int>(p - first < 1000 ? p - first : 1000);
    return p;
  }
  const char* ReadFraction(const char* p, const char* end) {
    const char* const first = ++p;
    p = ReadDigits(p, end);
    exponent -= static_cast<int>(p - first < 1000 ? p - first : 1000);
    return p;
  }
  // The product or quotient of two exact doubles is correctly rounded.
  bool ToDouble(double* result) const {
    if (digits == 0 || digits > kMaxSafeDigits || mantissa > kTwoTo53 ||
        exponent < -kMaxExactPowerOf10 || exponent > kMaxExactPowerOf10)
      return false;
    const auto value = static_cast<double>(mantissa);
    *result = exponent < 0 ? value / kPowersOf10[-exponent] : value * kPowersOf10[exponent];
    return true;
  }
};

struct PowersOf5 {
  // The largest one that %.17g needs for numbers from 1e-4 on.
  static constexpr int kMax = 21;
  uint64_t of[kMax + 1];
};
constexpr PowersOf5 MakePowersOf5() {
  PowersOf5 powers{};
  uint64_t power = 1;
  for (uint64_t& slot : powers.of) {
    slot = power;
    power *= 5;
  }
  return powers;
}
constexpr PowersOf5 kPowersOf5 = MakePowersOf5();

// numerator / 2^shift, rounded to the nearest integer, ties to even.
uint64_t ShiftRounded(uint128_t numerator, int shift) {
  if (shift <= 0) return static_cast<uint64_t>(numerator << -shift);
  const auto quotient = static_cast<uint64_t>(numerator >> shift);
  const uint128_t rest = numerator & ((uint128_t{1} << shift) - 1);
  const uint128_t half = uint128_t{1} << (shift - 1);
  const bool up = rest > half || (rest == half && (quotient & 1) != 0);
  return quotient + (up ? 1 : 0);
}

// A value in [1e-4, 1e17) to 17 digits: digits * 10^(exponent - count + 1).
struct Digits17 {
  uint64_t digits;
  int count;
  int exponent;
};

Digits17 RoundTo17Digits(double value) {
  constexpr uint64_t kTenTo17 = 100000000000000000;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint64_t mantissa = (bits & (kTwoTo53 / 2 - 1)) | (kTwoTo53 / 2);
  const int binary_exponent = static_cast<int>(bits >> 52) - 1023;
  // floor(log10(value)), or one less: log10(2) is a little more than 78912 / 2^18.
  int exponent = (binary_exponent * 78912) >> 18;
  for (;; ++exponent) {
    const int scale = 16 - exponent;
    const uint128_t product = uint128_t{mantissa} * kPowersOf5.of[scale];
    const uint64_t digits = ShiftRounded(product, 52 - binary_exponent - scale);
    if (digits < kTenTo17) return {digits, 17, exponent};
  }
}

void StripTrailingZeros(Digits17* number) {
  constexpr struct {
    uint64_t power;
    int zeros;
  } kSteps[] = {{100000000, 8}, {10000, 4}, {100, 2}, {10, 1}, {10, 1}};
  for (const auto& step : kSteps) {
    if (number->digits % step.power == 0) {
      number->digits /= step.power;
      number->count -= step.zeros;
    }
  }
}

char* Fill(char* out, char c, int count) {
  std::memset(out, c, static_cast<size_t>(count));
  return out + count;
}

char* WriteDigits(uint64_t digits, char* out) {
  return std::to_chars(out, out + kMaxJsonNumberLength, digits).ptr;
}

// `value` in [1e-4, 1e17).
char* WritePlain(double value, char* out) {
  Digits17 number = RoundTo17Digits(value);
  StripTrailingZeros(&number);
  if (number.exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    return WriteDigits(number.digits, Fill(out, '0', -number.exponent - 1));
  }
  const int whole = number.exponent + 1;
  char* const end = WriteDigits(number.digits, out);
  if (number.count <= whole) return Fill(end, '0', whole - number.count);
  std::memmove(out + whole + 1, out + whole, static_cast<size_t>(number.count - whole));
  out[whole] = '.';
  return end + 1;
}

char* WriteText(const char* text, char* out) {
  const size_t size = std::strlen(text);
  std::memcpy(out, text, size);
  return out + size;
}

}  // namespace

const char* ReadJsonNumber(const char* begin, const char* end, Any* result) {
  const bool negative = begin != end && *begin == '-';
  Decimal decimal;
  const char* p = decimal.ReadDigits(begin + (negative ? 1 : 0), end);
  if (p == end || !IsNumberCharacter(*p)) {
    if (decimal.digits != 0 && decimal.digits <= kMaxSafeDigits) {
      const auto value = static_cast<int64_t>(decimal.mantissa);
      *result = negative ? -value : value;
      return p;
    }
  } else if (*p == '.') {
    p = decimal.ReadFraction(p, end);
    double value = 0;
    if ((p == end || !IsNumberCharacter(*p)) && decimal.ToDouble(&value)) {
      *result = negative ? -value : value;
      return p;
    }
  }
  while (p != end && IsNumberCharacter(*p)) ++p;
  return ReadAnyNumber(begin, p, result) ? p : nullptr;
}

char* WriteJsonInt(int64_t value, char* out) {
  return std::to_chars(out, out + kMaxJsonNumberLength, value).ptr;
}

char* WriteJsonFloat(double value, char* out) {
  if (std::isnan(value)) return WriteText("NaN", out);
  if (std::signbit(value)) *out++ = '-';
  const double magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return WriteText("Infinity", out);
  if (magnitude < static_cast<double>(kTwoTo53) && magnitude == std::trunc(magnitude))
    return WriteText(".0", WriteDigits(static_cast<uint64_t>(magnitude), out));
  if (magnitude >= 1e-4 && magnitude < 1e17) return WritePlain(magnitude, out);
  return std::to_chars(out, out + kMaxJsonNumberLength, magnitude, std::chars_format::general, 17)
      .ptr;
}

}  // namespace tvmffi::core
