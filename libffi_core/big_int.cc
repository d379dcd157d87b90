#include "libffi_core/big_int.h"

#include <tvm/ffi/any.h>
#include <tvm/ffi/base_details.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/string.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::String;
using tvm::ffi::details::AnyUnsafe;

constexpr size_t kWordSize = sizeof(uint64_t);

struct BigIntObject {
  TVMFFIObject header;
  uint64_t num_words;
};
static_assert(sizeof(BigIntObject) == 32 && offsetof(BigIntObject, num_words) == 24);

uint64_t WordAt(std::string_view words, size_t index) {
  uint64_t word;
  std::memcpy(&word, words.data() + index * kWordSize, kWordSize);
  return word;
}

uint64_t SignWord(uint64_t word) { return word >> 63 != 0 ? ~uint64_t{0} : 0; }

TVMFFIAny IntAny(uint64_t word) {
  TVMFFIAny value = NoneAny();
  value.type_index = kTVMFFIInt;
  value.v_uint64 = word;
  return value;
}

// A magnitude in base 2^32, the lowest digit first, no leading zeros.
using Magnitude = std::vector<uint32_t>;
constexpr uint32_t kChunk = 1000000000;
constexpr size_t kChunkDigits = 9;

void MultiplyAdd(Magnitude* magnitude, uint32_t factor, uint32_t summand) {
  uint64_t carry = summand;
  for (uint32_t& digit : *magnitude) {
    carry += uint64_t{digit} * factor;
    digit = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) magnitude->push_back(static_cast<uint32_t>(carry));
}

// Leaves the quotient and returns the remainder.
uint32_t Divide(Magnitude* magnitude, uint32_t divisor) {
  uint64_t remainder = 0;
  for (auto digit = magnitude->rbegin(); digit != magnitude->rend(); ++digit) {
    remainder = remainder << 32 | *digit;
    *digit = static_cast<uint32_t>(remainder / divisor);
    remainder %= divisor;
  }
  while (!magnitude->empty() && magnitude->back() == 0) magnitude->pop_back();
  return static_cast<uint32_t>(remainder);
}

void Negate(std::vector<uint64_t>* words) {
  uint64_t carry = 1;
  for (uint64_t& word : *words) {
    word = ~word + carry;
    carry = word < carry ? 1 : 0;
  }
}

Magnitude MagnitudeOf(std::string_view words) {
  std::vector<uint64_t> absolute(words.size() / kWordSize);
  std::memcpy(absolute.data(), words.data(), words.size());
  if (IsNegativeBigInt(words)) Negate(&absolute);
  Magnitude magnitude;
  for (const uint64_t word : absolute) {
    magnitude.push_back(static_cast<uint32_t>(word));
    magnitude.push_back(static_cast<uint32_t>(word >> 32));
  }
  return magnitude;
}

}  // namespace

TVMFFIAny NewBigInt(std::string_view words) {
  if (words.size() % kWordSize != 0) {
    throw Failure("ValueError", "BigInt content must contain whole 64-bit words");
  }
  size_t count = words.size() / kWordSize;
  while (count > 1 && WordAt(words, count - 1) == SignWord(WordAt(words, count - 2))) --count;
  if (count <= 1) return IntAny(count == 0 ? 0 : WordAt(words, 0));
  auto* object = NewObject<BigIntObject>(kTVMFFIBigInt, count * kWordSize, uint64_t{count});
  std::memcpy(static_cast<void*>(object + 1), words.data(), count * kWordSize);
  TVMFFIAny value = NoneAny();
  value.type_index = kTVMFFIBigInt;
  value.v_obj = &object->header;
  return value;
}

std::string_view BigIntWords(const TVMFFIAny& value) {
  const auto* object = reinterpret_cast<const BigIntObject*>(value.v_obj);
  return {reinterpret_cast<const char*>(object + 1), object->num_words * kWordSize};
}

bool IsNegativeBigInt(std::string_view words) {
  return SignWord(WordAt(words, words.size() / kWordSize - 1)) != 0;
}

