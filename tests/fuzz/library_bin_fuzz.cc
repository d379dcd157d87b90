// Embedded module trees: any bytes are parsed or refused, and what is parsed refers to itself only.
#include <tvm/ffi/error.h>

#include <cstdint>
#include <cstdlib>
#include <functional>

#include "libffi_core/extra/library_bin.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Within(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_after;
  return part.empty() || (not_after(whole.data(), part.data()) &&
                          not_after(part.data() + part.size(), whole.data() + whole.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  try {
    const tvmffi::core::LibraryBin bin = tvmffi::core::ParseLibraryBin(payload);
    Require(!bin.entries.empty());
    for (const auto& entry : bin.entries) {
      Require(Within(entry.kind, payload) && Within(entry.bytes, payload));
      for (size_t imported : entry.imports) Require(imported < bin.entries.size());
    }
  } catch (const tvm::ffi::Error& error) {
    Require(error.kind() == "InternalError");
  }
  return 0;
}
