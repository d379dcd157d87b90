// Loads and stores where they should not be.

#include <inttypes.h>
#include <stdio.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>

#include <utility>
#include <vector>

namespace faulty {

using tvm::ffi::TensorView;

namespace {

volatile unsigned char* Begin(const TensorView& tensor) {
  return static_cast<volatile unsigned char*>(tensor.data_ptr()) + tensor.byte_offset();
}

volatile unsigned char* End(const TensorView& tensor) {
  return Begin(tensor) + tvm::ffi::GetDataSize(tensor);
}

// Collected first: what is overwritten next may be in use by the reader of the list.
std::vector<std::pair<uintptr_t, uintptr_t>> SharedWritableMappings() {
  std::vector<std::pair<uintptr_t, uintptr_t>> mappings;
  FILE* maps = fopen("/proc/self/maps", "re");
  TVM_FFI_ICHECK(maps != nullptr) << "/proc/self/maps";
  char line[512];
  while (fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char access[5] = "";
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, access) == 3 &&
        access[1] == 'w' && access[3] == 's') {
      mappings.emplace_back(begin, end);
    }
  }
  fclose(maps);
  return mappings;
}

}  // namespace

void WritePast(TensorView tensor, int64_t bytes) {
  for (int64_t i = 0; i < bytes; ++i) End(tensor)[i] = 0xab;
}

void WriteBefore(TensorView tensor, int64_t bytes) {
  for (int64_t i = 1; i <= bytes; ++i) Begin(tensor)[-i] = 0xab;
}

// An off-by-one as programs have it: one element too many.
void StoreOnePast(TensorView input, TensorView output) {
  const auto* in = static_cast<const float*>(input.data_ptr());
  auto* out = static_cast<volatile float*>(output.data_ptr());
  const int64_t count = output.numel();
  for (int64_t i = 0; i <= count; ++i) out[i] = in[0];
}

int64_t ReadPast(TensorView tensor, int64_t bytes) {
  int64_t sum = 0;
  for (int64_t i = 0; i < bytes; ++i) sum += End(tensor)[i];
  return sum;
}

void WriteInput(TensorView tensor) { *Begin(tensor) = 0xab; }

void WildStore(int64_t address) { *reinterpret_cast<volatile unsigned char*>(address) = 0xab; }

int64_t ScribbleShm() {
  int64_t bytes = 0;
  for (const auto& [begin, end] : SharedWritableMappings()) {
    for (uintptr_t at = begin; at < end; ++at) {
      *reinterpret_cast<volatile unsigned char*>(at) = 0xa5;
    }
    bytes += static_cast<int64_t>(end - begin);
  }
  return bytes;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(write_past, WritePast);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(write_before, WriteBefore);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(store_one_past, StoreOnePast);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(read_past, ReadPast);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(write_input, WriteInput);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(wild_store, WildStore);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(scribble_shm, ScribbleShm);

}  // namespace faulty