int CompareBigIntWords(std::string_view lhs, std::string_view rhs) {
  const bool negative = IsNegativeBigInt(lhs);
  if (negative != IsNegativeBigInt(rhs)) return negative ? -1 : 1;
  if (lhs.size() != rhs.size()) return (lhs.size() < rhs.size()) != negative ? -1 : 1;
  for (size_t i = lhs.size() / kWordSize; i-- > 0;) {
    const uint64_t a = WordAt(lhs, i);
    const uint64_t b = WordAt(rhs, i);
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}

std::string DecimalOfBigInt(std::string_view words) {
  Magnitude magnitude = MagnitudeOf(words);
  std::string reversed;
  while (!magnitude.empty()) {
    uint32_t chunk = Divide(&magnitude, kChunk);
    for (size_t i = 0; i < kChunkDigits; ++i, chunk /= 10) {
      reversed += static_cast<char>('0' + chunk % 10);
    }
  }
  reversed.resize(reversed.find_last_not_of('0') + 1);
  if (IsNegativeBigInt(words)) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

TVMFFIAny BigIntOfDecimal(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    throw Failure("ValueError", "Invalid decimal string for ffi.BigInt");
  }
  Magnitude magnitude;
  while (!text.empty()) {
    const size_t num_digits = std::min(text.size(), kChunkDigits);
    uint32_t chunk = 0;
    uint32_t factor = 1;
    for (size_t i = 0; i < num_digits; ++i, factor *= 10) {
      chunk = chunk * 10 + static_cast<uint32_t>(text[i] - '0');
    }
    MultiplyAdd(&magnitude, factor, chunk);
    text.remove_prefix(num_digits);
  }
  // One word more than the magnitude fills: the sign.
  std::vector<uint64_t> words(magnitude.size() / 2 + 2);
  for (size_t i = 0; i < magnitude.size(); ++i) {
    words[i / 2] |= uint64_t{magnitude[i]} << (32 * (i % 2));
  }
  if (negative) Negate(&words);
  return NewBigInt({reinterpret_cast<const char*>(words.data()), words.size() * kWordSize});
}

namespace {

std::string_view WordsOf(const Any& value) {
  TVM_FFI_CHECK(value.type_index() == kTVMFFIBigInt, TypeError)
      << "expected a `ffi.BigInt`, got `" << value.GetTypeKey() << "`";
  return BigIntWords(*AnyUnsafe::TVMFFIAnyPtrFromAny(value));
}

int64_t HashWords(const Any& value) {
  const std::string_view words = WordsOf(value);
  return static_cast<int64_t>(tvm::ffi::details::StableHashBytes(words.data(), words.size()));
}
bool EqualWords(const Any& lhs, const Any& rhs) { return WordsOf(lhs) == WordsOf(rhs); }
String ToJson(const Any& value) { return String(DecimalOfBigInt(WordsOf(value))); }

Any FromJson(const Any& data) {
  const auto text = data.cast<String>();
  try {
    TVMFFIAny value = BigIntOfDecimal({text.data(), text.size()});
    return AnyUnsafe::MoveTVMFFIAnyToAny(&value);
  } catch (const Failure& failure) {
    throw tvm::ffi::Error(failure.kind(), failure.message(), "");
  }
}

void RegisterAttr(const char* name, const AnyView& attr) {
  const TVMFFIByteArray key = BytesOf(name);
  const TVMFFIAny value = attr.CopyToTVMFFIAny();
  TVM_FFI_CHECK_SAFE_CALL(TVMFFITypeRegisterAttr(kTVMFFIBigInt, &key, &value));
}

// Map hooks are Functions: releases disagree about what a pointer there would return.
TVM_FFI_STATIC_INIT_BLOCK() {
  namespace type_attr = tvm::ffi::reflection::type_attr;
  RegisterAttr(type_attr::kAnyHash, Function::FromTyped(HashWords));
  RegisterAttr(type_attr::kAnyEqual, Function::FromTyped(EqualWords));
  RegisterAttr(type_attr::kDataToJson, Function::FromTyped(ToJson));
  RegisterAttr(type_attr::kDataFromJson, Function::FromTyped(FromJson));
  // Nothing describes its fields, and no ObjectDef says that it is final.
  RegisterAttr("__ffi_type_final__", true);
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::NotNull;

extern "C" {

int TVMFFIBigIntFromByteArray(const TVMFFIByteArray* input, TVMFFIAny* out) {
  return tvmffi::core::Guarded([&] {
    TVMFFIAny& result = NotNull(out, "TVMFFIBigIntFromByteArray: out");
    result = tvmffi::core::NewBigInt(
        tvmffi::core::ViewOf(NotNull(input, "TVMFFIBigIntFromByteArray: input")));
  });
}

TVMFFIByteArray TVMFFIBigIntGetContentByteArray(const TVMFFIAny* value) {
  if (value != nullptr && value->type_index == kTVMFFIInt) {
    return {value->v_bytes, sizeof(value->v_bytes)};
  }
  if (value == nullptr || value->type_index != kTVMFFIBigInt) return {nullptr, 0};
  return tvmffi::core::BytesOf(tvmffi::core::BigIntWords(*value));
}

}  // extern "C"
