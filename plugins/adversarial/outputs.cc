// C1.15: stores outside the tensor that a function was given to write.

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <cstdint>

#include "mappings.h"

namespace adversarial {

using tvm::ffi::TensorView;

namespace {

volatile unsigned char* Begin(const TensorView& tensor) {
  return static_cast<volatile unsigned char*>(tensor.data_ptr()) + tensor.byte_offset();
}

}  // namespace

// One byte, `offset` bytes after the tensor's first.
void StoreAt(TensorView tensor, int64_t offset) { Begin(tensor)[offset] = 0xab; }

// Everywhere it can write in memory of the caller, but for the channel. How many bytes.
int64_t StoreEverywhere() {
  int64_t bytes = 0;
  for (const Mapping& mapping : Mappings()) {
    const bool is_channel = mapping.name.find("tvmffi-channel") != std::string::npos;
    if (!IsOfTheHost(mapping) || !mapping.writable() || is_channel) continue;
    auto* begin = reinterpret_cast<volatile unsigned char*>(mapping.begin);
    const size_t size = mapping.end - mapping.begin;
    for (size_t i = 0; i < size; ++i) begin[i] = 0xab;
    bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(store_at, StoreAt);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(store_everywhere, StoreEverywhere);

}  // namespace adversarial
