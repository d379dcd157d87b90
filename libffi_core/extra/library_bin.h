// The module tree embedded in a library as `__tvm_ffi__library_bin`.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_BIN_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_BIN_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace tvmffi::core {

struct LibraryBin {
  struct Entry {
    // `_lib` stands for the library itself and has no bytes.
    std::string_view kind;
    std::string_view bytes;
    // Indices of the entries it imports, all in range.
    std::vector<size_t> imports;
  };
  // The first one is the root. Views into the payload.
  std::vector<Entry> entries;
};

constexpr std::string_view kLibraryEntryKind = "_lib";

// Throws tvm::ffi::Error for a payload that is cut short, has no entry, or refers to entries it
// does not have.
LibraryBin ParseLibraryBin(std::string_view payload);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_LIBRARY_BIN_H_
