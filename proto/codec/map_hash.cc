#include "proto/codec/map_hash.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "proto/codec/any.h"

namespace tvmffi {
namespace {

constexpr uint64_t kFibonacci = 11400714819323198485u;
constexpr uint64_t kBase = 1099511628211u;
constexpr uint64_t kModulus = 2147483647;

uint64_t Combine(uint64_t key, uint64_t value) {
  return key ^ (value + 0x9e3779b9 + (key << 6) + (key >> 2));
}

uint64_t HashBytes(const TVMFFIByteArray& bytes) {
  uint64_t hash = 0;
  for (size_t at = 0; at < bytes.size; at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data + at, std::min(bytes.size - at, sizeof(word)));
    hash = (hash * kBase + word) % kModulus;
  }
  return hash;
}

}  // namespace

uint64_t HashMapKey(const TVMFFIAny& key) {
  switch (key.type_index) {
    case kTVMFFISmallStr:
      return Combine(kTVMFFIStr, key.v_uint64 % kModulus);
    case kTVMFFISmallBytes:
      return Combine(kTVMFFIBytes, key.v_uint64 % kModulus);
    case kTVMFFIStr:
    case kTVMFFIBytes:
      return Combine(static_cast<uint64_t>(key.type_index),
                     HashBytes(*TVMFFIBytesGetByteArrayPtr(key.v_obj)));
    default:
      return Combine(static_cast<uint64_t>(int64_t{key.type_index}), key.v_uint64);
  }
}

bool HasCrowdedSlot(const TVMFFIAny* pairs, size_t num_pairs, uint32_t limit) {
  if (num_pairs <= limit) return false;
  std::vector<uint64_t> hashes(num_pairs);
  for (size_t i = 0; i < num_pairs; ++i) hashes[i] = HashMapKey(pairs[2 * i]) * kFibonacci;
  // A table of 2^bits slots holds at most that many keys, and a key's slot is the top bits of its
  // hash.
  std::vector<uint32_t> slots;
  for (uint32_t bits = 3;; ++bits) {
    const size_t count = std::min(num_pairs, size_t{1} << bits);
    if (count > limit) {
      slots.assign(size_t{1} << bits, 0);
      for (size_t i = 0; i < count; ++i) {
        if (++slots[hashes[i] >> (64 - bits)] > limit) return true;
      }
    }
    if (count == num_pairs) return false;
  }
}

}  // namespace tvmffi
