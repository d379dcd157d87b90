// Any bytes as a shared library. What is accepted keeps its promises.
#include "proto/elf/elf_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

void CheckNames(const std::vector<std::string>& names) {
  if (std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) != names.end()) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tvmffi::Result<tvmffi::elf::ElfFile> file = tvmffi::elf::ReadElf(data, size);
  if (!file.ok()) {
    if (file.status().message.empty()) std::abort();
    return 0;
  }
  CheckNames(file->exports);
  CheckNames(file->imports);
  return 0;
}
