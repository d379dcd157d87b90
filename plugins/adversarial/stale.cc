// C1.13, D5: answers of earlier calls, looked for in every place where one may have been left.

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "attempts.h"
#include "mappings.h"

namespace adversarial {
namespace {

using tvm::ffi::TensorView;

std::vector<float>& Kept() {
  static std::vector<float> kept;
  return kept;
}

// Four equal elements in a row.
bool Holds(const void* memory, size_t bytes, float value) {
  const auto* floats = static_cast<const float*>(memory);
  int run = 0;
  for (size_t i = 0; i < bytes / sizeof(float); ++i) {
    run = std::memcmp(floats + i, &value, sizeof(value)) == 0 ? run + 1 : 0;
    if (run == 4) return true;
  }
  return false;
}

}  // namespace

// Keeps what is in the tensor, for later calls of this worker.
void Keep(TensorView tensor) {
  const auto* data = static_cast<const float*>(tensor.data_ptr());
  Kept().assign(data, data + tensor.numel());
}

// Where `answer` is to be found, in a call whose only tensor is the output.
Attempts Look(TensorView output, double answer) {
  Attempts attempts;
  const float value = static_cast<float>(answer);
  errno = ENOENT;
  Note(&attempts, "the output",
       Holds(output.data_ptr(), static_cast<size_t>(output.numel()) * sizeof(float), value));
  errno = ENOENT;
  Note(&attempts, "what was kept", Holds(Kept().data(), Kept().size() * sizeof(float), value));
  for (const Mapping& mapping : Mappings()) {
    if (!IsOfTheHost(mapping) || mapping.access[0] != 'r') continue;
    if (!Holds(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, value))
      continue;
    const size_t name = mapping.name.find("tvmffi-") + 7;
    Note(&attempts, mapping.name.substr(name, mapping.name.find(' ', name) - name), true);
  }
  return attempts;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(keep, Keep);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(look, Look);

}  // namespace adversarial
