#include "libffi_core/extra/library_bin.h"

#include <tvm/ffi/error.h>

#include <cstring>

namespace tvmffi::core {
namespace {

// Little-endian, like the format; the hosts this library supports are too.
class Reader {
 public:
  explicit Reader(std::string_view payload) : rest_(payload), size_(payload.size()) {}

  bool at_end() const { return rest_.empty(); }

  uint64_t U64() {
    uint64_t value;
    std::memcpy(&value, Take(sizeof(value)).data(), sizeof(value));
    return value;
  }

  std::string_view Str() { return Take(U64()); }

  std::vector<uint64_t> Vec() {
    const uint64_t count = U64();
    // Before anything is allocated for a count that cannot be true.
    if (count > rest_.size() / sizeof(uint64_t)) Fail(count * sizeof(uint64_t));
    std::vector<uint64_t> values;
    for (uint64_t i = 0; i < count; ++i) values.push_back(U64());
    return values;
  }

 private:
  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) Fail(size);
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  [[noreturn]] void Fail(uint64_t wanted) const {
    TVM_FFI_THROW(InternalError) << "library binary is cut short: byte " << size_ - rest_.size()
                                 << " needs " << wanted << " more, but the payload has " << size_;
  }

  std::string_view rest_;
  size_t size_;
};

// The imports of entry i are children[row_starts[i]] to children[row_starts[i + 1] - 1].
std::vector<size_t> ImportsOf(size_t i, const std::vector<uint64_t>& row_starts,
                              const std::vector<uint64_t>& children) {
  const uint64_t begin = row_starts[i], end = row_starts[i + 1];
  TVM_FFI_ICHECK(begin <= end && end <= children.size())
      << "library binary: imports of entry " << i << " are " << begin << " to " << end << " of "
      << children.size();
  std::vector<size_t> imports;
  for (uint64_t row = begin; row < end; ++row) {
    TVM_FFI_ICHECK_LT(children[row], row_starts.size() - 1)
        << "library binary: entry " << i << " imports an entry that does not exist";
    imports.push_back(static_cast<size_t>(children[row]));
  }
  return imports;
}

}  // namespace

LibraryBin ParseLibraryBin(std::string_view payload) {
  Reader reader(payload);
  const std::vector<uint64_t> row_starts = reader.Vec();
  const std::vector<uint64_t> children = reader.Vec();
  TVM_FFI_ICHECK_GE(row_starts.size(), size_t{2}) << "library binary has no entry";
  LibraryBin bin;
  for (size_t i = 0; i + 1 < row_starts.size(); ++i) {
    LibraryBin::Entry entry;
    entry.kind = reader.Str();
    if (entry.kind != kLibraryEntryKind) entry.bytes = reader.Str();
    entry.imports = ImportsOf(i, row_starts, children);
    bin.entries.push_back(std::move(entry));
  }
  TVM_FFI_ICHECK(reader.at_end()) << "library binary has bytes behind its last entry";
  return bin;
}

}  // namespace tvmffi::core
