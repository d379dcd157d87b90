// A module's file as it was when it was checked: what workers load, and what reports are read from.
#ifndef TVMFFI_CLIENT_SRC_MODULE_COPY_H_
#define TVMFFI_CLIENT_SRC_MODULE_COPY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/sealed_file.h"
#include "proto/base/status.h"
#include "proto/elf/elf_file.h"

namespace tvmffi::host {

struct ModuleCopy {
  SealedFile file;
  elf::ElfFile elf;
};

// By the path that the linker is given; null for a module without a copy.
using KnownModules = std::map<std::string, std::shared_ptr<const ModuleCopy>>;

// Copies the shared library at `path`, then checks the copy. The status says, with the path, why it
// cannot be loaded: it is no readable library of this machine, or calls functions of the C ABI that
// workers of this version do not have.
Result<std::shared_ptr<const ModuleCopy>> CopyModule(const std::string& path);

// PermissionDenied names the first library that the module's file asks the linker for, as needed,
// filter or audit library, and that `allowed` does not have. What those libraries need in turn is
// not looked at.
Status CheckLibraries(const elf::ElfFile& file, const std::vector<std::string>& allowed);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_MODULE_COPY_H_
