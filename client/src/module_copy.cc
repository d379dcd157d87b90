#include "client/src/module_copy.h"

#include <tvm/ffi/c_api.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "client/src/abi_functions.h"
#include "client/src/worker_error.h"

namespace tvmffi::host {
namespace {

// In a message: names are a hostile file's.
constexpr size_t kMaxShownName = 256;
constexpr size_t kMaxShownList = 2048;

// Libraries that have no functions of the C ABI of their own.
bool IsPlain(std::string_view library) {
  constexpr std::array<std::string_view, 9> kPlain = {"libtvm_ffi.so", "libc.so",       "libm.so",
                                                      "libstdc++.so",  "libgcc_s.so",   "libdl.so",
                                                      "librt.so",      "libpthread.so", "ld-linux"};
  return std::any_of(kPlain.begin(), kPlain.end(), [&](std::string_view plain) {
    return library.substr(0, plain.size()) == plain;
  });
}

bool IsKnown(const std::string& function) {
  return std::any_of(std::begin(kAbiFunctions), std::end(kAbiFunctions),
                     [&](const char* known) { return function == known; });
}

bool IsFunctionName(const std::string& name) {
  return name.rfind("TVMFFI", 0) == 0 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0;
         });
}

// Bound lazily, such a function would be missed only when it is called, and end the worker.
Status CheckFunctions(const elf::ElfFile& file) {
  const auto& needed = file.needed;
  if (!std::all_of(needed.begin(), needed.end(), IsPlain)) return OkStatus();
  for (const std::string& name : file.imports) {
    const auto& optional = file.optional_imports;
    if (std::binary_search(optional.begin(), optional.end(), name)) continue;
    if (!IsFunctionName(name) || IsKnown(name)) continue;
    return {Code::kInvalidArgument, "it calls " + name + ", which the C ABI of this version (" +
                                        std::to_string(TVM_FFI_VERSION_MAJOR) + "." +
                                        std::to_string(TVM_FFI_VERSION_MINOR) + "." +
                                        std::to_string(TVM_FFI_VERSION_PATCH) + ") does not have"};
  }
  return OkStatus();
}

}  // namespace

Result<std::shared_ptr<const ModuleCopy>> CopyModule(const std::string& path) {
  Result<SealedFile> file = SealedFile::Copy(path);
  if (!file.ok()) return file.status();
  auto copy = std::make_shared<ModuleCopy>();
  copy->file = std::move(*file);
  Result<elf::ElfFile> elf = elf::ReadElf(copy->file.data(), copy->file.size());
  Status status = elf.ok() ? CheckFunctions(*elf) : elf.status();
  if (!status.ok()) {
    status.message = "'" + path + "': " + status.message;
    return status;
  }
  copy->elf = std::move(*elf);
  return std::shared_ptr<const ModuleCopy>(std::move(copy));
}

Status CheckLibraries(const elf::ElfFile& file, const std::vector<std::string>& allowed) {
  for (const auto* asked : {&file.needed, &file.filters, &file.audits}) {
    for (const std::string& name : *asked) {
      if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
      std::string list;
      for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
      return {Code::kPermissionDenied, "it needs '" + CleanText(name, kMaxShownName) +
                                           "', its policy's 'libraries' are [" +
                                           CleanText(list, kMaxShownList) + "]"};
    }
  }
  return OkStatus();
}

}  // namespace tvmffi::host
