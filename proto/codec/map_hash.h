// The published hash of map keys, to see a map coming whose building would take quadratic time.
#ifndef TVMFFI_PROTO_CODEC_MAP_HASH_H_
#define TVMFFI_PROTO_CODEC_MAP_HASH_H_

#include <tvm/ffi/c_api.h>

#include <cstddef>
#include <cstdint>

namespace tvmffi {

// As every party to the ABI computes it. Keys of types with a hash of their own count as their
// address here.
uint64_t HashMapKey(const TVMFFIAny& key);

// True when inserting the keys in this order (key, value, key, ...) puts more than `limit` of them
// into one slot of the table at any of its sizes. Chosen keys do, keys that come about do not.
// Linear time.
bool HasCrowdedSlot(const TVMFFIAny* pairs, size_t num_pairs, uint32_t limit);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_MAP_HASH_H_
