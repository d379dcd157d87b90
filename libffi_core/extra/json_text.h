// What the JSON parser and the writer share: numbers, the characters of strings, limits.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_JSON_TEXT_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_JSON_TEXT_H_

#include <tvm/ffi/any.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tvmffi::core {

// Containers in containers. Destroying a value recurses once per level, so the limit must leave
// room on the smallest stacks that threads usually get.
constexpr size_t kMaxJsonDepth = 4096;

// Reads the number at `begin`, an int or a float, and returns the end of it; nullptr when none
// starts there, when characters of numbers follow that do not belong to it, or when it is out of
// range.
const char* ReadJsonNumber(const char* begin, const char* end, tvm::ffi::Any* result);

constexpr size_t kMaxJsonNumberLength = 32;

// Writes at most kMaxJsonNumberLength characters and returns the end. Integral floats of less than
// 2^53 get a ".0"; all others are as printf("%.17g") writes them.
char* WriteJsonInt(int64_t value, char* out);
char* WriteJsonFloat(double value, char* out);

// Eight characters at once: the top bit of each byte of the result says whether the condition holds
// for the character. Behind the first hit, and only there, hits may be false.
constexpr uint64_t kEveryByte = 0x0101010101010101;
constexpr uint64_t BytesEqualTo(uint64_t word, unsigned char c) {
  const uint64_t zero_where_equal = word ^ (kEveryByte * c);
  return (zero_where_equal - kEveryByte) & ~zero_where_equal & (kEveryByte << 7);
}
constexpr uint64_t BytesBelow32(uint64_t word) {
  return (word - kEveryByte * 32) & ~word & (kEveryByte << 7);
}
inline uint64_t LoadEightBytes(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}
// Where the first character with a hit is.
inline int FirstHit(uint64_t hits) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_ctzll(hits) / 8;
#else
#error "byte order not supported"
#endif
}

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_JSON_TEXT_H_
