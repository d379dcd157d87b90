// Integers of any size. What fits 64 bits is a plain int; the others are objects of 64-bit words,
// two's complement, the lowest first, no more words than needed.
#ifndef TVMFFI_LIBFFI_CORE_BIG_INT_H_
#define TVMFFI_LIBFFI_CORE_BIG_INT_H_

#include <tvm/ffi/c_api.h>

#include <string>
#include <string_view>

namespace tvmffi::core {

// The value of `words`, which may have more than needed; Failure when they are not whole words.
TVMFFIAny NewBigInt(std::string_view words);

// The words of an object; `value` must be one.
std::string_view BigIntWords(const TVMFFIAny& value);

// Of the words of two objects: negative, zero or positive.
int CompareBigIntWords(std::string_view lhs, std::string_view rhs);
bool IsNegativeBigInt(std::string_view words);

std::string DecimalOfBigInt(std::string_view words);
// An optional sign and digits. Failure when `text` is something else.
TVMFFIAny BigIntOfDecimal(std::string_view text);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_BIG_INT_H_
